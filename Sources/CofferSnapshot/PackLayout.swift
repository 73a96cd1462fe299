internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets

/// A pack: up to 992 MiB of ciphertext blocks of one lineage, written once, front to back, by one writer.
///
/// ```
/// 0x000000  header, 4096 bytes: magic COFPAK SUB LF, u16 major, u16 minor, u32 header length, u32 incompat flags,
///           u32 block size, u32 pack number, u32 slot count, uuid of the lineage (16), zeroes, SHA-256 (32)
/// 0x001000  1984 descriptors of 64 bytes, one a slot, zero where a slot is empty or freed:
///           u64 block, u32 length, u32 zero, SHA-256 of the ciphertext (32), check (16)
/// 0x020000  1984 slots of 512 KiB
/// ```
/// Descriptors make a pack tell by itself what lies in it; manifests prove it. The descriptors stand together, so that
/// blocks lie at multiples of their own length, are written and read in large pieces, and can be punched out.
enum PackLayout {
    static let headerBytes = 4096
    static let descriptorBytes = 64
    static let slotCount = 1984
    static let dataOffset = 131072

    static let magicBytes: [UInt8] = [0x43, 0x4F, 0x46, 0x50, 0x41, 0x4B, 0x1A, 0x0A]  // COFPAK, SUB, LF
    static let major: UInt16 = 1
    static let minor: UInt16 = 0

    static let majorVersion = 0x008  // u16
    static let minorVersion = 0x00A  // u16
    static let headerLength = 0x00C  // u32
    static let incompatibleFlags = 0x010  // u32
    static let blockSize = 0x014  // u32
    static let packNumber = 0x018  // u32
    static let slotCountField = 0x01C  // u32
    static let lineage = 0x020  // 16
    static let reserved = 0x030..<0xFE0
    static let checksum = 0xFE0..<0x1000

    static func offset(ofSlot slot: Int) -> UInt64 {
        UInt64(dataOffset) + UInt64(slot) * UInt64(SnapshotBlock.bytes)
    }

    static func offset(ofDescriptor slot: Int) -> UInt64 { UInt64(headerBytes + slot * descriptorBytes) }

    static func header(_ lineage: LineageID, _ number: UInt32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerBytes)
        bytes.store(magicBytes, at: 0)
        bytes.store(littleEndian: major, at: majorVersion)
        bytes.store(littleEndian: minor, at: minorVersion)
        bytes.store(littleEndian: UInt32(headerBytes), at: headerLength)
        bytes.store(littleEndian: UInt32(SnapshotBlock.bytes), at: blockSize)
        bytes.store(littleEndian: number, at: packNumber)
        bytes.store(littleEndian: UInt32(slotCount), at: slotCountField)
        bytes.store(lineage.uuid, at: Self.lineage)
        bytes.store(SHA256.digest(bytes), at: checksum.lowerBound)
        return bytes
    }

    /// Whether the bytes are the header of that pack, as this version writes it; a newer minor version may say more.
    static func isHeader(_ bytes: [UInt8], of lineage: LineageID, _ number: UInt32) -> Bool {
        guard bytes.count == headerBytes, bytes.bytes(at: 0, count: magicBytes.count) == magicBytes else {
            return false
        }
        var unchecked = bytes
        unchecked.store([UInt8](repeating: 0, count: SHA256.count), at: checksum.lowerBound)
        return SHA256.digest(unchecked) == Array(bytes[checksum])
            && bytes.load(UInt16.self, at: majorVersion) == major
            && bytes.load(UInt32.self, at: headerLength) == UInt32(headerBytes)
            && bytes.load(UInt32.self, at: incompatibleFlags) == 0
            && bytes.load(UInt32.self, at: blockSize) == UInt32(SnapshotBlock.bytes)
            && bytes.load(UInt32.self, at: packNumber) == number
            && bytes.load(UInt32.self, at: slotCountField) == UInt32(slotCount)
            && bytes.bytes(at: Self.lineage, count: 16) == lineage.uuid && bytes.isZero(in: reserved)
    }
}

/// What a pack says of one of its slots.
struct PackDescriptor: Sendable, Equatable {
    let index: UInt64
    /// Length of the ciphertext, bytes: at least 512 and at most a block.
    let length: Int
    let digest: BlockDigest

    /// Bytes before the check.
    private static let bodyBytes = 48

    func serialised(_ lineage: LineageID, _ place: BlockPlace) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(PackLayout.descriptorBytes)
        bytes.append(littleEndian: index)
        bytes.append(littleEndian: UInt32(length))
        bytes.append(littleEndian: UInt32(0))
        bytes += digest.bytes
        return bytes + Self.check(bytes, lineage, place)
    }

    /// Reads the descriptor of a slot; nil for anything that is none: empty, torn, or of another place.
    init?(_ bytes: ArraySlice<UInt8>, _ lineage: LineageID, _ place: BlockPlace) {
        let bytes = Array(bytes)
        let body = bytes.bytes(at: 0, count: Self.bodyBytes)
        guard bytes.suffix(bytes.count - Self.bodyBytes).elementsEqual(Self.check(body, lineage, place)),
            bytes.load(UInt32.self, at: 12) == 0
        else { return nil }
        index = bytes.load(UInt64.self, at: 0)
        length = Int(bytes.load(UInt32.self, at: 8))
        digest = BlockDigest(bytes, at: 16)
        guard (512...SnapshotBlock.bytes).contains(length), index < ManifestLayout.maximumBlockCount else {
            return nil
        }
    }

    init(index: UInt64, length: Int, digest: BlockDigest) {
        (self.index, self.length, self.digest) = (index, length, digest)
    }

    /// The first 16 bytes of SHA-256 over what it says and where it says it.
    private static func check(_ body: [UInt8], _ lineage: LineageID, _ place: BlockPlace) -> [UInt8] {
        var message = body + lineage.uuid
        message.append(littleEndian: place.pack)
        message.append(littleEndian: place.slot)
        return Array(SHA256.digest(message).prefix(PackLayout.descriptorBytes - bodyBytes))
    }
}
