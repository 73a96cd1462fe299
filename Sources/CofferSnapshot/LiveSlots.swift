internal import CofferBlock
internal import CofferShapes

/// Which slots of which packs of a lineage are named by a manifest.
struct LiveSlots: Sendable {
    private var packs: [UInt32: SlotSet] = [:]

    /// Adds all that a manifest names. Throws what is wrong with it.
    mutating func insert(_ manifest: SnapshotManifest) throws(SnapshotError) {
        var cursor = manifest.cursor()
        while let entry = try cursor.next() {
            packs[entry.place.pack, default: SlotSet()].insert(Int(entry.place.slot))
        }
    }

    /// Those of a pack; nil where no manifest names the pack.
    func slots(_ pack: UInt32) -> SlotSet? { packs[pack] }

    /// The packs that a manifest names.
    var packNumbers: [UInt32] { packs.keys.sorted() }
}

/// A set of slots of one pack.
struct SlotSet: Sendable, Equatable {
    private var words = [UInt64](repeating: 0, count: PackLayout.slotCount / 64)

    func contains(_ slot: Int) -> Bool { words[slot / 64] & (1 << UInt64(slot % 64)) != 0 }

    mutating func insert(_ slot: Int) { words[slot / 64] |= 1 << UInt64(slot % 64) }

    var members: [Int] { (0..<PackLayout.slotCount).filter(contains) }
}

/// Where a manifest that names blocks lies: files are opened one at a time, however many snapshots there are.
struct ManifestReference: Sendable {
    let id: SnapshotID
    let isRetired: Bool

    /// Throws `.notFound` where it was removed since.
    func open(in storage: any SnapshotStorage) throws(SnapshotError) -> SnapshotManifest {
        try SnapshotManifest(id, in: storage, isRetired: isRetired)
    }

    /// Whether it is there still.
    func exists(in storage: any SnapshotStorage) throws(SnapshotError) -> Bool {
        let path = isRetired ? id.retiredManifest : id.manifest
        return try storage.names(in: id.folder)?.contains(path.name) ?? false
    }
}

extension SnapshotStore {
    /// The manifests that name blocks: complete snapshots' and retired ones'.
    func manifestReferences() throws(SnapshotError) -> [ManifestReference] {
        var references: [ManifestReference] = []
        for id in try snapshotIDs() {
            for isRetired in [false, true] {
                let reference = ManifestReference(id: id, isRetired: isRetired)
                if try reference.exists(in: storage) { references.append(reference) }
            }
        }
        return references
    }

    /// What manifests name of a lineage. Throws where any manifest cannot be read: nobody knows then what it needs.
    func liveSlots(of lineage: LineageID) throws(SnapshotError) -> LiveSlots {
        var live = LiveSlots()
        for reference in try manifestReferences() {
            do {
                let manifest = try reference.open(in: storage)
                if manifest.header.lineage == lineage { try live.insert(manifest) }
            } catch .notFound {
                // Removed since, or retired, which is another name for the same.
                guard !reference.isRetired else { continue }
                let retired = ManifestReference(id: reference.id, isRetired: true)
                guard try retired.exists(in: storage) else { continue }
                let manifest = try retired.open(in: storage)
                if manifest.header.lineage == lineage { try live.insert(manifest) }
            }
        }
        return live
    }
}
