/// Where the trail ends: the newest line's number and code.
public struct TrailPosition: Sendable, Hashable {
    public let sequence: UInt64
    /// 32 bytes.
    public let mac: [UInt8]

    public init(sequence: UInt64, mac: [UInt8]) { (self.sequence, self.mac) = (sequence, mac) }

    /// Before the first line.
    static let start = TrailPosition(sequence: 0, mac: [UInt8](repeating: 0, count: TrailLine.macCount))
}

/// Keeps the trail's end somewhere other than in the trail, so that a cut tail shows. Both functions are
/// called under the trail's lock.
public protocol TrailHead: Sendable {
    /// nil before the first `store`.
    func load() throws -> TrailPosition?
    func store(_ position: TrailPosition) throws
}
