internal import CofferBlock

/// Places of a manifest's parts, bytes. docs/format.md has the same picture with the meaning of each field.
///
/// ```
/// 0x0000 header    0x4000 pages of entries, back to back    then the table of pages, to the end
/// header  0x0000 fields   0x1000 key slot   0x4000 end
/// page    1024 entries of 48 bytes, the last page fewer
/// entry   u64 index   u32 pack   u32 slot   SHA-256 of the ciphertext (32)
/// table   for each page: u64 index of its first entry   SHA-256 of the page (32)
/// ```
/// The header holds the digest of the table, the table those of the pages, the pages those of the blocks: whoever has
/// checked the header's code checks each part when it is read, and no part that is not.
enum ManifestLayout {
    static let headerBytes = 16384
    static let pageEntries = 1024
    static let entryBytes = 48
    static let rowBytes = 40
    /// Blocks of 64 TiB.
    static let maximumBlockCount = SnapshotBlock.count(ofVolume: Geometry.maximumVolumeBytes)

    static let magicBytes: [UInt8] = [0x43, 0x4F, 0x46, 0x53, 0x4E, 0x50, 0x1A, 0x0A]  // COFSNP, SUB, LF
    static let major: UInt16 = 1
    static let minor: UInt16 = 0
    /// Epochs stay below this, as in a volume's header.
    static let counterLimit: UInt64 = 1 << 63

    // Fields of the header, from its start. Integers are little-endian and unsigned.
    static let magic = 0x000  // 8
    static let majorVersion = 0x008  // u16
    static let minorVersion = 0x00A  // u16
    static let headerLength = 0x00C  // u32
    static let incompatibleFlags = 0x010  // u32
    static let compatibleFlags = 0x014  // u32
    static let kind = 0x018  // u32
    static let blockSize = 0x01C  // u32
    static let snapshotID = 0x020  // 32, ASCII, zero-padded
    static let volumeID = 0x040  // 32, ASCII, zero-padded
    static let volumeSize = 0x060  // u64
    static let blockCount = 0x068  // u64
    static let dataUnitSize = 0x070  // u32
    static let cipher = 0x074  // u32
    static let keyEpoch = 0x078  // u64
    static let created = 0x080  // u64
    static let gap = 0x088..<0x090  // zero
    static let salt = 0x090  // 32
    static let uuid = 0x0B0  // 16
    static let parent = 0x0C0  // 32, ASCII, zero-padded
    static let tableDigest = 0x0E0  // 32
    static let reserved = 0x100..<0xFC0
    static let mac = 0xFC0..<0xFE0
    static let checksum = 0xFE0..<0x1000
    static let slot = 0x1000

    static let idBytes = 32
    static let saltBytes = 32
    static let uuidBytes = 16

    /// Pages of so many entries.
    static func pageCount(_ blockCount: UInt64) -> Int {
        Int((blockCount + UInt64(pageEntries) - 1) / UInt64(pageEntries))
    }

    /// Entries of a page of a manifest with so many.
    static func entryCount(ofPage page: Int, _ blockCount: UInt64) -> Int {
        min(pageEntries, Int(blockCount) - page * pageEntries)
    }

    static func offset(ofPage page: Int) -> UInt64 {
        UInt64(headerBytes) + UInt64(page) * UInt64(pageEntries * entryBytes)
    }

    static func tableOffset(_ blockCount: UInt64) -> UInt64 {
        UInt64(headerBytes) + blockCount * UInt64(entryBytes)
    }

    static func tableBytes(_ blockCount: UInt64) -> Int { pageCount(blockCount) * rowBytes }

    /// Length of the whole file.
    static func fileBytes(_ blockCount: UInt64) -> UInt64 {
        tableOffset(blockCount) + UInt64(tableBytes(blockCount))
    }
}
