public import CofferBlock

/// The folder that snapshots and lineages lie in: files in folders, one level deep. `SnapshotFolder` is the real one;
/// tests have one that remembers what a power cut may leave.
///
/// A file's bytes are durable after a `sync` of it, its name after a `syncFolder` of the folder that it is in.
public protocol SnapshotStorage: Sendable {
    /// Opens a file. It stays readable after its removal, as long as it is open.
    func open(_ path: StoragePath, _ access: StorageAccess) throws(SnapshotError) -> any BlockStore

    /// Takes the lock that one holder at a time has on a file, which is made where it is missing. nil when another has
    /// it. It goes with the last reference to the result.
    func tryLock(_ path: StoragePath) throws(SnapshotError) -> (any StorageLock)?

    /// Whether anybody has that lock now. Takes nothing; false where there is no such file.
    func isLocked(_ path: StoragePath) throws(SnapshotError) -> Bool

    /// The names in a folder, sorted; nil where there is no such folder. nil as the folder means the outermost one.
    func names(in folder: String?) throws(SnapshotError) -> [String]?

    /// Makes a folder; false where it is there.
    func makeFolder(_ name: String) throws(SnapshotError) -> Bool

    /// Gives a file another name, in the place of what has it.
    func rename(_ path: StoragePath, to target: StoragePath) throws(SnapshotError)

    /// Removes a file; false where there is none.
    @discardableResult
    func remove(_ path: StoragePath) throws(SnapshotError) -> Bool

    /// Removes an empty folder; false where there is none.
    @discardableResult
    func removeFolder(_ name: String) throws(SnapshotError) -> Bool

    /// Makes the names in a folder durable; nil means the outermost one.
    func syncFolder(_ name: String?) throws(SnapshotError)
}

/// How a file is opened.
public enum StorageAccess: Sendable {
    case read, readWrite
    /// A new file, mode 0600; one that exists is an error.
    case create
}

/// Holds a lock while it lives.
public protocol StorageLock: AnyObject, Sendable {}

/// A file in a folder, or in the outermost one. Both names are single components.
public struct StoragePath: Hashable, Sendable, CustomStringConvertible {
    public let folder: String?
    public let name: String

    init(_ name: String, in folder: String?) {
        precondition(
            [folder ?? "x", name].allSatisfy {
                !$0.isEmpty && !$0.utf8.contains(0x2F) && $0 != "." && $0 != ".."
            },
            "a name that is a path"
        )
        (self.folder, self.name) = (folder, name)
    }

    public var description: String { folder.map { "\($0)/\(name)" } ?? name }
}
