internal import CofferBlock
internal import CofferSecrets

/// What a collection did.
public struct CollectionReport: Sendable, Equatable {
    /// Packs of which nothing was needed: removed whole.
    public var packsRemoved = 0
    /// Blocks that were punched out of packs which hold needed ones too.
    public var blocksFreed = 0
    /// Blocks that nobody names and that stay, as the filesystem cannot punch holes, until their whole pack goes.
    public var blocksKept = 0

    public init() {}
}

/// Frees the blocks of a lineage that no manifest names.
///
/// A pack of which nothing is named is removed; out of the others what is not named is punched. Rewriting what lives into
/// new packs would take new manifests, and so every snapshot's key: a collection that waits for a disabled KMS key would
/// keep the room that it is to free. Punching takes no key, moves nothing, and is right wherever it is cut: it changes no
/// byte that a manifest names, so every manifest is readable at every moment, and the next collection does the rest.
public struct SnapshotCollector: Sendable {
    private let store: SnapshotStore

    public init(_ store: SnapshotStore) { self.store = store }

    /// Collects in one lineage, under its lock. Throws `.lineageBusy` while a snapshot is made in it, and what is wrong
    /// with any manifest of the home that cannot be read: then nothing is freed, as it might be needed.
    public func collect(
        _ lineage: LineageID,
        control: JobControl = JobControl()
    ) throws(SnapshotError) -> CollectionReport {
        guard try store.storage.names(in: lineage.folder) != nil else { return CollectionReport() }
        let lock = try LineageWriter.lock(lineage, in: store.storage)
        defer { withExtendedLifetime(lock) {} }
        let live = try store.liveSlots(of: lineage)
        var report = CollectionReport()
        var packsLeft = false
        let names = try store.storage.names(in: lineage.folder) ?? []
        for number in names.compactMap(LineageID.packNumber) {
            try control.check()
            if let slots = live.slots(number) {
                try punch(lineage, number, keeping: slots, &report)
                packsLeft = true
            } else if try store.storage.remove(lineage.pack(number)) {
                report.packsRemoved += 1
            }
        }
        if report.packsRemoved > 0 { try store.storage.syncFolder(lineage.folder) }
        if !packsLeft, names.allSatisfy({ LineageID.packNumber($0) != nil || $0 == lineage.lockFile.name }) {
            try store.storage.remove(lineage.lockFile)
            try store.storage.removeFolder(lineage.folder)
            try store.storage.syncFolder(nil)
        }
        return report
    }

    /// Frees what one pack holds beside `slots`: first the ciphertext, then what the pack says of it.
    private func punch(
        _ lineage: LineageID,
        _ number: UInt32,
        keeping slots: SlotSet,
        _ report: inout CollectionReport
    ) throws(SnapshotError) {
        let path = lineage.pack(number)
        let pack = try store.storage.open(path, .readWrite)
        let contents = try PackContents(pack, path: path.description)
        let dead = contents.used.filter { !slots.contains($0) }
        if dead.isEmpty { return }
        do {
            for slot in dead {
                let offset = PackLayout.offset(ofSlot: slot)
                guard offset < contents.sizeBytes else { continue }
                try pack.punchHole(at: offset, count: UInt64(SnapshotBlock.bytes))
            }
        } catch .system(95, _) {  // EOPNOTSUPP
            report.blocksKept += dead.count
            return
        } catch {
            throw .store(error, path: path.description)
        }
        let zeroes = [UInt8](repeating: 0, count: PackLayout.descriptorBytes)
        for slot in dead {
            try pack.put(zeroes, at: PackLayout.offset(ofDescriptor: slot), path: path.description)
        }
        try pack.makeDurable(path: path.description)
        report.blocksFreed += dead.count
    }
}
