internal import CofferShapes

/// Cuts lists into the parts that callers ask for ("Marker", "MaxItems", "IsTruncated"). A marker names the last item
/// given, so that it stays valid whatever is added or removed meanwhile.
enum IdentityPagination {
    private static let prefix = "1:"

    /// A part of `items`, which are in the order of their names: `name` tells them apart.
    static func part<Item: Sendable>(
        _ items: [Item],
        _ page: Page,
        name: (Item) -> String
    ) throws(AWSError) -> Listing<Item> {
        let limit = page.limit ?? IdentityLimits.pageStandard
        guard limit >= 1 else {
            throw IdentityRefusal.constraint(
                "\(limit)",
                "maxItems",
                "Member must have value greater than or equal to 1"
            )
        }
        guard limit <= IdentityLimits.pageMaximum else {
            throw IdentityRefusal.constraint(
                "\(limit)",
                "maxItems",
                "Member must have value less than or equal to \(IdentityLimits.pageMaximum)"
            )
        }
        var rest = items[...]
        if let marker = page.marker {
            guard marker.hasPrefix(prefix) else { throw IdentityRefusal.badMarker }
            let last = marker.dropFirst(prefix.count)
            rest = rest.drop { name($0) <= last }
        }
        let part = rest.prefix(limit)
        let isLast = part.count == rest.count
        return Listing(items: Array(part), nextMarker: isLast ? nil : part.last.map { prefix + name($0) })
    }
}
