internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes
public import CofferXTS

/// A snapshot's data: ciphertext by blocks for any thread, and plaintext through a worker for each.
public final class SnapshotReader: Sendable {
    public let snapshot: AuthenticManifest
    let lineage: LineageReader

    public init(_ snapshot: AuthenticManifest, in storage: any SnapshotStorage) {
        self.snapshot = snapshot
        lineage = LineageReader(snapshot.header.lineage, in: storage)
    }

    public var header: ManifestHeader { snapshot.header }

    /// Reads one block's ciphertext to the start of the span, which has room for it, and proves it. Throws `.outOfRange`
    /// past the volume's end, `.damagedBlock` and `.missingBlock`; the span's content is then undefined.
    public func readBlock(
        _ index: UInt64,
        into span: inout MutableRawSpan
    ) throws(SnapshotError) -> BlockContent {
        guard index < SnapshotBlock.count(ofVolume: header.geometry.volumeBytes) else { throw .outOfRange }
        guard let entry = try snapshot.manifest.entry(at: index) else { return .hole }
        let count = header.length(of: index)
        guard span.byteCount >= count else { throw .outOfRange }
        try span.withPart(0..<count) { (part) throws(SnapshotError) in
            try lineage.read(entry, of: snapshot.snapshotID, into: &part)
        }
        return .ciphertext(count: count)
    }

    /// SHA-256 of a block's ciphertext, without reading it; nil for a hole.
    public func digest(of index: UInt64) throws(SnapshotError) -> BlockDigest? {
        guard index < SnapshotBlock.count(ofVolume: header.geometry.volumeBytes) else { throw .outOfRange }
        return try snapshot.manifest.entry(at: index)?.digest
    }

    /// A worker for one thread, with a cipher of its own under the snapshot's XTS key.
    public func makeWorker(cipher: consuming XTSCipher) -> SnapshotReaderWorker {
        SnapshotReaderWorker(self, cipher: cipher)
    }
}

/// One thread's way to a snapshot's plaintext. It keeps the block that was read last, as ciphertext that has been
/// proved: small reads that follow each other read and prove a block once.
public struct SnapshotReaderWorker: ~Copyable, Sendable {
    private let reader: SnapshotReader
    private let unitBytes: Int
    private let volumeBytes: UInt64
    private let cipher: XTSCipher
    private var block: PageBuffer
    /// What is in `block`.
    private var loaded: (index: UInt64, content: BlockContent)?

    init(_ reader: SnapshotReader, cipher: consuming XTSCipher) {
        self.reader = reader
        unitBytes = reader.header.geometry.dataUnitBytes
        volumeBytes = reader.header.geometry.volumeBytes
        self.cipher = cipher
        block = PageBuffer(count: SnapshotBlock.bytes)
    }

    /// Fills the span with the plaintext of whole data units from `offset` (bytes of the volume) on; holes are zeroes.
    /// Gives how many of the units are holes. Throws `.outOfRange` past the end and for parts of units.
    public mutating func read(
        into span: inout MutableRawSpan,
        at offset: UInt64
    ) throws(SnapshotError) -> Int {
        let count = span.byteCount
        try check(offset, count)
        var (done, holes) = (0, 0)
        while done < count {
            let position = offset + UInt64(done)
            let index = position / UInt64(SnapshotBlock.bytes)
            let start = Int(position % UInt64(SnapshotBlock.bytes))
            let part = min(count - done, SnapshotBlock.bytes - start)
            holes += try span.withPart(done..<done + part) { (target) throws(SnapshotError) in
                try read(into: &target, index, from: start)
            }
            done += part
        }
        return holes
    }

    /// The same within one block, with which of the units are holes.
    public mutating func readUnits(
        into span: inout MutableRawSpan,
        at offset: UInt64
    ) throws(SnapshotError) -> DataUnitHoles {
        let count = span.byteCount
        try check(offset, count)
        let index = offset / UInt64(SnapshotBlock.bytes)
        let start = Int(offset % UInt64(SnapshotBlock.bytes))
        guard count <= SnapshotBlock.bytes - start else { throw .outOfRange }
        var holes = DataUnitHoles(unitCount: count / unitBytes)
        guard try load(index) else {
            span.zero(0..<count)
            holes.insertAll()
            return holes
        }
        block.withBytes(at: start, count: count) { span.copy($0, at: 0) }
        for unit in 0..<holes.unitCount where span.isZero(unit * unitBytes..<(unit + 1) * unitBytes) {
            holes.insert(unit)
        }
        try decrypt(&span, at: offset)
        return holes
    }

    private func check(_ offset: UInt64, _ count: Int) throws(SnapshotError) {
        guard offset.isMultiple(of: UInt64(unitBytes)), count.isMultiple(of: unitBytes), count > 0,
            offset < volumeBytes, UInt64(count) <= volumeBytes - offset
        else { throw .outOfRange }
    }

    /// Reads within one block, from the byte `start` of it on.
    private mutating func read(
        into span: inout MutableRawSpan,
        _ index: UInt64,
        from start: Int
    ) throws(SnapshotError) -> Int {
        let count = span.byteCount
        guard try load(index) else {
            span.zero(0..<count)
            return count / unitBytes
        }
        block.withBytes(at: start, count: count) { span.copy($0, at: 0) }
        return try decrypt(&span, at: SnapshotBlock.offset(of: index) + UInt64(start))
    }

    /// Puts a block into `block`, proved; false for a hole.
    private mutating func load(_ index: UInt64) throws(SnapshotError) -> Bool {
        if let loaded, loaded.index == index { return loaded.content != .hole }
        loaded = nil
        let reader = reader
        let content = try block.withMutableBytes(at: 0, count: block.count) { (span) throws(SnapshotError) in
            try reader.readBlock(index, into: &span)
        }
        loaded = (index, content)
        return content != .hole
    }

    /// Decrypts units in place, but for holes, which stay zero; gives how many are holes.
    @discardableResult
    private func decrypt(_ span: inout MutableRawSpan, at offset: UInt64) throws(SnapshotError) -> Int {
        try span.forEachRun(unitBytes: unitBytes) { (run, start) throws(SnapshotError) in
            do throws(XTSError) {
                let first = (offset + UInt64(start)) / UInt64(unitBytes)
                try cipher.decrypt(&run, first: first, unitBytes: unitBytes)
            } catch { throw .crypto }
        }
    }
}

extension MutableRawSpan {
    /// Lends each run of data units that are no holes, with its offset; gives how many units are holes. The span is a
    /// whole number of units.
    mutating func forEachRun(
        unitBytes: Int,
        _ body: (inout MutableRawSpan, Int) throws(SnapshotError) -> Void
    ) throws(SnapshotError) -> Int {
        let count = byteCount
        var (start, holes) = (0, 0)
        while start < count {
            if isZero(start..<start + unitBytes) {
                holes += 1
                start += unitBytes
                continue
            }
            var end = start + unitBytes
            while end < count && !isZero(end..<end + unitBytes) { end += unitBytes }
            try withPart(start..<end) { (run) throws(SnapshotError) in try body(&run, start) }
            start = end
        }
        return holes
    }
}
