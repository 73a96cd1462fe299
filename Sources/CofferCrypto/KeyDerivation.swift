internal import COpenSSL
public import CofferSecrets

/// Why a key cannot be derived or an envelope not opened.
public enum CryptoError: Error, Equatable, Sendable {
    /// The ciphertext, its tag or its additional data is not what was sealed; nothing more is told.
    case authenticationFailed
    /// libcrypto refused: no memory, or a parameter out of its range.
    case engine
}

/// Key derivation by libcrypto, from secret to secret.
public enum KeyDerivation {
    /// `count` bytes (at most 8160) of HKDF-SHA-256 (RFC 5869).
    public static func hkdf(
        _ key: borrowing SecretBytes,
        salt: [UInt8],
        info: [UInt8],
        count: Int
    ) throws(CryptoError) -> SecretBytes {
        try key.withBytes { (keyBytes) throws(CryptoError) in
            try SecretBytes(count: count) { (target) throws(CryptoError) in
                let derived = unsafe keyBytes.withUnsafeBytes { key in
                    unsafe target.withUnsafeMutableBytes { unsafe hkdf(key, salt, info, into: $0) }
                }
                guard derived else { throw .engine }
            }
        }
    }

    private static func hkdf(
        _ key: UnsafeRawBufferPointer,
        _ salt: [UInt8],
        _ info: [UInt8],
        into target: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var length = target.count
        return unsafe EVP_PKEY_derive_init(context) == 1
            && EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1
            && EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1
            && EVP_PKEY_CTX_set1_hkdf_key(
                context,
                key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                Int32(key.count)
            ) == 1
            && EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) == 1
            && EVP_PKEY_derive(context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), &length) == 1
            && length == target.count
    }

    /// What scrypt costs: `cost` (N) is a power of two, and memory is about 128 · N · blockSize bytes.
    public struct ScryptCost: Sendable, Equatable, Codable {
        public var cost: UInt64
        public var blockSize: UInt64
        public var parallelism: UInt64

        public init(cost: UInt64, blockSize: UInt64, parallelism: UInt64) {
            (self.cost, self.blockSize, self.parallelism) = (cost, blockSize, parallelism)
        }

        /// 128 MiB and some tenths of a second: N = 2^17, r = 8, p = 1 (OWASP Password Storage Cheat Sheet).
        public static let interactive = ScryptCost(cost: 1 << 17, blockSize: 8, parallelism: 1)
    }

    /// `count` bytes of scrypt (RFC 7914) over a passphrase. At most 1 GiB of memory: a larger cost is refused.
    public static func scrypt(
        _ passphrase: borrowing SecretBytes,
        salt: [UInt8],
        cost: ScryptCost,
        count: Int
    ) throws(CryptoError) -> SecretBytes {
        try passphrase.withBytes { (passphraseBytes) throws(CryptoError) in
            try SecretBytes(count: count) { (target) throws(CryptoError) in
                let derived = unsafe passphraseBytes.withUnsafeBytes { passphrase in
                    unsafe target.withUnsafeMutableBytes { output in
                        unsafe EVP_PBE_scrypt(
                            passphrase.baseAddress?.assumingMemoryBound(to: CChar.self),
                            passphrase.count,
                            salt,
                            salt.count,
                            cost.cost,
                            cost.blockSize,
                            cost.parallelism,
                            1 << 30,
                            output.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            output.count
                        )
                    }
                }
                guard derived == 1 else { throw .engine }
            }
        }
    }
}
