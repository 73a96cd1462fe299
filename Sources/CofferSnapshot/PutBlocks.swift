internal import CofferBlock
internal import CofferSecrets
internal import Synchronization

/// A snapshot that is put together block by block, in any order and by any thread.
public protocol SnapshotContent: Sendable {
    var header: ManifestHeader { get }

    /// Stores the ciphertext of a block: as long as the block is in its volume, else `.outOfRange`. All zero is a hole. Of
    /// two puts of one block the later counts. `checksum` is its plaintext's, kept for `checksums`.
    func put(_ ciphertext: RawSpan, at index: UInt64, checksum: BlockChecksum?) throws(SnapshotError)

    /// How many blocks were put so far.
    var count: Int { get }

    /// The checksums of the blocks put so far, in ascending order of the blocks; blocks without one are left out.
    var checksums: [BlockChecksum] { get }

    /// Completes the snapshot. On an error what was put is taken back. To be called once, when nobody puts any more.
    func commit(_ macKey: borrowing SnapshotMACKey) throws(SnapshotError) -> AuthenticManifest

    /// Gives the snapshot up in place of `commit`.
    func fail(_ error: SnapshotError)
}

/// A block that was put.
struct PutBlock {
    /// nil stands for a hole.
    let entry: BlockEntry?
    let checksum: BlockChecksum?
}

/// The blocks that were put, 96 bytes each.
final class PutBlocks: Sendable {
    private let blocks = Mutex<[UInt64: PutBlock]>([:])
    private let storedCount = Atomic<Int>(0)

    func put(
        _ ciphertext: RawSpan,
        at index: UInt64,
        _ checksum: BlockChecksum?,
        of header: ManifestHeader,
        to writer: LineageWriter
    ) throws(SnapshotError) {
        guard index < SnapshotBlock.count(ofVolume: header.geometry.volumeBytes),
            ciphertext.byteCount == header.length(of: index)
        else { throw .outOfRange }
        let entry = ciphertext.isZero ? nil : try writer.append(ciphertext, index: index)
        blocks.withLock { $0[index] = PutBlock(entry: entry, checksum: checksum) }
        // Now and then, so that no more than two packs are open and the end need not wait for all of it.
        let count = storedCount.add(1, ordering: .relaxed).newValue
        if count.isMultiple(of: PackLayout.slotCount) { try writer.sync() }
    }

    var count: Int { blocks.withLock { $0.count } }

    /// In ascending order.
    var sorted: [(index: UInt64, block: PutBlock)] {
        blocks.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    var checksums: [BlockChecksum] { sorted.compactMap(\.block.checksum) }
}

extension RawSpan {
    /// Whether all bytes are zero, of a multiple of 8.
    fileprivate var isZero: Bool {
        var sum: UInt64 = 0
        for offset in stride(from: 0, to: byteCount, by: 8) {
            sum |= number(UInt64.self, at: offset)
            if sum != 0 { return false }
        }
        return true
    }
}
