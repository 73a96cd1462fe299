internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets

/// What the table says of a page: where its entries begin, and the digest of its bytes.
struct ManifestRow: Sendable {
    let first: UInt64
    let digest: BlockDigest

    /// Reads the table of a manifest with this header, and checks it against the header's digest.
    static func parse(_ bytes: [UInt8], of header: ManifestHeader) throws(SnapshotError) -> [ManifestRow] {
        let id = header.snapshotID
        let count = ManifestLayout.pageCount(header.blockCount)
        guard bytes.count == count * ManifestLayout.rowBytes,
            BlockDigest(SHA256.digest(bytes), at: 0) == header.tableDigest
        else { throw .damagedManifest(id, .table) }
        var rows: [ManifestRow] = []
        rows.reserveCapacity(count)
        let span = unsafe bytes.span.bytes
        for offset in stride(from: 0, to: bytes.count, by: ManifestLayout.rowBytes) {
            let row = ManifestRow(
                first: span.number(UInt64.self, at: offset),
                digest: BlockDigest(span, at: offset + 8)
            )
            if let last = rows.last, row.first <= last.first { throw .implausibleManifest(id, .entries) }
            rows.append(row)
        }
        return rows
    }

    static func serialise(_ rows: [ManifestRow]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: rows.count * ManifestLayout.rowBytes)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        for (number, row) in rows.enumerated() {
            span.put(row.first, at: number * ManifestLayout.rowBytes)
            span.put(row.digest, at: number * ManifestLayout.rowBytes + 8)
        }
        return bytes
    }
}

/// Up to 1024 entries of a manifest, in ascending order of their blocks.
final class ManifestPage: Sendable {
    let entries: [BlockEntry]

    /// Reads the bytes of a page and checks them: against the table's digest, in order, within the volume, and in places
    /// that packs have.
    init(
        parsing bytes: [UInt8],
        number: Int,
        table: [ManifestRow],
        of header: ManifestHeader
    ) throws(SnapshotError) {
        let id = header.snapshotID
        let count = ManifestLayout.entryCount(ofPage: number, header.blockCount)
        guard bytes.count == count * ManifestLayout.entryBytes,
            BlockDigest(SHA256.digest(bytes), at: 0) == table[number].digest
        else { throw .damagedManifest(id, .page) }
        let end =
            number + 1 < table.count
            ? table[number + 1].first : SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        var entries: [BlockEntry] = []
        entries.reserveCapacity(count)
        let span = unsafe bytes.span.bytes
        var floor = table[number].first
        for offset in stride(from: 0, to: bytes.count, by: ManifestLayout.entryBytes) {
            let index = span.number(UInt64.self, at: offset)
            let place = BlockPlace(
                pack: span.number(UInt32.self, at: offset + 8),
                slot: span.number(UInt32.self, at: offset + 12)
            )
            guard index >= floor, index < end, place.isPlausible, offset > 0 || index == floor else {
                throw .implausibleManifest(id, .entries)
            }
            floor = index + 1
            entries.append(BlockEntry(index: index, place: place, digest: BlockDigest(span, at: offset + 16)))
        }
        self.entries = entries
    }

    static func serialise(_ entries: [BlockEntry]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: entries.count * ManifestLayout.entryBytes)
        var elements = bytes.mutableSpan
        var span = unsafe elements.mutableBytes
        for (number, entry) in entries.enumerated() {
            let offset = number * ManifestLayout.entryBytes
            span.put(entry.index, at: offset)
            span.put(entry.place.pack, at: offset + 8)
            span.put(entry.place.slot, at: offset + 12)
            span.put(entry.digest, at: offset + 16)
        }
        return bytes
    }

    func entry(at index: UInt64) -> BlockEntry? {
        let position = position(of: index)
        return position < entries.count && entries[position].index == index ? entries[position] : nil
    }

    /// Of the first entry at or after a block; the count of entries where there is none.
    func position(of index: UInt64) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
