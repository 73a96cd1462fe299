internal import CofferBlock
internal import CofferSecrets

/// What a pack holds, as it tells by itself: which slots are used. With the descriptors of all packs the index of a
/// lineage can be rebuilt; manifests prove it.
struct PackContents {
    let sizeBytes: UInt64
    let header: [UInt8]
    private let descriptors: [UInt8]
    /// Slots that are described, or hold data without a description.
    let used: [Int]

    init(_ pack: any BlockStore, path: String) throws(SnapshotError) {
        sizeBytes = try pack.size(path: path)
        let front = try pack.bytes(at: 0, count: PackLayout.dataOffset, path: path)
        header = Array(front.prefix(PackLayout.headerBytes))
        let room = PackLayout.slotCount * PackLayout.descriptorBytes
        var descriptors = Array(front.dropFirst(PackLayout.headerBytes).prefix(room))
        descriptors += [UInt8](repeating: 0, count: room - descriptors.count)
        self.descriptors = descriptors
        var used: [Int] = []
        for slot in 0..<PackLayout.slotCount {
            let start = slot * PackLayout.descriptorBytes
            let isDescribed = !descriptors.isZero(in: start..<start + PackLayout.descriptorBytes)
            let isUsed = isDescribed ? true : try Self.holdsData(pack, slot, sizeBytes, path)
            if isUsed { used.append(slot) }
        }
        self.used = used
    }

    /// What the pack says of a slot; nil where it says nothing that can be right.
    func descriptor(_ slot: Int, _ lineage: LineageID, _ pack: UInt32) -> PackDescriptor? {
        let start = slot * PackLayout.descriptorBytes
        let bytes = descriptors[start..<start + PackLayout.descriptorBytes]
        return PackDescriptor(bytes, lineage, BlockPlace(pack: pack, slot: UInt32(slot)))
    }

    /// Whether room is taken in a slot, where the file can tell: a crash may leave data that nothing describes.
    private static func holdsData(
        _ pack: any BlockStore,
        _ slot: Int,
        _ sizeBytes: UInt64,
        _ path: String
    ) throws(SnapshotError) -> Bool {
        let offset = PackLayout.offset(ofSlot: slot)
        guard offset < sizeBytes, let file = pack as? FileBlockStore else { return false }
        do {
            guard let data = try file.nextData(from: offset) else { return false }
            return data < offset + UInt64(SnapshotBlock.bytes)
        } catch {
            throw .store(error, path: path)
        }
    }
}
