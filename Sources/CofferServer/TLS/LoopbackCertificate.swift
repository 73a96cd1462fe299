internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes

/// A certificate for `localhost`, `127.0.0.1` and `::1` that signs itself, over a fresh P-256 key. (RFC 5280)
///
///     Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
///     tbsCertificate ::= SEQUENCE { [0] version 3, serialNumber, signature algorithm, issuer, validity, subject,
///                                   subjectPublicKeyInfo, [3] extensions }
struct LoopbackCertificate: ~Copyable {
    /// The certificate in DER.
    let certificate: [UInt8]
    /// PKCS #8 in DER.
    let privateKey: SecretBytes

    static let validDays: UInt64 = 825
    private static let day: UInt64 = 86_400_000_000_000

    init(now: Timestamp, random: some ByteSource = SystemByteSource()) throws {
        let key = try PrivateKey.generate(.p256)
        // A client whose clock is an hour behind is served too.
        let start = Timestamp(nanoseconds: now.nanoseconds - Self.day / 24)
        let end = Timestamp(nanoseconds: now.nanoseconds + Self.validDays * Self.day)
        let body = DER.sequence(
            DER.tagged(0xA0, DER.integer([2])),
            DER.integer(random.bytes(16)),
            Self.ecdsaWithSHA256,
            Self.name,
            DER.sequence(DER.time(Self.compact(start)), DER.time(Self.compact(end))),
            Self.name,
            try key.publicKey.spki(),
            DER.tagged(0xA3, Self.extensions)
        )
        let signature = try key.sign(.message(body), scheme: .ecdsa(.sha256))
        let encodedKey = try key.encoded()
        certificate = DER.sequence(body, Self.ecdsaWithSHA256, DER.bits(signature))
        privateKey = encodedKey
    }

    /// `20260101000000Z`.
    private static func compact(_ time: Timestamp) -> String {
        String(time.iso8601.prefix(19).filter { $0.isNumber }) + "Z"
    }

    /// 1.2.840.10045.4.3.2 (RFC 5758 §3.2)
    private static let ecdsaWithSHA256 = DER.sequence(
        DER.identifier([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])
    )

    /// A common name (2.5.4.3) alone.
    private static let name = DER.sequence(
        DER.set(DER.sequence(DER.identifier([0x55, 0x04, 0x03]), DER.text("Coffer on this machine")))
    )

    /// It is its own authority, for no other certificate, and for servers alone. (RFC 5280 §4.2.1)
    private static let extensions = DER.sequence(
        // basicConstraints: CA, path length 0.
        critical([0x55, 0x1D, 0x13], DER.sequence(DER.yes, DER.integer([0]))),
        // keyUsage: digitalSignature (bit 0), keyCertSign (bit 5).
        critical([0x55, 0x1D, 0x0F], DER.bits([0b1000_0100], unused: 2)),
        // extKeyUsage: serverAuth, 1.3.6.1.5.5.7.3.1.
        plain([0x55, 0x1D, 0x25], DER.sequence(DER.identifier([0x2B, 6, 1, 5, 5, 7, 3, 1]))),
        // subjectAltName: dNSName is [2], iPAddress is [7].
        plain(
            [0x55, 0x1D, 0x11],
            DER.sequence(
                DER.tagged(0x82, Array("localhost".utf8)),
                DER.tagged(0x87, [127, 0, 0, 1]),
                DER.tagged(0x87, [UInt8](repeating: 0, count: 15) + [1])
            )
        )
    )

    private static func critical(_ identifier: [UInt8], _ value: [UInt8]) -> [UInt8] {
        DER.sequence(DER.identifier(identifier), DER.yes, DER.octets(value))
    }

    private static func plain(_ identifier: [UInt8], _ value: [UInt8]) -> [UInt8] {
        DER.sequence(DER.identifier(identifier), DER.octets(value))
    }
}
