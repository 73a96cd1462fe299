internal import CPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// A token that somebody has open. Others in this process may have the same one open: the last `close` logs out.
///
/// A key encrypts with random 96-bit IVs, so it should wrap no more than 2^32 secrets (NIST SP 800-38D, 8.3); it wraps
/// keys, of which nobody has as many.
final class PKCS11Token: HardwareToken {
    /// Bytes of a label; longer ones do not fit into every token.
    private static let labelCounts = 1...255

    private let device: Device
    private let tokenLabel: String
    private let random: any ByteSource
    private let isClosed = Atomic<Bool>(false)

    /// Takes over a retained device of a retained module.
    init(_ device: Device, tokenLabel: String, random: any ByteSource) {
        (self.device, self.tokenLabel, self.random) = (device, tokenLabel, random)
    }

    deinit { close() }

    func generateKey(label: [UInt8]) throws(HardwareTokenError) {
        guard try !hasKey(label: label) else {
            throw .unsupported("the token already holds a key with this label")
        }
        try device.use(isRepeatable: false) { (session) throws(HardwareTokenError) in
            try session.generateKey(label)
        }
    }

    func hasKey(label: [UInt8]) throws(HardwareTokenError) -> Bool {
        try checkUse(of: label)
        return try device.use { (session) throws(HardwareTokenError) in try !session.keys(label).isEmpty }
    }

    func deleteKey(label: [UInt8]) throws(HardwareTokenError) {
        guard try hasKey(label: label) else { throw .keyNotFound }
        // Whatever came of it: tokens may give the handle to the next key that is made.
        defer { device.forgetKeys() }
        try device.use(isRepeatable: false) { (session) throws(HardwareTokenError) in
            try session.destroy(session.key(label))
        }
    }

    func wrap(
        _ secret: borrowing SecretBytes,
        keyLabel: [UInt8],
        additionalData: [UInt8]
    ) throws(HardwareTokenError) -> [UInt8] {
        try checkUse(of: keyLabel)
        guard secret.count <= WrappedForm.maximumSecret else {
            throw .unsupported("a token wraps at most \(WrappedForm.maximumSecret) bytes at once")
        }
        return try device.useKey(keyLabel) { (session, key) throws(HardwareTokenError) in
            // A fresh one for each attempt.
            let iv = random.bytes(WrappedForm.ivCount)
            return try session.encrypt(secret, iv: iv, key: key, additionalData: additionalData)
        }
    }

    func unwrap(
        _ wrapped: [UInt8],
        keyLabel: [UInt8],
        additionalData: [UInt8]
    ) throws(HardwareTokenError) -> SecretBytes {
        try checkUse(of: keyLabel)
        return try device.useKey(keyLabel) { (session, key) throws(HardwareTokenError) in
            do throws(HardwareTokenError) {
                return try session.decrypt(wrapped, key: key, additionalData: additionalData)
            } catch {
                guard ReturnCode.mayMeanWrongTag(error), decrypts(session, key) else { throw error }
                throw .authenticationFailed
            }
        }
    }

    func check() throws(HardwareTokenError) {
        guard !isClosed.load(ordering: .acquiring) else { throw .gone }
        try device.check()
    }

    func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        device.module.release(device, tokenLabel: tokenLabel)
        LoadedModules.release(device.module)
    }

    /// Whether the key decrypts what it has just encrypted: then it was not the token that failed before.
    private func decrypts(_ session: Session, _ key: CK_OBJECT_HANDLE) -> Bool {
        let sample = SecretBytes(copying: [UInt8](repeating: 0, count: 16))
        let iv = random.bytes(WrappedForm.ivCount)
        guard let wrapped = try? session.encrypt(sample, iv: iv, key: key, additionalData: []) else {
            return false
        }
        return (try? session.decrypt(wrapped, key: key, additionalData: [])) != nil
    }

    private func checkUse(of label: [UInt8]) throws(HardwareTokenError) {
        guard !isClosed.load(ordering: .acquiring) else { throw .gone }
        guard Self.labelCounts.contains(label.count) else {
            throw .unsupported("a key's label has 1 to 255 bytes, and this one has \(label.count)")
        }
    }
}
