internal import CofferCatalog
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import FoundationEssentials
internal import Glibc

/// A home's keys, users and audit trail in one file, taken while the home is in use, and a home made from one.
///
/// What is in it is sealed as it was in the home: KMS keys wrapped under the root key, and the root key under its
/// seal. With a file seal the root key itself, `kms/root.key`, is left out unless it is asked for; without that one
/// file no key in the backup can be used, and with it whoever reads the backup has all of them.
///
/// The data of volumes is not in it: the files in `volumes` are ciphertext, and are copied by whatever copies large
/// files.
public enum HomeBackup {
    /// What a backup holds.
    public struct Summary: Sendable, Equatable {
        /// The members' names, such as `kms/keys.sqlite`.
        public let members: [String]
        public let sizeBytes: Int
        /// Whether the backup is of no use without a copy of `kms/root.key` from elsewhere.
        public let lacksRootKey: Bool
    }

    /// Writes the new file `file`, mode 0600. One that exists is refused.
    ///
    /// The two databases are copied by SQLite as they are at one moment each, the catalogue first, so that whatever
    /// it refers to is in the key store. The trail is held back only until its length is known: what is there never
    /// changes.
    public static func write(home: String, to file: String, withRootKey: Bool = false) throws -> Summary {
        guard exists("\(home)/\(HomeMember.catalog)") else {
            throw AWSError(.notFound, "there is no home at \(home)", hint: "name one with --home")
        }
        guard !exists(file) else {
            throw AWSError(
                .alreadyExists,
                "\(file) exists already",
                hint: "choose another name for the backup"
            )
        }
        return try reporting {
            let archive = try HomeArchiveWriter(file)
            do {
                return try write(home, to: archive, beside: file, withRootKey)
            } catch {
                // A part of a backup is of no use; that it stays where it cannot be removed harms nobody.
                unsafe unlink(file)
                throw error
            }
        }
    }

    /// Makes the home `home` from a backup; the folder must not be there, or be empty. Nothing is written before the
    /// whole file has been verified, and the home appears whole or not at all.
    public static func restore(_ file: String, to home: String) throws -> Summary {
        // What is put beside the folder would be put into it otherwise.
        let home = home.count > 1 && home.hasSuffix("/") ? String(home.dropLast()) : home
        return try reporting {
            let summary = try verify(file)
            try requireRoom(home)
            let staging = "\(home).restoring"
            guard unsafe mkdir(staging, 0o700) == 0 else {
                guard errno == EEXIST else { throw FileError("making \(staging)") }
                throw AWSError(
                    .alreadyExists,
                    "\(staging) is left from a restore that was cut short",
                    hint: "remove it, then try again"
                )
            }
            do {
                try unpack(file, into: staging)
                guard unsafe rename(staging, home) == 0 else { throw FileError("renaming to \(home)") }
            } catch {
                // The error tells more than a failure to clean up after it would.
                try? FileManager.default.removeItem(atPath: staging)
                throw error
            }
            try OpenFile(folder(of: home), .folder).sync()
            return summary
        }
    }

    // MARK: - Writing

    private static func write(
        _ home: String,
        to archive: HomeArchiveWriter,
        beside file: String,
        _ withRootKey: Bool
    ) throws -> Summary {
        let catalogCopy = try TemporaryCopy.make(of: "\(home)/\(HomeMember.catalog)", at: "\(file).catalog")
        defer { catalogCopy.remove() }
        try archive.add(HomeMember.catalog, copy: catalogCopy)
        // The order of locks everywhere: the trail, the kms folder, a database.
        let trail = try OpenFile("\(home)/trail", .folder)
        let kms = try OpenFile("\(home)/kms", .folder)
        try trail.lock()
        defer { trail.unlock() }
        try kms.lock()
        defer { kms.unlock() }
        for name in try names("\(home)/kms")
        where HomeMember.isSealRecord(name) || (withRootKey && name == HomeMember.rootKeyFile) {
            let source = try OpenFile("\(home)/kms/\(name)", .read)
            try archive.add("kms/\(name)", source, count: try source.status().sizeBytes)
        }
        var keysCopy: TemporaryCopy?
        defer { keysCopy?.remove() }
        if exists("\(home)/\(HomeMember.keys)") {
            keysCopy = try TemporaryCopy.make(of: "\(home)/\(HomeMember.keys)", at: "\(file).keys")
        }
        let lines = try names("\(home)/trail").filter(HomeMember.isTrailFile).map { name in
            let source = "\(home)/trail/\(name)"
            return (name: name, path: source, count: try OpenFile(source, .read).status().sizeBytes)
        }
        // From here on others may go on: what is copied now does not change.
        kms.unlock()
        trail.unlock()
        if let keysCopy { try archive.add(HomeMember.keys, copy: keysCopy) }
        for line in lines {
            try archive.add("trail/\(line.name)", try OpenFile(line.path, .read), count: line.count)
        }
        try archive.end()
        try OpenFile(folder(of: file), .folder).sync()
        return Summary(
            members: archive.names,
            sizeBytes: archive.sizeBytes,
            lacksRootKey: exists("\(home)/\(HomeMember.rootKey)")
                && !archive.names.contains(HomeMember.rootKey)
        )
    }

    // MARK: - Restoring

    private static func verify(_ file: String) throws -> Summary {
        var names: [String] = []
        var sealBytes: [UInt8] = []
        try HomeArchiveReader.read(
            file,
            member: { name in
                guard HomeMember.isAllowed(name), !names.contains(name) else {
                    throw AWSError(.damaged, "\(file) holds '\(name)', which is no part of a home")
                }
                names.append(name)
            },
            bytes: { bytes in
                // A seal's description is far shorter.
                if names.last == HomeMember.seal, sealBytes.count < 4096 { sealBytes += bytes.array() }
            }
        )
        guard names.contains(HomeMember.catalog) else {
            throw AWSError(.damaged, "\(file) holds no catalogue")
        }
        let kind = try? JSONDecoder().decode(SealDescription.self, from: Data(sealBytes)).kind
        return Summary(
            members: names,
            sizeBytes: try OpenFile(file, .read).status().sizeBytes,
            lacksRootKey: kind == "file" && !names.contains(HomeMember.rootKey)
        )
    }

    /// As much of `kms/seal.json` as says which seal it is.
    private struct SealDescription: Decodable { let kind: String }

    private static func requireRoom(_ home: String) throws {
        guard exists(home) else { return }
        let names = try names(home)
        guard names.isEmpty else {
            let isHome = names.contains("catalog.sqlite") || names.contains("kms")
            throw AWSError(
                .alreadyExists,
                isHome ? "\(home) is a home already" : "\(home) is not empty",
                hint: "restore to a folder that is not there"
            )
        }
    }

    private static func unpack(_ file: String, into folder: String) throws {
        for name in ["kms", "trail", "volumes"] {
            guard unsafe mkdir("\(folder)/\(name)", 0o700) == 0 else { throw FileError("making \(name)") }
        }
        var paths: [String] = []
        try HomeArchiveReader.read(
            file,
            member: { name in
                paths.append("\(folder)/\(name)")
                _ = try OpenFile("\(folder)/\(name)", .create)
            },
            bytes: { bytes in
                // The reader gives no bytes before a member.
                guard let path = paths.last else { return }
                try OpenFile(path, .append).write(bytes)
            }
        )
        for path in paths { try OpenFile(path, .append).sync() }
        for name in ["kms", "trail", "."] { try OpenFile("\(folder)/\(name)", .folder).sync() }
    }

    // MARK: - Files

    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    private static func names(_ folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw AWSError(.internalError, "the folder \(folder) cannot be read")
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func reporting<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as FileError {
            throw AWSError(error.isFull ? .storageFull : .internalError, "\(error)")
        }
    }
}
