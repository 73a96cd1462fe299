/// The header of a write-ahead log: the first 32 bytes of the file, big-endian. (SQLite, "Database File Format", 4.1:
/// "WAL File Format".)
///
///     0   4   magic: 0x377F0682, or 0x377F0683 where checksums are made of big-endian words
///     4   4   format, 3007000
///     8   4   page size
///     12  4   number of the checkpoint
///     16  8   salts: new ones each time the log begins anew
///     24  8   checksum of the first 24 bytes
struct WALHeader: Equatable, Sendable {
    static let count = 32

    let bytes: [UInt8]
    let pageSize: Int
    let isBigEndian: Bool

    /// nil for what is no header: a checksum that is wrong too.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.count else { return nil }
        let magic = BigEndian.word(bytes, 0)
        let pageSize = Int(BigEndian.word(bytes, 8))
        guard magic & ~1 == 0x377F_0682, BigEndian.word(bytes, 4) == 3_007_000,
            (512...65536).contains(pageSize),
            pageSize & (pageSize - 1) == 0
        else { return nil }
        (self.bytes, self.pageSize, isBigEndian) = (bytes, pageSize, magic & 1 == 1)
        guard checksum == WALChecksum().adding(bytes[..<24], isBigEndian: isBigEndian) else { return nil }
    }

    var salts: UInt64 { BigEndian.double(bytes, 16) }
    var checksum: WALChecksum {
        WALChecksum(first: BigEndian.word(bytes, 24), second: BigEndian.word(bytes, 28))
    }
    var frameBytes: Int { WALFrame.headerCount + pageSize }

    /// Where a frame begins in the file; the first has the number 1.
    func offset(of frame: Int) -> Int { Self.count + (frame - 1) * frameBytes }
}

/// The header of a frame, before its page, big-endian. (SQLite, as above.)
///
///     0   4   number of the page
///     4   4   size of the database in pages after the commit; 0 where the frame is not the last of a transaction
///     8   8   the log's salts
///     16  8   checksum: of the log's header, and of the first 8 bytes and the page of each frame up to this one
enum WALFrame {
    static let headerCount = 24
}

/// SQLite's checksum: two sums over pairs of 32-bit words, carried on from frame to frame.
struct WALChecksum: Equatable, Sendable {
    var first: UInt32 = 0
    var second: UInt32 = 0

    /// With `bytes`, a multiple of 8, added to it.
    func adding(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> WALChecksum {
        precondition(bytes.count % 8 == 0, "the checksum is over pairs of words")
        var (first, second) = (first, second)
        unsafe bytes.withUnsafeBytes { buffer in
            for offset in stride(from: 0, to: buffer.count, by: 8) {
                let left = unsafe buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                let right = unsafe buffer.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                first &+= (isBigEndian ? left.bigEndian : left.littleEndian) &+ second
                second &+= (isBigEndian ? right.bigEndian : right.littleEndian) &+ first
            }
        }
        return WALChecksum(first: first, second: second)
    }
}

/// A place in a write-ahead log: all frames up to `frame`, whose checksum binds all of them.
struct WALPosition: Equatable, Sendable {
    let header: WALHeader
    var frame = 0
    var checksum: WALChecksum
    /// The last frame ends a transaction; so does the beginning.
    var isCommit = true

    init(_ header: WALHeader) { (self.header, checksum) = (header, header.checksum) }

    init(_ header: WALHeader, frame: Int, checksum: WALChecksum) {
        (self.header, self.frame, self.checksum) = (header, frame, checksum)
    }

    /// Goes over whole frames that follow: how many transactions they end. nil where one is not the log's next frame;
    /// then it stands before that one.
    mutating func advance(over frames: ArraySlice<UInt8>) -> Int? {
        guard frames.count % header.frameBytes == 0 else { return nil }
        var commits = 0
        for start in stride(from: frames.startIndex, to: frames.endIndex, by: header.frameBytes) {
            let frame = frames[start..<(start + header.frameBytes)]
            let next =
                checksum
                .adding(frame[start..<(start + 8)], isBigEndian: header.isBigEndian)
                .adding(frame[(start + WALFrame.headerCount)...], isBigEndian: header.isBigEndian)
            guard BigEndian.word(frame, start) != 0, BigEndian.double(frame, start + 8) == header.salts,
                BigEndian.word(frame, start + 16) == next.first,
                BigEndian.word(frame, start + 20) == next.second
            else { return nil }
            isCommit = BigEndian.word(frame, start + 4) != 0
            commits += isCommit ? 1 : 0
            checksum = next
            self.frame += 1
        }
        return commits
    }
}
