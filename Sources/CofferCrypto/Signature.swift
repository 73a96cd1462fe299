internal import COpenSSL

/// The schemes that Coffer signs with. A hash is SHA-256, SHA-384 or SHA-512: no key signs with another.
public enum SignatureScheme: Hashable, Sendable {
    /// RSASSA-PSS (RFC 8017, section 8.1) with MGF1 of the same hash and a salt as long as it.
    case rsaPSS(Digest)
    /// RSASSA-PKCS1-v1_5 (section 8.2).
    case rsaPKCS1(Digest)
    /// ECDSA (FIPS 186-4), a DER sequence of r and s, with the hash of the curve's strength.
    case ecdsa(Digest)
    /// Ed25519 over the message itself (RFC 8032, section 5.1).
    case ed25519

    /// The hash; nil for Ed25519, which takes the whole message.
    var digest: Digest? {
        switch self {
        case .rsaPSS(let digest), .rsaPKCS1(let digest), .ecdsa(let digest): digest
        case .ed25519: nil
        }
    }
}

extension KeyPairKind {
    /// The schemes that a key of this kind signs with.
    public var signatureSchemes: [SignatureScheme] {
        switch self {
        case .rsa2048, .rsa3072, .rsa4096:
            [.sha256, .sha384, .sha512].flatMap { [.rsaPSS($0), .rsaPKCS1($0)] }
        case .p256, .secp256k1: [.ecdsa(.sha256)]
        case .p384: [.ecdsa(.sha384)]
        case .p521: [.ecdsa(.sha512)]
        case .ed25519: [.ed25519]
        }
    }
}

/// What is signed: a message, or its digest where somebody else has hashed it.
public enum SignatureInput: Sendable {
    case message([UInt8])
    case digest([UInt8])
}

extension PrivateKey {
    /// Signs. Throws `.unsuitableKey` for another kind's scheme and for a digest with Ed25519, and `.digestCount`.
    public func sign(_ input: SignatureInput, scheme: SignatureScheme) throws(KeyPairError) -> [UInt8] {
        let operation = try SignatureOperation(input, scheme, kind)
        defer { forgetLibcryptoErrors() }
        guard let signature = operation.sign(with: key) else { throw .engine }
        return signature
    }
}

extension PublicKey {
    /// The longest signature that is looked at, bytes: RSA with 4096 bits.
    private static let maximumSignatureCount = 512

    /// Whether `signature` is one of `input` by this key. Bytes that are no signature at all are just not one. Throws
    /// as `sign` does.
    public func isValid(
        _ signature: [UInt8],
        of input: SignatureInput,
        scheme: SignatureScheme
    ) throws(KeyPairError) -> Bool {
        let operation = try SignatureOperation(input, scheme, kind)
        guard !signature.isEmpty, signature.count <= Self.maximumSignatureCount else { return false }
        defer { forgetLibcryptoErrors() }
        return operation.verify(signature, with: key)
    }
}

/// One signature to make or check, once its input and scheme are found to fit the key.
private struct SignatureOperation {
    private let scheme: SignatureScheme
    /// The digest, or the message for Ed25519.
    private let bytes: [UInt8]

    init(_ input: SignatureInput, _ scheme: SignatureScheme, _ kind: KeyPairKind) throws(KeyPairError) {
        guard kind.signatureSchemes.contains(scheme) else { throw .unsuitableKey }
        self.scheme = scheme
        switch (input, scheme.digest) {
        case (.message(let message), let digest?):
            bytes = digest.of(message)
        case (.digest(let given), let digest?):
            guard given.count == digest.count else { throw .digestCount(expected: digest.count) }
            bytes = given
        case (.message(let message), nil):
            bytes = message
        case (.digest, nil):
            throw .unsuitableKey
        }
    }

    func sign(with key: EVPKey) -> [UInt8]? {
        var count = unsafe Int(EVP_PKEY_get_size(key.pointer))
        guard count > 0 else { return nil }
        var signature = [UInt8](repeating: 0, count: count)
        let isSigned =
            if scheme.digest == nil {
                unsafe withMessageContext { context in
                    unsafe EVP_DigestSignInit_ex(context, nil, nil, nil, nil, key.pointer, nil) == 1
                        && EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1
                }
            } else {
                unsafe key.withContext { context in
                    unsafe EVP_PKEY_sign_init(context) == 1 && configure(context)
                        && EVP_PKEY_sign(context, &signature, &count, bytes, bytes.count) == 1
                } ?? false
            }
        // An ECDSA signature is shorter than its room by chance.
        return isSigned ? Array(signature.prefix(count)) : nil
    }

    func verify(_ signature: [UInt8], with key: EVPKey) -> Bool {
        if scheme.digest == nil {
            unsafe withMessageContext { context in
                unsafe EVP_DigestVerifyInit_ex(context, nil, nil, nil, nil, key.pointer, nil) == 1
                    && EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
            }
        } else {
            unsafe key.withContext { context in
                unsafe EVP_PKEY_verify_init(context) == 1 && configure(context)
                    && EVP_PKEY_verify(context, signature, signature.count, bytes, bytes.count) == 1
            } ?? false
        }
    }

    /// Sets hash and padding.
    private func configure(_ context: OpaquePointer) -> Bool {
        guard let digest = scheme.digest,
            unsafe EVP_PKEY_CTX_set_signature_md(context, FetchedAlgorithm.digest(digest).pointer) == 1
        else { return false }
        switch scheme {
        case .rsaPSS:
            return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1
        case .rsaPKCS1:
            return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
        case .ecdsa, .ed25519:
            return true
        }
    }

    private func withMessageContext(_ body: (OpaquePointer) -> Bool) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        return unsafe body(context)
    }
}
