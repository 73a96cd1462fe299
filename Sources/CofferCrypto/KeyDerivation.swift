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
    /// `count` bytes (1 to 8160) of HKDF-SHA-256 (RFC 5869).
    public static func hkdf(
        _ key: borrowing SecretBytes,
        salt: [UInt8],
        info: [UInt8],
        count: Int
    ) throws(CryptoError) -> SecretBytes {
        guard count > 0, count <= 255 * SHA256.count else { throw .engine }
        // Section 2.2: the pseudorandom key is the code of the key under the salt; no salt is a salt of zeroes, which
        // HMAC makes of it by itself.
        let mac = unsafe try HMACContext(.sha256, key: salt.span.bytes)
        try key.withBytes { (key) throws(CryptoError) in try mac.update(key) }
        let pseudorandomKey = try SecretBytes(count: SHA256.count) { (span) throws(CryptoError) in
            try mac.finish(into: &span)
        }
        try pseudorandomKey.withBytes { (key) throws(CryptoError) in try mac.start(key: key) }
        // Section 2.3: each block is the code of the block before it, the info and a counter.
        return try SecretBytes(count: count) { (target) throws(CryptoError) in
            for offset in stride(from: 0, to: count, by: SHA256.count) {
                if offset > 0 {
                    try mac.restart()
                    try mac.update(target.bytes.extracting(offset - SHA256.count..<offset))
                }
                let number = UInt8(offset / SHA256.count + 1)
                unsafe try mac.update(info.span.bytes)
                unsafe try mac.update([number].span.bytes)
                let block = try SecretBytes(count: SHA256.count) { (span) throws(CryptoError) in
                    try mac.finish(into: &span)
                }
                block.withBytes { block in
                    target.copy(block.extracting(first: min(SHA256.count, count - offset)), at: offset)
                }
            }
        }
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

    /// `count` bytes of PBKDF2 with HMAC-SHA-256 (RFC 8018, section 5.2) over a password.
    public static func pbkdf2(
        _ password: borrowing SecretBytes,
        salt: [UInt8],
        iterationCount: Int,
        count: Int
    ) throws(CryptoError) -> SecretBytes {
        guard let iterations = Int32(exactly: iterationCount), iterations > 0,
            let saltCount = Int32(exactly: salt.count),
            let length = Int32(exactly: count), length > 0
        else { throw .engine }
        return try password.withBytes { (passwordBytes) throws(CryptoError) in
            guard let passwordCount = Int32(exactly: passwordBytes.byteCount) else { throw .engine }
            return try SecretBytes(count: count) { (target) throws(CryptoError) in
                let derived = unsafe passwordBytes.withUnsafeBytes { password in
                    unsafe target.withUnsafeMutableBytes { output in
                        unsafe PKCS5_PBKDF2_HMAC(
                            password.baseAddress?.assumingMemoryBound(to: CChar.self),
                            passwordCount,
                            salt,
                            saltCount,
                            iterations,
                            EVP_sha256(),
                            length,
                            output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        )
                    }
                }
                guard derived == 1 else { throw .engine }
            }
        }
    }
}
