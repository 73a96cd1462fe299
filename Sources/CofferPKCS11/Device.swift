internal import CPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// One token of a module that this process is logged in to, with its sessions. PKCS #11 knows one login for a process
/// and token, so everybody who opens the same token shares one of these.
final class Device: Sendable {
    let module: Module
    private let identity: TokenIdentity
    private let pin: SecretBytes
    private let sessions = SessionPool()
    private let login = Mutex(Login())
    private let deletions = Atomic<Int>(0)

    private struct Login {
        /// Whether the token has taken our PIN in this process.
        var isVerified = false
        /// Why the token refused the PIN. It is not tried again, so that a token is not locked by retries.
        var refusal: HardwareTokenError?
    }

    /// Logs in to the token with this label.
    init(_ module: Module, tokenLabel: String, pin: borrowing SecretBytes) throws(HardwareTokenError) {
        let token = try module.find(tokenLabel: tokenLabel)
        try module.requireMechanisms(in: token.slot)
        self.module = module
        identity = token.identity
        // Kept for a token that comes back after it was gone.
        self.pin = pin.withBytes { SecretBytes(copying: $0) }
        try check()
    }

    deinit { close() }

    /// Whether the token refused the PIN after it had been accepted: this device is of no more use.
    var isRefused: Bool { login.withLock { $0.refusal != nil } }

    func hasPIN(_ other: borrowing SecretBytes) -> Bool { pin.constantTimeEquals(other) }

    /// Throws unless the token answers, and is the one that it was.
    func check() throws(HardwareTokenError) {
        try use { (session) throws(HardwareTokenError) in
            guard try session.isLoggedIn(), module.token(in: session.slot) == identity else { throw .gone }
        }
    }

    /// A session for `body`, outside of any lock. A token that is lost meanwhile is looked for once more, with a new
    /// session and login, and `body` is then called again; not so with `isRepeatable` false, for what must not happen
    /// twice.
    func use<Result: ~Copyable>(
        isRepeatable: Bool = true,
        _ body: (Session) throws(HardwareTokenError) -> Result
    ) throws(HardwareTokenError) -> Result {
        do throws(HardwareTokenError) {
            return try once(body)
        } catch {
            guard error == .gone && isRepeatable else { throw error }
            return try once(body)
        }
    }

    /// The same, with the key of this label.
    func useKey<Result: ~Copyable>(
        _ label: [UInt8],
        _ body: (Session, CK_OBJECT_HANDLE) throws(HardwareTokenError) -> Result
    ) throws(HardwareTokenError) -> Result {
        try use { (session) throws(HardwareTokenError) in
            let deletions = deletions.load(ordering: .acquiring)
            return try session.withKey(label, deletions: deletions) { (key) throws(HardwareTokenError) in
                try body(session, key)
            }
        }
    }

    /// From here on no session trusts a handle that it remembers.
    func forgetKeys() { deletions.add(1, ordering: .releasing) }

    /// Waits for the verbs under way, logs out and closes all sessions.
    func close() {
        guard module.isInItsProcess else { return }
        let open = sessions.close()
        // Best effort, and closing the last session logs out as well.
        if let session = open.first { try? session.logOut() }
        for session in open { session.close() }
    }

    private func once<Result: ~Copyable>(
        _ body: (Session) throws(HardwareTokenError) -> Result
    ) throws(HardwareTokenError) -> Result {
        guard module.isInItsProcess else { throw .gone }
        let session = try sessions.take { () throws(HardwareTokenError) in try open() }
        do throws(HardwareTokenError) {
            let result = try body(session)
            sessions.give(session)
            return result
        } catch {
            switch error {
            // These end an operation and leave nothing in the session.
            case .keyNotFound, .authenticationFailed: sessions.give(session)
            default: sessions.drop(session, andIdle: error == .gone)
            }
            throw error
        }
    }

    /// A new session with the token, wherever it is plugged in now, logged in.
    private func open() throws(HardwareTokenError) -> Session {
        try login.withLock { (login) throws(HardwareTokenError) in
            if let refusal = login.refusal { throw refusal }
            let session = try Session(module, slot: module.slot(of: identity))
            do throws(HardwareTokenError) {
                try logIn(session, &login)
            } catch {
                session.close()
                if error == .wrongPIN || error == .pinLocked { login.refusal = error }
                throw error
            }
            return session
        }
    }

    private func logIn(_ session: Session, _ login: inout Login) throws(HardwareTokenError) {
        if login.isVerified, try session.isLoggedIn() { return }
        if try !session.logIn(pin) && !login.isVerified {
            // Somebody in this process logged in before, and the token has not seen this PIN: it must.
            try session.logOut()
            guard try session.logIn(pin) else { throw .gone }
        }
        login.isVerified = true
    }
}

/// A device and how many have it open.
struct SharedDevice {
    let device: Device
    var count: Int
}

extension Module {
    /// The device for the token with this label, until `release`. Where it is open already the PIN must be the one
    /// that opened it: a module does not check a PIN while somebody is logged in.
    func retainDevice(
        tokenLabel: String,
        pin: borrowing SecretBytes
    ) throws(HardwareTokenError) -> Device {
        try devices.withLock { (devices) throws(HardwareTokenError) in
            if let shared = devices[tokenLabel], !shared.device.isRefused {
                guard shared.device.hasPIN(pin) else { throw .wrongPIN }
                try shared.device.check()
                devices[tokenLabel] = SharedDevice(device: shared.device, count: shared.count + 1)
                return shared.device
            }
            let device = try Device(self, tokenLabel: tokenLabel, pin: pin)
            devices[tokenLabel] = SharedDevice(device: device, count: 1)
            return device
        }
    }

    func release(_ device: Device, tokenLabel: String) {
        devices.withLock { devices in
            guard let shared = devices[tokenLabel], shared.device === device else {
                // Refused, and another has taken its place.
                return device.close()
            }
            guard shared.count == 1 else {
                return devices[tokenLabel] = SharedDevice(device: device, count: shared.count - 1)
            }
            devices[tokenLabel] = nil
            device.close()
        }
    }
}
