internal import CofferCrypto
internal import CofferSecrets
internal import CofferTesting
internal import Foundation
internal import Testing

@Suite struct KeyPairTests {
    private static let quick: [KeyPairKind] = [.rsa2048, .p256, .p384, .p521, .secp256k1, .ed25519]

    @Test(arguments: quick) func `a new key comes back from its encoding and signs for its public half`(
        _ kind: KeyPairKind
    ) throws {
        let key = try PrivateKey.generate(kind)
        #expect(key.kind == kind)
        let encoded = try key.encoded()
        let again = try PrivateKey(importing: encoded, kind: kind)
        #expect(try again.encoded().revealed == encoded.revealed)
        let spki = try key.publicKey.spki()
        #expect(try again.publicKey.spki() == spki)
        let publicKey = try PublicKey(spki: spki)
        #expect(publicKey.kind == kind)
        for scheme in kind.signatureSchemes {
            for message in [[], [1, 2, 3], [UInt8](repeating: 4, count: 4096)] as [[UInt8]] {
                let signature = try again.sign(.message(message), scheme: scheme)
                #expect(try publicKey.isValid(signature, of: .message(message), scheme: scheme))
            }
        }
        let other = try PrivateKey.generate(kind)
        #expect(try other.publicKey.spki() != spki)
    }

    @Test(arguments: try KeyPairVectors.shared.get().pairs)
    func `another implementation's keys are read, and written down as it does`(
        _ pair: KeyPairVectors.Pair
    ) throws {
        let kind = try pair.keyPairKind()
        let key = try PrivateKey(importing: SecretBytes(copying: pair.pkcs8.bytes), kind: kind)
        #expect(try key.encoded().revealed == pair.pkcs8.bytes)
        #expect(try key.publicKey.spki() == pair.spki.bytes)
        let publicKey = try pair.publicKey()
        #expect(publicKey.kind == kind)
        #expect(try publicKey.spki() == pair.spki.bytes)
    }

    @Test func `every kind is in the file`() throws {
        let kinds = try KeyPairVectors.shared.get().pairs.map(\.kind)
        #expect(kinds == KeyPairKind.allCases.map { "\($0)" })
    }

    @Test func `a key of another kind than the one asked for is told by its kind`() throws {
        let encoded = try SecretBytes(copying: KeyPairVectors.pair(.p256).pkcs8.bytes)
        #expect(throws: KeyPairError.otherKind(.p256)) {
            _ = try PrivateKey(importing: encoded, kind: .secp256k1)
        }
        #expect(throws: KeyPairError.otherKind(.p256)) {
            _ = try PrivateKey(importing: encoded, kind: .rsa2048)
        }
    }

    @Test(arguments: ["secp224r1", "rsa1024", "rsaExponent3", "rsaThreePrimes", "p256SpelledOut"])
    func `a kind that Coffer does not know is refused`(_ name: String) throws {
        let outsider = try #require(try KeyPairVectors.shared.get().outsiders[name])
        if let spki = outsider.spki?.bytes {
            #expect(throws: KeyPairError.unsupportedKey) { _ = try PublicKey(spki: spki) }
        }
        #expect(throws: KeyPairError.unsupportedKey) {
            _ = try PrivateKey(importing: SecretBytes(copying: outsider.pkcs8.bytes), kind: .rsa2048)
        }
    }

    @Test func `an encoding that is cut, followed by a byte or too long is no key`() throws {
        for kind in [KeyPairKind.rsa2048, .p256, .ed25519] {
            let pair = try KeyPairVectors.pair(kind)
            for spki in [[], Array(pair.spki.bytes.dropLast()), pair.spki.bytes + [0]] as [[UInt8]] {
                #expect(throws: KeyPairError.malformedKey) { _ = try PublicKey(spki: spki) }
            }
            let longer = pair.pkcs8.bytes + [UInt8](repeating: 0, count: PrivateKey.maximumEncodedCount)
            for pkcs8 in [Array(pair.pkcs8.bytes.dropLast()), pair.pkcs8.bytes + [0], longer, [0x30]] {
                #expect(throws: KeyPairError.malformedKey) {
                    _ = try PrivateKey(importing: SecretBytes(copying: pkcs8), kind: kind)
                }
            }
        }
    }

    /// One bit of the scalar: still a scalar, but no longer that of the public key beside it.
    @Test func `a private key that is not its public half's is refused on import`() throws {
        for kind in [KeyPairKind.p256, .p384, .p521, .secp256k1] {
            var bytes = try KeyPairVectors.pair(kind).pkcs8.bytes
            let point = try PublicKey(spki: KeyPairVectors.pair(kind).spki.bytes).spki().suffix(32)
            #expect(bytes.suffix(32) == point, "the public key ends the encoding")
            // The scalar begins after some 30 bytes of identifiers in each of them; 50 is inside of it.
            bytes[50] ^= 1
            #expect(throws: KeyPairError.malformedKey) {
                _ = try PrivateKey(importing: SecretBytes(copying: bytes), kind: kind)
            }
        }
    }

    @Test func `no mutated encoding crashes, and what is still read is a whole key`() throws {
        var generator = SeededGenerator(seed: 5)
        for round in 0..<2000 {
            // RSA's primes are proven anew for each: fewer of them.
            let kind: KeyPairKind =
                round % 50 == 0 ? .rsa2048 : [.p256, .p384, .p521, .secp256k1, .ed25519][round % 5]
            let pair = try KeyPairVectors.pair(kind)
            let pkcs8 = Self.mutated(pair.pkcs8.bytes, &generator)
            if let key = try? PrivateKey(importing: SecretBytes(copying: pkcs8), kind: kind) {
                let scheme = try #require(kind.signatureSchemes.first)
                let signature = try key.sign(.message([1]), scheme: scheme)
                #expect(try key.publicKey.isValid(signature, of: .message([1]), scheme: scheme))
            }
            let publicPair = round % 3 == 0 ? try KeyPairVectors.pair(.rsa2048) : pair
            let spki = Self.mutated(publicPair.spki.bytes, &generator)
            if let key = try? PublicKey(spki: spki) { #expect(try key.spki() == spki, "round \(round)") }
        }
    }

    /// One to four bytes changed, removed, doubled or cut off.
    private static func mutated(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let index = Int.random(in: 0..<changed.count, using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0 where changed.count > 1: changed.remove(at: index)
            case 1: changed.insert(changed[index], at: index)
            case 2: changed.removeSubrange(max(1, index)...)
            case 3: changed[index] = UInt8.random(in: 0...255, using: &generator)
            default: changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
        }
        return changed
    }

    @Test func `a public key whose curve is spelled out is refused`() throws {
        // SEQUENCE { SEQUENCE { id-ecPublicKey, SEQUENCE {} }, BIT STRING of a byte }: parameters in place of a name.
        let spki: [UInt8] =
            [0x30, 0x11, 0x30, 0x0B, 0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 0x30, 0, 0x03, 2, 0, 4]
        #expect(throws: KeyPairError.unsupportedKey) { _ = try PublicKey(spki: spki) }
    }

    @Test func `several threads use one key at once`() throws {
        let pair = try KeyPairVectors.pair(.rsa2048)
        let (key, publicKey) = (try pair.privateKey(), try pair.publicKey())
        let problems = inParallel(4) { thread in
            for round in 0..<20 {
                let message = [UInt8(thread), UInt8(round)]
                let signature = try key.sign(.message(message), scheme: .rsaPSS(.sha256))
                let isValid = try publicKey.isValid(
                    signature,
                    of: .message(message),
                    scheme: .rsaPSS(.sha256)
                )
                guard isValid else { return "round \(round)" }
            }
            return nil
        }
        #expect(problems.isEmpty)
    }
}
