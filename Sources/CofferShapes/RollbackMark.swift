/// How far a volume's header had come when it was last seen. A header below its mark is an old one put back.
public struct RollbackMark: Sendable, Equatable, Codable {
    /// 16 bytes.
    public let uuid: [UInt8]
    public let sequence: UInt64
    public let attachEpoch: UInt64

    public init(uuid: [UInt8], sequence: UInt64, attachEpoch: UInt64) {
        (self.uuid, self.sequence, self.attachEpoch) = (uuid, sequence, attachEpoch)
    }

    /// Whether a header with the mark `current` may follow this one: both counters only grow, and the uuid changes only
    /// together with the sequence.
    public func allows(_ current: RollbackMark) -> Bool {
        current.sequence >= sequence && current.attachEpoch >= attachEpoch
            && (current.uuid == uuid || current.sequence > sequence)
    }
}
