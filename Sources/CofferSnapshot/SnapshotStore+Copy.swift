public import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
internal import CofferXTS

extension SnapshotStore {
    /// A copy under the same volume key: a manifest of its own that names the same blocks, so it costs no room and no
    /// time for data. `header` is `source.header.copied(as:…)`. Throws `.notFound` where `source` was removed meanwhile.
    public func copy(
        _ source: AuthenticManifest,
        as header: ManifestHeader,
        _ macKey: borrowing SnapshotMACKey,
        control: JobControl = JobControl()
    ) throws(SnapshotError) -> AuthenticManifest {
        try header.requireFollowing(source.header)
        guard header.geometry == source.header.geometry else {
            throw .otherGeometry(source.snapshotID, header.snapshotID)
        }
        let writer = try LineageWriter(header.lineage, in: storage)
        try requireBlocks(of: source)
        let attempt = try SnapshotAttempt(
            header,
            in: self,
            writer: writer,
            control: control,
            blocksTotal: source.header.blockCount
        )
        return try attempt.storeAll(of: source.manifest, macKey) { _, entry in entry }
    }

    /// A copy under another volume key: every block is proved, decrypted, encrypted under the new key and stored in the
    /// lineage of that key; plaintext is in memory only, and a data unit that is a hole stays one. `header` has another
    /// uuid than the source, and the same size and data unit. `writer` holds the lock of its lineage.
    public func reencrypt(
        _ source: SnapshotReader,
        _ sourceKey: borrowing VolumeKey,
        as header: ManifestHeader,
        _ targetKey: borrowing VolumeKey,
        to writer: LineageWriter,
        control: JobControl = JobControl()
    ) throws(SnapshotError) -> AuthenticManifest {
        guard header.lineage != source.header.lineage,
            header.geometry.volumeBytes == source.header.geometry.volumeBytes,
            header.geometry.dataUnitBytes == source.header.geometry.dataUnitBytes
        else { throw .otherGeometry(source.snapshot.snapshotID, header.snapshotID) }
        let workers: [ReencryptionWorker]
        do {
            let old = try source.header.xtsKey(from: sourceKey)
            let new = try header.xtsKey(from: targetKey)
            var made: [ReencryptionWorker] = []
            for _ in 0..<ParallelRun.threadCount {
                made.append(ReencryptionWorker(from: try XTSCipher(key: old), to: try XTSCipher(key: new)))
            }
            workers = made
        } catch {
            throw .crypto
        }
        let attempt = try SnapshotAttempt(
            header,
            in: self,
            writer: writer,
            control: control,
            blocksTotal: source.header.blockCount
        )
        let unitBytes = header.geometry.dataUnitBytes
        return try attempt.storeAll(of: source.snapshot.manifest, header.macKey(from: targetKey)) {
            (worker, entry) throws(SnapshotError) in
            try workers[worker].store(entry, from: source, to: writer, unitBytes: unitBytes)
        }
    }
}

/// One thread's ciphers and room for a block.
private final class ReencryptionWorker: @unchecked Sendable {
    // Sendable: its worker's calls follow each other.

    private let old: XTSCipher
    private let new: XTSCipher
    private var memory = PageBuffer(count: SnapshotBlock.bytes)

    init(from old: consuming XTSCipher, to new: consuming XTSCipher) {
        self.old = old
        self.new = new
    }

    func store(
        _ entry: BlockEntry,
        from source: SnapshotReader,
        to writer: LineageWriter,
        unitBytes: Int
    ) throws(SnapshotError) -> BlockEntry {
        let count = source.header.length(of: entry.index)
        let firstUnit = SnapshotBlock.offset(of: entry.index) / UInt64(unitBytes)
        return try memory.withMutableBytes(at: 0, count: count) { (block) throws(SnapshotError) in
            try source.lineage.read(entry, of: source.snapshot.snapshotID, into: &block)
            _ = try block.forEachRun(unitBytes: unitBytes) { (run, start) throws(SnapshotError) in
                do throws(XTSError) {
                    let first = firstUnit + UInt64(start / unitBytes)
                    try old.decrypt(&run, first: first, unitBytes: unitBytes)
                    try new.encrypt(&run, first: first, unitBytes: unitBytes)
                } catch { throw .crypto }
            }
            return try writer.append(block.bytes, index: entry.index)
        }
    }
}
