internal import CofferCrypto
internal import CofferSecrets
internal import Testing

@Suite struct KeyAgreementTests {
    private static let curves: [KeyPairKind] = [.p256, .p384, .p521, .secp256k1]
    private static let fieldBytes: [KeyPairKind: Int] = [.p256: 32, .p384: 48, .p521: 66, .secp256k1: 32]

    @Test(arguments: curves)
    func `the secret is the one that another implementation's peer has`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let secret = try pair.privateKey().sharedSecret(with: #require(pair.peer).bytes)
        #expect(secret.revealed == pair.sharedSecret?.bytes)
    }

    @Test(arguments: curves) func `both sides get one secret, of the field's length`(
        _ kind: KeyPairKind
    ) throws {
        let (left, right) = (try PrivateKey.generate(kind), try PrivateKey.generate(kind))
        let secret = try left.sharedSecret(with: right.publicKey.spki())
        #expect(try right.sharedSecret(with: left.publicKey.spki()).revealed == secret.revealed)
        #expect(secret.count == Self.fieldBytes[kind])
    }

    @Test(arguments: curves)
    func `a compressed point stands for the same key`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let peer = try #require(pair.peer).bytes
        let compressed = try Self.withPoint(of: peer, kind) { point in
            let fieldBytes = point.count / 2
            return [2 + point[point.count - 1] % 2] + point[1...fieldBytes]
        }
        #expect(try PublicKey(spki: compressed).spki() == peer)
        let secret = try pair.privateKey().sharedSecret(with: compressed)
        #expect(secret.revealed == pair.sharedSecret?.bytes)
    }

    @Test func `a peer on another curve is refused, and one of another family`() throws {
        for kind in Self.curves {
            let key = try KeyPairVectors.pair(kind).privateKey()
            for other in KeyPairKind.allCases where other != kind {
                let peer = try KeyPairVectors.pair(other).spki.bytes
                #expect(throws: KeyPairError.otherCurve) { _ = try key.sharedSecret(with: peer) }
            }
            let outsider = try #require(try KeyPairVectors.shared.get().outsiders["secp224r1"]?.spki)
            #expect(throws: KeyPairError.unsupportedKey) {
                _ = try key.sharedSecret(with: outsider.bytes)
            }
        }
    }

    @Test(arguments: curves)
    func `a point that is not on the curve is told as such`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let key = try pair.privateKey()
        let peer = try #require(pair.peer).bytes
        let off: [([UInt8]) -> [UInt8]] = [
            { $0.dropLast() + [$0[$0.count - 1] ^ 1] },
            { [4] + [UInt8](repeating: 0, count: $0.count - 1) },
            { [4] + [UInt8](repeating: 0xFF, count: $0.count - 1) },
        ]
        for change in off {
            let changed = try Self.withPoint(of: peer, kind, change)
            #expect(throws: KeyPairError.pointNotOnCurve) { _ = try key.sharedSecret(with: changed) }
        }
    }

    @Test(arguments: curves)
    func `what is no point at all is no key`(_ kind: KeyPairKind) throws {
        let pair = try KeyPairVectors.pair(kind)
        let key = try pair.privateKey()
        let peer = try #require(pair.peer).bytes
        // A hybrid form, and a form that there is not.
        for form: UInt8 in [6, 7, 0, 5] {
            let changed = try Self.withPoint(of: peer, kind) { [form] + $0.dropFirst() }
            #expect(throws: KeyPairError.malformedKey) { _ = try key.sharedSecret(with: changed) }
        }
        for garbage in [[], [0x30], Array(peer.dropLast()), peer + [0]] as [[UInt8]] {
            #expect(throws: KeyPairError.malformedKey) { _ = try key.sharedSecret(with: garbage) }
        }
    }

    @Test func `RSA and Ed25519 keys agree on nothing`() throws {
        for kind in [KeyPairKind.rsa2048, .ed25519] {
            let pair = try KeyPairVectors.pair(kind)
            #expect(throws: KeyPairError.unsuitableKey) {
                _ = try pair.privateKey().sharedSecret(with: pair.spki.bytes)
            }
        }
    }

    /// A key with its point, the last part of the encoding, replaced, and the three lengths around it set anew.
    private static func withPoint(
        of spki: [UInt8],
        _ kind: KeyPairKind,
        _ change: ([UInt8]) -> [UInt8]
    ) throws -> [UInt8] {
        let pointCount = 1 + 2 * (try #require(fieldBytes[kind]))
        let head = spki[1] == 0x81 ? 3 : 2
        let algorithm = Array(spki[head..<head + 2 + Int(spki[head + 1])])
        let bits = [0] + change(Array(spki.suffix(pointCount)))
        let body = algorithm + [0x03] + length(bits.count) + bits
        return [0x30] + length(body.count) + body
    }

    private static func length(_ count: Int) -> [UInt8] {
        count < 0x80 ? [UInt8(count)] : [0x81, UInt8(count)]
    }
}
