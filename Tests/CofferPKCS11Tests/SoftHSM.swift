internal import CofferPKCS11
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Testing

/// A token of a test's own.
struct SoftToken {
    let label = "coffer \(UUID().uuidString.prefix(12))"
    let pin = "pin-\(UUID().uuidString.prefix(8))"

    init() throws { try SoftHSM.makeToken(label: label, pin: pin) }

    func connect(pin: String? = nil) throws -> any HardwareToken {
        try PKCS11Connector().connect(
            module: SoftHSM.module,
            tokenLabel: label,
            pin: SecretBytes(copying: Array((pin ?? self.pin).utf8))
        )
    }
}

/// All that uses a module: one test at a time, because a module has one state in a process.
@Suite(.serialized, .modules) struct ModuleTests {}

func secret(_ bytes: [UInt8]) -> SecretBytes { SecretBytes(copying: bytes) }

func bytes(of secret: borrowing SecretBytes) -> [UInt8] { secret.withBytes { $0.array() } }
