internal import CofferCatalog
internal import CofferShapes

/// Brings what clients commit to a database into the archive, frame by frame of its write-ahead log, and lets no frame
/// go before it is there.
///
/// Two connections do this, and neither ever writes. `reader` holds a transaction open, so that the log cannot begin anew
/// over frames that are not archived: a reader of the log keeps it as it is; one that needs nothing of it, because all is
/// in the database file, lets it begin anew once and then keeps all further frames where they are. `writer` takes the
/// writers' lock for the moments in which `reader` moves on: then nobody commits, and all is archived before.
/// (SQLite, "WAL-mode File Format", 2.3.1: "How the various locks are used".)
final class Replicator: @unchecked Sendable {  // Its supervisor asks one thing after the other.
    let parts: ReplicationParts
    private(set) var generation: UInt64
    private var nextNumber: UInt32
    private var log: ReplicationLog?
    /// Archived, in the log that counts; nil where the generation goes on with a log that is not there yet.
    private(set) var position: WALPosition?
    private var mark: ReplicationMark?
    private var state: ReplicationState

    /// When all that was committed was archived.
    private(set) var whole: Timestamp
    private var lastTime: Timestamp
    private var lastRecord: Timestamp
    private(set) var transactions: UInt64 = 0
    /// Why it cannot go on; then it is begun anew, and what is in the archive decides how.
    private(set) var failure: String?

    /// What a checkpoint left nothing to do of; and when one is tried again that had to leave something.
    var settled: WALPosition?
    var nextCheckpoint = ContinuousClock.now
    private var restarts = RestartDelay()
    private var nextLog = ContinuousClock.now

    /// How the archive goes on.
    enum Continuation {
        /// A new generation, after the newest one that the archive has.
        case new(after: UInt64?)
        /// The generation of `end`: with the log that it has, or, after a clean stop, with another.
        case same(ReplicationEnd, isSameLog: Bool)
    }

    init(_ parts: ReplicationParts, _ continuation: Continuation) {
        self.parts = parts
        let now = parts.site.clock.now
        switch continuation {
        case .new(let newest):
            generation = max(now.nanoseconds, newest.map { $0 + 1 } ?? 0)
            (nextNumber, whole, lastTime, lastRecord) = (0, now, now, now)
        case .same(let end, let isSameLog):
            generation = end.last.generation
            nextNumber = end.last.number + 1
            (position, mark) = (isSameLog ? end.position : nil, end.mark)
            // After a clean stop nothing was missed; after another nobody knows since when.
            whole = isSameLog ? end.time : max(now, end.time)
            (lastTime, lastRecord) = (end.time, end.time)
        }
        state = ReplicationState(database: parts.site.record.id, generation: generation, file: 0)
        if let kept = ReplicationState.read(parts.site.mount), kept.generation == generation {
            state.file = kept.file
        }
    }

    deinit { parts.close() }

    var site: EngineSite { parts.site }
    private var wal: WALFile { parts.wal }

    /// Since when this generation is.
    var began: Timestamp { Timestamp(nanoseconds: generation) }

    // MARK: - Shipping

    /// Brings to the archive what is committed and not there. Durable when it returns.
    func ship() async throws {
        guard failure == nil else { return }
        let before = now
        guard let look = parts.index.look() else { return }
        let time = now
        if nextNumber == 0 { try await beginGeneration() }
        if let position, position.header.salts == look.salts, look.frames < position.frame {
            failure = "its write-ahead log has lost frames"
            return
        }
        if isNew(look) {
            if log == nil || position?.header.salts != look.salts { try await beginLog(look) }
            try ship(look, time)
        } else {
            try tellQuiet(before)
        }
        (whole, lastTime) = (before, time)
    }

    /// Times never go back.
    private var now: Timestamp { max(site.clock.now, lastTime) }

    /// Whether there is anything that the archive has not.
    private func isNew(_ look: WALIndex.Look) -> Bool {
        guard look.frames > 0 else { return false }
        return position?.header.salts != look.salts || position?.frame != look.frames
    }

    /// What `ship` does, where its log is open. Nobody waits for KMS while the writers' lock is held.
    func shipLocked() throws -> Bool {
        let before = now
        guard let look = parts.index.look() else { return false }
        let time = now
        if isNew(look) {
            guard log != nil, position?.header.salts == look.salts else { return false }
            try ship(look, time)
        }
        (whole, lastTime) = (before, time)
        return true
    }

    /// In pieces that a record holds: a transaction may be larger than memory.
    private func ship(_ look: WALIndex.Look, _ time: Timestamp) throws {
        guard let log, var position else { return }
        let header = position.header
        var commits = 0
        do {
            while position.frame < look.frames {
                let first = position.frame + 1
                let frames = try wal.frames(
                    from: first,
                    count: min(ReplicationFrames.limit(header), look.frames - position.frame),
                    of: header
                )
                guard !frames.isEmpty, let ended = position.advance(over: frames[...]) else {
                    throw damage(first)
                }
                commits += ended
                try log.append(
                    ReplicationFrames(
                        first: first,
                        time: time,
                        since: whole,
                        count: frames.count / header.frameBytes,
                        frames: frames
                    )
                )
            }
            guard position.isCommit else { throw damage(position.frame) }
            try log.sync()
        } catch {
            // What of the transaction is in this file has no end there; another file goes on from the last commit.
            self.log = nil
            nextLog = ContinuousClock.now + restarts.next()
            throw error
        }
        self.position = position
        mark = ReplicationMark(file: log.name.number, position)
        lastRecord = time
        transactions += UInt64(commits)
    }

    private func damage(_ frame: Int) -> AWSError {
        AWSError(
            .damaged,
            "\(wal.path) is not what was committed: frame \(frame) does not follow the one before"
        )
    }

    /// Says now and then that nothing was committed: a gap after this instance is killed begins there.
    private func tellQuiet(_ time: Timestamp) throws {
        guard let log,
            time.nanoseconds - min(lastRecord.nanoseconds, time.nanoseconds) > Self.quietNanoseconds
        else { return }
        try log.append(look: time)
        lastRecord = time
    }

    private static let quietNanoseconds: UInt64 = 60_000_000_000

    // MARK: - Files

    /// The file that says that a generation has begun.
    private func beginGeneration() async throws {
        log = try await makeLog(start: nil)
        mark = ReplicationMark(file: 0, frames: 0, checksum: 0)
        (state.file, state.stopped) = (0, nil)
        try state.write(site.mount)
    }

    /// A file for the log that counts: from its beginning, or from where an earlier file ends.
    private func beginLog(_ look: WALIndex.Look) async throws {
        guard ContinuousClock.now >= nextLog else {
            throw AWSError(.internalError, "the archive could not be written to; it is tried again")
        }
        guard let header = try wal.header(), header.salts == look.salts else {
            throw AWSError(.damaged, "\(wal.path) does not begin as its index says")
        }
        let goesOn = position?.header == header
        let start = goesOn ? position ?? WALPosition(header) : WALPosition(header)
        if !goesOn, let ended = log {
            // Once, whether another file can be begun now or not.
            log = nil
            try ended.finish(whole)
        }
        let begun = try await makeLog(start: start)
        (log, position) = (begun, start)
        mark = ReplicationMark(file: begun.name.number, start)
        guard !goesOn else { return }
        // All of the log before this one is in the database file: whatever made it so, it is durable now.
        try parts.file.sync()
        (state.file, state.stopped) = (begun.name.number, nil)
        try state.write(site.mount)
    }

    private func makeLog(start: WALPosition?) async throws -> ReplicationLog {
        let name = ReplicationLogName(generation: generation, number: nextNumber)
        do {
            let made = try await ReplicationLog(
                site.archive,
                ReplicationBegin(time: whole, name: name, start: start, previous: mark)
            )
            nextNumber += 1
            return made
        } catch {
            nextLog = ContinuousClock.now + restarts.next()
            // One without its first record is of no use, and its name is wanted.
            try? site.archive.remove(name.text)
            throw error
        }
    }

    // MARK: - The end

    /// Archives all and notes how it leaves the database file, so that the generation can go on.
    func stop() async throws {
        defer { parts.close() }
        guard failure == nil, try parts.writer.lockWriters(limit: .seconds(2)) else { return }
        try await ship()
        parts.reader.end()
        let result = try parts.reader.checkpoint()
        if let mark, let stamp = FileStamp(site.databasePath), stamp.inode == parts.file.identity.inode,
            result.map({ $0.frames == $0.copied }) ?? false
        {
            state.stopped = ReplicationState.Stopped(mark: mark, stamp: stamp)
            try state.write(site.mount)
        }
        try log?.finish(whole)
    }

    func fail(_ reason: String) { failure = reason }
}
