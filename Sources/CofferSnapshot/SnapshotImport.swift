internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes

/// An exported snapshot on its way in from a file, pipe or socket. Every byte is hostile until what authenticates it has
/// been checked: the header by the volume key, and all that follows by the header, before it is stored.
public struct SnapshotImport: Sendable {
    /// What the stream says of itself: unauthenticated, to ask the KMS for the key with.
    public let header: ManifestHeader
    private let headerBytes: [UInt8]
    private let stream: ByteStream

    /// Reads the beginning of a stream. Errors name the snapshot that the stream says it is, or `id` before it has.
    public init(from descriptor: Int32, naming id: SnapshotID) throws(SnapshotError) {
        stream = ByteStream(descriptor: descriptor)
        guard try stream.bytes(ExportStream.preambleBytes) == ExportStream.preamble else {
            throw .notAStream
        }
        headerBytes = try stream.bytes(ManifestLayout.headerBytes)
        header = try ManifestHeader(parsing: headerBytes, kind: .exported, expected: id)
    }

    /// Stores the rest of the stream, and commits it as a snapshot of this home: all of it, or nothing. `header` is
    /// `self.header.copied(as:…)`, or with the id that it has. The stream has to end where the snapshot does. To be called
    /// once.
    public func store(
        as header: ManifestHeader,
        _ macKey: borrowing SnapshotMACKey,
        to writer: LineageWriter,
        in store: SnapshotStore,
        control: JobControl = JobControl()
    ) throws(SnapshotError) -> AuthenticManifest {
        guard macKey.lineage == self.header.lineage else { throw .unrelatedKey(self.header.snapshotID) }
        guard ManifestHeader.isAuthentic(headerBytes, macKey: macKey) else {
            throw .tampered(self.header.snapshotID)
        }
        try header.requireFollowing(self.header)
        guard header.geometry == self.header.geometry else {
            throw .otherGeometry(self.header.snapshotID, header.snapshotID)
        }
        let attempt = try SnapshotAttempt(
            header,
            in: store,
            writer: writer,
            control: control,
            blocksTotal: self.header.blockCount
        )
        do throws(SnapshotError) {
            var manifest = try ManifestWriter(header, in: store.storage)
            try storeBlocks(attempt, &manifest)
            try stream.requireEnd()
            return try attempt.commit(manifest, macKey)
        } catch {
            attempt.fail(error)
            throw error
        }
    }

    private func storeBlocks(
        _ attempt: SnapshotAttempt,
        _ manifest: inout ManifestWriter
    ) throws(SnapshotError) {
        // The count is authentic: it bounds what is read, and the memory for it.
        let table = try ManifestRow.parse(
            stream.bytes(ManifestLayout.tableBytes(header.blockCount)),
            of: header
        )
        let buffers = (0..<ExportStream.windowBlocks).map { _ in BlockBuffer() }
        var done: UInt64 = 0
        var noted = ContinuousClock.now
        for number in table.indices {
            let count = ManifestLayout.entryCount(ofPage: number, header.blockCount)
            let bytes = try stream.bytes(count * ManifestLayout.entryBytes)
            let entries = try ManifestPage(parsing: bytes, number: number, table: table, of: header).entries
            for start in stride(from: 0, to: entries.count, by: buffers.count) {
                try attempt.control.check()
                let window = EntryWindow(Array(entries[start..<min(start + buffers.count, entries.count)]))
                try store(window, buffers, attempt.writer)
                for item in 0..<window.count { try manifest.append(window[item]) }
                done += UInt64(window.count)
                try attempt.report(done: done, &noted)
            }
        }
    }

    /// Reads some blocks in order, then proves and stores them on several threads.
    private func store(
        _ window: EntryWindow,
        _ buffers: [BlockBuffer],
        _ writer: LineageWriter
    ) throws(SnapshotError) {
        for item in 0..<window.count {
            let count = header.length(of: window[item].index)
            try buffers[item].memory.withMutableBytes(at: 0, count: count) { (span) throws(SnapshotError) in
                try stream.read(into: &span)
            }
        }
        try ParallelRun.forEach(window.count, workers: ParallelRun.threadCount) {
            [header] (_, item) throws(SnapshotError) in
            let entry = window[item]
            window[item] = try buffers[item].memory.withBytes(at: 0, count: header.length(of: entry.index)) {
                (block) throws(SnapshotError) in
                guard BlockDigest(of: block) == entry.digest else {
                    throw .damagedBlock(header.snapshotID, entry.index)
                }
                return try writer.append(block, index: entry.index, digest: entry.digest)
            }
        }
    }
}
