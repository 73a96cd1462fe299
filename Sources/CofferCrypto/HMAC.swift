internal import COpenSSL
public import CofferSecrets

/// Message authentication codes (RFC 2104, FIPS 198-1) by libcrypto, over a secret key of any length.
public enum HMAC {
    /// The code of `message`, as long as the digest. How long a message may be is the caller's to say.
    public static func code(
        _ digest: Digest,
        of message: RawSpan,
        key: borrowing SecretBytes
    ) throws(CryptoError) -> [UInt8] {
        let context = try key.withBytes { (key) throws(CryptoError) in try HMACContext(digest, key: key) }
        try context.update(message)
        var code = [UInt8](repeating: 0, count: digest.count)
        var elements = code.mutableSpan
        var span = unsafe elements.mutableBytes
        try context.finish(into: &span)
        return code
    }

    /// Whether `code` is the whole code of `message`, compared in constant time. A shorter or longer one is not.
    public static func isValid(
        _ code: [UInt8],
        _ digest: Digest,
        of message: RawSpan,
        key: borrowing SecretBytes
    ) throws(CryptoError) -> Bool {
        constantTimeEqual(try Self.code(digest, of: message, key: key), code)
    }
}

/// An HMAC in progress. Its key and states lie in libcrypto's memory, and are wiped when it goes.
@safe
struct HMACContext: ~Copyable {
    private let context: OpaquePointer
    private let digest: Digest

    init(_ digest: Digest, key: RawSpan) throws(CryptoError) {
        let context = unsafe EVP_MAC_CTX_dup(HMACTemplate.of(digest).pointer)
        guard let context = unsafe context, unsafe Self.start(context, key) else {
            unsafe EVP_MAC_CTX_free(context)
            throw .engine
        }
        unsafe self.context = context
        self.digest = digest
    }

    deinit { unsafe EVP_MAC_CTX_free(context) }

    /// Begins a new code under another key.
    func start(key: RawSpan) throws(CryptoError) {
        guard unsafe Self.start(context, key) else { throw .engine }
    }

    private static func start(_ context: OpaquePointer, _ key: RawSpan) -> Bool {
        // RFC 2104 fills a key up with zeroes, so that none and a zero are the same key, and no key is a null pointer.
        guard !key.isEmpty else { return unsafe EVP_MAC_init(context, [0], 1, nil) == 1 }
        return unsafe key.withUnsafeBytes { key in
            let bytes = unsafe key.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_MAC_init(context, bytes, key.count, nil) == 1
        }
    }

    /// Begins a new code under the same key.
    func restart() throws(CryptoError) {
        guard unsafe EVP_MAC_init(context, nil, 0, nil) == 1 else { throw .engine }
    }

    func update(_ bytes: RawSpan) throws(CryptoError) {
        let done = unsafe bytes.withUnsafeBytes { bytes in
            unsafe EVP_MAC_update(
                context,
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                bytes.count
            )
        }
        guard done == 1 else { throw .engine }
    }

    /// Ends the code and writes it to `target`, which is as long as the digest.
    func finish(into target: inout MutableRawSpan) throws(CryptoError) {
        precondition(target.byteCount == digest.count, "room for a code that is none")
        let done = unsafe target.withUnsafeMutableBytes { target in
            var length = 0
            return unsafe EVP_MAC_final(
                context,
                target.baseAddress?.assumingMemoryBound(to: UInt8.self),
                &length,
                target.count
            ) == 1 && length == target.count
        }
        guard done else { throw .engine }
    }
}

/// A context for each digest that is ready but for its key. Copying one is several times faster than naming the digest
/// to a new one, which looks it up.
@safe
private struct HMACTemplate: @unchecked Sendable {
    // Sendable: read alone once it is made, by EVP_MAC_CTX_dup.

    /// nil where libcrypto has no such HMAC.
    let pointer: OpaquePointer?

    private static let templates = Digest.allCases.map(HMACTemplate.init)

    static func of(_ digest: Digest) -> HMACTemplate { templates[digest.rawValue] }

    private init(_ digest: Digest) {
        let context = unsafe EVP_MAC_CTX_new(FetchedAlgorithm.hmac.pointer)
        var name = Array(digest.name.utf8CString)
        // The list holds pointers to both names.
        let isReady = unsafe OSSL_MAC_PARAM_DIGEST.withCString { key in
            unsafe name.withUnsafeMutableBufferPointer { name in
                let parameters = unsafe [
                    OSSL_PARAM_construct_utf8_string(key, name.baseAddress, 0),
                    OSSL_PARAM_construct_end(),
                ]
                // A key of one zero: a context without any cannot be copied.
                return unsafe context != nil && EVP_MAC_init(context, [0], 1, parameters) == 1
            }
        }
        if isReady {
            unsafe pointer = context
        } else {
            unsafe EVP_MAC_CTX_free(context)
            unsafe pointer = nil
        }
    }
}
