internal import CofferBlock
internal import CofferSnapshot
internal import Glibc
internal import Synchronization

/// What a snapshot needs of a volume that goes on: the old content of whatever changes before its block is copied.
///
/// Who writes waits for 4 KiB to be put aside, not for a block of 512 KiB: that is what a copy of the whole block costs
/// beside a small write. Whoever then copies the block puts the old pieces back in their places. They lie encrypted, as
/// they were on the store, in a file without a name that goes with the process.
final class OldContent: @unchecked Sendable {
    // Sendable: each stripe's parts are touched under its lock alone.

    private static let pieceBytes = 4096
    private static let stripeCount = 64

    private final class Stripe: @unchecked Sendable {
        let lock = Mutex<Void>(())
        /// For each block, where in the file each of its pieces lies; -1 for one that is not put aside.
        var places: [Int: [Int32]] = [:]
        var buffer = PageBuffer(count: 4 * OldContent.pieceBytes)
    }

    private let store: FileBlockStore
    private let geometry: Geometry
    private let aside: FileBlockStore
    /// Blocks that are not copied yet.
    private let waiting: AtomicBlockMap
    private let stripes = (0..<OldContent.stripeCount).map { _ in Stripe() }
    private let pieceCount = Atomic<Int>(0)
    /// Blocks of which something is put aside, or was.
    private let touched = AtomicBlockMap()

    init(
        of store: FileBlockStore,
        _ geometry: Geometry,
        waiting: AtomicBlockMap,
        aside: FileBlockStore
    ) {
        (self.store, self.geometry, self.waiting, self.aside) = (store, geometry, waiting, aside)
    }

    private func stripe(_ block: Int) -> Stripe { stripes[block % Self.stripeCount] }

    /// Puts aside what a range within one block holds, where that has not been done.
    func putAside(at offset: UInt64, count: UInt64) throws(BlockError) {
        // A volume that has grown since its snapshot's moment has more than the snapshot.
        guard offset < geometry.volumeBytes else { return }
        let count = min(count, geometry.volumeBytes - offset)
        let block = Int(offset / UInt64(SnapshotBlock.bytes))
        let start = UInt64(block) * UInt64(SnapshotBlock.bytes)
        let first = Int(offset - start) / Self.pieceBytes
        let end = (Int(offset - start) + Int(count) + Self.pieceBytes - 1) / Self.pieceBytes
        let stripe = stripe(block)
        try stripe.lock.withLock { (_) throws(BlockError) in
            // Copied meanwhile.
            guard waiting.contains(block) else { return }
            var places =
                stripe.places[block]
                ?? [Int32](repeating: -1, count: SnapshotBlock.bytes / Self.pieceBytes)
            var piece = first
            while piece < end {
                guard places[piece] < 0 else {
                    piece += 1
                    continue
                }
                var last = piece + 1
                while last < end && last - piece < 4 && places[last] < 0 { last += 1 }
                let place = try move(start + UInt64(piece * Self.pieceBytes), last - piece, stripe)
                for index in piece..<last { places[index] = Int32(place + index - piece) }
                piece = last
            }
            stripe.places[block] = places
            touched.insert(block)
        }
    }

    /// The first block at or after `index` of which something was put aside.
    func nextBlock(from index: UInt64) -> UInt64? {
        touched.first(from: Int(index), below: Int(SnapshotBlock.count(ofVolume: geometry.volumeBytes)))
            .map { UInt64($0) }
    }

    /// Copies up to 4 pieces aside and gives the first one's place.
    private func move(_ offset: UInt64, _ pieces: Int, _ stripe: Stripe) throws(BlockError) -> Int {
        let place = pieceCount.wrappingAdd(pieces, ordering: .relaxed).oldValue
        let count = pieces * Self.pieceBytes
        try stripe.buffer.withMutableBytes(at: 0, count: count) { (bytes) throws(BlockError) in
            try store.readPadded(into: &bytes, at: geometry.dataOffset + offset)
            try aside.write(bytes.bytes, at: UInt64(place * Self.pieceBytes))
        }
        return place
    }

    /// Reads a block as it was at the snapshot's moment; from then on nothing of it is put aside.
    func readBlock(
        _ index: UInt64,
        into span: inout MutableRawSpan,
        from source: VolumeSource
    ) throws(BlockError) -> BlockContent {
        let block = Int(index)
        let stripe = stripe(block)
        return try stripe.lock.withLock { (_) throws(BlockError) in
            var content = try source.readBlock(index, into: &span)
            if let places = stripe.places.removeValue(forKey: block) {
                let count = SnapshotBlock.length(of: index, inVolume: geometry.volumeBytes)
                if content == .hole { span.zero(0..<count) }
                for (piece, place) in places.enumerated() where place >= 0 && piece * Self.pieceBytes < count
                {
                    let range = piece * Self.pieceBytes..<min(count, (piece + 1) * Self.pieceBytes)
                    _ = try span.withPart(range) { (part) throws(BlockError) in
                        try aside.read(into: &part, at: UInt64(Int(place) * Self.pieceBytes))
                    }
                }
                content = .ciphertext(count: count)
            }
            waiting.remove(block)
            return content
        }
    }
}
