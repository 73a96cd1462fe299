internal import COpenSSL

/// The owner of one of libcrypto's keys, which several threads may use at once: nothing changes a key once it is made,
/// and each operation has a context of its own. Its numbers lie in libcrypto's memory and are wiped with it.
@safe
final class EVPKey: @unchecked Sendable {
    // Sendable: see above; what libcrypto caches inside of a key (exports, blinding) is behind its own locks.

    let pointer: OpaquePointer

    /// Takes the key over; nil for nil.
    init?(owning pointer: OpaquePointer?) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// A context for one operation, freed after `body`; nil when there is no memory.
    func withContext<Result>(_ body: (OpaquePointer) -> Result?) -> Result? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, pointer, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe body(context)
    }

    func isA(_ type: String) -> Bool { unsafe EVP_PKEY_is_a(pointer, type) == 1 }

    /// libcrypto's name of an elliptic-curve key's curve.
    var curveName: String? {
        var name = [UInt8](repeating: 0, count: 64)
        var length = 0
        let isThere = unsafe name.withUnsafeMutableBytes { name in
            unsafe EVP_PKEY_get_utf8_string_param(
                pointer,
                OSSL_PKEY_PARAM_GROUP_NAME,
                name.baseAddress?.assumingMemoryBound(to: CChar.self),
                name.count,
                &length
            ) == 1
        }
        return isThere ? String(decoding: name.prefix(length), as: UTF8.self) : nil
    }

    /// Whether an elliptic-curve key was read from explicit parameters, through which a curve can be forged.
    var isCurveSpelledOut: Bool {
        var answer: Int32 = 0
        return unsafe EVP_PKEY_get_int_param(
            pointer,
            OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
            &answer
        ) != 1 || answer != 0
    }

    /// Has an elliptic-curve key written down with its point uncompressed, however it was read. To be called before the
    /// key is shared.
    func setUncompressed() -> Bool {
        unsafe EVP_PKEY_set_utf8_string_param(
            pointer,
            OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
            "uncompressed"
        ) == 1
    }

    /// Whether the key has a number of that name.
    func hasNumber(_ name: String) -> Bool {
        var number: OpaquePointer?
        defer { unsafe BN_clear_free(number) }
        return unsafe EVP_PKEY_get_bn_param(pointer, name, &number) == 1
    }

    /// Whether an RSA key's public exponent is odd, above 2^16 (FIPS 186-4, section 5.1) and below 2^64: a longer one
    /// would only make a stranger's key slow.
    var hasAcceptableExponent: Bool {
        var exponent: OpaquePointer?
        defer { unsafe BN_free(exponent) }
        return unsafe EVP_PKEY_get_bn_param(pointer, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1
            && BN_is_odd(exponent) == 1 && (17...64).contains(BN_num_bits(exponent))
    }

    /// Whether its numbers belong together: primes that are prime, a point on the curve, halves that match.
    var isConsistent: Bool {
        unsafe withContext { context in unsafe EVP_PKEY_check(context) == 1 } ?? false
    }
}

/// Forgets what libcrypto noted of failures in this thread: nobody reads it, and a later caller could take it for its
/// own.
func forgetLibcryptoErrors() { ERR_clear_error() }
