internal import CofferShapes
internal import FoundationEssentials

/// Cuts lists into the parts that callers ask for. A marker names the last item given, so that it stays valid
/// whatever is added or removed meanwhile.
struct Pagination {
    /// Items in a part where the caller names no number, and at most.
    let standard: Int
    let maximum: Int

    static let keys = Pagination(standard: 100, maximum: 1000)
    static let aliases = Pagination(standard: 50, maximum: 100)
    static let grants = Pagination(standard: 50, maximum: 100)
    static let tags = Pagination(standard: 50, maximum: 50)

    func limit(_ page: Page) throws(AWSError) -> Int {
        guard let limit = page.limit else { return standard }
        guard (1...maximum).contains(limit) else {
            throw Refusal.outside(1...maximum, limit, "limit")
        }
        return limit
    }

    /// A part of `items`, which are in the order of their names: `name` tells them apart.
    func part<Item: Sendable>(
        _ items: [Item],
        _ page: Page,
        name: (Item) -> String
    ) throws(AWSError) -> Listing<Item> {
        let limit = try limit(page)
        var rest = items[...]
        if let marker = page.marker {
            let last = try Self.open(marker)
            // The item itself may have gone: what follows it in the order is what is next.
            if let index = items.firstIndex(where: { name($0) == last }) {
                rest = items[(index + 1)...]
            } else {
                rest = rest.drop { name($0) <= last }
            }
        }
        let part = rest.prefix(limit)
        let isLast = part.count == rest.count
        return Listing(items: Array(part), nextMarker: isLast ? nil : part.last.map { Self.seal(name($0)) })
    }

    private static let prefix = "1:"

    static func seal(_ name: String) -> String {
        Data((prefix + name).utf8).base64EncodedString()
    }

    /// Throws InvalidMarkerException for what no answer of ours held.
    static func open(_ marker: String) throws(AWSError) -> String {
        guard let data = Data(base64Encoded: marker), let text = String(validating: data, as: UTF8.self),
            text.hasPrefix(prefix)
        else { throw Refusal.badMarker() }
        return String(text.dropFirst(prefix.count))
    }
}
