internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Keeps an instance's log in its archive, a file of the archive for each file of the log, and knows up to when that has
/// every commit.
struct PostgresArchiver {
    /// The server closes a segment that holds something after so long: how far the archive is behind at most.
    static let timeoutSeconds = 60
    private static let segmentBytes = 16 << 20
    private static let prefix = "wal-"

    let site: EngineSite
    let exchange: FileExchange

    /// Where the log that is archived ends.
    private var end: UInt64 = 0
    /// Moments whose log is not archived yet, the oldest first.
    private var waiting: [Moment] = []
    private var last: Moment?
    private(set) var latestRestorable: Timestamp?

    /// The state of the server at a time.
    struct Moment {
        /// When it was asked for: all that was committed before is in the log before `position`.
        let time: Timestamp
        var position: UInt64
        /// The oldest transaction that runs and the one to come: the same where none runs.
        let oldest: UInt64
        let next: UInt64
    }

    init(_ cluster: PostgresCluster) throws {
        (site, exchange) = (cluster.site, cluster.exchange)
        end = try Self.files(of: site.archive).compactMap(\.end).max() ?? 0
    }

    static func name(_ file: LogFileName) -> String { prefix + file.text }

    static func files(of archive: DatabaseArchive) throws -> [LogFileName] {
        try archive.names().compactMap { name in
            name.hasPrefix(prefix) ? LogFileName(String(name.dropFirst(prefix.count))) : nil
        }
    }

    // MARK: - Files

    /// Does what the server's command asks for.
    mutating func serve() async throws {
        for file in try exchange.requests(.store) {
            do {
                let path = "\(site.data)/pg_wal/\(file.text)"
                guard let content = try OwnedFile.read(path, limit: Self.segmentBytes) else {
                    throw AWSError(.internalError, "there is no \(path)")
                }
                try await site.archive.store(Self.name(file), Self.packed(content))
            } catch {
                try exchange.answer(file, .store, .failed)
                throw error
            }
            try exchange.answer(file, .store, .done)
            if let end = file.end { reached(end) }
        }
    }

    /// A file as the archive has it: its length (8 bytes, big-endian), then all but the zeroes at its end. A segment that
    /// was closed early is zeroes for the most part.
    static func packed(_ content: [UInt8]) -> [UInt8] {
        let count = content.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        let length = (0..<8).map { UInt8(truncatingIfNeeded: content.count >> (56 - 8 * $0)) }
        return length + content.prefix(count)
    }

    /// nil for what `packed` never made.
    static func unpacked(_ content: [UInt8]) -> [UInt8]? {
        guard content.count >= 8 else { return nil }
        let length = content.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let kept = content.dropFirst(8)
        guard length <= segmentBytes, kept.count <= length else { return nil }
        return Array(kept) + [UInt8](repeating: 0, count: Int(length) - kept.count)
    }

    /// Whether the server has nothing left to be archived.
    var isIdle: Bool {
        get throws {
            try !FolderNames.sorted(in: "\(site.data)/pg_wal/archive_status").contains {
                $0.hasSuffix(".ready")
            }
        }
    }

    // MARK: - Times

    /// A commit takes its time a moment before it enters the log: so much is held back of what the moments tell.
    private static let margin: UInt64 = 1_000_000_000
    private static let momentLimit = 4096

    mutating func add(_ moment: Moment) {
        var moment = moment
        // Where no transaction has begun since the last moment, and none ran then, nothing was committed meanwhile: what
        // the archive had to have then is enough.
        if let last, last.oldest == last.next, moment.oldest == moment.next, last.next == moment.next {
            moment.position = last.position
        }
        last = moment
        waiting.append(moment)
        if waiting.count > Self.momentLimit { waiting.removeFirst(waiting.count / 2) }
        reached(end)
    }

    private mutating func reached(_ position: UInt64) {
        end = max(end, position)
        guard let index = waiting.lastIndex(where: { $0.position <= end }) else { return }
        let time = Timestamp(nanoseconds: waiting[index].time.nanoseconds - Self.margin)
        latestRestorable = max(time, latestRestorable ?? time)
        waiting.removeFirst(index + 1)
    }

    // MARK: - Pruning

    /// Removes the segments that were archived before a time. A snapshot of the volume has the log from its own checkpoint
    /// on, so all that it needs of the archive was archived after it was made; the day is for clocks that were wrong.
    static func prune(_ archive: DatabaseArchive, keeping since: Timestamp) throws {
        let limit = since.nanoseconds - min(since.nanoseconds, 86_400_000_000_000)
        for file in try files(of: archive) where file.end != nil {
            var status = stat()
            guard unsafe lstat(archive.path(name(file)), &status) == 0, status.st_mtim.tv_sec >= 0 else {
                continue
            }
            if UInt64(status.st_mtim.tv_sec) * 1_000_000_000 < limit { try archive.remove(name(file)) }
        }
    }
}
