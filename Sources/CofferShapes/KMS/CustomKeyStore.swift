public import CofferSecrets

/// A custom key store. (`CustomKeyStoresListEntry`)
public struct CustomKeyStore: Sendable, Hashable {
    public enum ConnectionState: String, Sendable, Codable {
        case connected = "CONNECTED"
        case connecting = "CONNECTING"
        case failed = "FAILED"
        case disconnected = "DISCONNECTED"
        case disconnecting = "DISCONNECTING"
    }

    public let id: String
    public let name: String
    /// The label of the token that holds its keys: what AWS calls the cluster's id.
    public let tokenLabel: String
    /// The PKCS #11 module that reaches the token.
    public let module: String
    public let trustAnchorCertificate: String?
    public let created: Timestamp
    public let state: ConnectionState
    /// Why the state is `failed`, as AWS names it: `INVALID_CREDENTIALS`.
    public let connectionErrorCode: String?

    public init(
        id: String,
        name: String,
        tokenLabel: String,
        module: String,
        trustAnchorCertificate: String?,
        created: Timestamp,
        state: ConnectionState,
        connectionErrorCode: String?
    ) {
        (self.id, self.name, self.tokenLabel, self.module) = (id, name, tokenLabel, module)
        self.trustAnchorCertificate = trustAnchorCertificate
        (self.created, self.state, self.connectionErrorCode) = (created, state, connectionErrorCode)
    }
}

/// What `CreateCustomKeyStore` is asked for.
public struct CustomKeyStoreOrder: ~Copyable, Sendable {
    public let name: String
    public let tokenLabel: String
    /// nil: the module that the home is set to use.
    public let module: String?
    public let trustAnchorCertificate: String?
    /// The token's user PIN.
    public let pin: SecretBytes

    public init(
        name: String,
        tokenLabel: String,
        module: String?,
        trustAnchorCertificate: String?,
        pin: consuming SecretBytes
    ) {
        (self.name, self.tokenLabel, self.module) = (name, tokenLabel, module)
        self.trustAnchorCertificate = trustAnchorCertificate
        self.pin = pin
    }
}

/// What `UpdateCustomKeyStore` changes; nil leaves as it is.
public struct CustomKeyStoreChange: ~Copyable, Sendable {
    public let newName: String?
    public let tokenLabel: String?
    public var pin: SecretBytes?

    public init(newName: String?, tokenLabel: String?, pin: consuming SecretBytes?) {
        (self.newName, self.tokenLabel) = (newName, tokenLabel)
        self.pin = pin
    }
}
