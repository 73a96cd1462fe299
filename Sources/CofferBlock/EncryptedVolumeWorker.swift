internal import CofferSecrets
internal import CofferXTS
internal import Glibc
internal import Synchronization

/// One thread's way to an encrypted volume: its cipher and its scratch memory. Offsets and counts are bytes from the
/// start of the volume.
///
/// This is the path of every byte: no allocation, no counting of references, and the methods are compiled for the one
/// store that serves (`@specialized`), so that nothing is looked up at run time.
public struct EncryptedVolumeWorker<Store: BlockStore>: ~Copyable, Sendable {
    let volume: EncryptedVolume<Store>
    let locks: StripeLocks
    let fault: SyncFault
    private let tracker: ChangeTracker
    var units: EncryptedUnits<Store>
    /// The generation of keys that `units` belongs to.
    var generation = 0
    /// While the volume's key changes, the units under the other of both keys; and for which generation they were made.
    var other: EncryptedUnits<Store>?
    var otherGeneration = 0
    /// Whether `units` has the new key meanwhile.
    var hasNewKey = false
    let counters: TransferCounters
    /// A write this large is part of a bulk, whose writeback begins at once, so that the medium is not idle until
    /// somebody syncs. Small writes are left to gather in the page cache.
    private static var bulkBytes: Int { 512 << 10 }

    /// A data unit on its way through a read-modify-write, or a piece of encrypted zeroes.
    var scratch: PageBuffer

    init(_ volume: EncryptedVolume<Store>, cipher: consuming XTSCipher, counters: TransferCounters) {
        self.volume = volume
        locks = volume.locks
        fault = volume.fault
        tracker = volume.tracker
        units = EncryptedUnits(
            store: volume.store,
            dataOffset: volume.geometry.dataOffset,
            unitBytes: volume.geometry.dataUnitBytes,
            cipher: cipher
        )
        self.counters = counters
        scratch = PageBuffer(count: EncryptedUnits<Store>.pieceBytes)
    }

    /// Reads into the span from its start and gives the count, short only at the volume's end. Units that were never
    /// written read as zeroes; an error of the store is an error here, and the span's content is then undefined.
    /// With `waits` false it throws EAGAIN where it would have to wait for the medium.
    @specialized(where Store == FileBlockStore)
    public mutating func read(
        into bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool = true
    ) throws(BlockError) -> Int {
        let count = room(at: offset, for: bytes.byteCount)
        var done = 0
        while done < count {
            var stretch = Stretch(
                from: offset + UInt64(done),
                count: count - done,
                unitBytes: units.unitBytes
            )
            locks.lockShared(stretch.stripe)
            defer { locks.unlock(stretch.stripe) }
            stretch = try settled(stretch)
            if !stretch.isWhole {
                let (start, isHole) = try loadUnit(of: stretch, waits: waits)
                if isHole && volume.filling.load(ordering: .acquiring) {
                    try readUnitThrough(of: stretch, waits: waits)
                }
                scratch.withBytes(at: start, count: stretch.count) { bytes.copy($0, at: done) }
                done += stretch.count
            } else if bytes.isAligned(at: done, to: units.alignment) {
                try bytes.withPart(done..<done + stretch.count) { (part) throws(BlockError) in
                    let holes = try units.read(&part, at: stretch.offset, waits: waits)
                    if holes > 0 && volume.filling.load(ordering: .acquiring) {
                        try readThrough(&part, at: stretch.offset, waits: waits)
                    }
                }
                done += stretch.count
            } else {
                let piece = min(stretch.count, scratch.count)
                _ = try scratch.withMutableBytes(at: 0, count: piece) { (part) throws(BlockError) in
                    try units.read(&part, at: stretch.offset, waits: waits)
                }
                scratch.withBytes(at: 0, count: piece) { bytes.copy($0, at: done) }
                if volume.filling.load(ordering: .acquiring) {
                    try bytes.withPart(done..<done + piece) { (part) throws(BlockError) in
                        try readThrough(&part, at: stretch.offset, waits: waits)
                    }
                }
                done += piece
            }
        }
        counters.bytesRead.wrappingAdd(UInt64(count), ordering: .relaxed)
        return count
    }

    /// Writes the span, cut at the volume's end, and gives the count; ENOSPC when it begins there or later. The span
    /// is encrypted in place: it holds ciphertext afterwards. A part of a data unit is read, changed and written back
    /// under its stripe's lock, so that its neighbours stay as they are.
    @specialized(where Store == FileBlockStore)
    public mutating func write(_ bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> Int {
        try fault.check()
        let count = room(at: offset, for: bytes.byteCount)
        guard count > 0 || bytes.byteCount == 0 else { throw .system(errno: ENOSPC, call: .write) }
        try requireFilled(at: offset, count: UInt64(count))
        var done = 0
        while done < count {
            let stretch = Stretch(
                from: offset + UInt64(done),
                count: count - done,
                unitBytes: units.unitBytes
            )
            done +=
                try stretch.isWhole
                ? writeWhole(&bytes, from: done, stretch) : writePart(bytes.bytes, from: done, stretch)
        }
        if count >= Self.bulkBytes { try units.startWriteback(at: offset, count: count) }
        counters.bytesWritten.wrappingAdd(UInt64(count), ordering: .relaxed)
        return count
    }

    /// Changes which of both keys `units` has.
    mutating func swapUnits() {
        guard var taken = other.take() else { return }
        swap(&taken, &units)
        other = consume taken
    }

    /// Keeps the scratch memory from being paged out, as `PageBuffer.lock` does.
    public func lockMemory() { scratch.lock() }

    /// Returns when every write that returned before this call is durable.
    @specialized(where Store == FileBlockStore)
    public func sync() throws(BlockError) { try fault.sync(units.store) }

    /// Tells of a change, under the stripe's lock and before the store changes.
    @inline(__always)
    func willChange(at offset: UInt64, count: UInt64) throws(BlockError) {
        try tracker.willChange(at: offset, count: count)
    }

    /// How much of a request lies inside the volume.
    @inline(__always)
    private func room(at offset: UInt64, for count: Int) -> Int {
        let volumeBytes = volume.volumeBytes
        return offset < volumeBytes ? Int(min(UInt64(count), volumeBytes - offset)) : 0
    }

    /// Whole units, or as many as `scratch` holds where they lie in memory as the store does not take them. Gives how
    /// many bytes it wrote, as the next does.
    @inline(__always)
    private mutating func writeWhole(
        _ bytes: inout MutableRawSpan,
        from start: Int,
        _ stretch: Stretch
    ) throws(BlockError) -> Int {
        locks.lockShared(stretch.stripe)
        defer { locks.unlock(stretch.stripe) }
        let stretch = try settled(stretch)
        try willChange(at: stretch.offset, count: UInt64(stretch.count))
        guard bytes.isAligned(at: start, to: units.alignment) else {
            let piece = min(stretch.count, scratch.count)
            let source = bytes.bytes.extracting(start..<start + piece)
            try scratch.withMutableBytes(at: 0, count: piece) { (part) throws(BlockError) in
                part.copy(source, at: 0)
                try units.write(&part, at: stretch.offset)
            }
            return piece
        }
        try bytes.withPart(start..<start + stretch.count) { (part) throws(BlockError) in
            try units.write(&part, at: stretch.offset)
        }
        return stretch.count
    }

    @inline(__always)
    private mutating func writePart(
        _ bytes: RawSpan,
        from start: Int,
        _ stretch: Stretch
    ) throws(BlockError) -> Int {
        locks.lockExclusively(stretch.stripe)
        defer { locks.unlock(stretch.stripe) }
        let stretch = try settled(stretch)
        try willChange(at: stretch.offset, count: UInt64(stretch.count))
        let place = try loadUnit(of: stretch, waits: true).start
        scratch.withMutableBytes(at: place, count: stretch.count) { part in
            part.copy(bytes.extracting(start..<start + stretch.count), at: 0)
        }
        try storeUnit(of: stretch)
        return stretch.count
    }

    // MARK: - Parts of a unit

    /// Puts the unit of a partial stretch at the start of `scratch`, decrypted. Gives where in it the stretch begins,
    /// and whether the unit is a hole.
    @inline(__always)
    mutating func loadUnit(of stretch: Stretch, waits: Bool) throws(BlockError) -> (start: Int, isHole: Bool)
    {
        let start = Int(stretch.offset % UInt64(units.unitBytes))
        let isHole = try scratch.withMutableBytes(at: 0, count: units.unitBytes) {
            (unit) throws(BlockError) in
            try units.read(&unit, at: stretch.offset - UInt64(start), waits: waits) == 1
        }
        return (start, isHole)
    }

    /// Encrypts the unit at the start of `scratch` and writes it back.
    @inline(__always)
    mutating func storeUnit(of stretch: Stretch) throws(BlockError) {
        let position = stretch.offset - stretch.offset % UInt64(units.unitBytes)
        try scratch.withMutableBytes(at: 0, count: units.unitBytes) { (unit) throws(BlockError) in
            try units.write(&unit, at: position)
        }
    }
}
