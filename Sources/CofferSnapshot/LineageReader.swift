internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// Reads blocks out of a lineage's packs, for any number of threads and without a lock: packs are only ever added,
/// removed whole, or punched where no manifest names a block.
///
/// A pack's own header and descriptors are not looked at: the digest that a manifest holds proves the bytes.
final class LineageReader: Sendable {
    let lineage: LineageID
    private let storage: any SnapshotStorage
    private let packs = Mutex<OpenPacks>(OpenPacks())

    init(_ lineage: LineageID, in storage: any SnapshotStorage) {
        (self.lineage, self.storage) = (lineage, storage)
    }

    /// Fills the span, which is as long as the block, with the ciphertext of a block of that snapshot; not a byte is
    /// right before its digest is. Throws `.damagedBlock` or `.missingBlock`; the span's content is then undefined.
    func read(
        _ entry: BlockEntry,
        of id: SnapshotID,
        into ciphertext: inout MutableRawSpan
    ) throws(SnapshotError) {
        let pack = try pack(entry, of: id)
        let got: Int
        do {
            got = try pack.read(into: &ciphertext, at: PackLayout.offset(ofSlot: Int(entry.place.slot)))
        } catch {
            throw .store(error, path: lineage.pack(entry.place.pack).description)
        }
        guard got == ciphertext.byteCount, BlockDigest(of: ciphertext.bytes) == entry.digest else {
            throw .damagedBlock(id, entry.index)
        }
    }

    /// What the pack says of the slot that an entry names; nil where it says nothing that can be right.
    func descriptor(of entry: BlockEntry) throws(SnapshotError) -> PackDescriptor? {
        let number = entry.place.pack
        guard
            let pack = packs.withLock({ $0.pack(number) }) ?? (try? storage.open(lineage.pack(number), .read))
        else { return nil }
        packs.withLock { $0.insert(pack, number) }
        let bytes = try pack.bytes(
            at: PackLayout.offset(ofDescriptor: Int(entry.place.slot)),
            count: PackLayout.descriptorBytes,
            path: lineage.pack(number).description
        )
        guard bytes.count == PackLayout.descriptorBytes else { return nil }
        return PackDescriptor(bytes[...], lineage, entry.place)
    }

    private func pack(_ entry: BlockEntry, of id: SnapshotID) throws(SnapshotError) -> any BlockStore {
        let number = entry.place.pack
        if let pack = packs.withLock({ $0.pack(number) }) { return pack }
        let pack: any BlockStore
        do {
            pack = try storage.open(lineage.pack(number), .read)
        } catch .files(2, _, _) {  // ENOENT
            throw .missingBlock(id, entry.index, pack: number)
        }
        packs.withLock { $0.insert(pack, number) }
        return pack
    }
}

/// The packs that were read last, open. One that is dropped is closed when its last reader is done.
private struct OpenPacks {
    private static let capacity = 64
    private var packs: [UInt32: (store: any BlockStore, used: UInt64)] = [:]
    private var clock: UInt64 = 0

    mutating func pack(_ number: UInt32) -> (any BlockStore)? {
        clock += 1
        packs[number]?.used = clock
        return packs[number]?.store
    }

    mutating func insert(_ store: any BlockStore, _ number: UInt32) {
        if packs.count >= Self.capacity, let oldest = packs.min(by: { $0.value.used < $1.value.used }) {
            packs[oldest.key] = nil
        }
        clock += 1
        packs[number] = (store, clock)
    }
}
