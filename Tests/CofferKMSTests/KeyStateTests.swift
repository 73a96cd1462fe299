internal import CofferKMS
internal import CofferShapes
internal import Testing

/// What each operation answers on a key of each state. (AWS KMS developer guide, "Key states of AWS KMS keys".)
@Suite struct KeyStateTests {
    let home: KMSHome
    let kms: KeyManagementService

    init() throws {
        home = try KMSHome(tokens: MemoryTokens())
        kms = try home.service()
    }

    /// What a cell of the table says.
    enum Answer {
        case ok
        /// DisabledException.
        case disabled
        /// KMSInvalidStateException, in four wordings.
        case pendingImport, pendingDeletion, notPendingDeletion, unavailable
        /// UnsupportedOperationException: not for a key of this origin.
        case origin(KeyOrigin)
        /// There is no such key.
        case none

        func error(of key: ARN) -> AWSError? {
            switch self {
            case .ok, .none: nil
            case .disabled: AWSError(.disabled, "\(key) is disabled.")
            case .pendingImport: AWSError(.kmsInvalidState, "\(key) is pending import.")
            case .pendingDeletion: AWSError(.kmsInvalidState, "\(key) is pending deletion.")
            case .notPendingDeletion: AWSError(.kmsInvalidState, "\(key) is not pending deletion.")
            case .unavailable: AWSError(.kmsInvalidState, "\(key) is unavailable.")
            case .origin(let origin):
                AWSError(
                    .unsupportedOperation,
                    "\(key) origin is \(origin.rawValue) which is not valid for this operation."
                )
            }
        }
    }

    /// The states in the order of the table's columns.
    static let columns: [KeyState] = [.enabled, .disabled, .pendingImport, .pendingDeletion, .unavailable]

    private static let cryptography: [Answer] = [
        .ok, .disabled, .pendingImport, .pendingDeletion, .unavailable,
    ]
    private static let asymmetric: [Answer] = [.ok, .disabled, .pendingImport, .pendingDeletion, .none]
    private static let naming: [Answer] = [.ok, .ok, .ok, .pendingDeletion, .ok]
    private static let always: [Answer] = [.ok, .ok, .ok, .ok, .ok]
    private static let automaticRotation: [Answer] = [
        .ok, .disabled, .origin(.external), .pendingDeletion, .origin(.awsCloudHSM),
    ]

    static let table: [(operation: String, answers: [Answer])] = [
        ("Encrypt", cryptography),
        ("Decrypt", cryptography),
        ("ReEncrypt from", cryptography),
        ("ReEncrypt to", cryptography),
        ("GenerateDataKey", cryptography),
        ("GenerateDataKeyWithoutPlaintext", cryptography),
        ("GenerateDataKeyPair", cryptography),
        ("GenerateDataKeyPairWithoutPlaintext", cryptography),
        ("Sign", asymmetric),
        ("Verify", asymmetric),
        ("GenerateMac", asymmetric),
        ("VerifyMac", asymmetric),
        ("DeriveSharedSecret", asymmetric),
        ("GetPublicKey", asymmetric),
        ("CreateGrant", [.ok, .disabled, .pendingImport, .pendingDeletion, .ok]),
        ("EnableKeyRotation", automaticRotation),
        ("DisableKeyRotation", automaticRotation),
        ("RotateKeyOnDemand", [.ok, .disabled, .pendingImport, .pendingDeletion, .origin(.awsCloudHSM)]),
        ("GetKeyRotationStatus", [.ok, .ok, .ok, .ok, .origin(.awsCloudHSM)]),
        ("ListKeyRotations", [.ok, .ok, .ok, .ok, .origin(.awsCloudHSM)]),
        ("EnableKey", [.ok, .ok, .pendingImport, .pendingDeletion, .ok]),
        ("DisableKey", [.ok, .ok, .pendingImport, .pendingDeletion, .ok]),
        ("ScheduleKeyDeletion", [.ok, .ok, .ok, .pendingDeletion, .ok]),
        (
            "CancelKeyDeletion",
            [.notPendingDeletion, .notPendingDeletion, .notPendingDeletion, .ok, .notPendingDeletion]
        ),
        ("CreateAlias", naming),
        ("UpdateAlias to", naming),
        ("UpdateAlias from", always),
        ("TagResource", naming),
        ("UntagResource", naming),
        ("UpdateKeyDescription", naming),
        ("ReplicateKey", asymmetric),
        ("UpdatePrimaryRegion", asymmetric),
        ("GetParametersForImport", [.ok, .ok, .ok, .pendingDeletion, .origin(.awsCloudHSM)]),
        ("ImportKeyMaterial", [.ok, .ok, .ok, .pendingDeletion, .origin(.awsCloudHSM)]),
        ("DeleteImportedKeyMaterial", [.ok, .ok, .ok, .ok, .origin(.awsCloudHSM)]),
        ("DescribeKey", always),
        ("GetKeyPolicy", always),
        ("PutKeyPolicy", always),
        ("ListKeyPolicies", always),
        ("ListGrants", always),
        ("ListRetirableGrants", always),
        ("RetireGrant", always),
        ("RevokeGrant", always),
        ("DeleteAlias", always),
        ("ListAliases", always),
        ("ListResourceTags", always),
        ("GetKeyLastUsage", always),
    ]

    @Test func `the table has every operation that is about a key`() {
        #expect(Set(Self.table.map(\.operation)) == Set(Operation.all.map(\.name)))
        #expect(Operation.all.count == Self.table.count)
    }

    @Test(arguments: columns)
    func `every operation answers as AWS says, on a key that is`(_ state: KeyState) async throws {
        let column = try #require(Self.columns.firstIndex(of: state))
        // One subject serves until an operation has changed it.
        var subjects: [Subject.Kind: Subject] = [:]
        for (name, answers) in Self.table {
            let operation = try #require(Operation.named(name).first)
            if case .none = answers[column] { continue }
            let known = subjects[operation.kind]
            let subject = if let known { known } else { try await Subject(operation.kind, state, in: kms) }
            let refused = await refusal { try await operation.run(subject, KeyUse()) }
            let expected = answers[column].error(of: subject.arn)
            #expect(refused?.code == expected?.code, "\(name): \(refused?.description ?? "done")")
            #expect(refused?.message == expected?.message, "\(name)")
            subjects[operation.kind] = refused == nil && operation.isChange ? nil : subject
        }
    }

    @Test(arguments: columns)
    func `a subject of the table is in its state`(_ state: KeyState) async throws {
        let kinds: [Subject.Kind] = state == .unavailable ? [.symmetric] : Subject.Kind.allCases
        for kind in kinds {
            let subject = try await Subject(kind, state, in: kms)
            let found = try await kms.describeKey(subject.key, caller: root).state
            let waits = kind == .multiRegion && state == .pendingDeletion
            #expect(found == (waits ? .pendingReplicaDeletion : state), "\(kind)")
        }
    }

    @Test func `a key of AWS's material takes no other, in no state`() async throws {
        for name in ["GetParametersForImport", "DeleteImportedKeyMaterial"] {
            let operation = try #require(Operation.named(name).first)
            for state in [KeyState.enabled, .disabled, .pendingDeletion] {
                let subject = try await Subject(.symmetric, state, in: kms)
                let refused = await refusal { try await operation.run(subject, KeyUse()) }
                #expect(refused == Answer.origin(.awsKMS).error(of: subject.arn), "\(name) \(state)")
            }
        }
    }

    @Test(arguments: [Subject.Kind.signing, .hmac, .agreement])
    func `only symmetric encryption keys rotate`(_ kind: Subject.Kind) async throws {
        let subject = try await Subject(kind, .enabled, in: kms)
        let names = [
            "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand", "GetKeyRotationStatus",
            "ListKeyRotations",
        ]
        for name in names {
            let operation = try #require(Operation.named(name).first)
            let refused = await refusal { try await operation.run(subject, KeyUse()) }
            #expect(refused == AWSError(.unsupportedOperation, ""), "\(name)")
        }
    }

    @Test func `material that goes while a key waits for its deletion leaves it waiting`() async throws {
        let subject = try await Subject(.imported, .pendingDeletion, in: kms)
        _ = try await kms.deleteImportedKeyMaterial(subject.key, materialID: nil, caller: root)
        #expect(try await kms.describeKey(subject.key, caller: root).state == .pendingDeletion)
        _ = try await kms.cancelKeyDeletion(subject.key, caller: root)
        #expect(try await kms.describeKey(subject.key, caller: root).state == .pendingImport)
    }

    @Test func `a disabled key of a store that is not connected is unavailable, then disabled`() async throws
    {
        let subject = try await Subject(.symmetric, .unavailable, in: kms)
        try await kms.disableKey(subject.key, caller: root)
        #expect(try await kms.describeKey(subject.key, caller: root).state == .unavailable)
        let stores = try await kms.describeCustomKeyStores(caller: root)
        try await kms.connectCustomKeyStore(#require(stores.items.first).id, caller: root)
        #expect(try await kms.describeKey(subject.key, caller: root).state == .disabled)
    }
}
