public import CofferSecrets
public import CofferShapes
internal import CofferTrail

/// The root key in a file, `kms/root.key`: 32 bytes, mode 0600.
///
/// It protects a home whose disk or backup goes astray without this one file, and from other users of the
/// machine. It does not protect from whoever can read the file: root, and a thief of the whole disk.
public struct FileSeal: Seal {
    static let fileName = "root.key"

    private let folder: String

    /// A seal in a home's `kms` folder.
    public init(folder: String) { self.folder = folder }

    public func unseal() async throws -> SecretBytes { try load() }

    /// The key file, then the description that makes it count. The folder is locked.
    func install(_ rootKey: borrowing SecretBytes) throws {
        try rootKey.withBytes { bytes in try AtomicFile.store(bytes, as: Self.fileName, in: folder) }
        try SealDocument(kind: SealKind.file.rawValue).store(in: folder)
    }

    /// Whether a key file lies in the folder, whole or as a crash left it.
    static func isLeft(in folder: String) -> Bool {
        files.contains { AtomicFile.exists($0, in: folder) }
    }

    /// Destroys the key file, also one that a crash left half made. The folder is locked, and another seal is in place.
    static func removeLeft(in folder: String) throws(FileError) {
        for name in files { try AtomicFile.destroy(name, in: folder) }
    }

    private static let files = [fileName, AtomicFile.temporaryName(fileName)]

    func load() throws -> SecretBytes {
        let path = "\(folder)/\(Self.fileName)"
        do {
            let file = try OpenFile(path, .read)
            let status = try file.status()
            guard status.permissions & 0o077 == 0 else {
                throw AWSError(
                    .sealed,
                    "\(path) can be read by others, so the root key may be known to them",
                    hint: "if you trust everybody who had access, run `chmod 600 \(path)`"
                )
            }
            guard status.sizeBytes == SealStore.rootKeyCount else {
                throw AWSError(.damaged, "\(path) does not have the 32 bytes of a root key")
            }
            return try SecretBytes(count: SealStore.rootKeyCount) { span in
                guard try file.read(into: &span, at: 0) == SealStore.rootKeyCount else {
                    throw AWSError(.damaged, "\(path) does not have the 32 bytes of a root key")
                }
            }
        } catch let error as FileError {
            throw AWSError(.sealed, "the root key cannot be read: \(error)")
        }
    }
}
