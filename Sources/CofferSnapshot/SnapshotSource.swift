public import CofferBlock
internal import CofferSecrets

/// Where a snapshot's blocks come from: ciphertext as it lies in a volume's store. It is called from several threads at
/// once, for different blocks.
public protocol SnapshotSource: Sendable {
    /// Reads one block, as it was at the snapshot's instant, to the start of the span, which has room for it. A block
    /// of which every byte is zero may be given as ciphertext all the same: it is stored as a hole.
    func readBlock(_ index: UInt64, into span: inout MutableRawSpan) throws(BlockError) -> BlockContent

    /// The first block at or after `index` that may hold data; nil where none does. Blocks in between are holes.
    func nextBlock(from index: UInt64) throws(BlockError) -> UInt64?
}

extension SnapshotSource {
    /// Whoever cannot tell has every block read.
    public func nextBlock(from index: UInt64) throws(BlockError) -> UInt64? { index }
}

/// The data of a volume's store. What stands still while it is read gives a snapshot; on a live volume, whoever writes
/// has `SnapshotJob.preserve` called first.
public final class VolumeSource: SnapshotSource {
    private let store: any BlockStore
    private let geometry: Geometry

    public init(_ store: any BlockStore, _ geometry: Geometry) {
        (self.store, self.geometry) = (store, geometry)
    }

    public func readBlock(
        _ index: UInt64,
        into span: inout MutableRawSpan
    ) throws(BlockError) -> BlockContent {
        guard index < SnapshotBlock.count(ofVolume: geometry.volumeBytes) else { throw .outOfRange }
        let count = SnapshotBlock.length(of: index, inVolume: geometry.volumeBytes)
        let offset = geometry.dataOffset + SnapshotBlock.offset(of: index)
        let got = try span.withPart(0..<count) { (part) throws(BlockError) in
            try store.readPadded(into: &part, at: offset)
        }
        return got == 0 ? .hole : .ciphertext(count: count)
    }

    public func nextBlock(from index: UInt64) throws(BlockError) -> UInt64? {
        let start = geometry.dataOffset + SnapshotBlock.offset(of: index)
        guard let data = try store.nextData(from: start) else { return nil }
        return max(index, (data - geometry.dataOffset) / UInt64(SnapshotBlock.bytes))
    }
}
