internal import COpenSSL
public import CofferSecrets

extension PrivateKey {
    /// The raw shared secret of ECDH with a peer: the x coordinate, as long as the curve's field (SEC 1, section 3.3.1;
    /// every curve of ours has the cofactor 1). Whoever uses it as a key derives one from it first.
    ///
    /// `peer` is a SubjectPublicKeyInfo in DER. Throws what `PublicKey.init(spki:)` throws, `.otherCurve`, and
    /// `.unsuitableKey` where this key has no such agreement.
    public func sharedSecret(with peer: [UInt8]) throws(KeyPairError) -> SecretBytes {
        guard let curve = kind.curve else { throw .unsuitableKey }
        let peer = try PublicKey(spki: peer)
        guard peer.kind == kind else { throw .otherCurve }
        defer { forgetLibcryptoErrors() }
        return try SecretBytes(count: curve.fieldBytes) { (span) throws(KeyPairError) in
            let isDerived = unsafe span.withUnsafeMutableBytes { secret in
                unsafe key.withContext { context in
                    var count = secret.count
                    return unsafe EVP_PKEY_derive_init(context) == 1
                        && EVP_PKEY_derive_set_peer(context, peer.key.pointer) == 1
                        && EVP_PKEY_derive(
                            context,
                            secret.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            &count
                        ) == 1 && count == secret.count
                } ?? false
            }
            guard isDerived else { throw .engine }
        }
    }
}
