internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import Glibc
internal import Synchronization

/// Appends ciphertext blocks to a lineage, for one snapshot at a time; several threads may append at once.
///
/// It holds the lineage's lock from its making to its end, and always begins packs of its own: no byte of an older pack
/// is ever written again, so what a crash tore is a pack that no manifest names, whole. A block is durable when a `sync`
/// that began after its `append` has returned; only then may a manifest name it.
public final class LineageWriter: Sendable {
    public let lineage: LineageID
    let storage: any SnapshotStorage
    private let lock: any StorageLock
    private let state: Mutex<State>
    /// One sync at a time; counts those that have begun.
    private let syncTurn = Mutex<Void>(())
    private let syncsBegun = Atomic<UInt64>(0)

    private struct State {
        var current: WrittenPack?
        /// Since the last sync.
        var unsynced: [WrittenPack] = []
        /// Since the last commit: what `abandon` removes.
        var uncommitted: [UInt32] = []
        var nextNumber: UInt32
        var isOver = false
        var storedBytes: UInt64 = 0
    }

    /// Takes the lineage's lock; makes its folder where it is missing. Throws `.lineageBusy` when another writer or a
    /// collector has the lock and keeps it for longer than `patience`: a check has it for some moments.
    public init(
        _ lineage: LineageID,
        in storage: any SnapshotStorage,
        patience: Duration = .seconds(1)
    ) throws(SnapshotError) {
        (self.lineage, self.storage) = (lineage, storage)
        lock = try Self.lock(lineage, in: storage, patience: patience)
        let names = try storage.names(in: lineage.folder) ?? []
        let highest = names.compactMap(LineageID.packNumber).max() ?? 0
        guard highest < .max else { throw .lineageFull(lineage) }
        state = Mutex(State(nextNumber: highest + 1))
    }

    /// The lock of a lineage, whose folder is made where it is missing.
    static func lock(
        _ lineage: LineageID,
        in storage: any SnapshotStorage,
        patience: Duration = .zero
    ) throws(SnapshotError) -> any StorageLock {
        let end = ContinuousClock.now + patience
        while true {
            if try storage.makeFolder(lineage.folder) { try storage.syncFolder(nil) }
            do throws(SnapshotError) {
                if let lock = try storage.tryLock(lineage.lockFile) { return lock }
            } catch .files(ENOENT, _, _) {
                continue  // a collector has just removed the empty folder
            }
            guard ContinuousClock.now < end else { throw .lineageBusy(lineage) }
            usleep(10_000)
        }
    }

    /// Bytes of ciphertext appended so far.
    public var storedBytes: UInt64 { state.withLock { $0.storedBytes } }

    /// Writes one block from the caller's memory and gives what a manifest says of it. Its writeback begins at once.
    public func append(_ ciphertext: RawSpan, index: UInt64) throws(SnapshotError) -> BlockEntry {
        try append(ciphertext, index: index, digest: BlockDigest(of: ciphertext))
    }

    /// The same for a block whose digest the caller has computed.
    func append(
        _ ciphertext: RawSpan,
        index: UInt64,
        digest: BlockDigest
    ) throws(SnapshotError) -> BlockEntry {
        precondition(
            (512...SnapshotBlock.bytes).contains(ciphertext.byteCount),
            "a block that is longer than one, or shorter than a data unit"
        )
        let descriptor = PackDescriptor(index: index, length: ciphertext.byteCount, digest: digest)
        let (pack, slot) = try state.withLock { (state) throws(SnapshotError) in try takeSlot(&state) }
        do {
            try pack.write(ciphertext, slot)
        } catch {
            // The slot stays empty, and the pack with it: nothing that was stored here can be trusted to be whole.
            state.withLock { $0.isOver = true }
            throw error
        }
        state.withLock { state in
            pack.describe(slot, descriptor, lineage)
            if !state.unsynced.contains(where: { $0 === pack }) { state.unsynced.append(pack) }
            state.storedBytes += UInt64(ciphertext.byteCount)
        }
        return BlockEntry(index: index, place: pack.place(slot), digest: digest)
    }

    /// The next slot, in a new pack where the present one is full. Under the lock.
    private func takeSlot(_ state: inout State) throws(SnapshotError) -> (WrittenPack, Int) {
        guard !state.isOver else { throw .writerOver }
        if let pack = state.current, let slot = pack.takeSlot() { return (pack, slot) }
        guard state.nextNumber < .max else { throw .lineageFull(lineage) }
        state.uncommitted.append(state.nextNumber)
        let pack = try WrittenPack(lineage, state.nextNumber, in: storage)
        state.nextNumber += 1
        state.current = pack
        state.unsynced.append(pack)
        // A pack's slots are there: 1984 of them.
        return (pack, pack.takeSlot() ?? 0)
    }

    /// Returns when every block whose `append` returned before this call is durable. The first failure ends the writer:
    /// what the kernel dropped cannot be told from what it kept. Callers that wait share the next sync.
    public func sync() throws(SnapshotError) {
        let begun = syncsBegun.load(ordering: .acquiring)
        try syncTurn.withLock { (_) throws(SnapshotError) in
            // One that began after this call, and has ended, covers what this call is about.
            let isCovered = syncsBegun.load(ordering: .acquiring) > begun
            let isOver = state.withLock { $0.isOver }
            guard !isOver else { throw .writerOver }
            if isCovered { return }
            syncsBegun.wrappingAdd(1, ordering: .acquiringAndReleasing)
            do throws(SnapshotError) {
                try syncPacks()
            } catch {
                state.withLock { $0.isOver = true }
                throw error
            }
        }
    }

    private func syncPacks() throws(SnapshotError) {
        let (packs, descriptors) = state.withLock { state in
            let packs = state.unsynced
            state.unsynced = []
            return (packs, packs.map { $0.takeDescriptors() })
        }
        for (pack, part) in zip(packs, descriptors) { try pack.sync(part) }
        if !packs.isEmpty { try storage.syncFolder(lineage.folder) }
    }

    /// What was appended so far is named by a manifest now. The next block begins a new pack.
    func keep() {
        state.withLock { state in
            state.uncommitted = []
            state.current = nil
        }
    }

    /// Removes the packs that no manifest names yet, and ends the writer: for a snapshot that failed or was cancelled.
    /// What cannot be removed is left to the collector.
    public func abandon() {
        let packs = state.withLock { state in
            defer { state = State(nextNumber: state.nextNumber, isOver: true) }
            return state.uncommitted
        }
        for number in packs { _ = try? storage.remove(lineage.pack(number)) }
    }
}

/// A pack that is being written. Slots and descriptors are touched under the writer's lock alone.
private final class WrittenPack: @unchecked Sendable {
    // Sendable: see above; the store takes writes from several threads.

    private let number: UInt32
    private let store: any BlockStore
    private let path: String
    private var slotsTaken = 0
    private var descriptors = [UInt8](
        repeating: 0,
        count: PackLayout.slotCount * PackLayout.descriptorBytes
    )
    /// Slots described since the last sync.
    private var undescribed: Range<Int>?

    init(_ lineage: LineageID, _ number: UInt32, in storage: any SnapshotStorage) throws(SnapshotError) {
        let path = lineage.pack(number)
        (self.number, self.path) = (number, path.description)
        store = try storage.open(path, .create)
        try store.put(PackLayout.header(lineage, number), at: 0, path: self.path)
    }

    func place(_ slot: Int) -> BlockPlace { BlockPlace(pack: number, slot: UInt32(slot)) }

    func takeSlot() -> Int? {
        guard slotsTaken < PackLayout.slotCount else { return nil }
        defer { slotsTaken += 1 }
        return slotsTaken
    }

    func write(_ ciphertext: RawSpan, _ slot: Int) throws(SnapshotError) {
        let offset = PackLayout.offset(ofSlot: slot)
        do {
            try store.write(ciphertext, at: offset)
            try store.startWriteback(at: offset, count: ciphertext.byteCount)
        } catch {
            throw .store(error, path: path)
        }
    }

    func describe(_ slot: Int, _ descriptor: PackDescriptor, _ lineage: LineageID) {
        descriptors.store(
            descriptor.serialised(lineage, place(slot)),
            at: slot * PackLayout.descriptorBytes
        )
        let known = undescribed ?? slot..<slot
        undescribed = min(known.lowerBound, slot)..<max(known.upperBound, slot + 1)
    }

    /// The descriptors that the next sync writes.
    func takeDescriptors() -> (slot: Int, bytes: [UInt8]) {
        defer { undescribed = nil }
        guard let slots = undescribed else { return (0, []) }
        let size = PackLayout.descriptorBytes
        return (slots.lowerBound, Array(descriptors[slots.lowerBound * size..<slots.upperBound * size]))
    }

    func sync(_ part: (slot: Int, bytes: [UInt8])) throws(SnapshotError) {
        try store.put(part.bytes, at: PackLayout.offset(ofDescriptor: part.slot), path: path)
        try store.makeDurable(path: path)
    }
}
