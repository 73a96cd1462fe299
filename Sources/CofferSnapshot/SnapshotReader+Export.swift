internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets

extension SnapshotReader {
    /// Writes the whole snapshot, self-contained and authenticated, to a file, pipe or socket: see docs/format.md, "The
    /// export stream". What it was cut short of is refused by whoever reads it.
    public func export(
        to descriptor: Int32,
        _ macKey: borrowing SnapshotMACKey,
        control: JobControl = JobControl()
    ) throws(SnapshotError) {
        guard macKey.lineage == header.lineage else { throw .unrelatedKey(snapshot.snapshotID) }
        let stream = ByteStream(descriptor: descriptor)
        try stream.write(ExportStream.preamble)
        let table = ManifestRow.serialise(try exportedRows())
        var exported = header
        exported.kind = .exported
        exported.tableDigest = BlockDigest(SHA256.digest(table), at: 0)
        try stream.write(exported.serialised(macKey: macKey))
        try stream.write(table)
        let buffers = (0..<ExportStream.windowBlocks).map { _ in BlockBuffer() }
        var done: UInt64 = 0
        for number in snapshot.manifest.table.indices {
            let entries = try snapshot.manifest.loadPage(number).entries
            try stream.write(ManifestPage.serialise(Self.placed(entries, from: done)))
            for start in stride(from: 0, to: entries.count, by: buffers.count) {
                try control.check()
                let window = entries[start..<min(start + buffers.count, entries.count)]
                try write(window, buffers, to: stream)
                done += UInt64(window.count)
                control.report(
                    SnapshotProgress(blocksDone: done, blocksTotal: header.blockCount, bytesStored: 0)
                )
            }
        }
    }

    /// The table of the exported manifest, whose entries have places of their own.
    private func exportedRows() throws(SnapshotError) -> [ManifestRow] {
        var rows: [ManifestRow] = []
        rows.reserveCapacity(snapshot.manifest.table.count)
        var done: UInt64 = 0
        for number in snapshot.manifest.table.indices {
            let entries = try snapshot.manifest.loadPage(number).entries
            let bytes = ManifestPage.serialise(Self.placed(entries, from: done))
            rows.append(
                ManifestRow(
                    first: snapshot.manifest.table[number].first,
                    digest: BlockDigest(SHA256.digest(bytes), at: 0)
                )
            )
            done += UInt64(entries.count)
        }
        return rows
    }

    private static func placed(_ entries: [BlockEntry], from first: UInt64) -> [BlockEntry] {
        entries.enumerated().map { number, entry in
            BlockEntry(
                index: entry.index,
                place: ExportStream.place(first + UInt64(number)),
                digest: entry.digest
            )
        }
    }

    /// Reads and proves some blocks on several threads, then writes them in order.
    private func write(
        _ window: ArraySlice<BlockEntry>,
        _ buffers: [BlockBuffer],
        to stream: ByteStream
    ) throws(SnapshotError) {
        let entries = Array(window)
        try ParallelRun.forEach(entries.count, workers: ParallelRun.threadCount) {
            [self] (_, item) throws(SnapshotError) in
            let entry = entries[item]
            let count = header.length(of: entry.index)
            try buffers[item].memory.withMutableBytes(at: 0, count: count) { (span) throws(SnapshotError) in
                try lineage.read(entry, of: snapshot.snapshotID, into: &span)
            }
        }
        for (entry, buffer) in zip(entries, buffers) {
            try buffer.memory.withBytes(at: 0, count: header.length(of: entry.index)) {
                (block) throws(SnapshotError) in try stream.write(block)
            }
        }
    }
}
