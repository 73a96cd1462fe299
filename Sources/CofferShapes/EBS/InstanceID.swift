/// The id of an instance: `i-` and 17 lower-case hex digits. Here the only instance is this host.
public struct InstanceID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        guard text.hasPrefix("i-"), text.utf8.count == 19, text.utf8.dropFirst(2).allSatisfy(Hex.isLowerDigit)
        else { return nil }
        self.text = text
    }

    /// From at least 9 bytes; the same for the same bytes.
    public init(bytes: [UInt8]) {
        precondition(bytes.count >= 9, "an instance id takes 9 bytes")
        text = "i-" + Hex.lower(bytes.prefix(9)).prefix(17)
    }

    public var description: String { text }
}
