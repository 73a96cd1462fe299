internal import COpenSSL

/// An algorithm of libcrypto's, fetched once and kept to the end of the process: a fetch looks through the providers
/// under a lock, and costs more than a short message does.
@safe
struct FetchedAlgorithm: @unchecked Sendable {
    // Sendable: an EVP_CIPHER, EVP_MD or EVP_MAC is constant once it is fetched.

    /// nil where no provider has it: what needs it is refused then.
    let pointer: OpaquePointer?

    static let aes256GCM = unsafe FetchedAlgorithm(pointer: EVP_CIPHER_fetch(nil, "AES-256-GCM", nil))
    static let aes256WrapPad = unsafe FetchedAlgorithm(
        pointer: EVP_CIPHER_fetch(nil, "AES-256-WRAP-PAD", nil)
    )
    static let hmac = unsafe FetchedAlgorithm(pointer: EVP_MAC_fetch(nil, "HMAC", nil))

    private static let digests = Digest.allCases.map { digest in
        unsafe FetchedAlgorithm(pointer: EVP_MD_fetch(nil, digest.name, nil))
    }

    static func digest(_ digest: Digest) -> FetchedAlgorithm { digests[digest.rawValue] }
}
