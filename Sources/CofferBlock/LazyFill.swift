public import CofferXTS
internal import Synchronization

/// Where a volume that is not filled yet gets its content from: a snapshot, in plaintext.
public protocol FillSource: AnyObject, Sendable {
    /// Fills the span with the plaintext of whole data units from `offset` on, all within one block of 512 KiB. Gives for
    /// each unit whether it has data; those that have none are zero. What lies past the snapshot's end has none.
    func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> [Bool]
}

/// Brings a volume that was made from a snapshot under its own key, block by block, while it is used.
///
/// A block is filled before anything in it is written or discarded, and the others in the background. Only units that are
/// holes are filled, so that a block may be filled again after a crash: what a user wrote since is no hole.
public final class LazyFill: @unchecked Sendable {
    // Sendable: the cipher and both buffers are used under `monitor`.

    public let map: FillMap
    let source: any FillSource
    private let store: any BlockStore
    private let geometry: Geometry
    private let cipher: XTSCipher
    private let monitor = Monitor()
    private var cipherText = PageBuffer(count: SnapshotBlock.bytes)
    private var plaintext = PageBuffer(count: SnapshotBlock.bytes)

    /// `cipher` is one of the volume's own.
    public init(
        _ map: FillMap,
        from source: any FillSource,
        to store: any BlockStore,
        _ geometry: Geometry,
        cipher: consuming XTSCipher
    ) {
        (self.map, self.source, self.store, self.geometry) = (map, source, store, geometry)
        self.cipher = cipher
    }

    /// Whether each block in a range of bytes is filled.
    func isFilled(at offset: UInt64, count: UInt64) -> Bool {
        let blocks = Self.blocks(at: offset, count: count)
        return blocks.allSatisfy { map.isFilled($0) }
    }

    static func blocks(at offset: UInt64, count: UInt64) -> ClosedRange<Int> {
        let bytes = UInt64(SnapshotBlock.bytes)
        return Int(offset / bytes)...Int((offset + max(count, 1) - 1) / bytes)
    }

    /// Fills the blocks of a range that are not filled, durably. Takes their stripes, so that the caller holds none.
    ///
    /// The sync is the volume's own: a failure must not be reported to the filling alone.
    func fill(_ blocks: ClosedRange<Int>, _ locks: StripeLocks, _ fault: SyncFault) throws(BlockError) {
        monitor.lock()
        defer { monitor.unlock() }
        for block in blocks where !map.isFilled(block) {
            let stripe = StripeLocks.index(of: UInt64(block) * UInt64(SnapshotBlock.bytes))
            locks.lockExclusively(stripe)
            defer { locks.unlock(stripe) }
            // A discard may have counted it as filled meanwhile.
            if !map.isFilled(block) { try fill(block) }
        }
        try fault.sync(store)
        try map.markFilled(blocks.lowerBound..<blocks.upperBound + 1)
    }

    /// Encrypts what the snapshot has of a block into the units that are holes.
    private func fill(_ block: Int) throws(BlockError) {
        let offset = UInt64(block) * UInt64(SnapshotBlock.bytes)
        guard offset < geometry.volumeBytes else { return }
        let count = Int(min(UInt64(SnapshotBlock.bytes), geometry.volumeBytes - offset))
        let unit = geometry.dataUnitBytes
        let hasData = try plaintext.withMutableBytes(at: 0, count: count) { (bytes) throws(BlockError) in
            try source.read(into: &bytes, at: offset)
        }
        guard hasData.contains(true) else { return }
        let place = geometry.dataOffset + offset
        let isHole = try cipherText.withMutableBytes(at: 0, count: count) { (bytes) throws(BlockError) in
            try store.readPadded(into: &bytes, at: place)
            return bytes.zeroUnits(of: unit)
        }
        try zip(hasData, isHole).map { $0 && $1 }.forEachRun { (units) throws(BlockError) in
            let start = units.lowerBound * unit
            let number = offset / UInt64(unit) + UInt64(units.lowerBound)
            try plaintext.withMutableBytes(at: start, count: units.count * unit) {
                (bytes) throws(BlockError) in
                do throws(XTSError) {
                    try cipher.encrypt(&bytes, first: number, unitBytes: unit)
                } catch { throw .cipher }
                try store.write(bytes.bytes, at: place + UInt64(start))
            }
        }
    }
}

extension MutableRawSpan {
    /// Which of the data units, of which the span is a whole number, are all zero.
    func zeroUnits(of unitBytes: Int) -> [Bool] {
        stride(from: 0, to: byteCount, by: unitBytes).map { isZero($0..<$0 + unitBytes) }
    }
}

extension Array where Element == Bool {
    /// Gives each run of flags that are set.
    func forEachRun<Failure: Error>(_ body: (Range<Int>) throws(Failure) -> Void) throws(Failure) {
        var start = 0
        while let first = self[start...].firstIndex(of: true) {
            start = self[first...].firstIndex(of: false) ?? count
            try body(first..<start)
        }
    }
}

extension EncryptedVolume {
    /// Whether some of the volume's content is a snapshot's still.
    public var isFilling: Bool { filling.load(ordering: .acquiring) }

    /// Fills the next blocks from `block` on that are not filled, up to 16 of them, durably, and gives the block to go on
    /// from; nil once all are filled.
    public func fillNext(from block: Int) throws(BlockError) -> Int? {
        guard let fill, let first = fill.map.firstUnfilled(from: block) else { return nil }
        let end = min(first + 16, fill.map.identity.blockCount)
        try fill.fill(first...end - 1, locks, fault)
        return end
    }

    /// Fills one block, where it is not. The caller holds no stripe.
    public func fillBlock(_ block: Int) throws(BlockError) {
        guard isFilling, let fill, !fill.map.isFilled(block) else { return }
        try fill.fill(block...block, locks, fault)
    }

    /// All is filled, and the header says so: nothing asks the snapshot any more.
    public func endFilling() { filling.store(false, ordering: .releasing) }
}

extension EncryptedVolumeWorker {
    /// Has the blocks of a range filled, before the range changes. The caller holds no stripe. With `isCleared` the range
    /// is going to read as zeroes, whatever it holds now.
    @inline(__always)
    func requireFilled(at offset: UInt64, count: UInt64, isCleared: Bool = false) throws(BlockError) {
        if volume.filling.load(ordering: .acquiring) {
            try fillFirst(at: offset, count: count, isCleared: isCleared)
        }
    }

    @inline(never)
    private func fillFirst(at offset: UInt64, count: UInt64, isCleared: Bool) throws(BlockError) {
        guard count > 0, let fill = volume.fill, !fill.isFilled(at: offset, count: count) else { return }
        if isCleared { try release(at: offset, count: count, fill) }
        try fill.fill(LazyFill.blocks(at: offset, count: count), locks, fault)
    }

    /// Counts the whole blocks of a range as filled with what they hold, without a copy. A snapshot that is being made
    /// needs the copy.
    private func release(at offset: UInt64, count: UInt64, _ fill: LazyFill) throws(BlockError) {
        let bytes = UInt64(SnapshotBlock.bytes)
        let (first, end) = (Int((offset + bytes - 1) / bytes), Int((offset + count) / bytes))
        guard first < end else { return }
        locks.lockAllShared()
        defer { locks.unlockAll() }
        if !volume.tracker.isFrozen.load(ordering: .relaxed) { try fill.map.markFilled(first..<end) }
    }

    /// Puts the snapshot's content in the place of what a read of whole units found to be holes, in blocks that are not
    /// filled. The caller holds the stripe.
    @inline(never)
    mutating func readThrough(
        _ bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool
    ) throws(BlockError) {
        guard let fill = volume.fill else { return }
        var done = 0
        while done < bytes.byteCount {
            let position = offset + UInt64(done)
            let block = SnapshotBlock.bytes
            // Within one block, and as much as the scratch memory holds.
            let rest = min(bytes.byteCount - done, block - Int(position % UInt64(block)))
            let count = min(rest, scratch.count)
            defer { done += count }
            guard !fill.map.isFilled(Int(position / UInt64(block))) else { continue }
            guard waits else { throw .wouldWait }
            try readThrough(&bytes, done..<done + count, at: position, fill)
        }
    }

    private mutating func readThrough(
        _ bytes: inout MutableRawSpan,
        _ part: Range<Int>,
        at offset: UInt64,
        _ fill: LazyFill
    ) throws(BlockError) {
        let unit = units.unitBytes
        let place = units.dataOffset + offset
        let store = units.store
        // Which units are holes the plaintext does not tell: it may be zero, too.
        let isHole = try scratch.withMutableBytes(at: 0, count: part.count) { (raw) throws(BlockError) in
            try store.readPadded(into: &raw, at: place)
            return raw.zeroUnits(of: unit)
        }
        try isHole.forEachRun { (units) throws(BlockError) in
            let run = part.lowerBound + units.lowerBound * unit..<part.lowerBound + units.upperBound * unit
            _ = try bytes.withPart(run) { (target) throws(BlockError) in
                try fill.source.read(into: &target, at: offset + UInt64(units.lowerBound * unit))
            }
        }
    }

    /// The same for the one unit at the start of `scratch`, which is a hole.
    @inline(never)
    mutating func readUnitThrough(of stretch: Stretch, waits: Bool) throws(BlockError) {
        let position = stretch.offset - stretch.offset % UInt64(units.unitBytes)
        let block = Int(position / UInt64(SnapshotBlock.bytes))
        guard let fill = volume.fill, !fill.map.isFilled(block) else { return }
        guard waits else { throw .wouldWait }
        _ = try scratch.withMutableBytes(at: 0, count: units.unitBytes) { (unit) throws(BlockError) in
            try fill.source.read(into: &unit, at: position)
        }
    }
}
