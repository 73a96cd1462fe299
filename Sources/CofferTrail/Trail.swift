public import CofferSecrets
public import CofferShapes

/// The audit trail: one JSON line for each call, in `<folder>/<UTC date>.jsonl`, then `<date>.1.jsonl` and so
/// on when a file has grown large. A finished file is read-only, and may be compressed or moved away from the
/// oldest on.
///
/// Lines chain by HMAC under a key of the home's root key, so that a line changed, removed or put in shows;
/// the newest position also stands in a `TrailHead`, so that a cut tail shows. Several processes append at
/// once, under a lock on the folder, and threads of one process in one write. A crash between a line and its
/// head leaves the file ahead of the head by valid lines, which is no fault. A crash within a write leaves a
/// torn line, which the next append closes with a record that gives its length and digest.
///
/// A power cut takes no line of durability `.now`, and of the others at most those of the last second, the
/// newest first, along with the head that would have told of them: the trail is then whole, and ends earlier.
/// So for a second after such a line was written, somebody who can both write to the folder and keep every
/// process from going on (by a crash) can cut it off unseen. Where a filesystem brings later blocks of a file
/// onto the medium before earlier ones, `verify` finds the place broken after such a power cut.
///
/// Limits: who holds the root key can write any history; and who can put back both an old trail and an old
/// head, as from one backup, is not seen here.
public final class Trail: Sendable {
    /// What is certain when `append` returns.
    public enum Durability: Sendable {
        /// The line is on the medium, and the head stored: for calls that change something.
        case now
        /// The line has been written, so that no crash of a process loses it; a power cut may, within the next
        /// second. A process that ends by `exit` calls `flush` or `close` before, for the head.
        case soon
    }

    let end: TrailEnd
    private let queue = AppendQueue()
    private let sync: TrailSync

    /// The name of the record that closes a torn line.
    static let tornLine = "TornLine"

    /// Opens the trail in `folder`, which is made where it is missing. `key` is 32 bytes. A file is finished
    /// when it has grown past `fileSizeLimit` bytes.
    public init(
        folder: String,
        key: consuming SecretBytes,
        head: any TrailHead,
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource(),
        fileSizeLimit: Int = 64 << 20
    ) throws(FileError) {
        let folder = TrailFolder(path: folder)
        end = TrailEnd(
            folder: folder,
            key: key,
            head: head,
            clock: clock,
            random: random,
            fileSizeLimit: fileSizeLimit
        )
        sync = TrailSync(head: head)
        try folder.make()
    }

    deinit {
        // Nobody is left to tell: what cannot be synced now was promised to nobody.
        try? sync.close()
    }

    /// Appends one record. When this throws the record may or may not stand on the trail, and the call that
    /// it tells of must fail. Not to be called within `locked`.
    public func append(_ record: TrailRecord, durability: Durability = .now) throws {
        try sync.check()
        let sequence = try queue.append(end.encode(record)) { lines in
            try end.locked {
                let written = try end.append(lines)
                sync.wrote(written)
                return written.first
            }
        }
        switch durability {
        case .now: try sync.sync(through: sequence)
        case .soon: try sync.startThread()
        }
    }

    /// Runs `body` while nobody else, in any process, can append: for a call whose effect and whose record
    /// belong together. The lock comes before any lock of a store, everywhere.
    public func locked<Result: ~Copyable>(_ body: (borrowing TrailWriter) throws -> Result) throws -> Result {
        try queue.alone {
            try end.locked { try body(TrailWriter(trail: self)) }
        }
    }

    /// Returns when every line that this process has appended is on the medium, and the head stored.
    public func flush() throws { try sync.flush() }

    /// As `flush`, and ends the trail's thread. Appends fail afterwards.
    public func close() throws { try sync.close() }

    fileprivate func appendLocked(_ record: TrailRecord, _ durability: Durability) throws {
        try sync.check()
        let written = try end.append([end.encode(record)])
        sync.wrote(written)
        switch durability {
        case .now: try sync.syncHere(written)
        case .soon: try sync.startThread()
        }
    }
}

/// Appends while its trail is locked.
public struct TrailWriter: ~Copyable {
    fileprivate let trail: Trail

    fileprivate init(trail: Trail) { self.trail = trail }

    /// As `Trail.append`. With `.now` the head is stored on this thread, and so within the transaction that it
    /// may have.
    public borrowing func append(_ record: TrailRecord, durability: Trail.Durability = .now) throws {
        try trail.appendLocked(record, durability)
    }
}

/// Why a record cannot be appended, other than for a `FileError` or an error of the head.
public enum TrailError: Error, Equatable, Sendable {
    /// The newest line's number is the largest.
    case numbersUsedUp
    /// The trail was closed in this process.
    case closed
}
