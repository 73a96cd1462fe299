internal import CofferControl
internal import CofferShapes
internal import CofferSystem
internal import Glibc

// What may be left in the runtime folder, and the locks on snapshots.
extension RuntimeFolder {
    /// Whether there is more of a volume than its lock and its log, which stay, as does the word of a failed sync, for
    /// whoever attaches it next, and the note of work on a volume that nobody attached.
    func hasNotes(_ id: VolumeID) -> Bool {
        var stays: Set<String> = ["lock", "volumed.log", "control.sock.unsynced"]
        if record(id)?.isWorker == true { stays.insert("attachment.json") }
        return noteNames(id).subtracting(stays).contains { FolderNames.exists("\(folder(id))/\($0)") }
    }

    /// All names that a volume's folder may have in it.
    func noteNames(_ id: VolumeID) -> Set<String> {
        let paths = [
            controlSocket(id), unsyncedMark(id), log(id), defaultExposedDirectory(id), volumeLink(id),
        ]
        return Set(paths.map { String($0.dropFirst(folder(id).utf8.count + 1)) })
            .union(["lock", "attachment.json", "attachment.json.new"])
    }

    // MARK: - Snapshots

    /// Held while one process makes a snapshot without a volume, or removes one.
    func lock(_ id: SnapshotID) throws -> OperationLock {
        try Folder.make(path, mode: 0o700)
        guard let lock = try OperationLock.take(path: lockPath(id)) else {
            throw AWSError(
                .incorrectState,
                "another command is changing snapshot \(id) right now",
                hint: "wait for it to end, then try again"
            )
        }
        return lock
    }

    func isLocked(_ id: SnapshotID) -> Bool { OperationLock.isTaken(path: lockPath(id)) }

    /// Gives a lock up for good: its file goes too.
    func giveUp(_ lock: OperationLock, of id: SnapshotID) {
        unsafe unlink(lockPath(id))
        lock.giveUp()
        unsafe rmdir(path)  // where this was the last
    }

    /// Takes away a lock whose owner died.
    func removeLock(_ id: SnapshotID) {
        guard let lock = try? OperationLock.take(path: lockPath(id)) else { return }
        giveUp(lock, of: id)
    }

    /// The snapshot whose lock has this name; nil for another name.
    func lockedSnapshot(_ name: String) -> SnapshotID? {
        name.hasSuffix(".lock") ? SnapshotID(String(name.dropLast(5))) : nil
    }

    private func lockPath(_ id: SnapshotID) -> String { "\(path)/\(id).lock" }
}
