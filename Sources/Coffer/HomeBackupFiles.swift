internal import CofferCatalog
internal import CofferShapes
internal import CofferTrail
internal import Glibc

/// What a backup may hold, by name.
enum HomeMember {
    static let catalog = "catalog.sqlite"
    static let keys = "kms/keys.sqlite"
    static let seal = "kms/seal.json"
    static let rootKey = "kms/root.key"
    static let rootKeyFile = "root.key"

    /// Whether a file in the `kms` folder belongs to the seal: all but the key store with its journals, the root key in
    /// the clear, and what a crash left half written.
    static func isSealRecord(_ name: String) -> Bool {
        isPlain(name) && !name.hasPrefix("keys.sqlite") && name != rootKeyFile && !name.hasSuffix(".new")
    }

    /// A file of the trail, which begins with its day: `2026-11-24.jsonl`, also one that was compressed since.
    static func isTrailFile(_ name: String) -> Bool {
        isPlain(name) && name.prefixMatch(of: #/[0-9]{4}-[0-9]{2}-[0-9]{2}\./#) != nil
    }

    /// Whether a restore may write a member of this name: nothing else, and nothing outside of the home.
    static func isAllowed(_ name: String) -> Bool {
        if [catalog, keys, rootKey].contains(name) { return true }
        if name.hasPrefix("kms/") { return isSealRecord(String(name.dropFirst(4))) }
        return name.hasPrefix("trail/") && isTrailFile(String(name.dropFirst(6)))
    }

    /// Letters, digits, dots, dashes and underscores, and no dot in front.
    private static func isPlain(_ name: String) -> Bool {
        name.wholeMatch(of: #/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}/#) != nil
    }
}

/// A database as it was at one moment, in a file of its own for as long as it takes to put it into the archive.
struct TemporaryCopy {
    let path: String

    static func make(of database: String, at path: String) throws -> TemporaryCopy {
        // For the mode, which SQLite would take from the umask.
        try makeEmpty(path)
        let copy = TemporaryCopy(path: path)
        do {
            try HomeDatabase.copy(database, to: path)
        } catch {
            copy.remove()
            throw error
        }
        return copy
    }

    private static func makeEmpty(_ path: String) throws {
        do {
            _ = try OpenFile(path, .create)
        } catch {
            guard error.code == EEXIST else { throw error }
            throw AWSError(
                .alreadyExists,
                "\(path) is left from a backup that was cut short",
                hint: "remove it, then try again"
            )
        }
    }

    /// Removes the file; one that stays holds nothing that the archive does not.
    func remove() { unsafe unlink(path) }
}

extension HomeArchiveWriter {
    func add(_ name: String, copy: TemporaryCopy) throws {
        let source = try OpenFile(copy.path, .read)
        try add(name, source, count: try source.status().sizeBytes)
    }
}
