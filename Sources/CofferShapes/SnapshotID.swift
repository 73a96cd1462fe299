public import CofferSecrets

/// The id of a snapshot: `snap-` and 17 lower-case hex digits.
public struct SnapshotID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        guard text.hasPrefix("snap-"), text.utf8.count == 22,
            text.utf8.dropFirst(5).allSatisfy(Hex.isLowerDigit)
        else { return nil }
        self.text = text
    }

    public init(random source: some ByteSource) {
        text = "snap-" + Hex.lower(source.bytes(9)).prefix(17)
    }

    public var description: String { text }
}
