import CofferBlock
import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import CofferXTS
import Synchronization
import Testing

@testable import CofferSnapshot

/// What all snapshot tests are about, the same each time; the golden files hold it. Its keys are known to everybody and
/// protect nothing.
enum SnapshotSubject {
    static let volumeID = VolumeID("vol-0123456789abcdef0")!
    static let keyID = KeyID("1234abcd-12ab-34cd-56ef-1234567890ab")!
    static let keyARN = ARN("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")!
    static let backingKeyBytes = [UInt8](repeating: 0x42, count: 32)
    static let materialID = [UInt8](repeating: 0x4D, count: 32)
    static let moment = Timestamp(nanoseconds: 1_700_000_000_000_000_000)

    /// `snap-` and the number in 17 hex digits.
    static func id(_ number: Int) -> SnapshotID {
        let digits = String(number, radix: 16)
        return SnapshotID("snap-" + String(repeating: "0", count: 17 - digits.count) + digits)!
    }

    /// Volume keys by number: their bytes, uuid and salt.
    static func volumeKeyBytes(_ key: Int) -> [UInt8] {
        (0..<64).map { UInt8(truncatingIfNeeded: $0 + 64 * key) }
    }

    static func volumeKey(_ key: Int = 0) -> VolumeKey {
        VolumeKey(SecretBytes(copying: volumeKeyBytes(key)))!
    }

    static func uuid(_ key: Int) -> [UInt8] { [UInt8](repeating: UInt8(0xA0 + key), count: 16) }

    static func salt(_ key: Int) -> [UInt8] { [UInt8](repeating: UInt8(0x50 + key), count: 32) }

    /// The volume key as a KMS would wrap it for what has that id.
    static func key(_ number: Int = 0, for owner: String = volumeID.text) throws -> SnapshotKey {
        let context: EncryptionContext = ["aws:ebs:id": owner]
        let blob = try Envelope.seal(
            SecretBytes(copying: volumeKeyBytes(number)),
            backingKey: SecretBytes(copying: backingKeyBytes),
            keyID: keyID,
            materialID: materialID,
            context: context,
            random: RepeatableByteSource(seed: 1)
        )
        let wrapped = try #require(WrappedVolumeKey(keyARN: keyARN, blob: blob, context: context))
        return SnapshotKey(
            wrapped: wrapped,
            uuid: uuid(number),
            salt: salt(number),
            keyEpoch: 3,
            created: moment
        )
    }

    static func header(
        _ id: SnapshotID,
        volumeBytes: UInt64,
        parent: SnapshotID? = nil,
        key: Int = 0,
        unitBytes: Int = 4096
    ) throws -> ManifestHeader {
        try ManifestHeader(
            snapshotID: id,
            volumeID: volumeID,
            parent: parent,
            volumeBytes: volumeBytes,
            dataUnitBytes: unitBytes,
            cipher: .aes256XTS,
            key: Self.key(key),
            created: moment
        )
    }

    static func macKey(_ key: Int = 0) throws -> SnapshotMACKey {
        try SnapshotMACKey(volumeKey(key), uuid: uuid(key), salt: salt(key))
    }

    static func lineage(_ key: Int = 0) -> LineageID { LineageID(uuid: uuid(key)) }

    /// Takes a snapshot of a source; a writer of its own holds the lock meanwhile.
    @discardableResult
    static func snapshot(
        _ id: SnapshotID,
        of source: ModelVolume,
        after previous: AuthenticManifest? = nil,
        changed: ChangedBlocks = .all,
        in storage: any SnapshotStorage,
        key: Int = 0,
        control: JobControl = JobControl()
    ) throws -> AuthenticManifest {
        let writer = try LineageWriter(lineage(key), in: storage)
        let job = try SnapshotJob(
            try header(
                id,
                volumeBytes: source.volumeBytes,
                parent: previous?.snapshotID,
                key: key,
                unitBytes: source.unitBytes
            ),
            after: previous,
            changed: changed,
            from: source,
            to: writer,
            in: SnapshotStore(storage),
            control: control
        )
        return try job.run(macKey(key))
    }

    /// The manifest of a complete snapshot, authenticated.
    static func open(
        _ id: SnapshotID,
        in storage: any SnapshotStorage,
        key: Int = 0
    ) throws -> AuthenticManifest {
        try SnapshotManifest(id, in: storage).authenticated(by: volumeKey(key))
    }

    /// All ciphertext that a snapshot names, block by block; holes are absent.
    static func blocks(
        _ snapshot: AuthenticManifest,
        in storage: any SnapshotStorage
    ) throws -> [UInt64: [UInt8]] {
        let reader = SnapshotReader(snapshot, in: storage)
        var blocks: [UInt64: [UInt8]] = [:]
        var cursor = snapshot.manifest.cursor()
        while let entry = try cursor.next() {
            var bytes = [UInt8](repeating: 0xEE, count: SnapshotBlock.bytes)
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            guard case .ciphertext(let count) = try reader.readBlock(entry.index, into: &span) else {
                throw SnapshotError.outOfRange
            }
            blocks[entry.index] = Array(bytes.prefix(count))
        }
        return blocks
    }
}

/// A volume's ciphertext in memory, of which a test knows every block. Holes are absent.
final class ModelVolume: SnapshotSource {
    let unitBytes: Int
    private let state: Mutex<State>

    private struct State {
        var volumeBytes: UInt64
        var blocks: [UInt64: [UInt8]] = [:]
        var reads: [UInt64] = []
        var nextError: BlockError?
    }

    init(volumeBytes: UInt64, unitBytes: Int = 4096) {
        self.unitBytes = unitBytes
        state = Mutex(State(volumeBytes: volumeBytes))
    }

    var volumeBytes: UInt64 {
        get { state.withLock { $0.volumeBytes } }
        set { state.withLock { $0.volumeBytes = newValue } }
    }

    var blockCount: UInt64 { SnapshotBlock.count(ofVolume: volumeBytes) }
    var blocks: [UInt64: [UInt8]] { state.withLock { $0.blocks } }
    /// Which blocks were read, in order.
    var reads: [UInt64] { state.withLock { $0.reads } }

    var nextError: BlockError? {
        get { state.withLock { $0.nextError } }
        set { state.withLock { $0.nextError = newValue } }
    }

    func length(_ index: UInt64) -> Int { SnapshotBlock.length(of: index, inVolume: volumeBytes) }

    /// Puts bytes that follow from a seed into a block; nil discards it.
    func fill(_ index: UInt64, _ seed: UInt64?) {
        let bytes = seed.map { Self.noise(length(index), $0) }
        state.withLock { $0.blocks[index] = bytes }
    }

    func put(_ bytes: [UInt8], at index: UInt64) { state.withLock { $0.blocks[index] = bytes } }

    /// Makes it larger, and a last block that was shorter with it.
    func grow(to bytes: UInt64) {
        let last = blockCount - 1
        state.withLock { state in
            state.volumeBytes = bytes
            guard let block = state.blocks[last] else { return }
            let length = SnapshotBlock.length(of: last, inVolume: bytes)
            state.blocks[last] = block + [UInt8](repeating: 0, count: length - block.count)
        }
    }

    static func noise(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for offset in stride(from: 0, to: count, by: 8) {
                unsafe UnsafeMutableRawBufferPointer(buffer)
                    .storeBytes(of: generator.next() | 1, toByteOffset: offset, as: UInt64.self)
            }
            filled = count
        }
    }

    func readBlock(
        _ index: UInt64,
        into span: inout MutableRawSpan
    ) throws(BlockError) -> BlockContent {
        let (bytes, error) = state.withLock { state -> ([UInt8]?, BlockError?) in
            state.reads.append(index)
            defer { state.nextError = nil }
            return (state.blocks[index], state.nextError)
        }
        if let error { throw error }
        guard let bytes else { return .hole }
        unsafe span.copy(bytes.span.bytes, at: 0)
        return .ciphertext(count: bytes.count)
    }

    func nextBlock(from index: UInt64) throws(BlockError) -> UInt64? {
        state.withLock { $0.blocks.keys.filter { $0 >= index }.min() }
    }
}
