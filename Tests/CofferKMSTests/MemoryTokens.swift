internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// Tokens in this process's memory: what a hardware token does, for tests that are about something else.
final class MemoryTokens: HardwareTokenConnector {
    static let module = "/memory"
    static let label = "token"
    /// Also that of a token which is there and takes no PIN.
    static let labels = [label, "other"]
    static let pin = "1234"

    private struct State {
        var keys: [[UInt8]: [UInt8]] = [:]
        var logins = 0
        var searches = 0
        var isGone = false
    }

    private let state = Mutex(State())

    /// How often somebody tried to log in.
    var logins: Int { state.withLock { $0.logins } }
    /// How often somebody looked for a token.
    var searches: Int { state.withLock { $0.searches } }
    var keyCount: Int { state.withLock { $0.keys.count } }

    /// Takes the token away, or brings it back.
    func setGone(_ isGone: Bool) { state.withLock { $0.isGone = isGone } }

    func find(module: String, tokenLabel: String) throws(HardwareTokenError) {
        let isGone = state.withLock { state in
            state.searches += 1
            return state.isGone
        }
        guard Self.labels.contains(tokenLabel), !isGone else {
            throw .tokenNotFound(tokenLabel)
        }
    }

    func connect(
        module: String,
        tokenLabel: String,
        pin: borrowing SecretBytes
    ) throws(HardwareTokenError) -> any HardwareToken {
        let (isKnown, isRightPIN) = (tokenLabel == Self.label, pin.copied == Array(Self.pin.utf8))
        let isGone = state.withLock { state in
            state.logins += 1
            return state.isGone
        }
        guard isKnown, !isGone else { throw .tokenNotFound(tokenLabel) }
        guard isRightPIN else { throw .wrongPIN }
        return Token(tokens: self)
    }

    private struct Token: HardwareToken {
        let tokens: MemoryTokens

        func generateKey(label: [UInt8]) throws(HardwareTokenError) {
            try check()
            let key = SecretBytes(random: 32).copied
            tokens.state.withLock { $0.keys[label] = key }
        }

        func hasKey(label: [UInt8]) throws(HardwareTokenError) -> Bool {
            try check()
            return tokens.state.withLock { $0.keys[label] != nil }
        }

        func deleteKey(label: [UInt8]) throws(HardwareTokenError) {
            try check()
            tokens.state.withLock { $0.keys[label] = nil }
        }

        func wrap(
            _ secret: borrowing SecretBytes,
            keyLabel: [UInt8],
            additionalData: [UInt8]
        ) throws(HardwareTokenError) -> [UInt8] {
            let key = try key(keyLabel)
            do {
                return try WrappedKey.wrap(secret, under: key, boundTo: additionalData)
            } catch {
                throw .failed(function: "wrap", code: 0)
            }
        }

        func unwrap(
            _ wrapped: [UInt8],
            keyLabel: [UInt8],
            additionalData: [UInt8]
        ) throws(HardwareTokenError) -> SecretBytes {
            let key = try key(keyLabel)
            do {
                return try WrappedKey.unwrap(wrapped, under: key, boundTo: additionalData)
            } catch {
                throw .authenticationFailed
            }
        }

        func check() throws(HardwareTokenError) {
            if tokens.state.withLock({ $0.isGone }) { throw .gone }
        }

        func close() {}

        private func key(_ label: [UInt8]) throws(HardwareTokenError) -> SecretBytes {
            try check()
            guard let key = tokens.state.withLock({ $0.keys[label] }) else { throw .keyNotFound }
            return SecretBytes(copying: key)
        }
    }
}

extension KMSHome {
    /// A home whose custom key stores have tokens in memory.
    init(tokens: MemoryTokens) throws {
        try self.init()
        hardware = HardwareAccess(connector: tokens, module: MemoryTokens.module)
    }
}

extension KeyManagementService {
    /// The custom key store over the token in memory, connected; made at the first call.
    func connectedStore(pin: String = MemoryTokens.pin) async throws -> String {
        let known = try await describeCustomKeyStores(caller: root).items.first
        if let known {
            if known.state != .connected { try await connectCustomKeyStore(known.id, caller: root) }
            return known.id
        }
        let order = CustomKeyStoreOrder(
            name: "store",
            tokenLabel: MemoryTokens.label,
            module: nil,
            trustAnchorCertificate: nil,
            pin: secret(pin)
        )
        let id = try await createCustomKeyStore(order, caller: root)
        try await connectCustomKeyStore(id, caller: root)
        return id
    }
}
