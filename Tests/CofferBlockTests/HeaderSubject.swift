import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting

@testable import CofferBlock

/// One volume that all header tests make, the same each time; the golden files hold it. Its keys are known to
/// everybody and protect nothing.
enum HeaderSubject {
    static let volumeID = VolumeID("vol-0123456789abcdef0")!
    static let keyID = KeyID("1234abcd-12ab-34cd-56ef-1234567890ab")!
    static let keyARN = ARN("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")!
    static let otherARN = ARN("arn:aws:kms:eu-west-1:111122223333:key/9876abcd-12ab-34cd-56ef-1234567890ab")!
    static let volumeKeyBytes = [UInt8](0..<64)
    static let backingKeyBytes = [UInt8](repeating: 0x42, count: 32)
    static let materialID = [UInt8](repeating: 0x4D, count: 32)
    static let clock = StillClock(nanoseconds: 1_700_000_000_000_000_000)
    static let geometry = Geometry(volumeBytes: 1 << 20, dataUnitBytes: 4096, cipher: .aes256XTS)!
    static let dataOffset = 1 << 20

    static func volumeKey() -> VolumeKey { VolumeKey(SecretBytes(copying: volumeKeyBytes))! }

    static func otherKey() -> VolumeKey {
        VolumeKey(SecretBytes(copying: [UInt8](repeating: 7, count: 64)))!
    }

    /// The volume key as a KMS would wrap it under `backingKeyBytes`.
    static func wrapped(_ arn: ARN = keyARN, id: VolumeID = volumeID) throws -> WrappedVolumeKey {
        let context = EncryptionContext.volume(id)
        let blob = try Envelope.seal(
            SecretBytes(copying: volumeKeyBytes),
            backingKey: SecretBytes(copying: backingKeyBytes),
            keyID: keyID,
            materialID: materialID,
            context: context,
            random: RepeatableByteSource(seed: 1)
        )
        return WrappedVolumeKey(keyARN: arn, blob: blob, context: context)!
    }

    /// A record of the extension that stands for a name.
    static let records = [HeaderRecord(type: 1, bytes: Array("data".utf8))!]

    static func create(in store: any BlockStore, geometry: Geometry = geometry) throws -> VolumeImage {
        let plan = VolumePlan(
            volumeID: volumeID,
            geometry: geometry,
            wrapped: try wrapped(),
            records: records
        )
        let made = try VolumeImage.create(
            in: store,
            plan,
            volumeKey: volumeKey(),
            clock: clock,
            random: RepeatableByteSource(seed: 2)
        )
        return made.image
    }

    static func image(_ store: any BlockStore) -> VolumeImage {
        VolumeImage(store, volumeID: volumeID, clock: clock)
    }

    /// A store with a new volume in it.
    static func store() throws -> MemoryBlockStore {
        let store = MemoryBlockStore()
        _ = try create(in: store)
        return store
    }

    /// The two copies of a store.
    static func copies(_ bytes: [UInt8]) -> [[UInt8]] {
        HeaderLayout.copyOffsets.map { Array(bytes[Int($0)..<Int($0) + HeaderLayout.copyBytes]) }
    }

    /// Changes both copies of a store alike and mends their checksums, as somebody without the key can.
    static func forge(
        _ store: MemoryBlockStore,
        _ places: [HeaderCopy] = [.a, .b],
        _ change: (inout [UInt8]) -> Void
    ) {
        for place in places {
            var copy = copies(store.bytes)[place.rawValue]
            change(&copy)
            copy.store(VolumeHeader.checksum(of: copy), at: HeaderLayout.checksum.lowerBound)
            store.write(copy[...], at: Int(place.offset))
        }
    }

    /// Changes both copies of a store alike, as somebody with the key can.
    static func sign(_ store: MemoryBlockStore, _ change: (inout [UInt8]) -> Void) throws {
        for place in HeaderCopy.allCases {
            var copy = copies(store.bytes)[place.rawValue]
            let header = try VolumeHeader(parsing: copy, at: place)
            change(&copy)
            let macKey = try header.macKey(from: volumeKey())
            let code = VolumeHeader.authenticationCode(of: copy, macKey: macKey)
            copy.store(code, at: HeaderLayout.mac.lowerBound)
            copy.store(VolumeHeader.checksum(of: copy), at: HeaderLayout.checksum.lowerBound)
            store.write(copy[...], at: Int(place.offset))
        }
    }

    /// Flips a bit of one copy and leaves the checksum.
    static func damage(_ store: MemoryBlockStore, _ place: HeaderCopy, at offset: Int = 0x60) {
        let position = Int(place.offset) + offset
        store.write([store.bytes[position] ^ 1], at: position)
    }
}
