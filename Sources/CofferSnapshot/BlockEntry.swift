internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets

/// SHA-256 of a block's ciphertext, as four numbers: no array for each of millions.
public struct BlockDigest: Hashable, Sendable {
    public static let count = SHA256.count

    let words: (UInt64, UInt64, UInt64, UInt64)

    /// The digest of a block's ciphertext.
    public init(of ciphertext: RawSpan) { self.init(SHA256.digest(ciphertext), at: 0) }

    /// SHA-256 of no bytes.
    static let ofNothing = BlockDigest(SHA256.digest([]), at: 0)

    /// The 32 bytes at `offset`.
    init(_ bytes: [UInt8], at offset: Int) {
        words = (
            bytes.load(UInt64.self, at: offset), bytes.load(UInt64.self, at: offset + 8),
            bytes.load(UInt64.self, at: offset + 16), bytes.load(UInt64.self, at: offset + 24)
        )
    }

    /// The 32 bytes at `offset`.
    init(_ bytes: RawSpan, at offset: Int) {
        words = (
            bytes.number(UInt64.self, at: offset), bytes.number(UInt64.self, at: offset + 8),
            bytes.number(UInt64.self, at: offset + 16), bytes.number(UInt64.self, at: offset + 24)
        )
    }

    /// The 32 bytes, in order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.count)
        for word in [words.0, words.1, words.2, words.3] { bytes.append(littleEndian: word) }
        return bytes
    }

    public static func == (left: BlockDigest, right: BlockDigest) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

/// SHA-256 of a block's plaintext, as whoever sent the block gives it.
public struct BlockChecksum: Hashable, Sendable {
    private let digest: BlockDigest

    /// The checksum of a block's plaintext.
    public init(of plaintext: RawSpan) { digest = BlockDigest(of: plaintext) }

    /// nil for anything but 32 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == BlockDigest.count else { return nil }
        digest = BlockDigest(bytes, at: 0)
    }

    /// The 32 bytes, in order.
    public var bytes: [UInt8] { digest.bytes }

    public static func == (left: BlockChecksum, right: BlockChecksum) -> Bool { left.digest == right.digest }

    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }

    /// SHA-256 over checksums one behind the other, 32 bytes each: what EBS direct calls linear.
    public static func linear(_ checksums: some Sequence<BlockChecksum>) -> BlockChecksum {
        var bytes: [UInt8] = []
        for checksum in checksums { bytes += checksum.bytes }
        return unsafe BlockChecksum(of: bytes.span.bytes)
    }
}

/// Where a block's ciphertext lies in its lineage: a pack, and a slot of it.
public struct BlockPlace: Hashable, Sendable {
    /// From 1.
    public let pack: UInt32
    /// From 0, below `PackLayout.slotCount`.
    public let slot: UInt32

    init(pack: UInt32, slot: UInt32) { (self.pack, self.slot) = (pack, slot) }

    /// Whether packs have such a place.
    var isPlausible: Bool { pack > 0 && slot < UInt32(PackLayout.slotCount) }
}

/// What a manifest says of one block that is no hole.
public struct BlockEntry: Equatable, Sendable {
    /// Which block of the volume.
    public let index: UInt64
    public let place: BlockPlace
    public let digest: BlockDigest

    init(index: UInt64, place: BlockPlace, digest: BlockDigest) {
        (self.index, self.place, self.digest) = (index, place, digest)
    }
}

/// What a block is, where one was read.
public enum BlockContent: Equatable, Sendable {
    /// Never written, or discarded whole: reads as zeroes.
    case hole
    /// So many bytes of ciphertext are at the start of the span.
    case ciphertext(count: Int)
}
