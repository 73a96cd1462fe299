internal import CofferCrypto
internal import CofferShapes
internal import Glibc

/// The bytes of a changed-block map's file: a header of 4096 bytes, then the bits.
///
/// ```
/// offset  size  field
/// 0x000      8  magic: 43 4F 46 43 48 47 1A 0A
/// 0x008    2+2  major 1, minor 0
/// 0x00C      4  header length: 4096
/// 0x010     16  uuid of the volume's key
/// 0x020     32  volume id, ASCII, zero-padded
/// 0x040      8  attach epoch
/// 0x048      4  block size: 524288
/// 0x04C      4  state: 1 in use, 2 clean
/// 0x050     16  boot id
/// 0x060     32  base: the id of a snapshot, or zero
/// 0xFC0     32  SHA-256 of the bits where the state is clean, else zero
/// 0xFE0     32  SHA-256 of the header with these 32 bytes zero
/// 0x1000        bit n % 8 of byte n / 8: block n; a whole number of 8 bytes
/// ```
enum ChangedBlockFile {
    enum State: UInt32 {
        /// A process serves the volume, or died doing so.
        case inUse = 1
        case clean = 2
    }

    static let bitsAt = 4096

    private static let magic: [UInt8] = [0x43, 0x4F, 0x46, 0x43, 0x48, 0x47, 0x1A, 0x0A]
    private static let uuid = 0x10..<0x20
    private static let volumeID = 0x20..<0x40
    private static let epoch = 0x40
    private static let blockBytes = 0x48
    private static let state = 0x4C
    private static let bootID = 0x50..<0x60
    private static let base = 0x60..<0x80
    private static let bitsDigest = 0xFC0..<0xFE0
    private static let checksum = 0xFE0..<0x1000

    static func header(
        _ place: ChangedBlockMap.Place,
        _ state: State,
        base: SnapshotID?,
        bitsDigest digest: [UInt8]?
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bitsAt)
        bytes.store(magic, at: 0)
        bytes.store(littleEndian: UInt16(1), at: 0x08)
        bytes.store(littleEndian: UInt32(bitsAt), at: 0x0C)
        bytes.store(place.uuid, at: uuid.lowerBound)
        bytes.store(place.volumeID.text.utf8, at: volumeID.lowerBound)
        bytes.store(littleEndian: place.epoch, at: epoch)
        bytes.store(littleEndian: UInt32(SnapshotBlock.bytes), at: blockBytes)
        bytes.store(littleEndian: state.rawValue, at: self.state)
        bytes.store(place.bootID, at: bootID.lowerBound)
        if let base { bytes.store(base.text.utf8, at: self.base.lowerBound) }
        if let digest { bytes.store(digest, at: bitsDigest.lowerBound) }
        bytes.store(SHA256.digest(bytes), at: checksum.lowerBound)
        return bytes
    }

    /// The base and the bits of a map that can be believed for `place`; nil for any other.
    static func read(
        _ store: FileBlockStore,
        _ place: ChangedBlockMap.Place
    ) throws(BlockError) -> (base: SnapshotID, bits: [UInt8])? {
        let most = bitsAt + AtomicBlockMap.blockLimit / 8
        let size = try store.sizeBytes()
        guard size >= UInt64(bitsAt), size <= UInt64(most), (size - UInt64(bitsAt)).isMultiple(of: 8) else {
            return nil
        }
        let bytes = try store.bytes(at: 0, count: Int(size))
        guard bytes.count == Int(size) else { return nil }
        let header = Array(bytes[..<bitsAt])
        let bits = Array(bytes[bitsAt...])
        // All that is the same in each header of this volume's is compared as one.
        guard let state = State(rawValue: header.load(UInt32.self, at: state)),
            let base = base(header),
            header.load(UInt64.self, at: epoch) == place.lastEpoch
        else { return nil }
        var expected = place
        expected.epoch = place.lastEpoch
        let digest: [UInt8]?
        switch state {
        case .clean:
            expected.bootID = Array(header[bootID])
            digest = SHA256.digest(bits)
        case .inUse: digest = nil
        }
        guard header == self.header(expected, state, base: base, bitsDigest: digest) else { return nil }
        return (base, bits)
    }

    private static func base(_ header: [UInt8]) -> SnapshotID? {
        String(validating: header[base].prefix { $0 != 0 }, as: UTF8.self).flatMap(SnapshotID.init)
    }
}
