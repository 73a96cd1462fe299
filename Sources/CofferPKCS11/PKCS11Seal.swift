public import CofferSecrets
public import CofferShapes

/// Asks somebody, or a file, for a token's PIN; called only when one is needed.
public typealias PINPrompt = @Sendable () async throws -> SecretBytes

/// The root key wrapped under a key in a hardware token, which never leaves it.
///
/// It protects a home whose whole disk goes astray: without the token and its PIN the record opens nothing. It does not
/// protect from whoever has the machine, the token and the PIN at once. The PIN is asked for at each start and not kept
/// here.
public struct PKCS11Seal: Seal {
    private static let rootKeyCount = 32

    private let record: HardwareSealRecord
    private let connector: any HardwareTokenConnector
    private let pin: PINPrompt

    public init(
        record: HardwareSealRecord,
        connector: any HardwareTokenConnector = PKCS11Connector(),
        pin: @escaping PINPrompt
    ) {
        (self.record, self.connector, self.pin) = (record, connector, pin)
    }

    /// Throws `Coffer.Sealed` when the token, the PIN or the record is not the right one, and `Coffer.Damaged` for a
    /// record that is no record of ours.
    public func unseal() async throws -> SecretBytes {
        // Before anybody is asked: a damaged record must not get a PIN typed for nothing.
        let wrapped = try Self.wrappedRootKey(of: record)
        let pin = try await pin()
        return try await TokenWorker(connector).unwrap(wrapped, record, pin)
    }

    /// Wraps a root key of 32 bytes under the token's key `keyLabel`, which is made where it is missing, and makes sure
    /// that it can be unwrapped again. Throws `Coffer.Sealed`.
    public static func wrap(
        _ rootKey: borrowing SecretBytes,
        module: String,
        tokenLabel: String,
        keyLabel: String,
        connector: any HardwareTokenConnector = PKCS11Connector(),
        pin: @escaping PINPrompt
    ) async throws -> HardwareSealRecord {
        precondition(rootKey.count == rootKeyCount, "a root key has 32 bytes")
        let place = HardwareSealRecord(
            module: module,
            tokenLabel: tokenLabel,
            keyLabel: keyLabel,
            wrappedRootKey: ""
        )
        let pin = try await pin()
        return try await TokenWorker(connector).wrap(rootKey, place, pin)
    }

    /// The bytes that the record holds in hexadecimal: IV, root key and tag.
    private static func wrappedRootKey(of record: HardwareSealRecord) throws(AWSError) -> [UInt8] {
        guard let wrapped = Hex.bytes(record.wrappedRootKey),
            WrappedForm.secretCount(ofWrapped: wrapped.count) == rootKeyCount
        else { throw AWSError(.damaged, "the pkcs11 seal holds no wrapped root key") }
        return wrapped
    }
}

/// Waits for the token on a thread of its own, as the threads that Swift's tasks share must not.
private actor TokenWorker {
    private let executor = BlockingExecutor()
    private let connector: any HardwareTokenConnector

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(_ connector: any HardwareTokenConnector) { self.connector = connector }

    func unwrap(
        _ wrapped: [UInt8],
        _ record: HardwareSealRecord,
        _ pin: borrowing SecretBytes
    ) throws -> SecretBytes {
        do throws(HardwareTokenError) {
            let token = try connector.connect(module: record.module, tokenLabel: record.tokenLabel, pin: pin)
            defer { token.close() }
            return try token.unwrap(
                wrapped,
                keyLabel: Array(record.keyLabel.utf8),
                additionalData: Self.place
            )
        } catch { throw Self.sealed(error, record) }
    }

    func wrap(
        _ rootKey: borrowing SecretBytes,
        _ record: HardwareSealRecord,
        _ pin: borrowing SecretBytes
    ) throws -> HardwareSealRecord {
        let label = Array(record.keyLabel.utf8)
        do throws(HardwareTokenError) {
            let token = try connector.connect(module: record.module, tokenLabel: record.tokenLabel, pin: pin)
            defer { token.close() }
            if try !token.hasKey(label: label) { try token.generateKey(label: label) }
            let wrapped = try token.wrap(rootKey, keyLabel: label, additionalData: Self.place)
            let unwrapped = try token.unwrap(wrapped, keyLabel: label, additionalData: Self.place)
            guard unwrapped.constantTimeEquals(rootKey) else { throw .authenticationFailed }
            var sealed = record
            sealed.wrappedRootKey = Hex.lower(wrapped)
            return sealed
        } catch {
            throw AWSError(
                .sealed,
                "sealing the root key under a key in the token \"\(record.tokenLabel)\": \(error)"
            )
        }
    }

    /// Additional data of the wrapped root key. Module and labels stay out of it: a driver that moves, or a token that
    /// is renamed, must not cost the root key.
    private static let place = Array("coffer/seal/pkcs11/1".utf8)

    private static func sealed(_ error: HardwareTokenError, _ record: HardwareSealRecord) -> AWSError {
        AWSError(.sealed, "the root key is under a key in the token \"\(record.tokenLabel)\": \(error)")
    }
}
