import CofferBlock
import CofferSecrets
import CofferTesting
import Synchronization

@testable import CofferSnapshot

/// Folders and files in memory that remember each change in order, to replay what a power cut could have left.
///
/// The model: of a file, what was written before a sync of it that returned is there; of what came after, each piece of
/// each write may be there or not, in any order. Of a folder, the names as they were at its last sync are there; of each
/// later change to them, any may be missing. A rename is there whole or not at all.
final class RecordingStorage: SnapshotStorage {
    enum Event: Sendable {
        case create(StoragePath, file: Int)
        case write(file: Int, offset: UInt64, [UInt8])
        case sync(file: Int)
        case rename(StoragePath, StoragePath, file: Int)
        case remove(StoragePath)
        case makeFolder(String)
        case removeFolder(String)
        case syncFolder(String?)
        /// A caller was told that something is done; the number says what.
        case acknowledged(Int)
    }

    private struct State {
        var folders: Set<String> = []
        var names: [StoragePath: Int] = [:]
        var files: [MemoryBlockStore] = []
        var log: [Event] = []
        var locked: Set<StoragePath> = []
        /// Changes until one fails, and all that follow.
        var changesLeft = Int.max
        var punches = true
    }

    private let state = Mutex<State>(State())

    var events: [Event] { state.withLock { $0.log } }

    func acknowledge(_ number: Int) { state.withLock { $0.log.append(.acknowledged(number)) } }

    /// Forgets the past: what is there now is durable.
    func settle() { state.withLock { $0.log = [] } }

    /// After so many more changes every one fails with EIO.
    var changesLeft: Int {
        get { state.withLock { $0.changesLeft } }
        set { state.withLock { $0.changesLeft = newValue } }
    }

    /// Whether the filesystem can punch holes.
    var punches: Bool {
        get { state.withLock { $0.punches } }
        set { state.withLock { $0.punches = newValue } }
    }

    var paths: [StoragePath] { state.withLock { $0.names.keys.sorted { $0.description < $1.description } } }

    func bytes(_ path: StoragePath) -> [UInt8]? {
        state.withLock { state in state.names[path].map { state.files[$0].bytes } }
    }

    /// Puts bytes into a file behind everybody's back.
    func put(_ bytes: [UInt8], to path: StoragePath) {
        state.withLock { state in
            if let folder = path.folder { state.folders.insert(folder) }
            state.files.append(MemoryBlockStore(bytes))
            state.names[path] = state.files.count - 1
        }
    }

    private func change<Result>(
        _ call: String,
        _ path: String,
        _ body: (inout State) throws(SnapshotError) -> Result
    ) throws(SnapshotError) -> Result {
        try state.withLock { (state) throws(SnapshotError) in
            guard state.changesLeft > 0 else { throw .files(errno: 5, call: call, path: path) }
            state.changesLeft -= 1
            return try body(&state)
        }
    }

    // MARK: - SnapshotStorage

    func open(_ path: StoragePath, _ access: StorageAccess) throws(SnapshotError) -> any BlockStore {
        if access == .create {
            return try change("opening", path.description) { (state) throws(SnapshotError) in
                guard path.folder.map(state.folders.contains) ?? true else {
                    throw .files(errno: 2, call: "opening", path: path.description)
                }
                guard state.names[path] == nil else {
                    throw .files(errno: 17, call: "opening", path: path.description)
                }
                let file = state.files.count
                state.files.append(MemoryBlockStore())
                state.names[path] = file
                state.log.append(.create(path, file: file))
                return RecordedFile(self, file, state.files[file])
            }
        }
        let found = state.withLock { state in state.names[path].map { ($0, state.files[$0]) } }
        guard let (file, store) = found else {
            throw .files(errno: 2, call: "opening", path: path.description)
        }
        return RecordedFile(self, file, store)
    }

    func tryLock(_ path: StoragePath) throws(SnapshotError) -> (any StorageLock)? {
        try state.withLock { (state) throws(SnapshotError) in
            guard path.folder.map(state.folders.contains) ?? true else {
                throw .files(errno: 2, call: "opening", path: path.description)
            }
            if state.names[path] == nil {
                state.files.append(MemoryBlockStore())
                state.names[path] = state.files.count - 1
                state.log.append(.create(path, file: state.files.count - 1))
            }
            return state.locked.insert(path).inserted ? RecordedLock(self, path) : nil
        }
    }

    func isLocked(_ path: StoragePath) throws(SnapshotError) -> Bool {
        state.withLock { $0.locked.contains(path) }
    }

    fileprivate func unlock(_ path: StoragePath) { state.withLock { _ = $0.locked.remove(path) } }

    func names(in folder: String?) throws(SnapshotError) -> [String]? {
        state.withLock { state in
            guard let folder else {
                return (state.folders.map { $0 } + state.names.keys.filter { $0.folder == nil }.map(\.name))
                    .sorted()
            }
            guard state.folders.contains(folder) else { return nil }
            return state.names.keys.filter { $0.folder == folder }.map(\.name).sorted()
        }
    }

    func makeFolder(_ name: String) throws(SnapshotError) -> Bool {
        try change("making", name) { state in
            guard state.folders.insert(name).inserted else { return false }
            state.log.append(.makeFolder(name))
            return true
        }
    }

    func rename(_ path: StoragePath, to target: StoragePath) throws(SnapshotError) {
        try change("renaming", path.description) { (state) throws(SnapshotError) in
            guard let file = state.names.removeValue(forKey: path) else {
                throw .files(errno: 2, call: "renaming", path: path.description)
            }
            state.names[target] = file
            state.log.append(.rename(path, target, file: file))
        }
    }

    func remove(_ path: StoragePath) throws(SnapshotError) -> Bool {
        guard state.withLock({ $0.names[path] != nil }) else { return false }
        return try change("removing", path.description) { state in
            state.names[path] = nil
            state.log.append(.remove(path))
            return true
        }
    }

    func removeFolder(_ name: String) throws(SnapshotError) -> Bool {
        try change("removing", name) { (state) throws(SnapshotError) in
            guard state.names.keys.allSatisfy({ $0.folder != name }) else {
                throw .files(errno: 39, call: "removing", path: name)
            }
            guard state.folders.remove(name) != nil else { return false }
            state.log.append(.removeFolder(name))
            return true
        }
    }

    func syncFolder(_ name: String?) throws(SnapshotError) {
        try change("syncing", name ?? ".") { state in state.log.append(.syncFolder(name)) }
    }

    // MARK: - Files

    fileprivate func record(
        _ call: BlockError.Call,
        _ event: Event?,
        _ body: () throws(BlockError) -> Void
    ) throws(BlockError) {
        do throws(SnapshotError) {
            try change(call.rawValue, "") { state in if let event { state.log.append(event) } }
        } catch {
            throw .system(errno: 5, call: call)
        }
        try body()
    }

    // MARK: - Replay

    /// What is there after the first `count` events since `settle`, all of them whole, as a kill leaves it.
    func state(
        afterEvents count: Int,
        from start: RecordingStorage
    ) -> (storage: RecordingStorage, acknowledged: Int?) {
        var random = SeededGenerator(seed: 0)
        return replay(Array(events.prefix(count)), from: start, torn: nil, random: &random)
    }

    /// What a power cut after the first `count` events may have left.
    func tornState(
        afterEvents count: Int,
        from start: RecordingStorage,
        random: inout SeededGenerator
    ) -> (storage: RecordingStorage, acknowledged: Int?) {
        let share = Double.random(in: 0...1, using: &random)
        return replay(Array(events.prefix(count)), from: start, torn: share, random: &random)
    }

    /// A storage with the same content and no past.
    func copy() -> RecordingStorage {
        let copy = RecordingStorage()
        let (folders, names, files) = state.withLock { ($0.folders, $0.names, $0.files.map(\.bytes)) }
        copy.state.withLock { state in
            state.folders = folders
            state.names = names
            state.files = files.map { MemoryBlockStore($0) }
        }
        return copy
    }

    private func replay(
        _ events: [Event],
        from start: RecordingStorage,
        torn share: Double?,
        random: inout SeededGenerator
    ) -> (storage: RecordingStorage, acknowledged: Int?) {
        let result = start.copy()
        var (folders, names, files) = result.state.withLock { ($0.folders, $0.names, $0.files) }
        var acknowledged: Int?
        var lastSync: [Int: Int] = [:]
        var lastFolderSync: [String: Int] = [:]
        for (number, event) in events.enumerated() {
            switch event {
            case .sync(let file): lastSync[file] = number
            case .syncFolder(let name): lastFolderSync[name ?? ""] = number
            case .acknowledged(let count): acknowledged = count
            default: break
            }
        }
        func survives(_ number: Int, in folder: String?) -> Bool {
            guard let share else { return true }
            if let synced = lastFolderSync[folder ?? ""], number < synced { return true }
            return Double.random(in: 0...1, using: &random) < share
        }
        var loose: [(file: Int, offset: Int, bytes: ArraySlice<UInt8>)] = []
        for (number, event) in events.enumerated() {
            switch event {
            case .create(let path, let file):
                while files.count <= file { files.append(MemoryBlockStore()) }
                if survives(number, in: path.folder) { names[path] = file }
            case .rename(let path, let target, let file):
                guard survives(number, in: path.folder) else { break }
                names[path] = nil
                names[target] = file
            case .remove(let path): if survives(number, in: path.folder) { names[path] = nil }
            case .makeFolder(let name): if survives(number, in: nil) { folders.insert(name) }
            case .removeFolder(let name): if survives(number, in: nil) { folders.remove(name) }
            case .write(let file, let offset, let bytes):
                if share == nil || number < lastSync[file] ?? -1 {
                    files[file].write(bytes[...], at: Int(offset))
                } else {
                    let piece = bytes.count > 65536 ? 65536 : 512
                    for from in stride(from: 0, to: bytes.count, by: piece) {
                        loose.append((file, Int(offset) + from, bytes[from..<min(from + piece, bytes.count)]))
                    }
                }
            case .sync, .syncFolder, .acknowledged: break
            }
        }
        for piece in loose.shuffled(using: &random)
        where Double.random(in: 0...1, using: &random) < share ?? 1 {
            files[piece.file].write(piece.bytes, at: piece.offset)
        }
        // A file in a folder that did not survive is gone with it.
        let kept = names.filter { path, _ in path.folder.map(folders.contains) ?? true }
        result.state.withLock { ($0.folders, $0.names, $0.files) = (folders, kept, files) }
        return (result, acknowledged)
    }
}

private final class RecordedLock: StorageLock {
    private let storage: RecordingStorage
    private let path: StoragePath

    init(_ storage: RecordingStorage, _ path: StoragePath) { (self.storage, self.path) = (storage, path) }

    deinit { storage.unlock(path) }
}

private final class RecordedFile: BlockStore {
    private let storage: RecordingStorage
    private let file: Int
    private let base: MemoryBlockStore

    init(_ storage: RecordingStorage, _ file: Int, _ base: MemoryBlockStore) {
        (self.storage, self.file, self.base) = (storage, file, base)
    }

    var alignment: Int { 1 }

    func sizeBytes() throws(BlockError) -> UInt64 { try base.sizeBytes() }

    func read(into bytes: inout MutableRawSpan, at offset: UInt64, waits: Bool) throws(BlockError) -> Int {
        try base.read(into: &bytes, at: offset, waits: waits)
    }

    func write(_ bytes: RawSpan, at offset: UInt64) throws(BlockError) {
        let copy = bytes.array()
        try storage.record(.write, .write(file: file, offset: offset, copy)) {
            base.write(copy[...], at: Int(offset))
        }
    }

    func sync() throws(BlockError) { try storage.record(.sync, .sync(file: file)) {} }

    func punchHole(at offset: UInt64, count: UInt64) throws(BlockError) {
        guard storage.punches else { throw .system(errno: 95, call: .allocate) }
        let size = try base.sizeBytes()
        let zeroes = [UInt8](repeating: 0, count: Int(min(count, size - offset)))
        try storage.record(.allocate, .write(file: file, offset: offset, zeroes)) {
            base.write(zeroes[...], at: Int(offset))
        }
    }

    func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) {
        try punchHole(at: offset, count: count)
    }

    func resize(toBytes count: UInt64) throws(BlockError) { try base.resize(toBytes: count) }

    func nextData(from offset: UInt64) throws(BlockError) -> UInt64? { try base.nextData(from: offset) }
}
