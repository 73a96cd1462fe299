internal import COpenSSL
public import CofferSecrets

/// The hashes of RSAES-OAEP (RFC 8017, section 7.1), for the label (which is empty) and for MGF1.
public enum OAEPHash: Sendable, CaseIterable {
    case sha1, sha256

    var digest: Digest {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        }
    }

    fileprivate func configure(_ context: OpaquePointer) -> Bool {
        let digest = FetchedAlgorithm.digest(digest)
        return unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_oaep_md(context, digest.pointer) == 1
            && EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest.pointer) == 1
    }
}

extension KeyPairKind {
    /// The longest plaintext that OAEP takes, bytes; nil for keys that do not encrypt.
    public func maximumPlaintextCount(_ hash: OAEPHash) -> Int? {
        modulusBits.map { $0 / 8 - 2 * hash.digest.count - 2 }
    }
}

extension PublicKey {
    /// Encrypts 1 byte up to `maximumPlaintextCount`; the ciphertext is as long as the modulus.
    public func encrypt(
        _ plaintext: borrowing SecretBytes,
        oaep hash: OAEPHash
    ) throws(KeyPairError) -> [UInt8] {
        guard let modulusBits = kind.modulusBits, let maximum = kind.maximumPlaintextCount(hash) else {
            throw .unsuitableKey
        }
        guard plaintext.count <= maximum else { throw .plaintextTooLong(maximum: maximum) }
        defer { forgetLibcryptoErrors() }
        var ciphertext = [UInt8](repeating: 0, count: modulusBits / 8)
        var count = ciphertext.count
        let isEncrypted = plaintext.withBytes { plaintext in
            unsafe plaintext.withUnsafeBytes { plaintext in
                unsafe key.withContext { context in
                    unsafe EVP_PKEY_encrypt_init(context) == 1 && hash.configure(context)
                        && EVP_PKEY_encrypt(
                            context,
                            &ciphertext,
                            &count,
                            plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            plaintext.count
                        ) == 1
                } ?? false
            }
        }
        guard isEncrypted, count == ciphertext.count else { throw .engine }
        return ciphertext
    }
}

extension PrivateKey {
    /// Decrypts what `encrypt` gave. Whatever is wrong with the ciphertext, the error is `.decryptionFailed`: one that
    /// told padding from content would be an oracle. No plaintext at all, which `encrypt` never takes, fails too.
    public func decrypt(_ ciphertext: [UInt8], oaep hash: OAEPHash) throws(KeyPairError) -> SecretBytes {
        guard let modulusBits = kind.modulusBits else { throw .unsuitableKey }
        guard ciphertext.count == modulusBits / 8 else { throw .decryptionFailed }
        defer { forgetLibcryptoErrors() }
        var count = ciphertext.count
        let room = try SecretBytes(count: count) { (span) throws(KeyPairError) in
            let isDecrypted = unsafe span.withUnsafeMutableBytes { room in
                unsafe key.withContext { context in
                    unsafe EVP_PKEY_decrypt_init(context) == 1 && hash.configure(context)
                        && EVP_PKEY_decrypt(
                            context,
                            room.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            &count,
                            ciphertext,
                            ciphertext.count
                        ) == 1
                } ?? false
            }
            guard isDecrypted, count > 0 else { throw .decryptionFailed }
        }
        return room.part(at: 0, count: count)
    }
}
