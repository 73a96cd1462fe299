public import CofferSecrets
public import CofferShapes

/// Opens tokens through the PKCS #11 modules of this machine.
public struct PKCS11Connector: HardwareTokenConnector {
    private let random: any ByteSource

    /// `random` gives the IVs.
    public init(random: any ByteSource = SystemByteSource()) { self.random = random }

    public func find(module path: String, tokenLabel: String) throws(HardwareTokenError) {
        let module = try LoadedModules.retain(path)
        defer { LoadedModules.release(module) }
        _ = try module.find(tokenLabel: tokenLabel)
    }

    public func connect(
        module path: String,
        tokenLabel: String,
        pin: borrowing SecretBytes
    ) throws(HardwareTokenError) -> any HardwareToken {
        let module = try LoadedModules.retain(path)
        do throws(HardwareTokenError) {
            let device = try module.retainDevice(tokenLabel: tokenLabel, pin: pin)
            return PKCS11Token(device, tokenLabel: tokenLabel, random: random)
        } catch {
            LoadedModules.release(module)
            throw error
        }
    }
}
