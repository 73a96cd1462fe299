public import CofferShapes

/// All snapshots of a home: which there are, how they are begun, failed and removed. Values only; the files are the
/// truth, and each call looks at them anew.
public struct SnapshotStore: Sendable {
    public let storage: any SnapshotStorage

    public init(_ storage: any SnapshotStorage) { self.storage = storage }

    /// Every snapshot that has a folder, complete or not, sorted.
    public func snapshotIDs() throws(SnapshotError) -> [SnapshotID] {
        try (storage.names(in: nil) ?? []).compactMap(SnapshotID.init)
    }

    /// Every lineage that has a folder.
    public func lineages() throws(SnapshotError) -> [LineageID] {
        try (storage.names(in: nil) ?? []).compactMap(LineageID.init(folder:))
    }

    /// The manifest of a complete snapshot, unauthenticated. Throws `.notFound` where it is not complete.
    public func manifest(_ id: SnapshotID) throws(SnapshotError) -> SnapshotManifest {
        try SnapshotManifest(id, in: storage)
    }

    /// Whether the snapshot is complete, which says nothing about its manifest's content.
    public func isComplete(_ id: SnapshotID) throws(SnapshotError) -> Bool {
        try storage.names(in: id.folder)?.contains(id.manifest.name) ?? false
    }

    /// Whether there are blocks that a volume could be filled from: the snapshot is complete, or was retired.
    public func hasManifest(_ id: SnapshotID) throws(SnapshotError) -> Bool {
        let names = try storage.names(in: id.folder) ?? []
        return names.contains(id.manifest.name) || names.contains(id.retiredManifest.name)
    }

    /// Throws `.notFound` where a snapshot was removed since it was opened, so that its blocks may be gone. Under the
    /// lineage's lock.
    func requireBlocks(of snapshot: AuthenticManifest) throws(SnapshotError) {
        guard try hasManifest(snapshot.snapshotID) else { throw .notFound(snapshot.snapshotID) }
    }

    /// What is noted of a snapshot that is not complete; nil where there is nothing that can be read.
    public func state(_ id: SnapshotID) throws(SnapshotError) -> SnapshotState? {
        do {
            let store = try storage.open(id.state, .read)
            let bytes = try store.bytes(at: 0, count: SnapshotState.fileBytes + 1, path: id.state.description)
            return SnapshotState(bytes).flatMap { $0.snapshotID == id ? $0 : nil }
        } catch .files(2, _, _) {  // ENOENT
            return nil
        }
    }

    /// Makes the snapshot's folder, and its state in it, durable. Throws `.alreadyExists` where the folder is there.
    public func begin(_ state: SnapshotState) throws(SnapshotError) {
        let id = state.snapshotID
        guard try storage.makeFolder(id.folder) else { throw .alreadyExists(id) }
        try store(state, isDurable: true)
        try storage.syncFolder(nil)
    }

    /// Notes how far a snapshot has come, or that it failed. Progress need not survive a power cut; a failure does.
    public func update(_ state: SnapshotState) throws(SnapshotError) {
        try store(state, isDurable: state.phase != .pending)
    }

    private func store(_ state: SnapshotState, isDurable: Bool) throws(SnapshotError) {
        let id = state.snapshotID
        let path = id.newState
        try storage.remove(path)
        let file = try storage.open(path, .create)
        try file.put(state.serialised(), at: 0, path: path.description)
        if isDurable { try file.makeDurable(path: path.description) }
        try storage.rename(path, to: id.state)
        if isDurable { try storage.syncFolder(id.folder) }
    }

    /// Removes the note of a snapshot that is complete now: its manifest says all.
    func forget(_ id: SnapshotID) throws(SnapshotError) {
        try storage.remove(id.newState)
        if try storage.remove(id.state) { try storage.syncFolder(id.folder) }
    }

    /// Removes a complete snapshot from sight, and keeps what it names until `remove` is called: for one that a volume is
    /// filled from still. `retiredIDs` has it then, and `SnapshotManifest.init(_:in:isRetired:)` opens it.
    public func retire(_ id: SnapshotID) throws(SnapshotError) {
        guard try isComplete(id) else { throw .notFound(id) }
        try storage.rename(id.manifest, to: id.retiredManifest)
        try storage.syncFolder(id.folder)
    }

    /// Snapshots that were retired, and not yet removed.
    public func retiredIDs() throws(SnapshotError) -> [SnapshotID] {
        var retired: [SnapshotID] = []
        for id in try snapshotIDs()
        where try storage.names(in: id.folder)?.contains(id.retiredManifest.name) == true {
            retired.append(id)
        }
        return retired
    }

    /// Removes a snapshot, complete, retired or not: first its manifest, durably, so that it is either whole or none. Blocks that
    /// nobody names any more are freed by `SnapshotCollector`. Throws `.notFound` where it has no folder. The caller sees
    /// to it that nobody makes the snapshot at the same time.
    public func remove(_ id: SnapshotID) throws(SnapshotError) {
        guard let names = try storage.names(in: id.folder) else { throw .notFound(id) }
        let hadManifest = try storage.remove(id.manifest)
        let hadRetired = try storage.remove(id.retiredManifest)
        if hadManifest || hadRetired { try storage.syncFolder(id.folder) }
        for name in names {
            try storage.remove(StoragePath(name, in: id.folder))
        }
        try storage.removeFolder(id.folder)
        try storage.syncFolder(nil)
    }
}
