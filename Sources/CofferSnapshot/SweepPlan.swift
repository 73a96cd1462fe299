internal import CofferBlock
internal import Synchronization

/// What the sweep does next, a window of blocks at a time: which to read, and which to take over from the previous
/// snapshot as they are.
struct SweepPlan {
    let source: any SnapshotSource
    /// nil: any block may have changed.
    let changed: BlockMap?
    var previous: ManifestCursor?
    let claims: BlockClaims
    let blockCount: UInt64
    /// All blocks before it are done.
    private(set) var position: UInt64 = 0

    init(
        source: any SnapshotSource,
        changed: BlockMap?,
        previous: ManifestCursor?,
        claims: BlockClaims,
        blockCount: UInt64
    ) {
        (self.source, self.changed, self.previous) = (source, changed, previous)
        (self.claims, self.blockCount) = (claims, blockCount)
    }

    /// Plans the next window; false where nothing is left.
    mutating func fill(_ window: SweepWindow) throws(SnapshotError) -> Bool {
        window.clear()
        while !window.isFull {
            let next = try nextRead()
            if changed != nil { try keep(below: next ?? blockCount, window) }
            if window.isFull { break }
            guard let next else {
                claims.pass(position..<blockCount)
                position = blockCount
                break
            }
            claims.pass(position..<next)
            window.appendRead(next, known: try previous?.entry(at: next))
            position = next + 1
        }
        return !window.isEmpty
    }

    /// The next block to read. The source is asked first: what it calls a hole because it was discarded meanwhile had
    /// been preserved before.
    private func nextRead() throws(SnapshotError) -> UInt64? {
        if let changed { return changed.next(from: position) }
        guard position < blockCount else { return nil }
        let inSource: UInt64?
        do {
            inSource = try source.nextBlock(from: position)
        } catch {
            throw .source(error)
        }
        let preserved = claims.nextPreserved(from: position)
        let next = min(inSource.map { max($0, position) } ?? .max, preserved ?? .max)
        return next < blockCount ? next : nil
    }

    /// Takes over the previous snapshot's blocks before the next that is read.
    private mutating func keep(below limit: UInt64, _ window: SweepWindow) throws(SnapshotError) {
        while !window.isFull, let entry = try previous?.peek(), entry.index < limit {
            window.appendKept(entry)
            _ = try previous?.next()
            // A window that is full here goes on at the next block, not at the next read.
            position = entry.index + 1
        }
    }
}

/// Blocks on their way into a manifest, in ascending order: some that are known, some that workers read.
final class SweepWindow: Sendable {
    private static let mostReads = 256
    private static let mostItems = 8192

    private struct Item {
        let index: UInt64
        var entry: BlockEntry?
    }

    private struct State {
        var items: [Item] = []
        /// Places in `items` of those that are read, with what the previous snapshot has of them.
        var reads: [(place: Int, known: BlockEntry?)] = []
    }

    private let state = Mutex<State>(State())

    var isFull: Bool {
        state.withLock { $0.reads.count >= Self.mostReads || $0.items.count >= Self.mostItems }
    }
    var isEmpty: Bool { state.withLock { $0.items.isEmpty } }
    var readCount: Int { state.withLock { $0.reads.count } }

    func clear() {
        state.withLock { state in
            state.items.removeAll(keepingCapacity: true)
            state.reads.removeAll(keepingCapacity: true)
        }
    }

    func appendKept(_ entry: BlockEntry) {
        state.withLock { $0.items.append(Item(index: entry.index, entry: entry)) }
    }

    func appendRead(_ index: UInt64, known: BlockEntry?) {
        state.withLock { state in
            state.reads.append((state.items.count, known))
            state.items.append(Item(index: index, entry: nil))
        }
    }

    func read(_ number: Int) -> (index: UInt64, known: BlockEntry?) {
        state.withLock { state in (state.items[state.reads[number].place].index, state.reads[number].known) }
    }

    func set(_ entry: BlockEntry?, _ number: Int) {
        state.withLock { state in state.items[state.reads[number].place].entry = entry }
    }

    func forEachEntry(_ body: (BlockEntry) throws(SnapshotError) -> Void) throws(SnapshotError) {
        let items = state.withLock { $0.items }
        for item in items { if let entry = item.entry { try body(entry) } }
    }
}
