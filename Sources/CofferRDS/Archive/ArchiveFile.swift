internal import CofferBlock
internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// The form of a file of a log archive, byte by byte (docs/format.md, "Log archives"):
///
///     0      8   magic 43 4F 46 41 52 43 1A 0A
///     8      2   version, 1
///     10     2   name's length, at most 255
///     12     2   key ARN's length, at most 2048
///     14     2   wrapped data key's length, at most 6144
///     16     16  salt
///     32         name, ARN, wrapped data key
///     …          records, one after the other:
///                4   length of the plaintext, at most 1 MiB; bit 31: the last record
///                n   ciphertext
///                16  tag
///
/// All integers are big-endian. The data key is the file's own. The key of the records is HKDF-SHA-256 of it under the
/// salt and "coffer archive record"; a record's nonce is its number (12 bytes), its additional data the SHA-256 of all
/// before the records, and its length field. So no record can be changed, moved, left out or taken from elsewhere but at
/// the end, where a file without its last record shows.
enum ArchiveFile {
    static let magic: [UInt8] = [0x43, 0x4F, 0x46, 0x41, 0x52, 0x43, 0x1A, 0x0A]
    static let version: UInt16 = 1
    static let saltBytes = 16
    static let fixedBytes = 32
    static let recordBytes = 1 << 20
    static let lastBit: UInt32 = 1 << 31
    static let nameBytes = 255
    static let arnBytes = 2048
    static let dataKeyBytes = 32

    /// What stands before the records.
    struct Header: Sendable {
        let name: String
        let keyARN: ARN
        let wrappedDataKey: CiphertextBlob
        let salt: [UInt8]

        var bytes: [UInt8] {
            let (name, arn) = (Array(name.utf8), Array(keyARN.description.utf8))
            return ArchiveFile.magic + ArchiveFile.big(ArchiveFile.version)
                + ArchiveFile.big(UInt16(name.count))
                + ArchiveFile.big(UInt16(arn.count)) + ArchiveFile.big(UInt16(wrappedDataKey.bytes.count))
                + salt
                + name + arn + wrappedDataKey.bytes
        }

        init(name: String, keyARN: ARN, wrappedDataKey: CiphertextBlob, salt: [UInt8]) {
            (self.name, self.keyARN) = (name, keyARN)
            (self.wrappedDataKey, self.salt) = (wrappedDataKey, salt)
        }

        /// How long the whole header is, from its first 32 bytes; nil where they are none.
        static func count(_ fixed: [UInt8]) -> Int? {
            guard fixed.count == ArchiveFile.fixedBytes, Array(fixed.prefix(8)) == ArchiveFile.magic,
                ArchiveFile.small(fixed, 8) == Int(ArchiveFile.version)
            else { return nil }
            let (name, arn, blob) = (
                ArchiveFile.small(fixed, 10), ArchiveFile.small(fixed, 12), ArchiveFile.small(fixed, 14)
            )
            guard (1...ArchiveFile.nameBytes).contains(name), (1...ArchiveFile.arnBytes).contains(arn),
                (1...CiphertextBlob.maximumCount).contains(blob)
            else { return nil }
            return ArchiveFile.fixedBytes + name + arn + blob
        }

        init?(_ bytes: [UInt8]) {
            guard Self.count(Array(bytes.prefix(ArchiveFile.fixedBytes))) == bytes.count else { return nil }
            let (nameCount, arnCount) = (ArchiveFile.small(bytes, 10), ArchiveFile.small(bytes, 12))
            let text = bytes.dropFirst(ArchiveFile.fixedBytes)
            guard let name = String(validating: text.prefix(nameCount), as: UTF8.self),
                let arnText = String(validating: text.dropFirst(nameCount).prefix(arnCount), as: UTF8.self),
                let arn = ARN(arnText)
            else { return nil }
            self.name = name
            keyARN = arn
            wrappedDataKey = CiphertextBlob(Array(text.dropFirst(nameCount + arnCount)))
            salt = Array(bytes[16..<ArchiveFile.fixedBytes])
        }
    }

    static func recordKey(
        _ dataKey: borrowing SecretBytes,
        salt: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        try KeyDerivation.hkdf(
            dataKey,
            salt: salt,
            info: Array("coffer archive record".utf8),
            count: AEAD.keyCount
        )
    }

    static func nonce(_ number: UInt64) -> [UInt8] {
        [0, 0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
    }

    static func big(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

    static func big(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }

    static func small(_ bytes: [UInt8], _ offset: Int) -> Int {
        Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
    }

    static func word(_ bytes: [UInt8]) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
