internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

/// Makes what a volume's snapshot holds a server's data again. The snapshot is what a crash would have left, so the
/// server first goes through its own log as after a crash; to reach a time it then goes on with the archive, by itself.
/// (PostgreSQL documentation, "Continuous Archiving and Point-in-Time Recovery".)
struct PostgresRestore {
    let cluster: PostgresCluster
    private let exchange: FileExchange
    private var missing: Set<LogFileName> = []

    init(_ site: EngineSite) throws {
        cluster = try PostgresCluster(site)
        var exchange = cluster.exchange
        exchange.fetched = "\(site.mount)/fetched"
        self.exchange = exchange
    }

    mutating func run(from archive: DatabaseArchive?, to target: Timestamp?) async throws {
        try await cluster.prepareFolders()
        try await cluster.endLeftovers()
        guard FolderNames.exists("\(cluster.site.data)/PG_VERSION") else {
            throw AWSError(.invalidRestore, "the snapshot holds no data of PostgreSQL")
        }
        forgetSource()
        let process: PostgresProcess
        if let archive, let target {
            process = try await recover(from: archive, to: target)
        } else {
            try await cluster.configure(.preparation)
            process = try cluster.launch()
            try await cluster.awaitReady(process)
        }
        do {
            try await cluster.checkTables()
        } catch {
            try await cluster.stop(process)
            throw error
        }
        try await cluster.stop(process)
        try await cluster.checkPages()
    }

    /// What the source was about to archive is in the source's archive, or nowhere: the new instance's begins anew.
    private func forgetSource() {
        let data = cluster.site.data
        for name in ["recovery.signal", "standby.signal"] { unsafe unlink("\(data)/\(name)") }
        let folder = "\(data)/pg_wal/archive_status"
        for name in (try? FolderNames.sorted(in: folder)) ?? [] where name.hasSuffix(".ready") {
            unsafe rename("\(folder)/\(name)", "\(folder)/\(name.dropLast(6)).done")
        }
    }

    // MARK: - To a time

    private mutating func recover(
        from archive: DatabaseArchive,
        to target: Timestamp
    ) async throws -> PostgresProcess {
        try exchange.prepare()
        defer { removeFetched() }
        try OwnedFile.replace("\(cluster.site.data)/recovery.signal", "", for: cluster.user)
        if let process = try await attempt(archive, target) { return process }
        // All that is archived was committed before the time: to its end is right, if there is an end and no gap.
        try requireNoGap(archive)
        guard let process = try await attempt(archive, nil) else {
            throw AWSError(.internalError, "PostgreSQL did not recover to the end of the archive")
        }
        return process
    }

    /// A server that has reached the time; nil where the log has ended before.
    private mutating func attempt(
        _ archive: DatabaseArchive,
        _ target: Timestamp?
    ) async throws -> PostgresProcess? {
        try await cluster.configure(.recovery(exchange, target))
        let process = try cluster.launch()
        let exchange = exchange
        var missing: Set<LogFileName> = []
        var damage: (any Error)?
        defer { self.missing.formUnion(missing) }
        do {
            try await cluster.awaitReady(process) {
                do {
                    try await Self.serve(exchange, archive, &missing)
                } catch {
                    damage = error
                }
            }
        } catch {
            try await cluster.stop(process)
            if let damage { throw damage }
            let words = cluster.log(of: process)
            if target != nil, words.contains("recovery ended before configured recovery target was reached") {
                return nil
            }
            throw error
        }
        return process
    }

    /// Puts the files of the log that the server asks for where its command finds them.
    private static func serve(
        _ exchange: FileExchange,
        _ archive: DatabaseArchive,
        _ missing: inout Set<LogFileName>
    ) async throws {
        for file in try exchange.requests(.fetch) {
            let name = PostgresArchiver.name(file)
            guard archive.contains(name) else {
                missing.insert(file)
                try exchange.answer(file, .fetch, .missing)
                continue
            }
            do {
                guard let content = PostgresArchiver.unpacked(try await archive.open(name).readAll()) else {
                    throw AWSError(.damaged, "\(archive.path(name)) is no file of a log")
                }
                unsafe unlink("\(exchange.fetched)/\(file.text)")
                try OwnedFile.make("\(exchange.fetched)/\(file.text)", content, for: exchange.user)
            } catch {
                try exchange.answer(file, .fetch, .failed)
                throw error
            }
            try exchange.answer(file, .fetch, .done)
        }
    }

    /// The server takes a segment that is missing for the log's end. Where the archive has a later one it is a gap.
    private func requireNoGap(_ archive: DatabaseArchive) throws {
        let kept = try PostgresArchiver.files(of: archive).compactMap(\.end)
        for file in missing.sorted() {
            guard let end = file.end, kept.contains(where: { $0 > end }), !kept.contains(end) else {
                continue
            }
            throw AWSError(
                .damaged,
                "the archive of \(archive.database) lacks the segment \(file.text), and has later ones"
            )
        }
    }

    private func removeFetched() {
        for name in (try? FolderNames.sorted(in: exchange.fetched)) ?? [] {
            unsafe unlink("\(exchange.fetched)/\(name)")
        }
        unsafe rmdir(exchange.fetched)
    }
}
