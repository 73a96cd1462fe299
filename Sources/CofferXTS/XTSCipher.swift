internal import CXTS
/// AES-XTS for data at rest (IEEE Std 1619-2018; NIST SP 800-38E).
///
/// XTS encrypts each data unit of a volume under its number, with no room for a tag and no nonce: equal plaintext in the
/// same unit gives equal ciphertext, and whoever writes ciphertext can garble 16 bytes of their choice or put an old
/// unit back. It hides content; it authenticates nothing. For messages, files and keys use authenticated encryption
/// (CofferCrypto), not this.
public import CofferSecrets

/// Why a cipher cannot be made or a run cannot be crypted.
public enum XTSError: Error, Equatable, Sendable {
    /// The key is neither 32 bytes (AES-128-XTS) nor 64 (AES-256-XTS).
    case keyLength
    /// Key 1 and key 2 are equal, which FIPS 140-3 (implementation guidance C.I) forbids.
    case equalKeyHalves
    /// The data unit is no multiple of 16 from 16 to 65536 bytes, or the run is no whole number of them.
    case length
    /// The kernel below failed.
    case kernel
    /// The environment names a kernel that this processor does not have.
    case noKernel
    /// A kernel gave a wrong answer to a known question: nothing may be served with it.
    case selfTest
}

/// The expanded key of one volume, for one thread: key schedules lie in locked memory and are wiped with it.
@safe
public struct XTSCipher: ~Copyable, @unchecked Sendable {
    // Sendable: one owner uses the context at a time.
    private let kernel: XTSKernel
    private let context: LockedMemory

    /// Expands `key` (key 1 then key 2) for the preferred kernel. Its self-test has passed before this returns.
    public init(key: borrowing SecretBytes) throws(XTSError) {
        try self.init(key: key, kernel: .preferred)
    }

    /// Expands `key` (key 1 then key 2). The self-test of the kernel has passed before this returns.
    public init(key: borrowing SecretBytes, kernel: XTSKernel) throws(XTSError) {
        try kernel.requireSelfTest()
        try self.init(untested: key, kernel: kernel)
    }

    // Not fileprivate, for XTSCipher+Measurement.swift alone.
    init(untested key: borrowing SecretBytes, kernel: XTSKernel) throws(XTSError) {
        self.kernel = kernel
        context = LockedMemory(count: Int(CXTS_CONTEXT_BYTES))
        let room = unsafe UnsafeMutableRawPointer(context.base)
        let status = key.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { key in
                unsafe cxts_open(kernel.table, room, key.baseAddress, key.count)
            }
        }
        guard status == CXTS_OK else { throw Self.error(status) }
    }

    // Closing a context that never opened is harmless: it is all zero.
    deinit { unsafe cxts_close(kernel.table, context.base) }

    /// Encrypts a run of data units in place; `first` is the number of its first unit.
    public borrowing func encrypt(
        _ bytes: inout MutableRawSpan,
        first: UInt64,
        unitBytes: Int
    ) throws(XTSError) {
        unsafe try inPlace(&bytes, XTSNumber(low: first), unitBytes, cxts_encrypt)
    }

    /// Decrypts a run of data units in place.
    public borrowing func decrypt(
        _ bytes: inout MutableRawSpan,
        first: UInt64,
        unitBytes: Int
    ) throws(XTSError) {
        unsafe try inPlace(&bytes, XTSNumber(low: first), unitBytes, cxts_decrypt)
    }

    /// Encrypts a run from `source` to `target`, which have one length and do not overlap.
    public borrowing func encrypt(
        _ source: RawSpan,
        to target: inout MutableRawSpan,
        first: XTSNumber,
        unitBytes: Int
    ) throws(XTSError) {
        unsafe try outOfPlace(source, &target, first, unitBytes, cxts_encrypt)
    }

    /// Decrypts a run from `source` to `target`, which have one length and do not overlap.
    public borrowing func decrypt(
        _ source: RawSpan,
        to target: inout MutableRawSpan,
        first: XTSNumber,
        unitBytes: Int
    ) throws(XTSError) {
        unsafe try outOfPlace(source, &target, first, unitBytes, cxts_decrypt)
    }

    private typealias Crypt =
        (
            UnsafePointer<cxts_kernel>?, UnsafeMutableRawPointer?, cxts_number, Int, UnsafePointer<UInt8>?,
            UnsafeMutablePointer<UInt8>?, Int
        ) -> cxts_status

    @inline(__always)
    private borrowing func inPlace(
        _ bytes: inout MutableRawSpan,
        _ first: XTSNumber,
        _ unitBytes: Int,
        _ crypt: Crypt
    ) throws(XTSError) {
        let status = unsafe bytes.withUnsafeMutableBytes { buffer in
            let run = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe crypt(kernel.table, context.base, first.number, unitBytes, run, run, buffer.count)
        }
        guard status == CXTS_OK else { throw Self.error(status) }
    }

    @inline(__always)
    private borrowing func outOfPlace(
        _ source: RawSpan,
        _ target: inout MutableRawSpan,
        _ first: XTSNumber,
        _ unitBytes: Int,
        _ crypt: Crypt
    ) throws(XTSError) {
        guard source.byteCount == target.byteCount else { throw .length }
        let status = unsafe target.withUnsafeMutableBytes { output in
            unsafe source.withUnsafeBytes { input in
                unsafe crypt(
                    kernel.table,
                    context.base,
                    first.number,
                    unitBytes,
                    input.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    output.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    input.count
                )
            }
        }
        guard status == CXTS_OK else { throw Self.error(status) }
    }

    private static func error(_ status: cxts_status) -> XTSError {
        switch status {
        case CXTS_BAD_KEY_LENGTH: .keyLength
        case CXTS_EQUAL_HALVES: .equalKeyHalves
        case CXTS_BAD_LENGTH: .length
        default: .kernel
        }
    }
}

/// The number of a data unit, 128 bits wide as the standard has it. A volume's numbers fit 64.
public struct XTSNumber: Sendable, Equatable {
    public let low: UInt64
    public let high: UInt64

    public init(low: UInt64, high: UInt64 = 0) { (self.low, self.high) = (low, high) }

    fileprivate var number: cxts_number { cxts_number(low: low, high: high) }
}
