internal import CXTS
internal import CofferSecrets
internal import Glibc
internal import Synchronization

/// One implementation of XTS among those that this processor can run.
@safe
public struct XTSKernel: Sendable, CustomStringConvertible {
    // The table is a constant of the program.
    nonisolated(unsafe) let table: UnsafePointer<cxts_kernel>
    public let name: String

    /// The environment variable that names the kernel to serve with. There is none that leaves data as it is.
    public static let environmentName = "COFFER_CIPHER_KERNEL"

    /// The kernel that serves volumes, chosen once: the one that the environment names, or else the fastest. Throws
    /// `.noKernel` where this processor has none of that name.
    public static var preferred: XTSKernel {
        get throws(XTSError) { try choice.get() }
    }

    private static let choice: Result<XTSKernel, XTSError> = {
        guard let name = unsafe getenv(environmentName).map({ unsafe String(cString: $0) }) else {
            return .success(all[0])
        }
        guard let named = all.first(where: { $0.name == name }) else { return .failure(.noKernel) }
        return .success(named)
    }()

    /// All that can run here, the fastest first. libcrypto's is always among them.
    public static let all: [XTSKernel] = {
        var kernels: [XTSKernel] = []
        while let table = unsafe cxts_kernel_at(kernels.count) {
            unsafe kernels.append(XTSKernel(table))
        }
        return kernels
    }()

    init(_ table: UnsafePointer<cxts_kernel>) {
        unsafe self.table = table
        name = unsafe String(cString: table.pointee.name)
    }

    public var description: String { name }

    // MARK: - Self-test

    /// Asks the kernel what is known, both ways: IEEE Std 1619-2007 annex B, vector 10 (AES-256, data unit 0xff), its
    /// first 32 bytes; and, as a kernel treats short units otherwise than long ones and many otherwise than one, a run
    /// that libcrypto answers too. Takes a fraction of a millisecond. Throws `.selfTest` on any other answer.
    public func selfTest() throws(XTSError) {
        let cipher = try XTSCipher(untested: SecretBytes(copying: KnownAnswer.key), kernel: self)
        let number = XTSNumber(low: KnownAnswer.unit)
        let (plaintext, ciphertext) = (KnownAnswer.plaintext, KnownAnswer.ciphertext)
        let encrypted = try cipher.encrypted(plaintext, number, unitBytes: plaintext.count)
        let decrypted = try cipher.decrypted(ciphertext, number, unitBytes: plaintext.count)
        guard encrypted == ciphertext, decrypted == plaintext else { throw .selfTest }
        for keyBytes in [32, 64] { try compareWithLibcrypto(keyBytes: keyBytes) }
    }

    /// The same, once in a process: whoever makes a cipher for each block does not ask each time.
    func requireSelfTest() throws(XTSError) {
        if Self.passed.withLock({ $0.contains(name) }) { return }
        try selfTest()
        Self.passed.withLock { names in _ = names.insert(name) }
    }

    /// The kernels that have passed.
    private static let passed = Mutex<Set<String>>([])

    /// Units of two batches of the widest kernel and five blocks more, their numbers past 2^64, and more of them than a
    /// kernel makes first tweaks for at once.
    private func compareWithLibcrypto(keyBytes: Int) throws(XTSError) {
        let key = SecretBytes(copying: Array(KnownAnswer.key.prefix(keyBytes)))
        let reference = try XTSCipher(untested: key, kernel: Self.all[Self.all.count - 1])
        let cipher = try XTSCipher(untested: key, kernel: self)
        let unitBytes = 2 * 512 + 5 * 16
        let number = XTSNumber(low: .max - 4)
        let plaintext = (0..<37 * unitBytes).map { UInt8(truncatingIfNeeded: $0 &* 151 ^ $0 >> 8) }
        let expected = try reference.encrypted(plaintext, number, unitBytes: unitBytes)
        let encrypted = try cipher.encrypted(plaintext, number, unitBytes: unitBytes)
        let decrypted = try cipher.decrypted(expected, number, unitBytes: unitBytes)
        guard encrypted == expected, decrypted == plaintext else { throw .selfTest }
    }
}

extension XTSCipher {
    fileprivate borrowing func encrypted(
        _ plaintext: [UInt8],
        _ number: XTSNumber,
        unitBytes: Int
    ) throws(XTSError) -> [UInt8] {
        var ciphertext = [UInt8](repeating: 0, count: plaintext.count)
        var elements = ciphertext.mutableSpan
        var target = unsafe elements.mutableBytes
        try unsafe encrypt(plaintext.span.bytes, to: &target, first: number, unitBytes: unitBytes)
        return ciphertext
    }

    fileprivate borrowing func decrypted(
        _ ciphertext: [UInt8],
        _ number: XTSNumber,
        unitBytes: Int
    ) throws(XTSError) -> [UInt8] {
        var plaintext = [UInt8](repeating: 0, count: ciphertext.count)
        var elements = plaintext.mutableSpan
        var target = unsafe elements.mutableBytes
        try unsafe decrypt(ciphertext.span.bytes, to: &target, first: number, unitBytes: unitBytes)
        return plaintext
    }
}
