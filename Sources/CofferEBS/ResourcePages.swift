internal import CofferCrypto
internal import CofferShapes
internal import FoundationEssentials

/// A description in pages. A page's token says behind what the next begins; it needs no memory here, and one that was
/// changed, or is for other filters, is refused.
struct ResourcePages {
    private let limits: ClosedRange<Int>

    /// The page sizes that a request may ask for.
    init(_ limits: ClosedRange<Int>) { self.limits = limits }

    /// The page of `items`, which are in the order of their `place`, that the query means.
    func part<Item: Sendable>(
        _ items: [Item],
        _ query: ResourceQuery,
        _ filters: FilterSet,
        place: (Item) -> (UInt64, String)
    ) throws -> Listing<Item> {
        guard query.limit == nil && query.nextToken == nil || query.ids.isEmpty else {
            throw AWSError(
                .invalidParameterCombination,
                "The parameters MaxResults and NextToken cannot be used with a list of ids in the same request."
            )
        }
        if let limit = query.limit, !limits.contains(limit) {
            let isLess = limit < limits.lowerBound
            throw AWSError(
                .invalidParameterValue,
                "Value ( \(limit) ) for parameter maxResults is invalid. Expecting a value "
                    + (isLess ? "greater than \(limits.lowerBound)." : "less than \(limits.upperBound).")
            )
        }
        var rest = items[...]
        if let token = query.nextToken {
            let last = try Self.open(token, filters)
            rest = rest.drop { place($0) <= last }
        }
        guard let limit = query.limit ?? (query.nextToken == nil ? nil : limits.upperBound),
            rest.count > limit,
            let last = rest.prefix(limit).last
        else { return Listing(items: Array(rest)) }
        return Listing(items: Array(rest.prefix(limit)), nextMarker: Self.token(place(last), filters))
    }

    // MARK: - Tokens

    private static func token(_ place: (UInt64, String), _ filters: FilterSet) -> String {
        let words = "1 \(place.0) \(place.1)"
        return Data("\(words) \(check(words, filters))".utf8).base64EncodedString()
    }

    private static func open(_ token: String, _ filters: FilterSet) throws -> (UInt64, String) {
        let bytes = Data(base64Encoded: token) ?? Data()
        let text = String(validating: bytes, as: UTF8.self) ?? ""
        let parts = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        // Two texts may stand for the same bytes: only ours is one.
        guard token.utf8.count <= 4096, bytes.base64EncodedString() == token, parts.count == 4,
            parts[0] == "1", let number = UInt64(parts[1]),
            parts[3] == check("1 \(number) \(parts[2])", filters)
        else {
            throw AWSError(
                .invalidPaginationToken,
                "The specified pagination token is not valid or has expired."
            )
        }
        return (number, String(parts[2]))
    }

    /// Finds changes and mistakes. It guards nothing: a place is no secret, and tells nobody what they may not see.
    private static func check(_ words: String, _ filters: FilterSet) -> String {
        let all = ([words] + filters.words).flatMap { Array("\($0.utf8.count) ".utf8) + Array($0.utf8) }
        return Hex.lower(SHA256.digest(Array("coffer/page/1 ".utf8) + all).prefix(16))
    }
}
