internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Takes a database file from a snapshot forward to a time: makes the write-ahead logs that it had, one after the other,
/// of what the archive has of them, and lets SQLite recover each.
struct ForwardRecovery {
    let path: String
    let archive: DatabaseArchive
    /// Where the snapshot stands in the archive.
    let state: ReplicationState
    let target: Timestamp

    /// How long after a commit it may come into the archive, and still be taken to belong to its time.
    static let tolerance: UInt64 = 1_000_000_000

    /// Coffer.Damaged where a file is missing or is not what was written, InvalidRestoreFault where the archive does not
    /// tell what the database was like at the time. Then the database file is of no use.
    func run() async throws {
        let all = try ReplicationLogName.all(in: archive)
        var log: RebuiltLog?
        var reached: ReplicationMark?
        var last = Timestamp(nanoseconds: 0)
        var expected = state.file
        for name in all where name.generation == state.generation && name.number >= state.file {
            guard name.number == expected else { throw missing(expected) }
            expected += 1
            let file = try await ReplicationReader(archive, name)
            guard let begin = file.begin else { continue }
            guard reached == nil ? begin.start?.frame ?? 0 == 0 : begin.previous == reached else {
                throw ReplicationReader.damage(name, "it does not go on where the one before it ends")
            }
            if let start = begin.start, start.frame == 0 {
                try log?.recover()
                log = try RebuiltLog(path, start)
            } else if begin.start != log?.committed {
                throw ReplicationReader.damage(name, "it does not go on where the one before it ends")
            }
            while let frames = try file.next() {
                guard frames.time <= target else {
                    try requireKnown(since: frames.since, until: frames.time)
                    try log?.recover()
                    return
                }
                try log?.append(frames.frames, committed: file.committed)
            }
            reached = file.mark
            last = max(last, file.time ?? begin.time)
        }
        guard reached != nil else { throw missing(state.file) }
        if last < target, all.contains(where: { $0.generation > state.generation }) {
            throw AWSError(
                .invalidRestore,
                "What was changed after \(last.iso8601) was not archived.",
                hint: "choose a time up to then, or one after the next automated snapshot"
            )
        }
        try log?.recover()
    }

    /// Refuses a time from which until much later nobody looked: what was committed when is not known.
    private func requireKnown(since: Timestamp, until: Timestamp) throws {
        guard target.nanoseconds > since.nanoseconds,
            target.nanoseconds - since.nanoseconds > Self.tolerance
        else { return }
        throw AWSError(
            .invalidRestore,
            "What was changed between \(since.iso8601) and \(until.iso8601) was archived only then.",
            hint: "choose a time that is not between these two"
        )
    }

    private func missing(_ number: UInt32) -> AWSError {
        let name = ReplicationLogName(generation: state.generation, number: number)
        return AWSError(.damaged, "\(name.text) is missing from the archive")
    }
}

/// A write-ahead log that is made anew beside its database.
private final class RebuiltLog {
    private let database: String
    private let descriptor: Int32
    /// Up to where its transactions are whole.
    private(set) var committed: WALPosition

    init(_ database: String, _ start: WALPosition) throws {
        (self.database, committed) = (database, start)
        unsafe unlink(database + "-wal")
        unsafe unlink(database + "-shm")
        descriptor = unsafe open(
            database + "-wal",
            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
            0o600
        )
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot make \(database)-wal: \(SystemError.text(errno))")
        }
        try put(start.header.bytes)
    }

    deinit { close(descriptor) }

    /// Frames that were checked; `committed` is the last of them, or an earlier one, that ends a transaction.
    func append(_ frames: [UInt8], committed: WALPosition?) throws {
        try put(frames)
        if let committed { self.committed = committed }
    }

    /// Has SQLite take over what is committed. What there is of a transaction without an end it passes over, as it does
    /// after a crash.
    func recover() throws {
        guard fsync(descriptor) == 0 else {
            throw AWSError(.internalError, "cannot sync \(database)-wal: \(SystemError.text(errno))")
        }
        let connection = try SQLiteConnection(database)
        defer { connection.close() }
        try connection.beginReading()
        connection.end()
        let result = try connection.checkpoint()
        guard let result, result.frames == committed.frame, result.copied == committed.frame else {
            throw AWSError(.damaged, "\(database) does not take up a write-ahead log of its archive")
        }
    }

    private func put(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                throw AWSError(
                    code == ENOSPC ? .storageFull : .internalError,
                    "cannot write \(database)-wal: \(SystemError.text(code))"
                )
            }
            done += count
        }
    }
}
