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

extension SnapshotStore {
    /// The manifests that name blocks, complete snapshots' and retired ones', of one lineage or of all. Throws where one
    /// cannot be read: nobody knows then which blocks it needs.
    func manifestsNamingBlocks(
        of lineage: LineageID? = nil
    ) throws(SnapshotError) -> [SnapshotManifest] {
        var manifests: [SnapshotManifest] = []
        for id in try snapshotIDs() {
            for isRetired in [false, true] {
                do {
                    let manifest = try SnapshotManifest(id, in: storage, isRetired: isRetired)
                    if lineage == nil || manifest.header.lineage == lineage { manifests.append(manifest) }
                } catch .notFound {}
            }
        }
        return manifests
    }
}
