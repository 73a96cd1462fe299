internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail

/// A backup's file: named members, one after the other, in frames. Integers are little-endian.
///
/// ```
/// offset  size  field
///      0     8  "CofferHB"
///      8     4  version, 1
///     12        frames, the last of them an end
///
/// a frame
///      0     1  kind: 1 begins a member, 2 goes on with its bytes, 3 ends the file
///      1     4  n, the payload's length: 1 to 262144, or 0 in an end
///      5     n  payload: the member's name in UTF-8, or some of its bytes
///    5+n    32  digest
/// ```
/// A frame's digest is SHA-256(digest of the frame before ‖ kind ‖ n ‖ SHA-256(payload)); the one before the first is
/// that of the file's first 12 bytes. So frames that were changed, left out, moved or cut off show. They show damage,
/// not malice: a digest needs no key, and who can write the file can make new ones.
enum HomeArchive {
    static let magic: [UInt8] = Array("CofferHB".utf8) + littleEndian(1)
    static let maximumPayload = 256 << 10

    enum Kind: UInt8 {
        case member = 1
        case bytes = 2
        case end = 3
    }

    static func head(_ kind: Kind, count: Int) -> [UInt8] {
        [kind.rawValue] + littleEndian(UInt32(count))
    }

    static func digest(after previous: [UInt8], _ head: [UInt8], _ payload: RawSpan) -> [UInt8] {
        SHA256.digest(previous + head + SHA256.digest(payload))
    }

    static let startDigest = SHA256.digest(magic)

    private static func littleEndian(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
    }
}

/// Writes a new archive, mode 0600. What is not ended is no archive.
final class HomeArchiveWriter {
    private let file: OpenFile
    private var digest = HomeArchive.startDigest
    private(set) var names: [String] = []
    private(set) var sizeBytes = HomeArchive.magic.count

    init(_ path: String) throws(FileError) {
        file = try OpenFile(path, .create)
        try file.write(HomeArchive.magic)
    }

    /// Adds the first `count` bytes of `source`. They pass through locked memory, as they may be the root key.
    func add(_ name: String, _ source: borrowing OpenFile, count: Int) throws {
        try unsafe write(.member, Array(name.utf8).span.bytes)
        names.append(name)
        var offset = 0
        while offset < count {
            let length = min(HomeArchive.maximumPayload, count - offset)
            let chunk = try SecretBytes(count: length) { span in
                guard try source.read(into: &span, at: offset) == length else {
                    throw AWSError(.internalError, "\(name) became shorter while it was read")
                }
            }
            try chunk.withBytes { bytes in try write(.bytes, bytes) }
            offset += length
        }
    }

    /// Ends the archive; it is on the medium when this returns.
    func end() throws(FileError) {
        try unsafe write(.end, [UInt8]().span.bytes)
        try file.sync()
    }

    private func write(_ kind: HomeArchive.Kind, _ payload: RawSpan) throws(FileError) {
        let head = HomeArchive.head(kind, count: payload.byteCount)
        digest = HomeArchive.digest(after: digest, head, payload)
        try file.write(head)
        try file.write(payload)
        try file.write(digest)
        sizeBytes += head.count + payload.byteCount + digest.count
    }
}

/// Reads an archive from its start to its end, every digest verified before what it is for is given.
enum HomeArchiveReader {
    /// Calls `member` with each member's name and then `bytes` with its bytes, in parts. Throws `Coffer.Damaged` for
    /// what is no whole archive.
    static func read(
        _ path: String,
        member: (String) throws -> Void,
        bytes: (RawSpan) throws -> Void
    ) throws {
        let file = try OpenFile(path, .read)
        let size = try file.status().sizeBytes
        let start = try file.bytes(at: 0, count: HomeArchive.magic.count)
        guard start.prefix(8) == HomeArchive.magic.prefix(8) else {
            throw AWSError(.damaged, "\(path) is no backup of a home")
        }
        guard start == HomeArchive.magic else {
            throw AWSError(.damaged, "\(path) was written by a newer version of Coffer")
        }
        var digest = HomeArchive.startDigest
        var offset = start.count
        var hasMember = false
        while true {
            let damage = AWSError(.damaged, "\(path) is damaged or cut off at byte \(offset)")
            let head = try file.bytes(at: offset, count: 5)
            guard head.count == 5, let kind = HomeArchive.Kind(rawValue: head[0]) else { throw damage }
            let count = head.dropFirst().reversed().reduce(0) { $0 << 8 | Int($1) }
            guard (kind == .end ? 0...0 : 1...HomeArchive.maximumPayload).contains(count),
                count + 32 <= size - offset - 5
            else { throw damage }
            let code = try file.bytes(at: offset + 5 + count, count: 32)
            guard kind != .end else {
                let expected = unsafe HomeArchive.digest(after: digest, head, [UInt8]().span.bytes)
                guard code == expected, offset + 5 + 32 == size else { throw damage }
                return
            }
            let payload = try SecretBytes(count: count) { span in
                guard try file.read(into: &span, at: offset + 5) == count else { throw damage }
            }
            try payload.withBytes { payload in
                digest = HomeArchive.digest(after: digest, head, payload)
                guard code == digest, kind == .member || hasMember else { throw damage }
                switch kind {
                case .member:
                    guard let name = String(validating: payload.array(), as: UTF8.self) else { throw damage }
                    hasMember = true
                    try member(name)
                case .bytes, .end: try bytes(payload)
                }
            }
            offset += 5 + count + 32
        }
    }
}
