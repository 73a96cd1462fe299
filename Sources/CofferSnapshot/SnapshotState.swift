internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes

/// How far a snapshot has come that has no manifest yet, as it lies in its folder. It is nobody's proof: a snapshot is
/// complete when its manifest is there, and then this counts no more.
///
/// ```
/// 0x000   8  magic COFSTA SUB LF       0x048   8  created, ns since 1970
/// 0x008   2+2  major, minor            0x050   8  blocks done
/// 0x00C   4  state: 1 pending, 2 error 0x058   8  blocks in all
/// 0x010  32  snapshot id, zero-padded  0x060   4  length of the reason
/// 0x030  16  uuid of the lineage       0x064  28  zero
/// 0x040   8  volume size               0x080 3936 reason, UTF-8, zero-padded
///                                      0xFE0  32  SHA-256 of the rest
/// ```
public struct SnapshotState: Sendable, Equatable {
    public enum Phase: Sendable, Equatable {
        /// Being made. Where nobody holds the lineage's lock, whoever made it is gone.
        case pending
        /// It will never be complete.
        case error(reason: String)
    }

    public let snapshotID: SnapshotID
    public let lineage: LineageID
    public let volumeBytes: UInt64
    public let created: Timestamp
    public var phase: Phase
    public var blocksDone: UInt64
    public var blocksTotal: UInt64

    public init(
        snapshotID: SnapshotID,
        lineage: LineageID,
        volumeBytes: UInt64,
        created: Timestamp,
        phase: Phase = .pending,
        blocksDone: UInt64 = 0,
        blocksTotal: UInt64 = 0
    ) {
        (self.snapshotID, self.lineage, self.volumeBytes) = (snapshotID, lineage, volumeBytes)
        (self.created, self.phase) = (created, phase)
        (self.blocksDone, self.blocksTotal) = (blocksDone, blocksTotal)
    }

    /// Percent, 0 to 100, as `DescribeSnapshots` gives it.
    public var percent: Int {
        guard blocksTotal > 0 else { return 0 }
        return Int((Double(min(blocksDone, blocksTotal)) / Double(blocksTotal) * 100).rounded(.down))
    }

    static let fileBytes = 4096
    private static let magic: [UInt8] = [0x43, 0x4F, 0x46, 0x53, 0x54, 0x41, 0x1A, 0x0A]
    private static let reasonAt = 0x80
    private static let checksumAt = 0xFE0
    private static let reasonRoom = checksumAt - reasonAt

    func serialised() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.fileBytes)
        bytes.store(Self.magic, at: 0)
        bytes.store(littleEndian: UInt16(1), at: 0x008)
        bytes.store(snapshotID.text.utf8, at: 0x010)
        bytes.store(lineage.uuid, at: 0x030)
        bytes.store(littleEndian: volumeBytes, at: 0x040)
        bytes.store(littleEndian: created.nanoseconds, at: 0x048)
        bytes.store(littleEndian: blocksDone, at: 0x050)
        bytes.store(littleEndian: blocksTotal, at: 0x058)
        switch phase {
        case .pending: bytes.store(littleEndian: UInt32(1), at: 0x00C)
        case .error(let reason):
            bytes.store(littleEndian: UInt32(2), at: 0x00C)
            let text = Self.cut(reason)
            bytes.store(littleEndian: UInt32(text.count), at: 0x060)
            bytes.store(text, at: Self.reasonAt)
        }
        bytes.store(SHA256.digest(Array(bytes.prefix(Self.checksumAt))), at: Self.checksumAt)
        return bytes
    }

    /// As many whole characters as there is room for.
    private static func cut(_ reason: String) -> [UInt8] {
        var reason = reason
        while reason.utf8.count > reasonRoom { reason.removeLast() }
        return Array(reason.utf8)
    }

    /// nil for anything that `serialised` does not make.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.fileBytes, bytes.bytes(at: 0, count: 8) == Self.magic,
            SHA256.digest(Array(bytes.prefix(Self.checksumAt)))
                == bytes.bytes(at: Self.checksumAt, count: SHA256.count),
            bytes.load(UInt16.self, at: 0x008) == 1,
            let snapshotID = bytes.paddedText(at: 0x010, count: 32).flatMap(SnapshotID.init)
        else { return nil }
        let length = Int(bytes.load(UInt32.self, at: 0x060))
        guard length <= Self.reasonRoom,
            let reason = String(validating: bytes[Self.reasonAt..<Self.reasonAt + length], as: UTF8.self)
        else { return nil }
        self.init(
            snapshotID: snapshotID,
            lineage: LineageID(uuid: bytes.bytes(at: 0x030, count: 16)),
            volumeBytes: bytes.load(UInt64.self, at: 0x040),
            created: Timestamp(nanoseconds: bytes.load(UInt64.self, at: 0x048)),
            blocksDone: bytes.load(UInt64.self, at: 0x050),
            blocksTotal: bytes.load(UInt64.self, at: 0x058)
        )
        switch bytes.load(UInt32.self, at: 0x00C) {
        case 1: break
        case 2: phase = .error(reason: reason)
        default: return nil
        }
    }
}
