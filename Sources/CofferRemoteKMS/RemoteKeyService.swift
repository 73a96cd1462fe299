internal import CofferJSON
public import CofferSecrets
public import CofferShapes

/// `KeyService` over AWS KMS or whatever speaks its API (AWS JSON 1.1).
///
/// Calls go with this process's access key: the caller whom a verb is given is not told to the KMS, whose key policies
/// decide about the access key. To be shut down when it is no longer needed.
public final class RemoteKeyService: KeyService {
    private let connection: KMSConnection
    private let caller: RemoteCaller

    /// Finds the endpoint and the region; the access key is looked for at the first call. `environment` is the
    /// process's. Throws `Coffer.InvalidConfiguration` where they are missing or cannot be used.
    public init(
        _ settings: RemoteKMSSettings = RemoteKMSSettings(),
        environment: [String: String],
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource()
    ) throws {
        let configuration = SharedConfiguration(settings, environment: environment)
        let region = try configuration.region(settings)
        connection = try KMSConnection(
            try configuration.endpoint(settings, region: region),
            certificateBundlePath: try configuration.certificateBundlePath()
        )
        caller = RemoteCaller(
            connection: connection,
            credentials: CredentialCache(configuration, region: region),
            timeLimit: settings.timeLimit,
            retry: settings.retry,
            clock: clock,
            random: random
        )
    }

    /// Where the calls go, for people to read.
    public var endpoint: String { connection.endpoint.description }

    /// Closes the connections; no call may follow.
    public func shutdown() async throws { try await connection.shutdown() }

    // MARK: - KeyService

    public func describeKey(_ key: KeyReference, caller: Caller) async throws -> KeyMetadata {
        try await call("DescribeKey") { $0.text("KeyId", key.description) }.answer("KeyMetadata")
            .keyMetadata()
    }

    public func awsManagedKey(of service: AWSService, caller: Caller) async throws -> KeyMetadata {
        try await describeKey(.alias(.awsManaged(service)), caller: caller)
    }

    public func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        var body = JSONWriter.object { writer in
            writer.text("KeyId", key.description)
            writer.context("EncryptionContext", context)
            writer.key("Plaintext")
            plaintext.withBytes { writer.base64($0) }
        }
        defer { wipe(&body) }
        return try await self.caller.call("Encrypt", body).encryptResponse()
    }

    public func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> PlaintextResponse {
        let answer = try await call("Decrypt") { writer in
            writer.blob("CiphertextBlob", blob)
            if let key { writer.text("KeyId", key.description) }
            writer.context("EncryptionContext", context)
        }
        return PlaintextResponse(
            plaintext: try answer.secret("Plaintext"),
            keyARN: try answer.arn("KeyId"),
            keyMaterialID: answer.optionalText("KeyMaterialId")
        )
    }

    public func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> DataKeyResponse {
        let answer = try await call("GenerateDataKey") { writer in
            writer.dataKey(count: count, key: key, context: context)
        }
        let plaintext = try answer.secret("Plaintext")
        guard plaintext.count == count else { throw answer.missing("Plaintext") }
        return DataKeyResponse(plaintext: plaintext, wrapped: try answer.encryptResponse())
    }

    public func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> EncryptResponse {
        try await call("GenerateDataKeyWithoutPlaintext") { writer in
            writer.dataKey(count: count, key: key, context: context)
        }.encryptResponse()
    }

    public func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) async throws -> ReEncryptResponse {
        let answer = try await call("ReEncrypt") { writer in
            writer.blob("CiphertextBlob", blob)
            if let sourceKey { writer.text("SourceKeyId", sourceKey.description) }
            writer.context("SourceEncryptionContext", sourceContext)
            writer.text("DestinationKeyId", destinationKey.description)
            writer.context("DestinationEncryptionContext", destinationContext)
        }
        return ReEncryptResponse(
            blob: try answer.blob("CiphertextBlob"),
            sourceKeyARN: try answer.arn("SourceKeyId"),
            keyARN: try answer.arn("KeyId"),
            sourceKeyMaterialID: answer.optionalText("SourceKeyMaterialId") ?? "",
            destinationKeyMaterialID: answer.optionalText("DestinationKeyMaterialId") ?? ""
        )
    }

    public func createGrant(
        _ order: GrantOrder,
        on key: KeyReference,
        caller: Caller
    ) async throws -> GrantResponse {
        let answer = try await call("CreateGrant") { writer in
            writer.text("KeyId", key.description)
            writer.grant(order)
        }
        return GrantResponse(id: try answer.text("GrantId"), token: try answer.text("GrantToken"))
    }

    public func retireGrant(_ grant: GrantReference, caller: Caller) async throws {
        _ = try await call("RetireGrant") { writer in
            switch grant {
            case .token(let token): writer.text("GrantToken", token)
            case .id(let id, let key):
                writer.text("GrantId", id)
                writer.text("KeyId", key.description)
            }
        }
    }

    /// A call whose request holds nothing secret.
    private func call(_ operation: String, _ fill: (inout JSONWriter) -> Void) async throws -> KMSAnswer {
        try await caller.call(operation, JSONWriter.object(fill))
    }
}

extension JSONWriter {
    /// A text of one object with the members that `fill` writes. Large enough for any request at once.
    fileprivate static func object(_ fill: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: 16 << 10)
        writer.beginObject()
        fill(&writer)
        writer.endObject()
        return writer.finish()
    }

    fileprivate mutating func text(_ name: String, _ text: String) {
        key(name)
        string(text)
    }

    fileprivate mutating func blob(_ name: String, _ blob: CiphertextBlob) {
        key(name)
        base64(blob.bytes)
    }

    fileprivate mutating func context(_ name: String, _ context: EncryptionContext) {
        guard !context.isEmpty else { return }
        key(name)
        beginObject()
        for (key, value) in context.pairs.sorted(by: { $0.key < $1.key }) { text(key, value) }
        endObject()
    }

    fileprivate mutating func grant(_ order: GrantOrder) {
        text("GranteePrincipal", order.grantee)
        if let retiring = order.retiring { text("RetiringPrincipal", retiring) }
        if let name = order.name { text("Name", name) }
        key("Operations")
        beginArray()
        for operation in order.operations { string(operation.rawValue) }
        endArray()
        guard let constraints = order.constraints else { return }
        key("Constraints")
        beginObject()
        if let equals = constraints.equals { context("EncryptionContextEquals", equals) }
        if let subset = constraints.subset { context("EncryptionContextSubset", subset) }
        endObject()
    }

    fileprivate mutating func dataKey(count: Int, key: KeyReference, context: EncryptionContext) {
        text("KeyId", key.description)
        self.key("NumberOfBytes")
        integer(count)
        self.context("EncryptionContext", context)
    }
}
