internal import CPKCS11
internal import CofferSecrets
internal import CofferShapes

/// One session with a token: at most one operation at a time, so one thread at a time, which `SessionPool` sees to.
@safe
final class Session: @unchecked Sendable {
    // Sendable: the pool lends a session to one thread at a time, under its lock.

    let module: Module
    let slot: CK_SLOT_ID
    let handle: CK_SESSION_HANDLE

    /// Handles of keys by label, valid while nothing was deleted: `deletions` is the count that they belong to.
    private var keys: [[UInt8]: CK_OBJECT_HANDLE] = [:]
    private var deletions = 0
    /// Labels past which the handles are forgotten and looked up again.
    private static let maximumKeys = 1024

    /// Whether the handle still names a session as far as is known. Another's session may get the number of one that
    /// has gone, and must not be closed in its place.
    private var isOpen = true

    /// C_OpenSession, for reading and writing.
    init(_ module: Module, slot: CK_SLOT_ID) throws(HardwareTokenError) {
        var handle: CK_SESSION_HANDLE = 0
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION
        let code = unsafe module.functions.C_OpenSession(slot, flags, nil, nil, &handle)
        try ReturnCode.check(code, "C_OpenSession")
        (self.module, self.slot, self.handle) = (module, slot, handle)
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        // What it answers changes nothing: this handle is not used again.
        _ = module.functions.C_CloseSession(handle)
    }

    func check(_ code: CK_RV, _ function: String) throws(HardwareTokenError) {
        if ReturnCode.meansNoSession(code) { isOpen = false }
        try ReturnCode.check(code, function)
    }

    /// Whether the user is logged in, which holds for all sessions of this process with the token.
    func isLoggedIn() throws(HardwareTokenError) -> Bool {
        var info = CK_SESSION_INFO()
        try check(unsafe module.functions.C_GetSessionInfo(handle, &info), "C_GetSessionInfo")
        return info.state == CKS_RW_USER_FUNCTIONS
    }

    /// C_Login as the user; false where somebody already is.
    func logIn(_ pin: borrowing SecretBytes) throws(HardwareTokenError) -> Bool {
        let code = pin.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { buffer in
                let start = unsafe buffer.bindMemory(to: CK_BYTE.self).baseAddress
                return unsafe module.functions.C_Login(handle, CKU_USER, start, CK_ULONG(buffer.count))
            }
        }
        if code == CKR_USER_ALREADY_LOGGED_IN { return false }
        try check(code, "C_Login")
        return true
    }

    func logOut() throws(HardwareTokenError) {
        try check(module.functions.C_Logout(handle), "C_Logout")
    }

    /// The key with this label for `body`, which may find that a remembered handle is stale and is then called once
    /// more. `deletions` counts the keys that this process has deleted from the token.
    func withKey<Result: ~Copyable>(
        _ label: [UInt8],
        deletions: Int,
        _ body: (CK_OBJECT_HANDLE) throws(HardwareTokenError) -> Result
    ) throws(HardwareTokenError) -> Result {
        if self.deletions != deletions || keys.count >= Self.maximumKeys {
            keys = [:]
            self.deletions = deletions
        }
        if let known = keys[label] {
            do throws(HardwareTokenError) {
                return try body(known)
            } catch {
                keys[label] = nil
                guard error == .keyNotFound else { throw error }
            }
        }
        let key = try key(label)
        keys[label] = key
        return try body(key)
    }
}
