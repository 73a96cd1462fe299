internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Reads one file of an archive from its beginning. Whatever was changed in it is an error, and never content.
final class ArchiveReader {
    let header: ArchiveFile.Header
    private let path: String
    private let descriptor: Int32
    private let headerDigest: [UInt8]
    private var recordKey: SecretBytes?
    private var recordCount: UInt64 = 0
    /// Whether the last record was read: nothing is missing.
    private(set) var isComplete = false

    /// Coffer.Damaged for what is no such file, or not the one of this name.
    init(path: String, name: String) throws {
        self.path = path
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw AWSError(
                errno == ENOENT ? .notFound : .internalError,
                "cannot open \(path): \(SystemError.text(errno))"
            )
        }
        self.descriptor = descriptor
        let fixed = Self.get(descriptor, ArchiveFile.fixedBytes)
        guard let count = ArchiveFile.Header.count(fixed),
            let header = ArchiveFile.Header(fixed + Self.get(descriptor, count - fixed.count)),
            header.name == name
        else {
            close(descriptor)
            throw AWSError(.damaged, "\(path) is no file of this archive, or its header is damaged")
        }
        self.header = header
        headerDigest = SHA256.digest(header.bytes)
    }

    deinit { close(descriptor) }

    func unlock(_ dataKey: borrowing SecretBytes) throws {
        do {
            recordKey = try ArchiveFile.recordKey(dataKey, salt: header.salt)
        } catch {
            throw AWSError(.internalError, "the key of \(path) cannot be derived")
        }
    }

    /// The next record; nil at the end, and where a record was being written when its writer died.
    func next() throws -> [UInt8]? {
        guard !isComplete else { return nil }
        let length = Self.get(descriptor, 4)
        guard length.count == 4 else { return nil }
        let word = ArchiveFile.word(length)
        let count = Int(word & ~ArchiveFile.lastBit)
        guard count <= ArchiveFile.recordBytes else { throw damage }
        let sealed = Self.get(descriptor, count + AEAD.tagCount)
        guard sealed.count == count + AEAD.tagCount else { return nil }
        guard let content = open(sealed, headerDigest + length) else {
            // A record that its writer's death tore is the file's last, and nobody was told that it is kept.
            if Self.get(descriptor, 1).isEmpty, word & ArchiveFile.lastBit == 0 { return nil }
            throw damage
        }
        recordCount += 1
        isComplete = word & ArchiveFile.lastBit != 0
        return content
    }

    /// All of a file that is whole. Coffer.Damaged where its end is missing.
    func readAll() throws -> [UInt8] {
        var content: [UInt8] = []
        while let record = try next() { content += record }
        guard isComplete else { throw damage }
        return content
    }

    private var damage: AWSError {
        AWSError(.damaged, "\(path) is damaged: record \(recordCount) is not what was written")
    }

    private func open(_ sealed: [UInt8], _ additionalData: [UInt8]) -> [UInt8]? {
        try? AEAD.open(
            data: sealed,
            key: recordKey!,  // set by whoever opens it for reading, before
            nonce: ArchiveFile.nonce(recordCount),
            additionalData: additionalData
        )
    }

    /// At most `count` bytes; fewer only at the file's end.
    private static func get(_ descriptor: Int32, _ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe read(descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done)
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { break }
            done += got
        }
        return Array(bytes.prefix(done))
    }
}
