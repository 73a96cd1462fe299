internal import CofferCrypto
internal import CofferSecrets
internal import Testing

@Suite struct SignatureTests {
    @Test(arguments: try KeyPairVectors.shared.get().pairs)
    func `another implementation's signatures are valid, for a message and for its digest`(
        _ pair: KeyPairVectors.Pair
    ) throws {
        let message = try KeyPairVectors.shared.get().message.bytes
        let publicKey = try pair.publicKey()
        let schemes = publicKey.kind.signatureSchemes
        #expect(Set(schemes.map(\.vectorName)) == Set(pair.signatures.keys))
        for scheme in schemes {
            let signature = try #require(pair.signatures[scheme.vectorName]).bytes
            #expect(try publicKey.isValid(signature, of: .message(message), scheme: scheme))
            #expect(try !publicKey.isValid(signature, of: .message(message + [0]), scheme: scheme))
            #expect(try !publicKey.isValid(signature, of: .message([]), scheme: scheme))
            if let digest = scheme.digest(of: message) {
                #expect(try publicKey.isValid(signature, of: .digest(digest), scheme: scheme))
            }
        }
    }

    @Test(arguments: try KeyPairVectors.shared.get().pairs)
    func `a signature over a digest is one over its message, and deterministic schemes give theirs`(
        _ pair: KeyPairVectors.Pair
    ) throws {
        let message = try KeyPairVectors.shared.get().message.bytes
        let (key, publicKey) = (try pair.privateKey(), try pair.publicKey())
        for scheme in key.kind.signatureSchemes {
            let signature = try key.sign(.message(message), scheme: scheme)
            #expect(try publicKey.isValid(signature, of: .message(message), scheme: scheme))
            switch scheme {
            case .rsaPKCS1, .ed25519:
                #expect(signature == pair.signatures[scheme.vectorName]?.bytes)
            case .rsaPSS, .ecdsa:
                #expect(try key.sign(.message(message), scheme: scheme) != signature)
            }
            if let digest = scheme.digest(of: message) {
                let other = try key.sign(.digest(digest), scheme: scheme)
                #expect(try publicKey.isValid(other, of: .message(message), scheme: scheme))
            }
        }
    }

    @Test(arguments: [KeyPairKind.rsa2048, .p256, .p384, .p521, .secp256k1, .ed25519])
    func `no signature with a flipped bit is valid`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let message = try KeyPairVectors.shared.get().message.bytes
        let publicKey = try pair.publicKey()
        for scheme in kind.signatureSchemes {
            let signature = try #require(pair.signatures[scheme.vectorName]).bytes
            for bit in 0..<(signature.count * 8) {
                var changed = signature
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(
                    try !publicKey.isValid(changed, of: .message(message), scheme: scheme),
                    "bit \(bit)"
                )
            }
        }
    }

    @Test(arguments: try KeyPairVectors.shared.get().pairs)
    func `bytes that are no signature are just not valid`(_ pair: KeyPairVectors.Pair) throws {
        let message = try KeyPairVectors.shared.get().message.bytes
        let publicKey = try pair.publicKey()
        for scheme in publicKey.kind.signatureSchemes {
            let signature = try #require(pair.signatures[scheme.vectorName]).bytes
            let others: [[UInt8]] = [
                [], [0], Array(signature.dropLast()), signature + [0], [0x30, 0x80] + signature,
                [UInt8](repeating: 0, count: signature.count),
                [UInt8](repeating: 0xFF, count: signature.count),
                [UInt8](repeating: 0, count: 100_000),
            ]
            for other in others {
                #expect(try !publicKey.isValid(other, of: .message(message), scheme: scheme))
            }
        }
    }

    @Test func `a key refuses every scheme that is not its kind's`() throws {
        let all = Set(KeyPairKind.allCases.flatMap(\.signatureSchemes))
        #expect(all.count == 10)
        for pair in try KeyPairVectors.shared.get().pairs {
            let (key, publicKey) = (try pair.privateKey(), try pair.publicKey())
            let others = all.subtracting(key.kind.signatureSchemes).union([.rsaPSS(.sha1), .ecdsa(.sha224)])
            for scheme in others {
                #expect(throws: KeyPairError.unsuitableKey) {
                    _ = try key.sign(.message([1]), scheme: scheme)
                }
                #expect(throws: KeyPairError.unsuitableKey) {
                    _ = try publicKey.isValid([1], of: .message([1]), scheme: scheme)
                }
            }
        }
    }

    @Test func `a digest of another length is refused, and any digest by Ed25519`() throws {
        let key = try KeyPairVectors.pair(.p384).privateKey()
        for count in [0, 32, 47, 49, 64] {
            let digest = [UInt8](repeating: 1, count: count)
            #expect(throws: KeyPairError.digestCount(expected: 48)) {
                _ = try key.sign(.digest(digest), scheme: .ecdsa(.sha384))
            }
            #expect(throws: KeyPairError.digestCount(expected: 48)) {
                _ = try key.publicKey.isValid([1], of: .digest(digest), scheme: .ecdsa(.sha384))
            }
        }
        #expect(throws: KeyPairError.unsuitableKey) {
            _ = try KeyPairVectors.pair(.ed25519).privateKey()
                .sign(.digest([UInt8](repeating: 1, count: 64)), scheme: .ed25519)
        }
    }

    /// RFC 8032, section 7.1, test 2.
    @Test func `Ed25519 gives the published answer`() throws {
        let seed: [UInt8] = [
            0x4C, 0xCD, 0x08, 0x9B, 0x28, 0xFF, 0x96, 0xDA, 0x9D, 0xB6, 0xC3, 0x46, 0xEC, 0x11, 0x4E, 0x0F,
            0x5B, 0x8A, 0x31, 0x9F, 0x35, 0xAB, 0xA6, 0x24, 0xDA, 0x8C, 0xF6, 0xED, 0x4F, 0xB8, 0xA6, 0xFB,
        ]
        let head: [UInt8] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
        let key = try PrivateKey(importing: SecretBytes(copying: head + seed), kind: .ed25519)
        #expect(
            try key.sign(.message([0x72]), scheme: .ed25519) == [
                0x92, 0xA0, 0x09, 0xA9, 0xF0, 0xD4, 0xCA, 0xB8, 0x72, 0x0E, 0x82, 0x0B, 0x5F, 0x64, 0x25,
                0x40,
                0xA2, 0xB2, 0x7B, 0x54, 0x16, 0x50, 0x3F, 0x8F, 0xB3, 0x76, 0x22, 0x23, 0xEB, 0xDB, 0x69,
                0xDA,
                0x08, 0x5A, 0xC1, 0xE4, 0x3E, 0x15, 0x99, 0x6E, 0x45, 0x8F, 0x36, 0x13, 0xD0, 0xF1, 0x1D,
                0x8C,
                0x38, 0x7B, 0x2E, 0xAE, 0xB4, 0x30, 0x2A, 0xEE, 0xB0, 0x0D, 0x29, 0x16, 0x12, 0xBB, 0x0C,
                0x00,
            ]
        )
    }
}
