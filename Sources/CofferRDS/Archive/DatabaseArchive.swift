internal import CofferCrypto
internal import CofferEBS
internal import CofferSecrets
internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// The log archive of an instance: files of ciphertext in the home, each under a data key of its own that the instance's
/// KMS key wraps, with the context `aws:rds:db-id` = the instance's id.
struct DatabaseArchive: Sendable {
    let folder: String
    let database: DatabaseID
    /// Wraps the data keys of new files.
    let keyARN: ARN
    let keys: VolumeKeys
    /// In whose name KMS is asked.
    let caller: Caller

    /// While a file is not whole it is called so.
    static let unfinishedSuffix = ".new"

    /// The context of every data key of an instance. (RDS user guide, "Overview of encrypting Amazon RDS resources".)
    static func context(_ database: DatabaseID) -> EncryptionContext { ["aws:rds:db-id": database.text] }

    /// The files, by name; none where nothing was ever archived.
    func names() throws -> [String] {
        try FolderNames.sorted(in: folder).filter { !$0.hasSuffix(Self.unfinishedSuffix) }
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func contains(_ name: String) -> Bool { unsafe access(path(name), F_OK) == 0 }

    /// Keeps `content` as a whole under `name`, durable when this returns. The same once more is fine; something else
    /// under a name that is taken is refused: a history is never written over.
    func store(_ name: String, _ content: [UInt8]) async throws {
        if contains(name) {
            let kept = try await open(name).readAll()
            guard kept == content else {
                throw AWSError(
                    .conflict,
                    "the archive of \(database) has another \(name) already: two histories have met"
                )
            }
            return
        }
        let writer = try await writer(name, path: path(name) + Self.unfinishedSuffix)
        try writer.append(content, isLast: true)
        try writer.sync()
        guard unsafe rename(path(name) + Self.unfinishedSuffix, path(name)) == 0 else {
            throw AWSError(.internalError, "cannot keep \(path(name)): \(SystemError.text(errno))")
        }
        try syncFolder()
    }

    /// A file that grows record by record, and is in the archive from the first on.
    func beginLog(_ name: String) async throws -> ArchiveWriter {
        let writer = try await writer(name, path: path(name))
        try writer.sync()
        try syncFolder()
        return writer
    }

    func open(_ name: String) async throws -> ArchiveReader {
        let reader = try ArchiveReader(path: path(name), name: name)
        let answer = try await keys.service(of: reader.header.keyARN).decrypt(
            reader.header.wrappedDataKey,
            key: KeyReference(reader.header.keyARN.description),
            context: Self.context(database),
            caller: caller
        )
        try reader.unlock(answer.takePlaintext())
        return reader
    }

    func remove(_ name: String) throws {
        guard unsafe unlink(path(name)) == 0 || errno == ENOENT else {
            throw AWSError(.internalError, "cannot remove \(path(name)): \(SystemError.text(errno))")
        }
    }

    private func writer(_ name: String, path: String) async throws -> ArchiveWriter {
        try Folder.make(folder, mode: 0o700)
        let dataKey = try await keys.service(of: keyARN).generateDataKey(
            count: ArchiveFile.dataKeyBytes,
            key: KeyReference(keyARN.description),
            context: Self.context(database),
            caller: caller
        )
        let header = ArchiveFile.Header(
            name: name,
            keyARN: dataKey.wrapped.keyARN,
            wrappedDataKey: dataKey.wrapped.blob,
            salt: SystemByteSource().bytes(ArchiveFile.saltBytes)
        )
        return try ArchiveWriter(path: path, header, dataKey: dataKey.plaintext)
    }

    private func syncFolder() throws {
        let descriptor = unsafe Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot open \(folder): \(SystemError.text(errno))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw AWSError(.internalError, "cannot sync \(folder): \(SystemError.text(errno))")
        }
    }
}
