internal import CofferBlock

/// The export stream: one snapshot, from its first byte to its last, each authenticated before it is believed.
///
/// ```
/// magic COFXPT SUB LF (8)   u16 major   u16 minor   u32 zero
/// header of a manifest, 16384 bytes, of kind 1 (exported)
/// table of pages
/// for each page: the page, then the ciphertext of its blocks in order, each as long as it is in its volume
/// ```
/// The header's code is that of the volume key; the table is proved by the header, each page by the table, each block by
/// its page. The places that entries name mean nothing here but their order: entry *n* of the snapshot, from 0, is in
/// pack *n* / 1984 + 1, slot *n* mod 1984. Nothing follows the last block.
enum ExportStream {
    static let magicBytes: [UInt8] = [0x43, 0x4F, 0x46, 0x58, 0x50, 0x54, 0x1A, 0x0A]  // COFXPT, SUB, LF
    static let major: UInt16 = 1
    static let preambleBytes = 16
    /// Blocks that are read or written at a time.
    static let windowBlocks = 16

    static var preamble: [UInt8] {
        var bytes = magicBytes
        bytes.append(littleEndian: major)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(0))
        return bytes
    }

    /// The place of the n-th entry.
    static func place(_ number: UInt64) -> BlockPlace {
        BlockPlace(
            pack: UInt32(number / UInt64(PackLayout.slotCount)) + 1,
            slot: UInt32(number % UInt64(PackLayout.slotCount))
        )
    }
}
