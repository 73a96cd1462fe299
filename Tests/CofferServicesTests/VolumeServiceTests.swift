internal import CofferCatalog
internal import CofferEBS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Logging
internal import Testing

/// The control plane over a key service that can be told to refuse: what it asks for, and what a refusal leaves.
@Suite struct VolumeServiceTests {
    private let folder: TemporaryFolder
    private let catalog: Catalog
    private let keys = ScriptedKeys()
    private let service: VolumeService
    private let caller: Caller

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("volumes"),
            withIntermediateDirectories: false
        )
        catalog = try Catalog(path: folder.path("catalog.sqlite"))
        let identity = HomeIdentity(account: ScriptedKeys.account, region: .home)
        service = VolumeService(
            catalog: catalog,
            keys: VolumeKeys(keys: keys, owned: keys),
            authoriser: Everything(),
            identity: identity,
            paths: VolumePaths(
                home: folder.path,
                runtimeBase: folder.path("run"),
                daemon: { throw AWSError(.missingRequirement, "no daemon in this test") }
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        caller = Caller(principal: .root(identity.account))
    }

    @Test func `creation asks for a wrapped key of 64 bytes under the volume's context, through EC2`()
        async throws
    {
        let volume = try await service.createVolume(
            CreateVolumeRequest(sizeBytes: (1 << 20) + 1),
            caller: caller
        )
        #expect(volume.sizeBytes == (1 << 20) + 4096, "rounded up to a whole data unit")
        #expect(volume.state == .available)
        let calls = await keys.calls
        #expect(calls.map(\.verb) == ["awsManagedKey", "generateDataKeyWithoutPlaintext", "decrypt"])
        #expect(calls[1].count == 64)
        #expect(calls[1].context == .volume(volume.id) && calls[2].context == .volume(volume.id))
        #expect(calls.allSatisfy { $0.caller.via == .ebs })
    }

    @Test(arguments: ["awsManagedKey", "generateDataKeyWithoutPlaintext", "decrypt"])
    func `a creation that KMS refuses leaves no volume and no file`(_ verb: String) async throws {
        await keys.refuse(verb, with: AWSError(.disabled, "is disabled."))
        await #expect(throws: AWSError.self) {
            try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        }
        #expect(try catalog.volumes().isEmpty)
        #expect(try folder.names(in: "volumes").isEmpty)
    }

    @Test func `an attach that KMS refuses changes nothing on the disk`() async throws {
        let volume = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        let name = "volumes/\(volume.id).coffer"
        let before = try folder.bytes(name)
        await keys.refuse("decrypt", with: AWSError(.disabled, "is disabled."))
        do {
            _ = try await service.attachVolume(volume.id.text, options: AttachOptions(), caller: caller)
            Issue.record("it must be refused")
        } catch let error as AWSError {
            #expect(error.code == .disabled)
            #expect(error.hint?.contains("coffer key enable") == true)
        }
        #expect(try folder.bytes(name) == before)
        #expect(await keys.grants.isEmpty, "the grant of an attach that failed is retired")
        #expect(try await service.describeVolumes(caller: caller).map(\.state) == [.available])
    }

    @Test func `an attach whose daemon cannot start leaves a volume that can be attached`() async throws {
        let volume = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        await #expect(throws: AWSError.self) {
            try await service.attachVolume(volume.id.text, options: AttachOptions(), caller: caller)
        }
        #expect(try await service.describeVolumes(caller: caller).map(\.state) == [.available])
        #expect(try await service.checkVolume(volume.id.text, caller: caller).isClean)
        #expect(await keys.grants.isEmpty)
        let events = try await service.describeVolumeEvents(of: volume.id.text, caller: caller)
        #expect(events.map(\.name) == ["createVolume", "attachVolume"] && events[1].result == "failed")
        #expect(events[1].cause.contains("no daemon in this test"))
    }

    @Test
    func `the grant of an attachment is for its volume's context alone, and its instance may retire it`()
        async throws
    {
        let volume = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        await keys.refuse("retireGrant", with: AWSError(.sealed, "sealed"))
        _ = try? await service.attachVolume(volume.id.text, options: AttachOptions(), caller: caller)
        let orders = await keys.grants.values.map { $0 }
        #expect(orders.count == 1)
        let principal =
            "arn:aws:sts::\(ScriptedKeys.account):assumed-role/aws:ec2-infrastructure/\(service.instanceID)"
        #expect(orders[0].grantee == principal && orders[0].retiring == principal)
        #expect(orders[0].operations == [.decrypt])
        #expect(orders[0].constraints == GrantConstraints(subset: .volume(volume.id)))
        // What could not be retired then is retired by whatever comes by next.
        #expect(try catalog.grants().count == 1)
        await keys.refuse("retireGrant", with: nil)
        try await service.deleteVolume(volume.id.text, caller: caller)
        #expect(await keys.grants.isEmpty)
    }

    @Test func `a grant that was given and not noted is found by its name, and retired`() async throws {
        let volume = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        // As a process leaves it that dies while KMS answers.
        try catalog.putGrant(GrantEntry(name: "lost", volume: volume.id, key: volume.kmsKeyARN))
        _ = try? await service.attachVolume(volume.id.text, options: AttachOptions(), caller: caller)
        let verbs = await keys.calls.map(\.verb).suffix(6)
        #expect(
            verbs == ["createGrant", "decrypt", "createGrant", "retireGrant", "describeKey", "retireGrant"]
        )
        #expect(await keys.grants.isEmpty)
        #expect(try catalog.grants().isEmpty)
    }

    @Test func `a KMS that knows no such principal gives no grant, and attaching goes on`() async throws {
        let volume = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        await keys.refuse("createGrant", with: AWSError(.invalidArn, "no principal"))
        await #expect(
            throws: AWSError(.missingRequirement, "cannot attach \"\(volume.id)\": no daemon in this test")
        ) {
            try await service.attachVolume(volume.id.text, options: AttachOptions(), caller: caller)
        }
        await keys.refuse("createGrant", with: AWSError(.accessDenied, "no grant for you"))
        do {
            _ = try await service.attachVolume(volume.id.text, options: AttachOptions(), caller: caller)
            Issue.record("it must be refused")
        } catch let error as AWSError {
            #expect(error.code == .accessDenied)
        }
        #expect(try catalog.grants().isEmpty)
    }

    @Test func `a wrapped key of another volume does not open this one`() async throws {
        let first = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        let second = try await service.createVolume(CreateVolumeRequest(sizeBytes: 1 << 20), caller: caller)
        // The header of the first in the place of the second's.
        let header = try folder.bytes("volumes/\(first.id).coffer")
        try folder.write(header, to: "volumes/\(second.id).coffer")
        do {
            _ = try await service.attachVolume(second.id.text, options: AttachOptions(), caller: caller)
            Issue.record("it must be refused")
        } catch let error as AWSError {
            #expect(error.code == .tampered)
        }
    }

    @Test func `deleting overwrites the header before the file goes`() async throws {
        let volume = try await service.createVolume(
            CreateVolumeRequest(name: "data", sizeBytes: 1 << 20),
            caller: caller
        )
        let path = folder.path("volumes/\(volume.id).coffer")
        // A second name for the file shows what is left of it.
        try FileManager.default.linkItem(atPath: path, toPath: folder.path("kept"))
        try await service.deleteVolume("data", caller: caller)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try folder.bytes("kept").prefix(1 << 17).allSatisfy { $0 == 0 })
        #expect(try catalog.volumes().isEmpty)
    }

    @Test(arguments: [
        CreateVolumeRequest(sizeBytes: 0), CreateVolumeRequest(sizeBytes: (64 << 40) + 1),
        CreateVolumeRequest(sizeBytes: .max), CreateVolumeRequest(sizeBytes: 1 << 20, dataUnitBytes: 0),
        CreateVolumeRequest(sizeBytes: 1 << 20, dataUnitBytes: -4096),
        CreateVolumeRequest(sizeBytes: 1 << 20, cipherName: "null"),
        CreateVolumeRequest(name: "", sizeBytes: 1 << 20),
        CreateVolumeRequest(name: "a\nb", sizeBytes: 1 << 20),
        CreateVolumeRequest(name: "vol-1", sizeBytes: 1 << 20),
        CreateVolumeRequest(name: "-x", sizeBytes: 1 << 20),
    ])
    func `a request that no volume can satisfy is refused before KMS is asked`(
        _ request: CreateVolumeRequest
    ) async throws {
        await #expect(throws: AWSError.self) { try await service.createVolume(request, caller: caller) }
        #expect(await keys.calls.isEmpty)
    }
}

/// Lets everybody do everything.
private struct Everything: ActionAuthoriser {
    func require(_ request: ActionRequest, caller: Caller) {}
}

/// A key service that wraps by remembering, tells what it was asked, and refuses what it is told to.
private actor ScriptedKeys: KeyService {
    struct Call {
        let verb: String
        var count: Int?
        var context: EncryptionContext = [:]
        let caller: Caller
    }

    static let account = AccountID(random: [1, 2, 3, 4, 5, 6])
    private static let keyID = KeyID(bytes: Array(1...16))
    private static let arn = ARN.key(keyID, region: .home, account: account)

    private(set) var calls: [Call] = []
    private var refusals: [String: AWSError] = [:]
    private var contexts: [CiphertextBlob: EncryptionContext] = [:]

    func refuse(_ verb: String, with error: AWSError?) { refusals[verb] = error }

    private func note(_ call: Call) throws {
        calls.append(call)
        if let refusal = refusals[call.verb] { throw refusal }
    }

    func describeKey(_ key: KeyReference, caller: Caller) throws -> KeyMetadata {
        try note(Call(verb: "describeKey", caller: caller))
        return Self.metadata
    }

    func awsManagedKey(of service: AWSService, caller: Caller) throws -> KeyMetadata {
        try note(Call(verb: "awsManagedKey", caller: caller))
        return Self.metadata
    }

    func generateDataKeyWithoutPlaintext(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) throws -> EncryptResponse {
        try note(
            Call(verb: "generateDataKeyWithoutPlaintext", count: count, context: context, caller: caller)
        )
        let blob = CiphertextBlob(SystemByteSource().bytes(count))
        contexts[blob] = context
        return EncryptResponse(blob: blob, keyARN: Self.arn, keyMaterialID: "00")
    }

    /// The blob is the key itself: this is a test's key service.
    func decrypt(
        _ blob: CiphertextBlob,
        key: KeyReference?,
        context: EncryptionContext,
        caller: Caller
    ) throws -> PlaintextResponse {
        try note(Call(verb: "decrypt", context: context, caller: caller))
        guard contexts[blob] == context else { throw AWSError(.invalidCiphertext, "") }
        return PlaintextResponse(
            plaintext: SecretBytes(copying: blob.bytes),
            keyARN: Self.arn,
            keyMaterialID: "00"
        )
    }

    func encrypt(
        _ plaintext: borrowing SecretBytes,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) throws -> EncryptResponse { throw AWSError(.unsupportedOperation, "volumes do not encrypt") }

    func generateDataKey(
        count: Int,
        key: KeyReference,
        context: EncryptionContext,
        caller: Caller
    ) throws -> DataKeyResponse { throw AWSError(.unsupportedOperation, "volumes ask for wrapped keys") }

    func reEncrypt(
        _ blob: CiphertextBlob,
        sourceKey: KeyReference?,
        sourceContext: EncryptionContext,
        destinationKey: KeyReference,
        destinationContext: EncryptionContext,
        caller: Caller
    ) throws -> ReEncryptResponse { throw AWSError(.unsupportedOperation, "not in this test") }

    private(set) var grants: [String: GrantOrder] = [:]

    func createGrant(_ order: GrantOrder, on key: KeyReference, caller: Caller) throws -> GrantResponse {
        try note(Call(verb: "createGrant", caller: caller))
        let id = Hex.lower(Array((order.name ?? "").utf8))
        grants[id] = order
        return GrantResponse(id: id, token: "token")
    }

    func retireGrant(_ grant: GrantReference, caller: Caller) throws {
        try note(Call(verb: "retireGrant", caller: caller))
        guard case .id(let id, _) = grant, grants.removeValue(forKey: id) != nil else {
            throw AWSError(.notFound, "no such grant")
        }
    }

    private static let metadata = KeyMetadata(
        accountID: account,
        keyID: keyID,
        arn: arn,
        created: Timestamp(nanoseconds: 1),
        description: "",
        state: .enabled,
        manager: .aws,
        currentKeyMaterialID: "00"
    )
}
