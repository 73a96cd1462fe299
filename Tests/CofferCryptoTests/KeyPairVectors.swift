internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import Foundation
internal import Testing

/// `key-pairs.json`, which another implementation made (see tools/key-vectors.py). Its keys protect nothing.
struct KeyPairVectors: Decodable, Sendable {
    struct Pair: Decodable, Sendable, CustomTestStringConvertible {
        let kind: String
        let pkcs8, spki: HexText
        let signatures: [String: HexText]
        let ciphertexts, transports: [String: HexText]?
        let peer, sharedSecret: HexText?

        var testDescription: String { kind }
    }

    struct Outsider: Decodable, Sendable {
        let pkcs8: HexText
        /// None where nothing is wrong with the public half, or another test makes it.
        let spki: HexText?
    }

    let message, plaintext, material: HexText
    let pairs: [Pair]
    let outsiders: [String: Outsider]
    let digests, codes: [String: HexText]

    static let shared: Result<KeyPairVectors, any Error> = Result {
        let url = try #require(
            Bundle.module.url(forResource: "key-pairs", withExtension: "json", subdirectory: "Vectors")
        )
        return try JSONDecoder().decode(KeyPairVectors.self, from: Data(contentsOf: url))
    }

    static func pair(_ kind: KeyPairKind) throws -> Pair {
        try #require(shared.get().pairs.first { $0.kind == "\(kind)" })
    }
}

/// Bytes as hex digits in JSON.
struct HexText: Decodable, Sendable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        bytes = try #require(Hex.bytes(decoder.singleValueContainer().decode(String.self)))
    }
}

extension KeyPairVectors.Pair {
    func keyPairKind() throws -> KeyPairKind {
        try #require(KeyPairKind.allCases.first { "\($0)" == kind })
    }

    /// The private key, whose numbers are not checked again.
    func privateKey() throws -> PrivateKey {
        try PrivateKey(encoded: SecretBytes(copying: pkcs8.bytes), kind: keyPairKind())
    }

    func publicKey() throws -> PublicKey { try PublicKey(spki: spki.bytes) }
}

extension SignatureScheme {
    /// The scheme's name in the file.
    var vectorName: String {
        switch self {
        case .rsaPSS(let digest): "rsaPSS.\(digest)"
        case .rsaPKCS1(let digest): "rsaPKCS1.\(digest)"
        case .ecdsa(let digest): "ecdsa.\(digest)"
        case .ed25519: "ed25519"
        }
    }

    /// The digest of a message for this scheme; nil for Ed25519.
    func digest(of message: [UInt8]) -> [UInt8]? {
        switch self {
        case .rsaPSS(let digest), .rsaPKCS1(let digest), .ecdsa(let digest): digest.of(message)
        case .ed25519: nil
        }
    }
}

extension SecretBytes {
    /// A test's secrets are no secrets.
    var revealed: [UInt8] { withBytes { $0.array() } }
}
