/// What a pkcs11 seal stores: where its key is, and the root key wrapped under it. Nothing in it is secret; the token
/// and its PIN are what opens it.
public struct HardwareSealRecord: Codable, Equatable, Sendable {
    /// The path of the PKCS #11 module, which is loaded as code: trusted like the program itself.
    public var module: String
    public var tokenLabel: String
    public var keyLabel: String
    /// Lower-case hexadecimal of what `HardwareToken.wrap` gave.
    public var wrappedRootKey: String

    public init(module: String, tokenLabel: String, keyLabel: String, wrappedRootKey: String) {
        (self.module, self.tokenLabel) = (module, tokenLabel)
        (self.keyLabel, self.wrappedRootKey) = (keyLabel, wrappedRootKey)
    }
}
