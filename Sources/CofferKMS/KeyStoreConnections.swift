internal import CofferSecrets
public import CofferShapes
internal import Synchronization

/// How this process reaches HSMs.
public struct HardwareAccess: Sendable {
    let connector: (any HardwareTokenConnector)?
    /// The PKCS #11 module of custom key stores that name none.
    let module: String?

    public init(connector: (any HardwareTokenConnector)? = nil, module: String? = nil) {
        (self.connector, self.module) = (connector, module)
    }
}

/// The tokens that this process is logged in to, one for each custom key store; logged in to when first used. A
/// token that has gone is forgotten, so that the next use tries again.
final class KeyStoreConnections: Sendable {
    let hardware: HardwareAccess
    private let tokens = Mutex<[String: any HardwareToken]>([:])

    init(_ hardware: HardwareAccess) { self.hardware = hardware }

    /// Whether a token is there to make a store over. Blocks.
    func find(module: String, tokenLabel: String) throws(HardwareTokenError) {
        guard let connector = hardware.connector else { throw Self.unreachable }
        try connector.find(module: module, tokenLabel: tokenLabel)
    }

    /// Blocks while it logs in.
    func token(
        of store: StoredKeyStore,
        pin: borrowing SecretBytes
    ) throws(HardwareTokenError) -> any HardwareToken {
        if let token = tokens.withLock({ $0[store.id] }) {
            do {
                try token.check()
                return token
            } catch {
                close(store.id)
            }
        }
        guard let connector = hardware.connector else {
            throw Self.unreachable
        }
        let token = try connector.connect(module: store.module, tokenLabel: store.tokenLabel, pin: pin)
        let other: (any HardwareToken)? = tokens.withLock { tokens in
            if let other = tokens[store.id] { return other }
            tokens[store.id] = token
            return nil
        }
        guard let other else { return token }
        token.close()
        return other
    }

    private static let unreachable = HardwareTokenError.unsupported(
        "this program reaches no PKCS #11 modules"
    )

    func close(_ id: String) { tokens.withLock { $0.removeValue(forKey: id) }?.close() }

    func closeAll() {
        let all = tokens.withLock { tokens in
            defer { tokens.removeAll() }
            return tokens
        }
        for token in all.values { token.close() }
    }
}
