internal import CofferShapes

/// What the files of an SQLite instance's archive hold, record by record (docs/format.md, "Log archives"). A file has the
/// committed frames of one write-ahead log, or of a part of it, in the order in which they were written. Integers are
/// big-endian.
enum ReplicationRecord: Equatable, Sendable {
    case begin(ReplicationBegin)
    case frames(ReplicationFrames)
    /// Until this time nothing else was committed.
    case look(Timestamp)

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 16, bytes[1] == 0, bytes[2] == 0, bytes[3] == 0 else { return nil }
        switch bytes[0] {
        case 1:
            guard let begin = ReplicationBegin(bytes) else { return nil }
            self = .begin(begin)
        case 2:
            guard let frames = ReplicationFrames(bytes) else { return nil }
            self = .frames(frames)
        case 3:
            guard bytes.count == 16 else { return nil }
            self = .look(Timestamp(nanoseconds: BigEndian.double(bytes, 8)))
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .begin(let begin): begin.bytes
        case .frames(let frames): frames.bytes
        case .look(let time): [3, 0, 0, 0] + BigEndian.bytes(UInt32(0)) + BigEndian.bytes(time.nanoseconds)
        }
    }
}

/// The first record of a file: which log it is of, from where on, and what came before.
///
///     0   4   1, 0, 0, 0
///     4   4   format, 1
///     8   8   time, nanoseconds since 1970: until then nothing else was committed
///     16  8   generation
///     24  4   number of the file within the generation
///     28  4   frames of the log that earlier files have
///     32  8   checksum of the last of those, or of the log's header
///     40  16  the mark of what came before: file, frames, checksum; file 0xFFFFFFFF: nothing
///     56  32  header of the log; zero in file 0, which has no frames and says that the generation has begun
struct ReplicationBegin: Equatable, Sendable {
    static let count = 88
    static let format: UInt32 = 1

    let time: Timestamp
    let name: ReplicationLogName
    /// nil in the file that begins a generation.
    let start: WALPosition?
    let previous: ReplicationMark?

    init(time: Timestamp, name: ReplicationLogName, start: WALPosition?, previous: ReplicationMark?) {
        (self.time, self.name, self.start, self.previous) = (time, name, start, previous)
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.count, BigEndian.word(bytes, 4) == Self.format else { return nil }
        time = Timestamp(nanoseconds: BigEndian.double(bytes, 8))
        name = ReplicationLogName(
            generation: BigEndian.double(bytes, 16),
            number: BigEndian.word(bytes, 24)
        )
        previous = BigEndian.word(bytes, 40) == .max ? nil : ReplicationMark(bytes[40..<56])
        let header = Array(bytes[56...])
        if header.allSatisfy({ $0 == 0 }) {
            start = nil
        } else {
            guard let header = WALHeader(header) else { return nil }
            start = WALPosition(
                header,
                frame: Int(BigEndian.word(bytes, 28)),
                checksum: WALChecksum(BigEndian.double(bytes, 32))
            )
        }
        guard (start == nil) == (name.number == 0), start != nil || previous == nil else { return nil }
    }

    var bytes: [UInt8] {
        let nothing = [UInt8](repeating: 0xFF, count: 4) + [UInt8](repeating: 0, count: 12)
        return [1, 0, 0, 0] + BigEndian.bytes(Self.format) + BigEndian.bytes(time.nanoseconds)
            + BigEndian.bytes(name.generation) + BigEndian.bytes(name.number)
            + BigEndian.bytes(UInt32(start?.frame ?? 0)) + BigEndian.bytes(start?.checksum.number ?? 0)
            + (previous?.bytes ?? nothing)
            + (start?.header.bytes ?? [UInt8](repeating: 0, count: WALHeader.count))
    }
}

/// Frames of a log as they are in its file. A transaction of many pages comes in several records, of one time.
///
///     0   4   2, 0, 0, 0
///     4   4   number of the first frame
///     8   8   time at which their commit was seen, nanoseconds since 1970
///     16  8   time of the look before: by then they were not committed
///     24  4   how many frames
///     28  4   zero
///     32      the frames
struct ReplicationFrames: Equatable, Sendable {
    static let headerCount = 32

    let first: Int
    let time: Timestamp
    let since: Timestamp
    let count: Int
    let frames: [UInt8]

    init(first: Int, time: Timestamp, since: Timestamp, count: Int, frames: [UInt8]) {
        (self.first, self.time, self.since, self.count, self.frames) = (first, time, since, count, frames)
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count > Self.headerCount, BigEndian.word(bytes, 28) == 0 else { return nil }
        first = Int(BigEndian.word(bytes, 4))
        time = Timestamp(nanoseconds: BigEndian.double(bytes, 8))
        since = Timestamp(nanoseconds: BigEndian.double(bytes, 16))
        count = Int(BigEndian.word(bytes, 24))
        frames = Array(bytes[Self.headerCount...])
    }

    var bytes: [UInt8] {
        [2, 0, 0, 0] + BigEndian.bytes(UInt32(first)) + BigEndian.bytes(time.nanoseconds)
            + BigEndian.bytes(since.nanoseconds) + BigEndian.bytes(UInt32(count)) + BigEndian.bytes(UInt32(0))
            + frames
    }

    /// How many frames a record of an archive holds at most.
    static func limit(_ header: WALHeader) -> Int {
        (ArchiveFile.recordBytes - headerCount) / header.frameBytes
    }
}

/// Up to where a generation is in the archive: so many frames of the log that this file has, the last with this checksum.
struct ReplicationMark: Codable, Equatable, Sendable {
    let file: UInt32
    let frames: UInt32
    let checksum: UInt64

    init(file: UInt32, frames: UInt32, checksum: UInt64) {
        (self.file, self.frames, self.checksum) = (file, frames, checksum)
    }

    init(file: UInt32, _ position: WALPosition) {
        self.init(file: file, frames: UInt32(position.frame), checksum: position.checksum.number)
    }

    fileprivate init(_ bytes: ArraySlice<UInt8>) {
        file = BigEndian.word(bytes, bytes.startIndex)
        frames = BigEndian.word(bytes, bytes.startIndex + 4)
        checksum = BigEndian.double(bytes, bytes.startIndex + 8)
    }

    fileprivate var bytes: [UInt8] {
        BigEndian.bytes(file) + BigEndian.bytes(frames) + BigEndian.bytes(checksum)
    }
}

/// What a file of the archive is called: `sqlite-`, the generation in 16 hex digits, `-`, and the number in 8. A generation
/// is a history without a gap; its number is the time at which it began, nanoseconds since 1970. Names sort by time.
struct ReplicationLogName: Hashable, Comparable, Sendable {
    let generation: UInt64
    let number: UInt32

    init(generation: UInt64, number: UInt32) { (self.generation, self.number) = (generation, number) }

    init?(_ text: String) {
        guard let match = text.wholeMatch(of: #/sqlite-([0-9a-f]{16})-([0-9a-f]{8})/#),
            let generation = UInt64(match.output.1, radix: 16), let number = UInt32(match.output.2, radix: 16)
        else { return nil }
        (self.generation, self.number) = (generation, number)
    }

    var text: String { "sqlite-\(Self.hex(generation, 16))-\(Self.hex(UInt64(number), 8))" }

    static func < (left: Self, right: Self) -> Bool {
        (left.generation, left.number) < (right.generation, right.number)
    }

    private static func hex(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: width - digits.count) + digits
    }

    /// All of an archive, the oldest first.
    static func all(in archive: DatabaseArchive) throws -> [ReplicationLogName] {
        try archive.names().compactMap(Self.init).sorted()
    }
}

extension WALChecksum {
    init(_ number: UInt64) {
        self.init(first: UInt32(truncatingIfNeeded: number >> 32), second: UInt32(truncatingIfNeeded: number))
    }

    var number: UInt64 { UInt64(first) << 32 | UInt64(second) }
}
