/// The id of a snapshot: `snap-` and 17 lower-case hex digits.
public struct SnapshotID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        guard text.hasPrefix("snap-"), text.utf8.count == 22,
            text.utf8.dropFirst(5).allSatisfy(Hex.isLowerDigit)
        else { return nil }
        self.text = text
    }

    public var description: String { text }
}
