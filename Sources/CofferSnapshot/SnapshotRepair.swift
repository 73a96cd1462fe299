internal import CofferShapes

extension SnapshotCheck {
    /// Cleans up whatever `run` calls left over: packs and blocks that nobody names, files of work that ended, empty
    /// folders; and has snapshots whose maker is gone say `error`. Touches no lineage in which somebody is at work, and
    /// nothing that it does not know. Gives what is left to say, without reading blocks.
    public func repair() throws(SnapshotError) -> SnapshotReport {
        for id in try store.snapshotIDs() { try repair(id) }
        for lineage in try store.lineages() {
            try control.check()
            do throws(SnapshotError) {
                _ = try SnapshotCollector(store).collect(lineage, control: control)
            } catch {
                switch error {
                case .lineageBusy: break
                // A manifest that cannot be read: said by the check below.
                case .damagedManifest, .implausibleManifest, .newerVersion, .unsupportedFeatures,
                    .notAManifest,
                    .otherSnapshot:
                    break
                default: throw error
                }
            }
        }
        return try run(readsBlocks: false) { _ in nil }
    }

    private func repair(_ id: SnapshotID) throws(SnapshotError) {
        guard let names = try store.storage.names(in: id.folder) else { return }
        let isNamed = names.contains(id.manifest.name) || names.contains(id.retiredManifest.name)
        let state = try store.state(id)
        // The lock is held for the length of the repair: whoever makes the snapshot has it, and nobody begins meanwhile.
        var lock: (any StorageLock)?
        if let state {
            do throws(SnapshotError) {
                lock = try LineageWriter.lock(state.lineage, in: store.storage)
            } catch .lineageBusy {
                return
            }
        }
        defer { withExtendedLifetime(lock) {} }
        try store.storage.remove(id.newManifest)
        try store.storage.remove(id.newState)
        if isNamed {
            try store.forget(id)
        } else if var state {
            guard state.phase == .pending else { return }
            state.phase = .error(reason: "its maker went away before it was complete")
            try store.update(state)
        } else if names.allSatisfy({ [id.newManifest.name, id.newState.name, id.state.name].contains($0) }) {
            try store.remove(id)
        }
    }
}
