internal import CLinux
public import CofferBlock
internal import Glibc

/// The folder `snapshots` of a home, by its descriptor: it is found once, and names are looked up in it alone.
public final class SnapshotFolder: SnapshotStorage {
    /// The open folder. Owned: closed with this.
    public let descriptor: Int32
    private let path: String

    /// Opens the folder; it must exist.
    public init(path: String) throws(SnapshotError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .files(errno: errno, call: "opening", path: path) }
        (self.descriptor, self.path) = (descriptor, path)
    }

    /// Takes over an open folder, such as one that a parent process handed down.
    public init(adopting descriptor: Int32) { (self.descriptor, path) = (descriptor, "snapshots") }

    deinit { close(descriptor) }

    public func open(_ path: StoragePath, _ access: StorageAccess) throws(SnapshotError) -> any BlockStore {
        try openFile(path, access)
    }

    private func openFile(
        _ path: StoragePath,
        _ access: StorageAccess
    ) throws(SnapshotError) -> FileBlockStore {
        let flags: Int32 =
            switch access {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        let folder = try openFolder(path.folder)
        defer { close(folder) }
        // O_NONBLOCK: a FIFO put in a file's place would hold us; to a regular file it means nothing.
        let file = unsafe openat(folder, path.name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard file >= 0 else { throw failure("opening", path) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(file)
            throw .files(errno: EINVAL, call: "opening", path: path.description)
        }
        return FileBlockStore(adopting: file)
    }

    public func tryLock(_ path: StoragePath) throws(SnapshotError) -> (any StorageLock)? {
        while true {
            let file = try openOrCreate(path)
            do {
                guard try file.tryLock(exclusive: true) else { return nil }
            } catch {
                throw .store(error, path: path.description)
            }
            // A collector may have removed the file while we waited for it: a lock on that keeps nobody out.
            var status = stat()
            guard unsafe fstat(file.descriptor, &status) == 0 else { throw failure("looking at", path) }
            if status.st_nlink > 0 { return FolderLock(file) }
        }
    }

    public func isLocked(_ path: StoragePath) throws(SnapshotError) -> Bool {
        do {
            return try openFile(path, .read).isLockedByAnother()
        } catch let error as SnapshotError {
            if case .files(ENOENT, _, _) = error { return false }
            throw error
        } catch {
            throw .files(errno: EINVAL, call: "looking at", path: path.description)
        }
    }

    private func openOrCreate(_ path: StoragePath) throws(SnapshotError) -> FileBlockStore {
        while true {
            do {
                return try openFile(path, .readWrite)
            } catch .files(ENOENT, _, _) {}
            do {
                return try openFile(path, .create)
            } catch .files(EEXIST, _, _) {}  // made by another meanwhile
        }
    }

    public func names(in folder: String?) throws(SnapshotError) -> [String]? {
        let opened: Int32
        do {
            opened = try openFolder(folder)
        } catch .files(ENOENT, _, _) {
            return nil
        } catch .files(ENOTDIR, _, _) {
            return nil
        }
        guard let stream = unsafe fdopendir(opened) else {
            close(opened)
            throw failure("reading", folder)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                let text = unsafe UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self)
                return unsafe String(cString: text)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw failure("reading", folder) }
        return names.sorted()
    }

    public func makeFolder(_ name: String) throws(SnapshotError) -> Bool {
        if unsafe mkdirat(descriptor, name, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw failure("making", name) }
        return false
    }

    public func rename(_ path: StoragePath, to target: StoragePath) throws(SnapshotError) {
        let from = try openFolder(path.folder)
        defer { close(from) }
        let to = try openFolder(target.folder)
        defer { close(to) }
        guard unsafe renameat(from, path.name, to, target.name) == 0 else { throw failure("renaming", path) }
    }

    public func remove(_ path: StoragePath) throws(SnapshotError) -> Bool {
        let folder: Int32
        do {
            folder = try openFolder(path.folder)
        } catch .files(ENOENT, _, _) {
            return false
        }
        defer { close(folder) }
        if unsafe unlinkat(folder, path.name, 0) == 0 { return true }
        guard errno == ENOENT else { throw failure("removing", path) }
        return false
    }

    public func removeFolder(_ name: String) throws(SnapshotError) -> Bool {
        if unsafe unlinkat(descriptor, name, Self.removeDirectory) == 0 { return true }
        guard errno == ENOENT else { throw failure("removing", name) }
        return false
    }

    public func syncFolder(_ name: String?) throws(SnapshotError) {
        let folder = try openFolder(name)
        defer { close(folder) }
        while fsync(folder) != 0 {
            guard errno == EINTR else { throw failure("syncing", name) }
        }
    }

    /// AT_REMOVEDIR of unlinkat(2), which glibc's module has as no constant.
    private static let removeDirectory: Int32 = 0x200

    private func openFolder(_ name: String?) throws(SnapshotError) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW
        let folder = unsafe openat(descriptor, name ?? ".", flags, 0)
        guard folder >= 0 else { throw failure("opening", name) }
        return folder
    }

    private func failure(_ call: String, _ path: StoragePath) -> SnapshotError {
        .files(errno: errno, call: call, path: path.description)
    }

    private func failure(_ call: String, _ folder: String?) -> SnapshotError {
        .files(errno: errno, call: call, path: folder ?? path)
    }
}

/// An open file whose lock goes when it is closed.
private final class FolderLock: StorageLock {
    private let file: FileBlockStore

    init(_ file: FileBlockStore) { self.file = file }
}
