internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// The end of the trail, where lines are put: the lock over the folder, the newest file, and what this
/// process remembers of them.
///
/// As long as the newest file is as this process left it, no other has appended, and a line goes on from what
/// is remembered. Where it has grown, the new lines are read; after anything else, the end is looked for.
/// A finished file is made read-only (mode 0400) before the next one is begun: so a process that remembers it
/// as the newest sees that there is another.
final class TrailEnd: Sendable {
    /// An open file or folder that its users share.
    final class File: Sendable {
        let file: OpenFile
        /// As it was when it was opened.
        let status: FileStatus

        init(_ file: consuming OpenFile) throws(FileError) {
            status = try file.status()
            self.file = file
        }
    }

    private struct Newest {
        let file: File
        let name: TrailFileName
        let path: String
        var status: FileStatus
        var position: TrailPosition
        /// No line stands in it yet.
        var isBlank: Bool
    }

    private struct State {
        var lock: File?
        var newest: Newest?
        /// The last position of this process. Lines that it has written and that are gone were cut off.
        var written = TrailPosition.start
        var time = LineTime()
    }

    private static let finishedPermissions: UInt32 = 0o400

    let folder: TrailFolder
    let key: SecretBytes
    let head: any TrailHead
    private let clock: any WallClock
    private let random: any ByteSource
    private let fileSizeLimit: Int
    private let state = Mutex(State())

    init(
        folder: TrailFolder,
        key: consuming SecretBytes,
        head: any TrailHead,
        clock: any WallClock,
        random: any ByteSource,
        fileSizeLimit: Int
    ) {
        (self.folder, self.head) = (folder, head)
        self.key = key
        (self.clock, self.random, self.fileSizeLimit) = (clock, random, fileSizeLimit)
    }

    func encode(_ record: TrailRecord) -> EncodedRecord {
        EncodedRecord(record, eventID: EncodedRecord.eventID(random.bytes(16)))
    }

    /// Runs `body` while no other process can append. The caller has made sure of this one's threads.
    func locked<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
        let lock = try takeLock()
        defer { lock.file.unlock() }
        return try body()
    }

    /// Writes `lines` in order, under the lock: the number of the first, the file they are in, and the position
    /// of the last.
    func append(_ lines: [EncodedRecord]) throws -> Written {
        try state.withLock { state in
            let time = state.time.text(clock.now)
            var newest = try goOn(&state, time)
            // Whatever fails from here on, the end is looked for again.
            state.newest = nil
            try write(lines, time, to: &newest)
            state.newest = newest
            state.written = newest.position
            return Written(
                first: newest.position.sequence - UInt64(lines.count) + 1,
                file: newest.file,
                position: newest.position
            )
        }
    }

    struct Written: Sendable {
        let first: UInt64
        let file: File
        let position: TrailPosition
    }

    // MARK: - Parts

    /// The folder is opened again where another has taken its place.
    private func takeLock() throws -> File {
        try state.withLock { state in
            while true {
                let lock = try state.lock ?? File(OpenFile(folder.path, .folder))
                state.lock = nil
                try lock.file.lock()
                if let there = try FileStatus(path: folder.path), lock.status.isSameFile(as: there) {
                    state.lock = lock
                    return lock
                }
                lock.file.unlock()
            }
        }
    }

    private func write(_ lines: [EncodedRecord], _ time: LineTime.Text, to newest: inout Newest) throws {
        var text: [UInt8] = []
        text.reserveCapacity(lines.count * 1024)
        for line in lines {
            // Only a forged tail can come near the end of the numbers.
            guard newest.position.sequence < UInt64(1) << 53 else { throw TrailError.numbersUsedUp }
            let sequence = newest.position.sequence + 1
            let mac = TrailLine.append(
                line,
                sequence: sequence,
                eventTime: time.bytes,
                after: newest.position.mac,
                startsFile: newest.isBlank && sequence > 1,
                key: key,
                to: &text
            )
            newest.position = TrailPosition(sequence: sequence, mac: mac)
            newest.isBlank = false
        }
        try write(text, to: &newest)
    }

    private func write(_ bytes: [UInt8], to newest: inout Newest) throws {
        try newest.file.file.write(bytes)
        newest.status.sizeBytes += bytes.count
    }

    /// The newest file, ready for a line of `time`.
    private func goOn(_ state: inout State, _ time: LineTime.Text) throws -> Newest {
        if var newest = state.newest, newest.name.day >= time.day, newest.status.sizeBytes < fileSizeLimit,
            let there = try FileStatus(path: newest.path),
            there.isSameFile(as: newest.status), there.permissions == newest.status.permissions
        {
            if there.sizeBytes == newest.status.sizeBytes { return newest }
            if try readOn(&newest, to: there), there.sizeBytes < fileSizeLimit { return newest }
        }
        return try lookForEnd(state.written, time)
    }

    /// Reads what others have appended; false where that is not whole lines.
    private func readOn(_ newest: inout Newest, to there: FileStatus) throws -> Bool {
        let count = there.sizeBytes - newest.status.sizeBytes
        guard (1...4 * TrailLine.maximumBytes).contains(count) else { return false }
        let bytes = try newest.file.file.bytes(at: newest.status.sizeBytes, count: count)
        guard bytes.count == count, bytes.last == UInt8(ascii: "\n"),
            let tail = TrailTail.find(in: bytes, fromStart: true), tail.torn.isEmpty,
            let position = tail.position, position.sequence > newest.position.sequence
        else { return false }
        (newest.position, newest.isBlank, newest.status) = (position, false, there)
        return true
    }

    /// Finds the end, closes what a crash tore there, and begins a new file where it is time for one.
    private func lookForEnd(_ written: TrailPosition, _ time: LineTime.Text) throws -> Newest {
        let files = try folder.files()
        let tail = try TrailTail.find(in: folder, files: files)
        // When the head or this process is ahead of the tail, lines were cut off: going on from there leaves a
        // gap in the numbers, so that `verify` shows the cut for ever.
        let known = [tail.position, try head.load(), written].compactMap(\.self)
        let position = known.max { $0.sequence < $1.sequence } ?? .start
        guard let name = files.last else {
            return try begin(TrailFileName(day: time.day, part: 0), after: position)
        }
        let isFinished = try FileStatus(path: folder.path(of: name))?.isWritable == false
        let file = try File(OpenFile(folder.path(of: name), isFinished ? .read : .append))
        var newest = Newest(
            file: file,
            name: name,
            path: folder.path(of: name),
            status: file.status,
            position: position,
            isBlank: !tail.isInNewestFile
        )
        if !isFinished {
            if !tail.endsWithNewline { try write([UInt8(ascii: "\n")], to: &newest) }
            try close(tail.torn, in: &newest, time)
            if name.day >= time.day, newest.status.sizeBytes < fileSizeLimit { return newest }
            // What comes after must not outlive a power cut that this file's end does not.
            try file.file.syncData()
            try file.file.setPermissions(Self.finishedPermissions)
        }
        newest = try begin(name.next(on: time.day), after: newest.position)
        // A finished file is torn only where somebody has made it read-only before its time.
        if isFinished { try close(tail.torn, in: &newest, time) }
        return newest
    }

    private func close(_ torn: [UInt8], in newest: inout Newest, _ time: LineTime.Text) throws {
        guard !torn.isEmpty else { return }
        try write([encode(TornRecord.make(torn))], time, to: &newest)
    }

    private func begin(_ name: TrailFileName, after position: TrailPosition) throws -> Newest {
        let file = try File(OpenFile(folder.path(of: name), .append))
        try OpenFile(folder.path, .folder).sync()
        return Newest(
            file: file,
            name: name,
            path: folder.path(of: name),
            status: file.status,
            position: position,
            isBlank: true
        )
    }
}

/// The time of lines as text. Many lines fall in one millisecond.
private struct LineTime: Sendable {
    struct Text: Sendable {
        /// `2026-11-24T22:48:30.125Z`.
        let bytes: [UInt8]
        /// `2026-11-24`.
        let day: String
    }

    private var milliseconds: UInt64?
    private var last = Text(bytes: [], day: "")

    mutating func text(_ time: Timestamp) -> Text {
        if time.nanoseconds / 1_000_000 != milliseconds {
            milliseconds = time.nanoseconds / 1_000_000
            let text = time.iso8601
            last = Text(bytes: Array(text.utf8), day: String(text.prefix(10)))
        }
        return last
    }
}
