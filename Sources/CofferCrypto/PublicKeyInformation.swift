/// The parts of a SubjectPublicKeyInfo in DER (RFC 5280, section 4.1):
///
/// ```
/// SEQUENCE {
///     SEQUENCE { OBJECT IDENTIFIER algorithm, parameters }   NULL for RSA, the curve's identifier, or nothing
///     BIT STRING key }                                       a whole number of bytes
/// ```
/// Lengths are in their shortest form, and nothing follows.
struct PublicKeyInformation {
    enum Algorithm: Equatable {
        case rsa
        /// A curve by its identifier.
        case curve([UInt8])
        case ed25519
        case other
    }

    let algorithm: Algorithm
    /// What the bit string holds.
    let key: [UInt8]

    init?(_ encoded: [UInt8]) {
        var outer = encoded[...]
        guard var body = Self.next(Self.sequence, &outer), outer.isEmpty,
            var algorithm = Self.next(Self.sequence, &body),
            let bits = Self.next(Self.bitString, &body), body.isEmpty, bits.first == 0,
            let identifier = Self.next(Self.objectIdentifier, &algorithm)
        else { return nil }
        key = Array(bits.dropFirst())
        switch Array(identifier) {
        case Self.rsaEncryption:
            guard Array(algorithm) == [Self.null, 0] else { return nil }
            self.algorithm = .rsa
        case Self.ellipticCurveKey:
            // Parameters that are spelled out are a SEQUENCE: a curve of the sender's making.
            guard algorithm.first == Self.objectIdentifier else {
                self.algorithm = .other
                return
            }
            guard let curve = Self.next(Self.objectIdentifier, &algorithm), algorithm.isEmpty else {
                return nil
            }
            self.algorithm = .curve(Array(curve))
        case Self.edwards25519:
            guard algorithm.isEmpty else { return nil }
            self.algorithm = .ed25519
        default:
            self.algorithm = .other
        }
    }

    private static let bitString: UInt8 = 0x03
    private static let null: UInt8 = 0x05
    private static let objectIdentifier: UInt8 = 0x06
    private static let sequence: UInt8 = 0x30

    /// 1.2.840.113549.1.1.1, 1.2.840.10045.2.1 and 1.3.101.112.
    private static let rsaEncryption: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]
    private static let ellipticCurveKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]
    private static let edwards25519: [UInt8] = [0x2B, 0x65, 0x70]

    /// The content of the element with that tag at the head of `rest`, which moves past it.
    private static func next(_ tag: UInt8, _ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.popFirst() == tag, let first = rest.popFirst() else { return nil }
        var count = Int(first)
        if first >= 0x80 {
            // 81 and 82 count one and two bytes of length; a key of more than 64 KiB is none.
            guard first == 0x81 || first == 0x82, rest.count >= 2 else { return nil }
            count = rest.prefix(Int(first) - 0x80).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(Int(first) - 0x80)
            guard count >= (first == 0x81 ? 0x80 : 0x100) else { return nil }
        }
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }
}
