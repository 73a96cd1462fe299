internal import CofferShapes
internal import Glibc

/// Takes from an archive what no restore needs any more.
enum ReplicationPruning {
    /// Removes the files from before those that a snapshot of the time `since`, and every later one, needs. Which those
    /// are, the files' own times tell: when they were last written to.
    ///
    /// A snapshot needs the log that was written to before it, from its beginning. It may also need the log before that
    /// one, as the volume names a new log only after it has begun.
    static func prune(_ archive: DatabaseArchive, keeping since: Timestamp) async throws {
        let names = try ReplicationLogName.all(in: archive)
        guard let newest = names.last(where: { isOlder(archive.path($0.text), than: since) }) else { return }
        var first = newest
        var beginnings = 0
        for name in names.reversed() where name <= newest && name.generation == newest.generation {
            guard beginnings < 2 else { break }
            first = name
            let begin = try await ReplicationReader(archive, name).begin
            if let begin, begin.start?.frame ?? 0 == 0 { beginnings += 1 }
        }
        for name in names where name < first { try archive.remove(name.text) }
    }

    private static func isOlder(_ path: String, than time: Timestamp) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return false }
        let modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        return modified >= 0 && UInt64(modified) <= time.nanoseconds
    }
}
