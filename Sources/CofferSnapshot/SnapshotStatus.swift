public import CofferShapes

/// What has become of a snapshot.
public enum SnapshotStatus: Sendable, Equatable {
    case pending(percent: Int)
    case completed
    case error(reason: String)
}

extension SnapshotStore {
    /// Whether somebody writes to a lineage now, or frees blocks in it.
    public func isBusy(_ lineage: LineageID) throws(SnapshotError) -> Bool {
        try storage.isLocked(lineage.lockFile)
    }

    /// What has become of a snapshot, for whoever shows it. Throws `.notFound` where it was removed, or retired, or has
    /// no note yet: its folder comes right before that.
    public func status(_ id: SnapshotID) throws(SnapshotError) -> SnapshotStatus {
        // The note goes after the manifest has come, so it is looked at first.
        var noted = try state(id)
        if try isComplete(id) { return .completed }
        if noted == nil {
            guard try storage.names(in: id.folder)?.contains(id.state.name) == true else {
                throw .notFound(id)
            }
            // It has come meanwhile, or cannot be read.
            noted = try state(id)
        }
        guard let noted else {
            return try isComplete(id) ? .completed : .error(reason: "it is not whole")
        }
        switch noted.phase {
        case .error(let reason): return .error(reason: reason)
        case .pending:
            if try isBusy(noted.lineage) { return .pending(percent: noted.percent) }
            return try isComplete(id)
                ? .completed : .error(reason: "its maker went away before it was complete")
        }
    }
}
