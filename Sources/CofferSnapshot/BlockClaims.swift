internal import CofferBlock

/// Who works on which block of a snapshot that is being made: the sweep goes through the blocks in order, and whoever is
/// about to overwrite a block has it stored first. No block is stored twice, and none is written while it is read.
final class BlockClaims: @unchecked Sendable {
    // Sendable: everything below is touched under `monitor` alone.

    private let monitor = Monitor()
    /// Blocks whose content is to be stored still.
    private var needed: BlockMap
    /// Blocks that somebody is storing.
    private var claimed: Set<UInt64> = []
    /// What was stored ahead of the sweep; nil stands for a hole.
    private var preserved: [UInt64: BlockEntry?] = [:]
    private var preservedMap: BlockMap
    private var failure: SnapshotError?

    init(needed: BlockMap) {
        self.needed = needed
        preservedMap = BlockMap(blockCount: needed.blockCount)
    }

    private func locked<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        monitor.lock()
        defer { monitor.unlock() }
        return try body()
    }

    /// Takes a block to store it; false where it need not be, or need not be any more. Waits while another stores it.
    func claim(_ index: UInt64) -> Bool {
        locked {
            while claimed.contains(index) { monitor.wait() }
            guard failure == nil, needed.contains(index) else { return false }
            claimed.insert(index)
            return true
        }
    }

    /// Gives a claimed block back as stored. What is preserved is kept for the sweep.
    func finish(_ index: UInt64, preserving entry: BlockEntry??) {
        locked {
            claimed.remove(index)
            needed.remove(index)
            if let entry {
                preserved[index] = entry
                preservedMap.insert(index)
            }
            monitor.wakeAll()
        }
    }

    /// What was stored ahead of the sweep, which takes it; nil inside for a hole, outside for nothing.
    func takePreserved(_ index: UInt64) -> BlockEntry?? {
        locked {
            guard let entry = preserved.removeValue(forKey: index) else { return nil }
            preservedMap.remove(index)
            return entry
        }
    }

    /// The first block at or after `index` that was stored ahead of the sweep.
    func nextPreserved(from index: UInt64) -> UInt64? { locked { preservedMap.next(from: index) } }

    /// The sweep has seen that a range holds nothing but holes, where nothing is claimed or preserved.
    func pass(_ range: Range<UInt64>) { locked { needed.remove(in: range) } }

    /// Ends the work: nobody waits, and nothing is stored any more. The first reason counts.
    func end(_ error: SnapshotError) {
        locked {
            if failure == nil { failure = error }
            claimed.removeAll()
            monitor.wakeAll()
        }
    }

    /// Throws the reason why the work has ended.
    func check() throws(SnapshotError) {
        try locked { () throws(SnapshotError) in
            if let failure { throw failure }
        }
    }
}
