internal import CofferShapes
internal import FoundationEssentials

/// `MaxRecords` and `Marker`: a description in pages. A marker says behind what the next page begins, and needs no memory
/// here. (RDS API reference, `DescribeDBInstances`)
struct RDSPage {
    private let limit: Int
    private let last: String?

    static let limits = 20...100

    init(_ limit: Int?, marker: String?) throws(AWSError) {
        if let limit, !Self.limits.contains(limit) {
            throw AWSError(
                .invalidParameterValue,
                "Invalid value \(limit) for MaxRecords. Must be between \(Self.limits.lowerBound) and "
                    + "\(Self.limits.upperBound)"
            )
        }
        self.limit = limit ?? Self.limits.upperBound
        last = try marker.map { marker throws(AWSError) in try Self.place(in: marker) }
    }

    /// The page of `items`, which are in the order of their `place`, no two in the same.
    func part<Item: Sendable>(_ items: [Item], place: (Item) -> String) -> Listing<Item> {
        let rest = items.drop { item in last.map { place(item) <= $0 } ?? false }
        guard rest.count > limit, let end = rest.prefix(limit).last else {
            return Listing(items: Array(rest))
        }
        return Listing(items: Array(rest.prefix(limit)), nextMarker: Self.marker(behind: place(end)))
    }

    private static func marker(behind place: String) -> String {
        Data("1 \(place)".utf8).base64EncodedString()
    }

    private static func place(in marker: String) throws(AWSError) -> String {
        let bytes = marker.utf8.count <= 1024 ? Data(base64Encoded: marker) ?? Data() : Data()
        guard let text = String(validating: bytes, as: UTF8.self), text.hasPrefix("1 "),
            bytes.base64EncodedString() == marker
        else {
            throw AWSError(.invalidParameterValue, "The specified marker is not valid or has expired.")
        }
        return String(text.dropFirst(2))
    }
}
