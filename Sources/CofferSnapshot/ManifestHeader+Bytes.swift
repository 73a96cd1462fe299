internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// The header's bytes, both ways. Parsing takes any bytes and tells what is wrong with them; it authenticates nothing.
extension ManifestHeader {
    /// Reads the header of the manifest of `expected`, or of any snapshot where that is nil. The checksum comes before
    /// every field but the magic, so that damage is never mistaken for another version.
    init(parsing bytes: [UInt8], kind: Kind, expected: SnapshotID) throws(SnapshotError) {
        precondition(bytes.count == ManifestLayout.headerBytes, "a header of a manifest has 16384 bytes")
        let magic = bytes.bytes(at: ManifestLayout.magic, count: ManifestLayout.magicBytes.count)
        guard magic == ManifestLayout.magicBytes else { throw .notAManifest(expected) }
        guard Self.checksum(of: bytes) == Array(bytes[ManifestLayout.checksum]) else {
            throw .damagedManifest(expected, .header)
        }
        let major = bytes.load(UInt16.self, at: ManifestLayout.majorVersion)
        guard major == ManifestLayout.major else { throw .newerVersion(expected, major) }
        let incompatible = bytes.load(UInt32.self, at: ManifestLayout.incompatibleFlags)
        guard incompatible == 0 else { throw .unsupportedFeatures(expected, incompatible) }
        do throws(ManifestField) {
            try self.init(fields: bytes, kind)
        } catch {
            throw .implausibleManifest(expected, error)
        }
    }

    private init(fields bytes: [UInt8], _ expectedKind: Kind) throws(ManifestField) {
        guard bytes.load(UInt32.self, at: ManifestLayout.headerLength) == UInt32(ManifestLayout.headerBytes)
        else { throw .headerLength }
        minorVersion = bytes.load(UInt16.self, at: ManifestLayout.minorVersion)
        compatibleFlags = bytes.load(UInt32.self, at: ManifestLayout.compatibleFlags)
        kind = expectedKind
        guard bytes.load(UInt32.self, at: ManifestLayout.kind) == expectedKind.rawValue else { throw .kind }
        guard bytes.load(UInt32.self, at: ManifestLayout.blockSize) == UInt32(SnapshotBlock.bytes) else {
            throw .blockSize
        }
        guard let snapshotID = Self.text(bytes, ManifestLayout.snapshotID).flatMap(SnapshotID.init) else {
            throw .snapshotID
        }
        self.snapshotID = snapshotID
        let volumeText = Self.text(bytes, ManifestLayout.volumeID)
        volumeID = volumeText.flatMap(VolumeID.init)
        guard volumeText == "" || volumeID != nil else { throw .volumeID }
        let parentText = Self.text(bytes, ManifestLayout.parent)
        parent = parentText.flatMap(SnapshotID.init)
        guard parentText == "" || parent != nil else { throw .parent }
        geometry = try Self.geometry(bytes)
        blockCount = bytes.load(UInt64.self, at: ManifestLayout.blockCount)
        guard blockCount <= SnapshotBlock.count(ofVolume: geometry.volumeBytes) else { throw .blockCount }
        keyEpoch = bytes.load(UInt64.self, at: ManifestLayout.keyEpoch)
        guard keyEpoch < ManifestLayout.counterLimit else { throw .epoch }
        created = Timestamp(nanoseconds: bytes.load(UInt64.self, at: ManifestLayout.created))
        salt = bytes.bytes(at: ManifestLayout.salt, count: ManifestLayout.saltBytes)
        uuid = bytes.bytes(at: ManifestLayout.uuid, count: ManifestLayout.uuidBytes)
        tableDigest = BlockDigest(bytes, at: ManifestLayout.tableDigest)
        guard bytes.isZero(in: ManifestLayout.gap), bytes.isZero(in: ManifestLayout.reserved) else {
            throw .reserved
        }
        let slot: KeySlot?
        do throws(HeaderField) {
            let owners = Self.owners(snapshotID, volumeID)
            slot = try KeySlot.parse(bytes, at: ManifestLayout.slot, owners: owners)
        } catch {
            throw .slot
        }
        guard let slot, slot.state == .active, slot.keyEpoch == keyEpoch, slot.uuid == uuid, slot.salt == salt
        else { throw .slot }
        keySlot = slot
    }

    private static func text(_ bytes: [UInt8], _ offset: Int) -> String? {
        bytes.paddedText(at: offset, count: ManifestLayout.idBytes)
    }

    private static func geometry(_ bytes: [UInt8]) throws(ManifestField) -> Geometry {
        guard let cipher = Geometry.Cipher(rawValue: bytes.load(UInt32.self, at: ManifestLayout.cipher)),
            let geometry = Geometry(
                volumeBytes: bytes.load(UInt64.self, at: ManifestLayout.volumeSize),
                dataUnitBytes: Int(bytes.load(UInt32.self, at: ManifestLayout.dataUnitSize)),
                cipher: cipher
            )
        else { throw .geometry }
        return geometry
    }

    /// The header with its code and checksum.
    func serialised(macKey: borrowing SnapshotMACKey) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: ManifestLayout.headerBytes)
        bytes.store(ManifestLayout.magicBytes, at: ManifestLayout.magic)
        bytes.store(littleEndian: ManifestLayout.major, at: ManifestLayout.majorVersion)
        bytes.store(littleEndian: minorVersion, at: ManifestLayout.minorVersion)
        bytes.store(littleEndian: UInt32(ManifestLayout.headerBytes), at: ManifestLayout.headerLength)
        bytes.store(littleEndian: compatibleFlags, at: ManifestLayout.compatibleFlags)
        bytes.store(littleEndian: kind.rawValue, at: ManifestLayout.kind)
        bytes.store(littleEndian: UInt32(SnapshotBlock.bytes), at: ManifestLayout.blockSize)
        bytes.store(snapshotID.text.utf8, at: ManifestLayout.snapshotID)
        bytes.store((volumeID?.text ?? "").utf8, at: ManifestLayout.volumeID)
        bytes.store((parent?.text ?? "").utf8, at: ManifestLayout.parent)
        bytes.store(littleEndian: geometry.volumeBytes, at: ManifestLayout.volumeSize)
        bytes.store(littleEndian: blockCount, at: ManifestLayout.blockCount)
        bytes.store(littleEndian: UInt32(geometry.dataUnitBytes), at: ManifestLayout.dataUnitSize)
        bytes.store(littleEndian: geometry.cipher.rawValue, at: ManifestLayout.cipher)
        bytes.store(littleEndian: keyEpoch, at: ManifestLayout.keyEpoch)
        bytes.store(littleEndian: created.nanoseconds, at: ManifestLayout.created)
        bytes.store(salt, at: ManifestLayout.salt)
        bytes.store(uuid, at: ManifestLayout.uuid)
        bytes.store(tableDigest.bytes, at: ManifestLayout.tableDigest)
        keySlot.store(into: &bytes, at: ManifestLayout.slot)
        bytes.store(Self.authenticationCode(of: bytes, macKey: macKey), at: ManifestLayout.mac.lowerBound)
        bytes.store(Self.checksum(of: bytes), at: ManifestLayout.checksum.lowerBound)
        return bytes
    }

    /// Whether the code is that of the bytes, compared in constant time.
    static func isAuthentic(_ bytes: [UInt8], macKey: borrowing SnapshotMACKey) -> Bool {
        constantTimeEqual(
            authenticationCode(of: bytes, macKey: macKey),
            Array(bytes[ManifestLayout.mac])
        )
    }

    /// HMAC-SHA-256 of a header with code and checksum zero.
    static func authenticationCode(of bytes: [UInt8], macKey: borrowing SnapshotMACKey) -> [UInt8] {
        var message = bytes
        let codes = ManifestLayout.mac.lowerBound..<ManifestLayout.checksum.upperBound
        message.store([UInt8](repeating: 0, count: codes.count), at: codes.lowerBound)
        return unsafe SHA256.authenticationCode(message.span.bytes, key: macKey.bytes)
    }

    /// SHA-256 of a header with the checksum zero.
    static func checksum(of bytes: [UInt8]) -> [UInt8] {
        var message = bytes
        message.store([UInt8](repeating: 0, count: SHA256.count), at: ManifestLayout.checksum.lowerBound)
        return SHA256.digest(message)
    }
}
