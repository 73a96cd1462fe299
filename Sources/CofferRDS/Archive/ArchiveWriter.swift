internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Writes one file of an archive, from its beginning: a file that another process has begun is never gone on with, as a
/// record that was torn would be encrypted twice under one nonce.
final class ArchiveWriter {
    private let path: String
    private let descriptor: Int32
    private let recordKey: SecretBytes
    private let headerDigest: [UInt8]
    private var recordCount: UInt64 = 0
    private var isFinished = false

    init(path: String, _ header: ArchiveFile.Header, dataKey: borrowing SecretBytes) throws {
        self.path = path
        let bytes = header.bytes
        headerDigest = SHA256.digest(bytes)
        do {
            recordKey = try ArchiveFile.recordKey(dataKey, salt: header.salt)
        } catch {
            throw AWSError(.internalError, "the key of \(path) cannot be derived")
        }
        // What a crash left under the temporary name goes; what is in the archive stays.
        if path.hasSuffix(DatabaseArchive.unfinishedSuffix) { unsafe unlink(path) }
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot make \(path): \(SystemError.text(errno))")
        }
        try put(bytes)
    }

    deinit { close(descriptor) }

    /// Adds `content`, in records of at most 1 MiB. `isLast`: nothing follows.
    func append(_ content: [UInt8], isLast: Bool = false) throws {
        precondition(!isFinished, "nothing follows the last record")
        var start = 0
        repeat {
            let end = min(content.count, start + ArchiveFile.recordBytes)
            try add(content[start..<end], isLast: isLast && end == content.count)
            start = end
        } while start < content.count
        isFinished = isLast
    }

    /// Returns when all that was added is durable.
    func sync() throws {
        guard fdatasync(descriptor) == 0 else {
            throw AWSError(.internalError, "cannot sync \(path): \(SystemError.text(errno))")
        }
    }

    private func add(_ content: ArraySlice<UInt8>, isLast: Bool) throws {
        let length = ArchiveFile.big(UInt32(content.count) | (isLast ? ArchiveFile.lastBit : 0))
        let sealed: [UInt8]
        do {
            sealed = try AEAD.seal(
                data: Array(content),
                key: recordKey,
                nonce: ArchiveFile.nonce(recordCount),
                additionalData: headerDigest + length
            )
        } catch {
            throw AWSError(.internalError, "a record of \(path) cannot be encrypted")
        }
        recordCount += 1
        try put(length + sealed)
    }

    private func put(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                throw AWSError(
                    code == ENOSPC || code == EDQUOT ? .storageFull : .internalError,
                    "cannot write \(path): \(SystemError.text(code))"
                )
            }
            done += count
        }
    }
}
