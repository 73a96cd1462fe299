internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// The header's bytes, both ways. Parsing takes any bytes and tells what is wrong with them; it authenticates
/// nothing.
extension VolumeHeader {
    /// Reads a copy of `HeaderLayout.copyBytes` that lies at `place`.
    ///
    /// The order matters: the checksum comes first, so that damage is never mistaken for another version, and
    /// no length is taken from the bytes before it has passed.
    init(parsing bytes: [UInt8], at place: HeaderCopy) throws(CopyFault) {
        precondition(bytes.count == HeaderLayout.copyBytes, "a copy of a header has 32768 bytes")
        let magic = bytes.bytes(at: HeaderLayout.magic, count: HeaderLayout.magicBytes.count)
        guard magic == HeaderLayout.magicBytes else { throw .magic }
        guard Self.checksum(of: bytes) == Array(bytes[HeaderLayout.checksum]) else { throw .checksum }
        let major = bytes.load(UInt16.self, at: HeaderLayout.majorVersion)
        guard major == HeaderLayout.major else { throw .version(major) }
        guard bytes.load(UInt64.self, at: HeaderLayout.headerOffset) == place.offset else { throw .place }
        let incompatible = bytes.load(UInt32.self, at: HeaderLayout.incompatibleFlags)
        do {
            try self.init(fields: bytes)
        } catch {
            // What an unknown feature changed about the fields is not for this reader to judge.
            throw incompatible == 0 ? .field(error) : .features(incompatible)
        }
    }

    private init(fields bytes: [UInt8]) throws(HeaderField) {
        guard bytes.load(UInt32.self, at: HeaderLayout.headerLength) == UInt32(HeaderLayout.copyBytes)
        else { throw .headerLength }
        minorVersion = bytes.load(UInt16.self, at: HeaderLayout.minorVersion)
        sequence = bytes.load(UInt64.self, at: HeaderLayout.sequence)
        guard (1..<HeaderLayout.counterLimit).contains(sequence) else { throw .sequence }
        flags = HeaderFlags(
            incompatible: bytes.load(UInt32.self, at: HeaderLayout.incompatibleFlags),
            readOnlyCompatible: bytes.load(UInt32.self, at: HeaderLayout.readOnlyCompatibleFlags),
            compatible: bytes.load(UInt32.self, at: HeaderLayout.compatibleFlags)
        )
        guard let state = State(rawValue: bytes.load(UInt32.self, at: HeaderLayout.state)) else {
            throw .state
        }
        self.state = state
        uuid = bytes.bytes(at: HeaderLayout.uuid, count: HeaderLayout.uuidBytes)
        salt = bytes.bytes(at: HeaderLayout.salt, count: HeaderLayout.saltBytes)
        let idText = bytes.paddedText(at: HeaderLayout.volumeID, count: HeaderLayout.idBytes)
        guard let volumeID = idText.flatMap(VolumeID.init) else { throw .volumeID }
        self.volumeID = volumeID
        geometry = try Self.geometry(bytes)
        created = Timestamp(nanoseconds: bytes.load(UInt64.self, at: HeaderLayout.created))
        modified = Timestamp(nanoseconds: bytes.load(UInt64.self, at: HeaderLayout.modified))
        attachEpoch = bytes.load(UInt64.self, at: HeaderLayout.attachEpoch)
        keyEpoch = bytes.load(UInt64.self, at: HeaderLayout.keyEpoch)
        guard attachEpoch < HeaderLayout.counterLimit, keyEpoch < HeaderLayout.counterLimit else {
            throw .epoch
        }
        let parent = bytes.paddedText(at: HeaderLayout.parentSnapshot, count: HeaderLayout.idBytes)
        parentSnapshot = parent.flatMap(SnapshotID.init)
        guard parent == "" || parentSnapshot != nil else { throw .parentSnapshot }
        guard bytes.isZero(in: HeaderLayout.tagArea), bytes.isZero(in: HeaderLayout.reserved)
        else { throw .reserved }
        guard bytes.load(UInt32.self, at: HeaderLayout.slotCountField) == UInt32(HeaderLayout.slotCount)
        else { throw .slot }
        slots = []
        for base in HeaderLayout.slotOffsets {
            slots.append(try KeySlot.parse(bytes, at: base, owners: [volumeID.text]))
        }
        records = try HeaderRecord.parse(bytes)
        guard bytes.load(UInt32.self, at: HeaderLayout.activeSlots) == activeMask, slotsFitState
        else { throw .activeSlots }
    }

    private static func geometry(_ bytes: [UInt8]) throws(HeaderField) -> Geometry {
        guard let cipher = Geometry.Cipher(rawValue: bytes.load(UInt32.self, at: HeaderLayout.cipher))
        else { throw .cipher }
        guard bytes.load(UInt64.self, at: HeaderLayout.firstDataUnit) == 0,
            let geometry = Geometry(
                volumeBytes: bytes.load(UInt64.self, at: HeaderLayout.volumeSize),
                dataOffset: bytes.load(UInt64.self, at: HeaderLayout.dataOffset),
                dataUnitBytes: Int(bytes.load(UInt32.self, at: HeaderLayout.dataUnitSize)),
                cipher: cipher
            )
        else { throw .geometry }
        return geometry
    }

    /// The copy for `place`, with its MAC and checksum.
    func serialised(at place: HeaderCopy, macKey: borrowing SecretBytes) -> [UInt8] {
        precondition(
            slots.count == HeaderLayout.slotCount && slotsFitState,
            "a header with slots against its state"
        )
        precondition(HeaderRecord.fit(records), "a header with more records than fit")
        var bytes = [UInt8](repeating: 0, count: HeaderLayout.copyBytes)
        bytes.store(HeaderLayout.magicBytes, at: HeaderLayout.magic)
        bytes.store(littleEndian: HeaderLayout.major, at: HeaderLayout.majorVersion)
        bytes.store(littleEndian: minorVersion, at: HeaderLayout.minorVersion)
        bytes.store(littleEndian: UInt32(HeaderLayout.copyBytes), at: HeaderLayout.headerLength)
        bytes.store(littleEndian: sequence, at: HeaderLayout.sequence)
        bytes.store(littleEndian: place.offset, at: HeaderLayout.headerOffset)
        bytes.store(littleEndian: flags.incompatible, at: HeaderLayout.incompatibleFlags)
        bytes.store(littleEndian: flags.readOnlyCompatible, at: HeaderLayout.readOnlyCompatibleFlags)
        bytes.store(littleEndian: flags.compatible, at: HeaderLayout.compatibleFlags)
        bytes.store(littleEndian: state.rawValue, at: HeaderLayout.state)
        bytes.store(uuid, at: HeaderLayout.uuid)
        bytes.store(volumeID.text.utf8, at: HeaderLayout.volumeID)
        bytes.store(littleEndian: geometry.volumeBytes, at: HeaderLayout.volumeSize)
        bytes.store(littleEndian: geometry.dataOffset, at: HeaderLayout.dataOffset)
        bytes.store(littleEndian: UInt32(geometry.dataUnitBytes), at: HeaderLayout.dataUnitSize)
        bytes.store(littleEndian: geometry.cipher.rawValue, at: HeaderLayout.cipher)
        bytes.store(littleEndian: created.nanoseconds, at: HeaderLayout.created)
        bytes.store(littleEndian: modified.nanoseconds, at: HeaderLayout.modified)
        bytes.store(salt, at: HeaderLayout.salt)
        bytes.store(littleEndian: UInt32(HeaderLayout.slotCount), at: HeaderLayout.slotCountField)
        bytes.store(littleEndian: activeMask, at: HeaderLayout.activeSlots)
        bytes.store(littleEndian: attachEpoch, at: HeaderLayout.attachEpoch)
        bytes.store(littleEndian: keyEpoch, at: HeaderLayout.keyEpoch)
        bytes.store((parentSnapshot?.text ?? "").utf8, at: HeaderLayout.parentSnapshot)
        for (slot, base) in zip(slots, HeaderLayout.slotOffsets) { slot?.store(into: &bytes, at: base) }
        HeaderRecord.store(records, into: &bytes)
        bytes.store(Self.authenticationCode(of: bytes, macKey: macKey), at: HeaderLayout.mac.lowerBound)
        bytes.store(Self.checksum(of: bytes), at: HeaderLayout.checksum.lowerBound)
        return bytes
    }

    /// Whether a copy's MAC is that of its bytes, compared in constant time.
    static func isAuthentic(_ bytes: [UInt8], macKey: borrowing SecretBytes) -> Bool {
        constantTimeEqual(authenticationCode(of: bytes, macKey: macKey), Array(bytes[HeaderLayout.mac]))
    }

    /// HMAC-SHA-256 of a copy with MAC and checksum zero.
    static func authenticationCode(of bytes: [UInt8], macKey: borrowing SecretBytes) -> [UInt8] {
        var message = bytes
        let codes = HeaderLayout.mac.lowerBound..<HeaderLayout.checksum.upperBound
        message.store([UInt8](repeating: 0, count: codes.count), at: codes.lowerBound)
        return unsafe SHA256.authenticationCode(message.span.bytes, key: macKey)
    }

    /// SHA-256 of a copy with the checksum zero.
    static func checksum(of bytes: [UInt8]) -> [UInt8] {
        var message = bytes
        message.store([UInt8](repeating: 0, count: SHA256.count), at: HeaderLayout.checksum.lowerBound)
        return SHA256.digest(message)
    }

    private var activeMask: UInt32 {
        var mask: UInt32 = 0
        for (index, slot) in slots.enumerated() where slot?.state == .active { mask |= 1 << UInt32(index) }
        return mask
    }
}
