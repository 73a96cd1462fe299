public import CofferShapes

/// One place in the header for a wrapped volume key.
///
/// ```
/// offset  size  field
/// 0x0000     4  state: 0 empty, 1 active, 2 pending
/// 0x0004     4  kind: 1, a ciphertext blob of a KMS
/// 0x0008     2  length of the ARN       1…2048
/// 0x000A     2  length of the blob      1…6144
/// 0x000C     2  length of the context   4…4000
/// 0x000E     2  zero
/// 0x0010     8  created, ns since 1970
/// 0x0018     8  key epoch of the volume key inside
/// 0x0020    16  uuid of the volume key inside
/// 0x0030    32  salt of the volume key inside
/// 0x0050    16  zero
/// 0x0060  2048  ARN of the KMS key, zero-padded
/// 0x0860  6144  ciphertext blob, zero-padded
/// 0x2060  4000  encryption context, its canonical bytes, zero-padded
/// ```
/// An empty slot is zero throughout.
public struct KeySlot: Sendable, Equatable {
    /// Whether the slot opens the volume, or waits for the proof that it does.
    public enum State: UInt32, Sendable {
        case active = 1
        case pending = 2
    }

    public internal(set) var state: State
    public let created: Timestamp
    /// Which generation of the volume's data the key inside encrypts.
    public let keyEpoch: UInt64
    /// The uuid and salt that go with the key inside.
    public let uuid: [UInt8]
    public let salt: [UInt8]
    public let wrapped: WrappedVolumeKey
}

/// A volume key as a KMS wrapped it, with what it takes to have it unwrapped. Not secret.
public struct WrappedVolumeKey: Sendable, Equatable {
    public let keyARN: ARN
    public let blob: CiphertextBlob
    public let context: EncryptionContext

    /// nil where a slot has no room for it, or the key is none of a KMS.
    public init?(keyARN: ARN, blob: CiphertextBlob, context: EncryptionContext) {
        guard keyARN.service == "kms", keyARN.description.utf8.count <= KeySlot.arnRoom,
            (1...KeySlot.blobRoom).contains(blob.bytes.count),
            context.canonicalBytes.count <= KeySlot.contextRoom
        else { return nil }
        (self.keyARN, self.blob, self.context) = (keyARN, blob, context)
    }
}

extension KeySlot {
    package static let slotBytes = 12288
    static let arnRoom = 2048
    static let blobRoom = CiphertextBlob.maximumCount
    static let contextRoom = 4000

    private static let kindKMSBlob: UInt32 = 1
    private static let kindAt = 0x04
    private static let arnLengthAt = 0x08
    private static let blobLengthAt = 0x0A
    private static let contextLengthAt = 0x0C
    private static let createdAt = 0x10
    private static let keyEpochAt = 0x18
    private static let uuidAt = 0x20
    private static let saltAt = 0x30
    private static let arnAt = 0x60
    private static let blobAt = 0x860
    private static let contextAt = 0x2060

    /// The slot of a volume key that is in use, for what lies outside of a volume's header: a snapshot.
    package init(
        active wrapped: WrappedVolumeKey,
        created: Timestamp,
        keyEpoch: UInt64,
        uuid: [UInt8],
        salt: [UInt8]
    ) {
        precondition(
            uuid.count == HeaderLayout.uuidBytes && salt.count == HeaderLayout.saltBytes,
            "a slot with a uuid or a salt of another length"
        )
        (state, self.wrapped, self.created, self.keyEpoch) = (.active, wrapped, created, keyEpoch)
        (self.uuid, self.salt) = (uuid, salt)
    }

    /// Reads the slot at `base`; nil for an empty one. The id of what the key was made for, one of `owners`, is in the
    /// context of every slot.
    package static func parse(
        _ bytes: [UInt8],
        at base: Int,
        owners: [String]
    ) throws(HeaderField) -> KeySlot? {
        let number = bytes.load(UInt32.self, at: base)
        if number == 0 {
            guard bytes.isZero(in: base..<base + slotBytes) else { throw .emptySlot }
            return nil
        }
        guard let state = State(rawValue: number), bytes.load(UInt32.self, at: base + kindAt) == kindKMSBlob,
            bytes.isZero(in: base + 0x0E..<base + 0x10), bytes.isZero(in: base + 0x50..<base + arnAt)
        else { throw .slot }
        let arnBytes = try part(bytes, base, lengthAt: arnLengthAt, at: arnAt, room: arnRoom)
        let blobBytes = try part(bytes, base, lengthAt: blobLengthAt, at: blobAt, room: blobRoom)
        let contextBytes = try part(bytes, base, lengthAt: contextLengthAt, at: contextAt, room: contextRoom)
        guard let arn = String(validating: arnBytes, as: UTF8.self).flatMap(ARN.init) else { throw .keyARN }
        guard let context = EncryptionContext(canonicalBytes: contextBytes),
            let owner = context.pairs["aws:ebs:id"], owners.contains(owner)
        else { throw .context }
        guard let wrapped = WrappedVolumeKey(keyARN: arn, blob: CiphertextBlob(blobBytes), context: context)
        else { throw .keyARN }
        return KeySlot(
            state: state,
            created: Timestamp(nanoseconds: bytes.load(UInt64.self, at: base + createdAt)),
            keyEpoch: bytes.load(UInt64.self, at: base + keyEpochAt),
            uuid: bytes.bytes(at: base + uuidAt, count: HeaderLayout.uuidBytes),
            salt: bytes.bytes(at: base + saltAt, count: HeaderLayout.saltBytes),
            wrapped: wrapped
        )
    }

    /// Writes the slot into bytes whose slot at `base` is all zero.
    package func store(into bytes: inout [UInt8], at base: Int) {
        let arn = Array(wrapped.keyARN.description.utf8)
        let context = wrapped.context.canonicalBytes
        bytes.store(littleEndian: state.rawValue, at: base)
        bytes.store(littleEndian: Self.kindKMSBlob, at: base + Self.kindAt)
        bytes.store(littleEndian: UInt16(arn.count), at: base + Self.arnLengthAt)
        bytes.store(littleEndian: UInt16(wrapped.blob.bytes.count), at: base + Self.blobLengthAt)
        bytes.store(littleEndian: UInt16(context.count), at: base + Self.contextLengthAt)
        bytes.store(littleEndian: created.nanoseconds, at: base + Self.createdAt)
        bytes.store(littleEndian: keyEpoch, at: base + Self.keyEpochAt)
        bytes.store(uuid, at: base + Self.uuidAt)
        bytes.store(salt, at: base + Self.saltAt)
        bytes.store(arn, at: base + Self.arnAt)
        bytes.store(wrapped.blob.bytes, at: base + Self.blobAt)
        bytes.store(context, at: base + Self.contextAt)
    }

    /// A part of variable length: within its room, and zero behind it.
    private static func part(
        _ bytes: [UInt8],
        _ base: Int,
        lengthAt: Int,
        at offset: Int,
        room: Int
    ) throws(HeaderField) -> [UInt8] {
        let length = Int(bytes.load(UInt16.self, at: base + lengthAt))
        let start = base + offset
        guard (1...room).contains(length), bytes.isZero(in: start + length..<start + room) else {
            throw .slot
        }
        return bytes.bytes(at: start, count: length)
    }
}
