internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// How far the re-encryption of a volume has come, and the old ciphertext of the step under way, so that a crash at any
/// point leaves no byte of which nobody knows the key.
///
/// A step is 256 KiB of the volume. Two places in the reserved area of the volume's store take turns, each a record and
/// behind it what the step held:
/// ```
/// 0x40000, 0xA0000
/// 0x000   8  magic COFREC SUB LF       0x028   8  number, one more with each record
/// 0x008   4  version: 1                0x030   8  step
/// 0x00C   4  bytes behind the record   0x038   8  zero
/// 0x010  16  uuid of the new key       0x040  32  SHA-256 of the bytes behind the record
/// 0x020   8  its key epoch             0x060 3968 zero
///                                      0xFE0  32  HMAC-SHA-256 of the rest, under the header's key
/// 0x1000     the old ciphertext of the step, up to 256 KiB; none where the step is not begun
/// ```
/// The whole record with the highest number counts: all steps before its step are under the new key, those behind it
/// under the old one, and the step itself is under the old key once what is behind the record is put back.
final class ReencryptionJournal: @unchecked Sendable {
    // Sendable: one thread at a time writes records, and nobody else looks at `number`.

    static let stepBytes = 256 << 10
    private static let places: [UInt64] = [0x40000, 0xA0000]
    private static let recordBytes = 4096
    private static let magic: [UInt8] = [0x43, 0x4F, 0x46, 0x52, 0x45, 0x43, 0x1A, 0x0A]
    private static let macAt = 0xFE0

    /// The volume's store, through the page cache.
    private let store: any BlockStore
    private let header: VolumeHeader
    private let macKey: SecretBytes
    private var number: UInt64 = 0

    /// A journal for the newest key of a header. `store` is the volume's.
    init(
        _ header: VolumeHeader,
        in store: any BlockStore,
        _ volumeKey: borrowing VolumeKey
    ) throws(HeaderError) {
        (self.header, self.store) = (header, store)
        macKey = try header.macKey(from: volumeKey)
    }

    /// Where a re-encryption has come to.
    struct Position {
        let step: UInt64
        /// What the step held: it is to be put back before anything else.
        let oldCiphertext: [UInt8]
    }

    /// Says durably that everything before a step is done.
    func record(step: UInt64) throws(BlockError) {
        let nothing: [UInt8] = []
        unsafe try record(step: step, nothing.span.bytes)
    }

    /// The same, with what the step holds, which is about to be written over.
    func record(step: UInt64, _ oldCiphertext: RawSpan) throws(BlockError) {
        let count = oldCiphertext.byteCount
        precondition(count <= Self.stepBytes, "a step that is none")
        number += 1
        var bytes = [UInt8](repeating: 0, count: Self.recordBytes)
        bytes.store(Self.magic, at: 0)
        bytes.store(littleEndian: UInt32(1), at: 0x008)
        bytes.store(littleEndian: UInt32(count), at: 0x00C)
        bytes.store(header.uuid, at: 0x010)
        bytes.store(littleEndian: header.keyEpoch, at: 0x020)
        bytes.store(littleEndian: number, at: 0x028)
        bytes.store(littleEndian: step, at: 0x030)
        bytes.store(SHA256.digest(oldCiphertext), at: 0x040)
        bytes.store(code(of: bytes), at: Self.macAt)
        let place = Self.places[Int(number % 2)]
        if count > 0 { try store.write(oldCiphertext, at: place + UInt64(Self.recordBytes)) }
        unsafe try store.write(bytes.span.bytes, at: place)
        try store.sync()
    }

    /// The position that counts; nil where no record is whole.
    func position() throws(BlockError) -> Position? {
        var newest: (number: UInt64, Position)?
        for place in Self.places {
            guard let found = try position(at: place), found.number > newest?.number ?? 0 else { continue }
            newest = found
        }
        number = newest?.number ?? 0
        return newest?.1
    }

    private func position(at place: UInt64) throws(BlockError) -> (number: UInt64, Position)? {
        let bytes = try store.bytes(at: place, count: Self.recordBytes)
        guard bytes.count == Self.recordBytes, bytes.bytes(at: 0, count: 8) == Self.magic,
            constantTimeEqual(code(of: bytes), bytes.bytes(at: Self.macAt, count: SHA256.count)),
            bytes.load(UInt32.self, at: 0x008) == 1,
            bytes.bytes(at: 0x010, count: 16) == header.uuid,
            bytes.load(UInt64.self, at: 0x020) == header.keyEpoch
        else { return nil }
        let count = Int(bytes.load(UInt32.self, at: 0x00C))
        let step = bytes.load(UInt64.self, at: 0x030)
        guard count <= Self.stepBytes, step <= header.geometry.volumeBytes / UInt64(Self.stepBytes) + 1
        else { return nil }
        let old = try store.bytes(at: place + UInt64(Self.recordBytes), count: count)
        guard SHA256.digest(old) == bytes.bytes(at: 0x040, count: SHA256.count) else { return nil }
        return (bytes.load(UInt64.self, at: 0x028), Position(step: step, oldCiphertext: old))
    }

    /// Takes the room on the medium that the journal needs, so that a full disk shows before it is begun.
    func allocate() throws(BlockError) { try erase() }

    /// Leaves nothing of the journal, once the header says that no re-encryption is under way.
    func erase() throws(BlockError) {
        let zeroes = [UInt8](repeating: 0, count: Self.recordBytes + Self.stepBytes)
        for place in Self.places { unsafe try store.write(zeroes.span.bytes, at: place) }
        try store.sync()
    }

    private func code(of bytes: [UInt8]) -> [UInt8] {
        unsafe SHA256.authenticationCode(bytes.span.bytes.extracting(0..<Self.macAt), key: macKey)
    }
}
