internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import Foundation
internal import Testing

private func key(_ byte: UInt8, count: Int = 32) -> SecretBytes {
    SecretBytes(copying: [UInt8](repeating: byte, count: count))
}

extension SecretBytes {
    /// A test's secrets are no secrets.
    fileprivate var copied: [UInt8] { withBytes { $0.array() } }
}

/// 0, 1, 2 and so on in every draw: random enough for a test of a format.
private struct CountingByteSource: ByteSource {
    func fill(_ span: inout MutableRawSpan) {
        for offset in 0..<span.byteCount {
            span.copy(unsafe [UInt8(truncatingIfNeeded: offset)].span.bytes, at: offset)
        }
    }
}

@Suite struct EnvelopeTests {
    private let keyID = KeyID(bytes: Array(0..<16))
    private let materialID = [UInt8](repeating: 0xAB, count: 32)
    private let context: EncryptionContext = ["aws:ebs:id": "vol-1", "b": ""]

    private func seal(_ text: String, _ context: EncryptionContext) throws -> CiphertextBlob {
        try Envelope.seal(
            SecretBytes(copying: Array(text.utf8)),
            backingKey: key(7),
            keyID: keyID,
            materialID: materialID,
            context: context
        )
    }

    @Test func `a blob opens under its key and context, and says whose it is`() throws {
        let blob = try seal("volume key", context)
        #expect(blob.bytes.count == Envelope.overheadCount + 10)
        let envelope = try #require(Envelope(blob))
        #expect(envelope.keyID == keyID)
        #expect(envelope.materialID == materialID)
        let opened = try envelope.open(backingKey: key(7), context: context)
        #expect(opened.copied == Array("volume key".utf8))
    }

    @Test func `the layout is the documented one`() throws {
        let blob = try Envelope.seal(
            SecretBytes(copying: [1, 2, 3]),
            backingKey: key(7),
            keyID: keyID,
            materialID: materialID,
            context: context,
            random: CountingByteSource()
        ).bytes
        #expect(Array(blob[0..<2]) == [1, 0])
        #expect(Array(blob[2..<18]) == keyID.bytes)
        #expect(Array(blob[18..<50]) == materialID)
        #expect(Array(blob[50..<66]) == Array(0..<16))
        #expect(Array(blob[66..<78]) == Array(16..<28))
        let derived = try KeyDerivation.hkdf(
            key(7),
            salt: Array(0..<16),
            info: Array("coffer/kms/1".utf8) + keyID.bytes + materialID,
            count: 64
        )
        #expect(derived.part(at: 32, count: 32).copied == Array(blob[78..<110]))
        let opened = try AEAD.open(
            Array(blob[110...]),
            key: derived.part(at: 0, count: 32),
            nonce: Array(16..<28),
            additionalData: Array(blob[..<110]) + context.canonicalBytes
        )
        #expect(opened.copied == [1, 2, 3])
    }

    @Test func `no flipped bit passes`() throws {
        let bytes = try seal("k", context).bytes
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let envelope = Envelope(CiphertextBlob(changed)) else { continue }
            #expect(throws: CryptoError.authenticationFailed, "bit \(bit)") {
                _ = try envelope.open(backingKey: key(7), context: context)
            }
        }
    }

    @Test func `another key or context does not open it`() throws {
        let envelope = try #require(Envelope(try seal("k", context)))
        #expect(throws: CryptoError.authenticationFailed) {
            _ = try envelope.open(backingKey: key(8), context: context)
        }
        for other in [[:], ["aws:ebs:id": "vol-1"], ["aws:ebs:id": "vol-1b"]] as [EncryptionContext] {
            #expect(throws: CryptoError.authenticationFailed) {
                _ = try envelope.open(backingKey: key(7), context: other)
            }
        }
    }

    @Test func `no cut, long or foreign blob is taken for one`() throws {
        let bytes = try seal("k", context).bytes
        for count in 0...Envelope.overheadCount {
            #expect(Envelope(CiphertextBlob(Array(bytes.prefix(count)))) == nil, "\(count) bytes")
        }
        #expect(Envelope(CiphertextBlob([2] + bytes.dropFirst())) == nil)
        // A flag that no version has, and a wrapped key said to be carried that is longer than there is room.
        #expect(Envelope(CiphertextBlob([1, 4] + bytes.dropFirst(2))) == nil)
        #expect(Envelope(CiphertextBlob([1, 2] + bytes[2..<110] + [0xFF, 0xFF] + bytes[110...])) == nil)
        #expect(Envelope(CiphertextBlob([1, 2] + bytes[2..<110] + [0, 0] + bytes[110...])) == nil)
        #expect(Envelope(CiphertextBlob(bytes + [UInt8](repeating: 0, count: 6144))) == nil)
    }
}

@Suite struct AEADTests {
    /// NIST's GCM test case 14: key, nonce and plaintext of zeroes. (McGrew and Viega, "The Galois/Counter
    /// Mode of Operation", appendix B.)
    @Test func `the published AES-256-GCM answer comes out`() throws {
        let sealed = try AEAD.seal(
            key(0, count: 16),
            key: key(0),
            nonce: [UInt8](repeating: 0, count: 12),
            additionalData: []
        )
        #expect(Hex.lower(sealed) == "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919")
    }

    @Test func `a key or nonce of another length is refused`() {
        #expect(throws: CryptoError.engine) {
            _ = try AEAD.seal(key(0), key: key(0, count: 16), nonce: Array(0..<12), additionalData: [])
        }
        #expect(throws: CryptoError.engine) {
            _ = try AEAD.seal(key(0), key: key(0), nonce: Array(0..<8), additionalData: [])
        }
    }

    @Test func `a tag alone opens to nothing`() {
        #expect(throws: CryptoError.authenticationFailed) {
            _ = try AEAD.open(
                [UInt8](repeating: 0, count: 16),
                key: key(0),
                nonce: Array(0..<12),
                additionalData: []
            )
        }
    }
}

@Suite struct WrappedKeyTests {
    @Test func `a wrapped key comes back in its place under its key, and nowhere else`() throws {
        let record = try WrappedKey.wrap(key(9), under: key(1), boundTo: [1, 2, 3])
        #expect(record.count == 12 + 32 + 16)
        #expect(try WrappedKey.unwrap(record, under: key(1), boundTo: [1, 2, 3]).copied == key(9).copied)
        #expect(throws: CryptoError.authenticationFailed) {
            _ = try WrappedKey.unwrap(record, under: key(1), boundTo: [1, 2, 4])
        }
        #expect(throws: CryptoError.authenticationFailed) {
            _ = try WrappedKey.unwrap(record, under: key(2), boundTo: [1, 2, 3])
        }
        for bit in 0..<(record.count * 8) {
            var changed = record
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: CryptoError.authenticationFailed, "bit \(bit)") {
                _ = try WrappedKey.unwrap(changed, under: key(1), boundTo: [1, 2, 3])
            }
        }
        for count in 0...(12 + 16) {
            #expect(throws: CryptoError.authenticationFailed, "\(count) bytes") {
                _ = try WrappedKey.unwrap(Array(record.prefix(count)), under: key(1), boundTo: [1, 2, 3])
            }
        }
    }

    @Test func `two wraps of one key differ`() throws {
        #expect(
            try WrappedKey.wrap(key(9), under: key(1), boundTo: [])
                != WrappedKey.wrap(key(9), under: key(1), boundTo: [])
        )
    }
}

/// One row of `hkdf.json`.
struct HKDFVector: Decodable, Sendable, CustomTestStringConvertible {
    var id: String
    var hash: String
    var ikm: String
    var salt: String
    var info: String
    var length: Int
    var okm: String?
    var result: String?

    var testDescription: String { id }

    static func all() throws -> [HKDFVector] {
        struct File: Decodable { var vectors: [HKDFVector] }
        let url = try #require(
            Bundle.module.url(forResource: "hkdf", withExtension: "json", subdirectory: "Vectors")
        )
        let vectors = try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).vectors
        return vectors.filter { $0.hash == "SHA-256" && !$0.ikm.isEmpty }
    }
}

@Suite struct KeyDerivationTests {
    @Test(arguments: try HKDFVector.all())
    func `HKDF-SHA-256 gives the published answers`(_ vector: HKDFVector) throws {
        let input = SecretBytes(copying: try #require(Hex.bytes(vector.ikm)))
        let salt = try #require(Hex.bytes(vector.salt))
        let info = try #require(Hex.bytes(vector.info))
        guard vector.result != "invalid" else {
            #expect(throws: CryptoError.engine) {
                _ = try KeyDerivation.hkdf(input, salt: salt, info: info, count: vector.length)
            }
            return
        }
        let output = try KeyDerivation.hkdf(input, salt: salt, info: info, count: vector.length)
        #expect(Hex.lower(output.copied) == vector.okm)
    }

    @Test func `the vectors are there`() throws {
        #expect(try HKDFVector.all().count >= 20)
    }

    /// RFC 7914, section 12, second vector.
    @Test func `scrypt gives the published answer`() throws {
        let derived = try KeyDerivation.scrypt(
            SecretBytes(copying: Array("password".utf8)),
            salt: Array("NaCl".utf8),
            cost: KeyDerivation.ScryptCost(cost: 1024, blockSize: 8, parallelism: 16),
            count: 64
        )
        #expect(
            Hex.lower(derived.copied)
                == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        )
    }

    /// RFC 7914, section 11.
    @Test(arguments: [
        (
            "passwd", "salt", 1,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                + "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        ),
        (
            "Password", "NaCl", 80000,
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
                + "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
        ),
    ])
    func `PBKDF2 gives the published answers`(
        _ password: String,
        _ salt: String,
        _ iterationCount: Int,
        _ answer: String
    ) throws {
        let derived = try KeyDerivation.pbkdf2(
            SecretBytes(copying: Array(password.utf8)),
            salt: Array(salt.utf8),
            iterationCount: iterationCount,
            count: 64
        )
        #expect(Hex.lower(derived.copied) == answer)
    }

    @Test func `PBKDF2 refuses no iterations`() {
        #expect(throws: CryptoError.engine) {
            _ = try KeyDerivation.pbkdf2(key(1), salt: [1], iterationCount: 0, count: 32)
        }
    }

    @Test func `scrypt refuses a cost that is no power of two`() {
        #expect(throws: CryptoError.engine) {
            _ = try KeyDerivation.scrypt(
                key(1),
                salt: [1],
                cost: KeyDerivation.ScryptCost(cost: 1000, blockSize: 8, parallelism: 1),
                count: 32
            )
        }
    }
}
