internal import CofferShapes
internal import CofferSystem
internal import Glibc

extension SQLiteEngine {
    /// Copies the database, as it is at this moment, to a new file of this user's own, in plaintext: one file, which needs no
    /// other beside it. Clients go on meanwhile. `progress` hears how many pages are copied of how many.
    func export(_ site: EngineSite, to path: String, progress: (Int, Int) -> Void = { _, _ in }) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw AWSError(
                errno == EEXIST ? .conflict : .invalidParameterValue,
                "cannot make \(path): \(SystemError.text(errno))"
            )
        }
        close(descriptor)
        do {
            let source = try SQLiteConnection(site.databasePath)
            defer { source.close() }
            let target = try SQLiteConnection(path)
            defer { target.close() }
            source.wait(milliseconds: 5000)
            // One transaction from beginning to end: what is committed meanwhile does not make it begin again.
            try source.beginReading()
            try source.copy(to: target, pages: 1024, progress: progress)
            _ = try target.value("PRAGMA journal_mode=DELETE")
        } catch {
            unsafe unlink(path)
            throw error
        }
    }
}
