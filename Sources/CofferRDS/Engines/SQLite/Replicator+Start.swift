internal import CofferCatalog
internal import CofferShapes
internal import Logging

extension Replicator {
    /// Begins to replicate the site's database: in the generation that the archive ends with where nothing was missed
    /// since, and else in a new one. All is archived when it returns. Gives what the instance's owner has to know too.
    static func start(_ site: EngineSite) async throws -> (Replicator, news: String?) {
        let parts = try open(site)
        do {
            guard try parts.writer.lockWriters(limit: .seconds(30)) else {
                throw AWSError(
                    .invalidDatabaseState,
                    "a client of \(site.databasePath) has not ended its transaction for 30 seconds"
                )
            }
            let (continuation, news) = try await continuation(parts)
            let replicator = Replicator(parts, continuation)
            try await replicator.ship()
            parts.writer.end()
            return (replicator, news)
        } catch {
            parts.close()
            throw error
        }
    }

    private static func open(_ site: EngineSite) throws -> ReplicationParts {
        let path = site.databasePath
        let file = try DatabaseFile(path)
        let writer = try SQLiteConnection(path)
        let reader = try SQLiteConnection(path)
        do {
            writer.wait(milliseconds: 5000)
            reader.wait(milliseconds: 5000)
            guard try reader.value("PRAGMA journal_mode=WAL") == "wal" else {
                throw AWSError(.invalidDatabaseState, "\(path) cannot be put into WAL mode")
            }
            try reader.beginReading()
            writer.wait(milliseconds: 0)
            return ReplicationParts(
                site: site,
                file: file,
                writer: writer,
                reader: reader,
                index: try WALIndex(reader),
                wal: try WALFile(path + "-wal"),
                checkpointFrames: SQLiteParameters.checkpointFrames(site.parameters)
            )
        } catch {
            reader.close()
            writer.close()
            file.close()
            throw error
        }
    }

    /// What the archive ends with, held against what is there while nobody writes.
    private static func continuation(_ parts: ReplicationParts) async throws -> (Continuation, news: String?)
    {
        let site = parts.site
        let end: ReplicationEnd?
        do {
            end = try await ReplicationEnd.find(in: site.archive)
        } catch let error as AWSError where error.code == .damaged {
            site.logger.error("the archive's end cannot be read", metadata: ["error": "\(error)"])
            let newest = try ReplicationLogName.all(in: site.archive).last?.generation
            return (.new(after: newest), Self.gap("the archive's newest file is damaged"))
        }
        guard let end else { return (.new(after: nil), nil) }
        let after = Continuation.new(after: end.last.generation)
        guard let state = ReplicationState.read(site.mount), state.database == site.record.id,
            state.generation == end.last.generation
        else {
            return (after, Self.gap("the volume does not say where in the archive it stands"))
        }
        if let position = end.position, try has(parts, position) {
            return (.same(end, isSameLog: true), nil)
        }
        // A log that began since then is whole: none begins anew before the database file was written to.
        if let stopped = state.stopped, stopped.stamp == FileStamp(site.databasePath),
            stopped.mark == end.mark
        {
            return (.same(end, isSameLog: false), nil)
        }
        return (after, Self.gap("the database was changed while nobody archived it"))
    }

    /// Whether the log that counts has all that the archive has of it.
    private static func has(_ parts: ReplicationParts, _ position: WALPosition) throws -> Bool {
        guard let look = parts.index.look(), look.salts == position.header.salts,
            look.frames >= position.frame,
            try parts.wal.header() == position.header
        else { return false }
        guard position.frame > 0 else { return true }
        let frame = try parts.wal.frames(from: position.frame, count: 1, of: position.header)
        return frame.count == position.header.frameBytes
            && BigEndian.double(frame, 16) == position.checksum.number
    }

    private static func gap(_ why: String) -> String {
        "Restores to a time begin anew with the next snapshot, which is made at once: \(why)"
    }
}
