public import CofferSecrets
public import CofferShapes

/// The audit trail: one JSON line for each call, in `<folder>/<UTC date>.jsonl`.
///
/// Lines chain by HMAC under a key of the home's root key, so that a line changed, removed or put in shows;
/// the newest position also stands in a `TrailHead`, so that a cut tail shows. Several processes append at
/// once, under a lock on the folder. A line is on the medium before `append` returns, and the head after it:
/// a crash between the two leaves the file ahead of the head by a valid line, which is no fault. A crash
/// within a write leaves a torn line, which the next append closes with a record that gives its length and
/// digest.
///
/// Limits: who holds the root key can write any history; and who can put back both an old trail and an old
/// head, as from one backup, is not seen here.
public final class Trail: Sendable {
    private let folder: TrailFolder
    let key: SecretBytes
    let head: any TrailHead
    private let clock: any WallClock

    /// The name of the record that closes a torn line.
    static let tornLine = "TornLine"

    /// Opens the trail in `folder`, which is made where it is missing. `key` is 32 bytes.
    public init(
        folder: String,
        key: consuming SecretBytes,
        head: any TrailHead,
        clock: any WallClock = SystemClock()
    ) throws(FileError) {
        self.folder = TrailFolder(path: folder)
        self.key = key
        self.head = head
        self.clock = clock
        try self.folder.make()
    }

    /// Appends one record. When this throws the record may or may not stand on the trail, and the call that
    /// it tells of must fail.
    public func append(_ record: TrailRecord) throws {
        try locked { trail in try trail.append(record) }
    }

    /// Runs `body` while nobody else, in any process, can append: for a call whose effect and whose record
    /// belong together. The lock comes before any lock of a store, everywhere.
    public func locked<Result: ~Copyable>(_ body: (borrowing TrailWriter) throws -> Result) throws -> Result {
        let lock = try OpenFile(folder.path, .folder)
        try lock.lock()
        let writer = TrailWriter(trail: self, lock: lock)
        defer { writer.unlock() }
        return try body(writer)
    }

    fileprivate func appendLocked(_ record: TrailRecord, syncingWith lock: borrowing OpenFile) throws {
        let files = try folder.files()
        let tail = try TrailTail.find(in: folder, files: files)
        var position = try newest(tail.position, head.load())
        if let newest = files.last, tail.lacksNewline || !tail.torn.isEmpty {
            let file = try OpenFile(folder.path(of: newest), .append)
            if tail.lacksNewline || tail.torn.last != UInt8(ascii: "\n") {
                try file.write([UInt8(ascii: "\n")])
            }
            if !tail.torn.isEmpty {
                position = try write(TornRecord.make(tail.torn), after: position, to: file)
            }
        }
        let now = clock.now
        // A clock that was set back does not put lines in front of others.
        let today = max("\(now.iso8601.prefix(10)).jsonl", files.last ?? "")
        let file = try OpenFile(folder.path(of: today), .append)
        position = try write(record, after: position, to: file)
        if today != files.last { try lock.sync() }
        try head.store(position)
    }

    /// The position to go on from. When the head is ahead, lines were cut off: going on from the head leaves
    /// a gap in the numbers, so that `verify` shows the cut for ever.
    private func newest(_ tail: TrailPosition?, _ head: TrailPosition?) -> TrailPosition {
        let (tail, head) = (tail ?? .start, head ?? .start)
        return tail.sequence > head.sequence ? tail : head
    }

    private func write(
        _ record: TrailRecord,
        after position: TrailPosition,
        to file: borrowing OpenFile
    ) throws -> TrailPosition {
        // Only a forged tail can come near the end of the numbers.
        guard position.sequence < UInt64(1) << 53 else { throw TrailError.numbersUsedUp }
        let sequence = position.sequence + 1
        let entry = TrailEntry(sequence: sequence, eventTime: clock.now.iso8601, record: record)
        let line = try TrailLine(entry, after: position.mac, key: key)
        let bytes = line.bytes
        guard bytes.count <= TrailLine.maximumBytes else { throw TrailError.recordTooLong }
        try file.write(bytes)
        try file.syncData()
        return TrailPosition(sequence: sequence, mac: line.mac)
    }

    var files: TrailFolder { folder }
}

/// Appends while its trail is locked.
public struct TrailWriter: ~Copyable {
    fileprivate let trail: Trail
    fileprivate let lock: OpenFile

    fileprivate init(trail: Trail, lock: consuming OpenFile) {
        self.trail = trail
        self.lock = lock
    }

    /// Named, so that the lock lives to the end of `Trail.locked`.
    fileprivate borrowing func unlock() { lock.unlock() }

    /// As `Trail.append`.
    public borrowing func append(_ record: TrailRecord) throws {
        try trail.appendLocked(record, syncingWith: lock)
    }
}

/// Why a record cannot be appended, other than for a `FileError` or an error of the head.
public enum TrailError: Error, Equatable, Sendable {
    /// The record does not fit in a line.
    case recordTooLong
    /// The newest line's number is the largest.
    case numbersUsedUp
}
