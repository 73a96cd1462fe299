internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import Foundation
internal import Testing

private let schemes: [(name: String, scheme: KeyTransport.Scheme)] = [
    ("oaep.sha1", .oaep(.sha1)), ("oaep.sha256", .oaep(.sha256)),
    ("aesKeyWrap.sha1", .aesKeyWrap(.sha1)), ("aesKeyWrap.sha256", .aesKeyWrap(.sha256)),
]

private let rsaKinds: [KeyPairKind] = [.rsa2048, .rsa3072, .rsa4096]

@Suite struct RSAEncryptionTests {
    @Test(arguments: rsaKinds)
    func `another implementation's ciphertext decrypts, and only with its hash`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let key = try pair.privateKey()
        let plaintext = try KeyPairVectors.shared.get().plaintext.bytes
        let ciphertexts = try #require(pair.ciphertexts)
        for hash in OAEPHash.allCases {
            let ciphertext = try #require(ciphertexts["\(hash)"]).bytes
            #expect(try key.decrypt(ciphertext, oaep: hash).revealed == plaintext)
            #expect(throws: KeyPairError.decryptionFailed) {
                _ = try key.decrypt(ciphertext, oaep: hash == .sha1 ? .sha256 : .sha1)
            }
        }
    }

    @Test(arguments: zip(rsaKinds, [(214, 190), (342, 318), (470, 446)]))
    func `the longest plaintext is AWS's, and comes back`(_ kind: KeyPairKind, _ most: (Int, Int)) throws {
        let pair = try KeyPairVectors.pair(kind)
        let (key, publicKey) = (try pair.privateKey(), try pair.publicKey())
        for (hash, maximum) in [(OAEPHash.sha1, most.0), (.sha256, most.1)] {
            #expect(kind.maximumPlaintextCount(hash) == maximum)
            for count in [1, maximum] {
                let plaintext = SecretBytes(random: count)
                let ciphertext = try publicKey.encrypt(plaintext, oaep: hash)
                #expect(try key.decrypt(ciphertext, oaep: hash).revealed == plaintext.revealed)
                #expect(try publicKey.encrypt(plaintext, oaep: hash) != ciphertext)
            }
            #expect(throws: KeyPairError.plaintextTooLong(maximum: maximum)) {
                _ = try publicKey.encrypt(SecretBytes(random: maximum + 1), oaep: hash)
            }
        }
    }

    @Test func `every wrong ciphertext fails in one way`() throws {
        let pair = try KeyPairVectors.pair(.rsa2048)
        let key = try pair.privateKey()
        let ciphertext = try #require(pair.ciphertexts?["sha256"]).bytes
        for bit in stride(from: 0, to: ciphertext.count * 8, by: 13) {
            var changed = ciphertext
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: KeyPairError.decryptionFailed, "bit \(bit)") {
                _ = try key.decrypt(changed, oaep: .sha256)
            }
        }
        let others: [[UInt8]] = [
            [], [1], Array(ciphertext.dropLast()), ciphertext + [0],
            [UInt8](repeating: 0, count: 256), [UInt8](repeating: 0xFF, count: 256),
        ]
        for other in others {
            #expect(throws: KeyPairError.decryptionFailed) { _ = try key.decrypt(other, oaep: .sha256) }
        }
    }

    @Test func `a key of a curve neither encrypts nor decrypts`() throws {
        let key = try KeyPairVectors.pair(.p256).privateKey()
        #expect(throws: KeyPairError.unsuitableKey) {
            _ = try key.publicKey.encrypt(SecretBytes(copying: [1]), oaep: .sha256)
        }
        #expect(throws: KeyPairError.unsuitableKey) { _ = try key.decrypt([1], oaep: .sha256) }
        #expect(throws: KeyPairError.unsuitableKey) {
            _ = try KeyTransport.unwrap([1], with: key, scheme: .aesKeyWrap(.sha256))
        }
    }
}

@Suite struct KeyTransportTests {
    @Test(arguments: rsaKinds)
    func `another implementation's material arrives in every scheme`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let key = try pair.privateKey()
        let material = try KeyPairVectors.shared.get().material.bytes
        for (name, scheme) in schemes {
            let blob = try #require(pair.transports?[name]).bytes
            #expect(try KeyTransport.unwrap(blob, with: key, scheme: scheme).revealed == material, "\(name)")
        }
    }

    @Test func `a whole private key travels by key wrap, and fails in one way once it is changed`() throws {
        let pair = try KeyPairVectors.pair(.rsa2048)
        let (key, publicKey) = (try pair.privateKey(), try pair.publicKey())
        let material = try SecretBytes(copying: KeyPairVectors.pair(.rsa4096).pkcs8.bytes)
        let blob = try KeyTransport.wrap(material, for: publicKey, scheme: .aesKeyWrap(.sha256))
        let arrived = try KeyTransport.unwrap(blob, with: key, scheme: .aesKeyWrap(.sha256))
        #expect(arrived.revealed == material.revealed)
        for index in stride(from: 0, to: blob.count, by: 29) {
            var changed = blob
            changed[index] ^= 0x10
            #expect(throws: KeyPairError.decryptionFailed, "byte \(index)") {
                _ = try KeyTransport.unwrap(changed, with: key, scheme: .aesKeyWrap(.sha256))
            }
        }
        for count in [0, 255, 256, 264, 271, blob.count - 8, blob.count - 1] {
            #expect(throws: KeyPairError.decryptionFailed, "\(count) bytes") {
                _ = try KeyTransport.unwrap(
                    Array(blob.prefix(count)),
                    with: key,
                    scheme: .aesKeyWrap(.sha256)
                )
            }
        }
    }

    @Test func `a wrapping key that is not AES-256 is refused`() throws {
        let pair = try KeyPairVectors.pair(.rsa2048)
        let wrappingKey = SecretBytes(random: 16)
        let head = try pair.publicKey().encrypt(wrappingKey, oaep: .sha256)
        #expect(throws: KeyPairError.decryptionFailed) {
            _ = try KeyTransport.unwrap(
                head + [UInt8](repeating: 0, count: 40),
                with: pair.privateKey(),
                scheme: .aesKeyWrap(.sha256)
            )
        }
    }

    @Test func `material that a scheme has no room for is refused`() throws {
        let publicKey = try KeyPairVectors.pair(.rsa2048).publicKey()
        #expect(throws: KeyPairError.plaintextTooLong(maximum: 190)) {
            _ = try KeyTransport.wrap(SecretBytes(random: 191), for: publicKey, scheme: .oaep(.sha256))
        }
        #expect(throws: KeyPairError.plaintextTooLong(maximum: 8192)) {
            _ = try KeyTransport.wrap(SecretBytes(random: 8193), for: publicKey, scheme: .aesKeyWrap(.sha1))
        }
    }
}

/// One row of `kwp-wycheproof.json`.
struct KeyWrapVector: Decodable, Sendable, CustomTestStringConvertible {
    let id: String
    let key, pt, wrapped: HexText
    let result: String

    var testDescription: String { id }

    static func all() throws -> [KeyWrapVector] {
        struct File: Decodable { var vectors: [KeyWrapVector] }
        let url = try #require(
            Bundle.module.url(forResource: "kwp-wycheproof", withExtension: "json", subdirectory: "Vectors")
        )
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).vectors
    }
}

@Suite struct AESKeyWrapTests {
    @Test func `the published answers come out, and what is invalid is refused`() throws {
        let vectors = try KeyWrapVector.all()
        #expect(vectors.count == 94)
        for vector in vectors {
            let key = SecretBytes(copying: vector.key.bytes)
            if vector.result == "valid" {
                let opened = try AESKeyWrap.unwrap(vector.wrapped.bytes, under: key)
                #expect(opened.revealed == vector.pt.bytes, "\(vector.id)")
                let wrapped = try AESKeyWrap.wrap(opened, under: key)
                #expect(wrapped == vector.wrapped.bytes, "\(vector.id)")
            } else {
                #expect(throws: CryptoError.authenticationFailed, "\(vector.id)") {
                    _ = try AESKeyWrap.unwrap(vector.wrapped.bytes, under: key)
                }
            }
        }
    }

    @Test func `every length up to 100 comes back`() throws {
        let key = SecretBytes(random: 32)
        for count in 1...100 {
            let material = SecretBytes(random: count)
            let wrapped = try AESKeyWrap.wrap(material, under: key)
            #expect(wrapped.count == (count + 7) / 8 * 8 + 8)
            #expect(try AESKeyWrap.unwrap(wrapped, under: key).revealed == material.revealed)
        }
    }
}
