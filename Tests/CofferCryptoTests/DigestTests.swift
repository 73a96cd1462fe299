internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Testing

@Suite struct DigestTests {
    /// FIPS 180-2, appendix B.1, and RFC 4231, test case 2.
    @Test func `SHA-256 and HMAC give the published answers`() {
        #expect(
            Hex.lower(SHA256.digest(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        let message = Array("what do ya want for nothing?".utf8)
        let code = SHA256.authenticationCode(
            unsafe message.span.bytes,
            key: SecretBytes(copying: Array("Jefe".utf8))
        )
        #expect(Hex.lower(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    /// The digests of no bytes at all (FIPS 180-4's example files).
    @Test(arguments: [
        (Digest.sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (.sha224, "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"),
        (.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ]) func `no bytes have the published digest`(_ digest: Digest, _ answer: String) {
        #expect(Hex.lower(digest.of([])) == answer)
    }

    @Test(arguments: Digest.allCases)
    func `digests and codes are those of another implementation`(_ digest: Digest) throws {
        let vectors = try KeyPairVectors.shared.get()
        let message = vectors.message.bytes
        let key = SecretBytes(copying: vectors.material.bytes)
        #expect(digest.of(message) == vectors.digests["\(digest)"]?.bytes)
        #expect(digest.of(message).count == digest.count)
        #expect(
            unsafe try HMAC.code(digest, of: message.span.bytes, key: key)
                == vectors.codes["\(digest)"]?.bytes
        )
    }

    @Test(arguments: Digest.allCases)
    func `a code is valid whole, for its message under its key alone`(_ digest: Digest) throws {
        let message = [UInt8](repeating: 3, count: 4096)
        let key = SecretBytes(random: 128)
        let code = unsafe try HMAC.code(digest, of: message.span.bytes, key: key)
        #expect(unsafe try HMAC.isValid(code, digest, of: message.span.bytes, key: key))
        for bit in 0..<(code.count * 8) {
            var changed = code
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(unsafe try !HMAC.isValid(changed, digest, of: message.span.bytes, key: key))
        }
        for other in [[], Array(code.dropLast()), code + [0]] as [[UInt8]] {
            #expect(unsafe try !HMAC.isValid(other, digest, of: message.span.bytes, key: key))
        }
        let shorter = Array(message.dropLast())
        #expect(unsafe try !HMAC.isValid(code, digest, of: shorter.span.bytes, key: key))
        let otherKey = SecretBytes(random: 128)
        #expect(unsafe try !HMAC.isValid(code, digest, of: message.span.bytes, key: otherKey))
    }

    @Test func `codes come out right from several threads at once`() throws {
        let message: [UInt8] = [1, 2, 3]
        let expected = unsafe try HMAC.code(
            .sha512,
            of: message.span.bytes,
            key: SecretBytes(copying: [9])
        )
        let problems = inParallel(4) { _ in
            for _ in 0..<500 {
                let code = unsafe try HMAC.code(
                    .sha512,
                    of: message.span.bytes,
                    key: SecretBytes(copying: [9])
                )
                guard code == expected else { return "another code" }
            }
            return nil
        }
        #expect(problems.isEmpty)
    }
}
