internal import CofferCrypto
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Synchronization
internal import Testing

extension SealMakers {
    /// For where nobody may be asked, and neither token nor KMS be reached.
    static let unasked = SealMakers(
        passphrase: {
            Issue.record("a passphrase was asked for")
            return secret("x")
        },
        pin: { _ in
            Issue.record("a PIN was asked for")
            return secret("x")
        },
        hardware: FakeToken(),
        keyService: { _, _ in throw AWSError(.internalError, "a KMS was reached for") }
    )

    /// Where nothing but a passphrase is at hand.
    static func asking(_ passphrase: @escaping PassphrasePrompt) -> SealMakers {
        SealMakers(
            passphrase: passphrase,
            pin: { _ in secret(FakeToken.pin) },
            hardware: FakeToken(),
            keyService: { _, _ in throw AWSError(.internalError, "a KMS was reached for") }
        )
    }

    static func typing(_ passphrase: String) -> SealMakers { asking { secret(passphrase) } }

    /// All that any seal needs.
    static func all(_ passphrase: String, token: FakeToken, kms: DistantKMS) -> SealMakers {
        SealMakers(
            passphrase: { secret(passphrase) },
            pin: { _ in secret(FakeToken.pin) },
            hardware: token,
            keyService: kms.maker
        )
    }
}

/// A hardware token in memory: one key for each label.
final class FakeToken: HardwareSealMaker {
    static let pin = "123456"
    private let keys = Mutex<[String: [UInt8]]>([:])

    struct Sealed: Seal {
        let token: FakeToken
        let record: HardwareSealRecord
        let pin: @Sendable () async throws -> SecretBytes

        func unseal() async throws -> SecretBytes {
            try await token.logIn(pin)
            let wrapped = try #require(Hex.bytes(record.wrappedRootKey))
            let key = try token.key(record.keyLabel)
            return try WrappedKey.unwrap(wrapped, under: SecretBytes(copying: key), boundTo: [])
        }
    }

    func seal(
        _ record: HardwareSealRecord,
        pin: @escaping @Sendable () async throws -> SecretBytes
    ) -> any Seal {
        Sealed(token: self, record: record, pin: pin)
    }

    func wrap(
        _ rootKey: borrowing SecretBytes,
        module: String,
        tokenLabel: String,
        keyLabel: String,
        pin: @escaping @Sendable () async throws -> SecretBytes
    ) async throws -> HardwareSealRecord {
        try await logIn(pin)
        keys.withLock { $0[keyLabel] = $0[keyLabel] ?? SystemByteSource().bytes(32) }
        let wrapped = try WrappedKey.wrap(
            rootKey,
            under: SecretBytes(copying: key(keyLabel)),
            boundTo: [],
            random: SystemByteSource()
        )
        return HardwareSealRecord(
            module: module,
            tokenLabel: tokenLabel,
            keyLabel: keyLabel,
            wrappedRootKey: Hex.lower(wrapped)
        )
    }

    private func logIn(_ pin: () async throws -> SecretBytes) async throws {
        guard try await pin().copied == Array(Self.pin.utf8) else { throw AWSError(.sealed, "wrong PIN") }
    }

    private func key(_ label: String) throws -> [UInt8] { try #require(keys.withLock { $0[label] }) }
}

/// The KMS of another home, as a seal meets it over the network.
final class DistantKMS: KeyService {
    let home: KMSHome
    let kms: KeyManagementService
    let key: KeyMetadata
    /// What every call meets, or every `Decrypt` alone.
    let failure = Mutex<AWSError?>(nil)
    let decryptFailure = Mutex<AWSError?>(nil)
    /// What `Decrypt` gives in place of the truth.
    let lie = Mutex<[UInt8]?>(nil)
    /// Endpoint and region of each opening, and how many were closed.
    let openings = Mutex<[String]>([])
    let closings = Mutex<Int>(0)

    init() async throws {
        home = try KMSHome()
        kms = try home.service()
        key = try await kms.createKey(caller: root)
    }

    var maker: KeyServiceMaker {
        { [self] endpoint, region in
            openings.withLock { $0.append("\(endpoint ?? "-") \(region?.name ?? "-")") }
            return OpenKeyService(self) { [self] in closings.withLock { $0 += 1 } }
        }
    }

    func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try failure.withLock { if let error = $0 { throw error } }
        return try await kms.encrypt(plaintext, key: key, context: context, caller: root)
    }

    func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        try failure.withLock { if let error = $0 { throw error } }
        try decryptFailure.withLock { if let error = $0 { throw error } }
        let answer = try await kms.decrypt(blob, key: key, context: context, caller: root)
        guard let bytes = lie.withLock({ $0 }) else { return answer }
        return PlaintextResponse(
            plaintext: SecretBytes(copying: bytes),
            keyARN: answer.keyARN,
            keyMaterialID: answer.keyMaterialID
        )
    }

    private static let unneeded = AWSError(.unsupportedOperation, "no seal needs this")

    func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata { throw Self.unneeded }

    func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        throw Self.unneeded
    }

    func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse { throw Self.unneeded }

    func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse { throw Self.unneeded }

    func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) async throws -> ReEncryptResponse { throw Self.unneeded }

    func createGrant(
        _ order: GrantOrder,
        on key: KeyReference,
        caller: Caller
    ) async throws -> GrantResponse { throw Self.unneeded }

    func retireGrant(_ grant: GrantReference, caller: Caller) async throws { throw Self.unneeded }
}

/// Whether bytes stand in a text, raw, in hexadecimal or in base64.
func tells(_ text: [UInt8], _ bytes: [UInt8]) -> Bool {
    let forms = [bytes, Array(Hex.lower(bytes).utf8), Array(Data(bytes).base64EncodedString().utf8)]
    return forms.contains { contains(text, $0) }
}
