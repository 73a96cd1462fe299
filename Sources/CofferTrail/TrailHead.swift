/// Where the trail ends: the newest line's number and code.
public struct TrailPosition: Sendable, Hashable {
    public let sequence: UInt64
    /// 32 bytes.
    public let mac: [UInt8]

    public init(sequence: UInt64, mac: [UInt8]) { (self.sequence, self.mac) = (sequence, mac) }

    /// Before the first line.
    static let start = TrailPosition(sequence: 0, mac: [UInt8](repeating: 0, count: TrailLine.macCount))
}

/// Keeps the trail's end somewhere other than in the trail, so that a cut tail shows.
///
/// Within `Trail.locked` both functions are called on the caller's thread, so that a store may make the head
/// part of a transaction; otherwise on any thread, without the trail's lock.
public protocol TrailHead: Sendable {
    /// nil before the first `store`.
    func load() throws -> TrailPosition?
    /// Keeps `position` unless what is kept has a larger number: processes store what they have synced in no
    /// particular order. Durable when it returns, or when the transaction is that it is part of.
    func store(_ position: TrailPosition) throws
}
