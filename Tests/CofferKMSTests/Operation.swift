internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

/// A verb that is about one key, called as one that succeeds on an enabled key of the right kind.
struct Operation: Sendable {
    /// AWS's name; with a word behind it where one operation is called in two ways.
    let name: String
    let kind: Subject.Kind
    /// Whether AWS has the option `DryRun` for it.
    var takesDryRun = false
    let run: @Sendable (Subject, KeyUse) async throws -> Void

    /// As the trail names it.
    var eventName: String { String(name.prefix { $0 != " " }) }

    /// Whether it leaves the key, its aliases or its grants another than before.
    var isChange: Bool {
        let isUse = takesDryRun && !name.hasSuffix("Grant")
        return !isUse && !["Get", "List", "Describe"].contains { name.hasPrefix($0) }
    }

    static let all = cryptography + asymmetric + management + rotations + imports + grants

    static func named(_ name: String) -> [Operation] { all.filter { $0.name == name } }

    private static func dry(
        _ name: String,
        _ kind: Subject.Kind,
        _ run: @escaping @Sendable (Subject, KeyUse) async throws -> Void
    ) -> Operation {
        Operation(name: name, kind: kind, takesDryRun: true, run: run)
    }

    private static func plain(
        _ name: String,
        _ kind: Subject.Kind = .symmetric,
        _ run: @escaping @Sendable (Subject) async throws -> Void
    ) -> Operation {
        Operation(name: name, kind: kind) { subject, _ in try await run(subject) }
    }

    private static let cryptography = [
        dry("Encrypt", .symmetric) { on, use in
            _ = try await on.kms.encrypt(
                secret("x"),
                key: on.key,
                algorithm: .symmetricDefault,
                context: [:],
                use: use,
                caller: root
            )
        },
        dry("Decrypt", .symmetric) { on, use in
            _ = try await on.kms.decrypt(
                on.blob,
                key: nil,
                algorithm: .symmetricDefault,
                context: [:],
                use: use,
                caller: root
            )
        },
        dry("ReEncrypt from", .symmetric) { on, use in
            try await reEncrypt(on.kms, on.blob, to: on.other, use)
        },
        dry("ReEncrypt to", .symmetric) { on, use in
            try await reEncrypt(on.kms, on.othersBlob, to: on.key, use)
        },
        dry("GenerateDataKey", .symmetric) { on, use in
            _ = try await on.kms.generateDataKey(count: 32, key: on.key, context: [:], use: use, caller: root)
        },
        dry("GenerateDataKeyWithoutPlaintext", .symmetric) { on, use in
            _ = try await on.kms.generateDataKeyWithoutPlaintext(
                count: 64,
                key: on.key,
                context: [:],
                use: use,
                caller: root
            )
        },
        dry("GenerateDataKeyPair", .symmetric) { on, use in
            _ = try await on.kms.generateDataKeyPair(
                .eccNISTP256,
                key: on.key,
                context: [:],
                use: use,
                caller: root
            )
        },
        dry("GenerateDataKeyPairWithoutPlaintext", .symmetric) { on, use in
            _ = try await on.kms.generateDataKeyPairWithoutPlaintext(
                .eccNISTP256,
                key: on.key,
                context: [:],
                use: use,
                caller: root
            )
        },
    ]

    private static let asymmetric = [
        dry("Sign", .signing) { on, use in
            _ = try await on.kms.sign(
                secret("x"),
                type: .raw,
                algorithm: .ecdsaSHA256,
                key: on.key,
                use: use,
                caller: root
            )
        },
        dry("Verify", .signing) { on, use in
            _ = try await on.kms.verify(
                secret(Subject.message),
                signature: on.signature,
                type: .raw,
                algorithm: .ecdsaSHA256,
                key: on.key,
                use: use,
                caller: root
            )
        },
        dry("GenerateMac", .hmac) { on, use in
            _ = try await on.kms.generateMac(
                secret("x"),
                algorithm: .hmacSHA256,
                key: on.key,
                use: use,
                caller: root
            )
        },
        dry("VerifyMac", .hmac) { on, use in
            _ = try await on.kms.verifyMac(
                secret(Subject.message),
                mac: on.mac,
                algorithm: .hmacSHA256,
                key: on.key,
                use: use,
                caller: root
            )
        },
        dry("DeriveSharedSecret", .agreement) { on, use in
            _ = try await on.kms.deriveSharedSecret(
                publicKey: on.peer,
                algorithm: .ecdh,
                key: on.key,
                use: use,
                caller: root
            )
        },
        plain("GetPublicKey", .signing) { _ = try await $0.kms.getPublicKey($0.key, caller: root) },
    ]

    private static let management = [
        plain("DescribeKey") { _ = try await $0.kms.describeKey($0.key, caller: root) },
        plain("GetKeyLastUsage") { _ = try await $0.kms.getKeyLastUsage($0.key, caller: root) },
        plain("EnableKey") { try await $0.kms.enableKey($0.key, caller: root) },
        plain("DisableKey") { try await $0.kms.disableKey($0.key, caller: root) },
        plain("ScheduleKeyDeletion") {
            _ = try await $0.kms.scheduleKeyDeletion($0.key, pendingWindowInDays: 7, caller: root)
        },
        plain("CancelKeyDeletion") { _ = try await $0.kms.cancelKeyDeletion($0.key, caller: root) },
        plain("UpdateKeyDescription") {
            try await $0.kms.updateKeyDescription($0.key, to: "d", caller: root)
        },
        plain("CreateAlias") {
            try await $0.kms.createAlias("\($0.alias)/new", target: $0.key, caller: root)
        },
        plain("UpdateAlias to") {
            try await $0.kms.updateAlias($0.othersAlias.text, target: $0.key, caller: root)
        },
        plain("UpdateAlias from") {
            try await $0.kms.updateAlias($0.alias.text, target: $0.other, caller: root)
        },
        plain("DeleteAlias") { try await $0.kms.deleteAlias($0.alias.text, caller: root) },
        plain("ListAliases") { _ = try await $0.kms.listAliases(key: $0.key, caller: root) },
        plain("TagResource") {
            try await $0.kms.tagResource($0.key, [Tag(key: "k", value: "v")], caller: root)
        },
        plain("UntagResource") { try await $0.kms.untagResource($0.key, ["t"], caller: root) },
        plain("ListResourceTags") { _ = try await $0.kms.listResourceTags($0.key, caller: root) },
        plain("GetKeyPolicy") { _ = try await $0.kms.getKeyPolicy($0.key, name: nil, caller: root) },
        plain("PutKeyPolicy") { on in
            try await on.kms.putKeyPolicy(
                on.key,
                name: "default",
                policy: KMSHome.policy([KMSHome.rootStatement]),
                bypassesLockoutSafetyCheck: false,
                caller: root
            )
        },
        plain("ListKeyPolicies") { _ = try await $0.kms.listKeyPolicies($0.key, caller: root) },
        plain("ReplicateKey", .multiRegion) { on in
            _ = try await on.kms.replicateKey(
                on.key,
                to: Subject.freeRegion,
                order: KeyOrder(),
                caller: root
            )
        },
        plain("UpdatePrimaryRegion", .multiRegion) { on in
            try await on.kms.updatePrimaryRegion(on.key, to: Subject.replicaRegion, caller: root)
        },
    ]

    private static let rotations = [
        plain("EnableKeyRotation") {
            try await $0.kms.enableKeyRotation($0.key, periodInDays: 90, caller: root)
        },
        plain("DisableKeyRotation") { try await $0.kms.disableKeyRotation($0.key, caller: root) },
        plain("RotateKeyOnDemand") { _ = try await $0.kms.rotateKeyOnDemand($0.key, caller: root) },
        plain("GetKeyRotationStatus") { _ = try await $0.kms.getKeyRotationStatus($0.key, caller: root) },
        plain("ListKeyRotations") { _ = try await $0.kms.listKeyRotations($0.key, caller: root) },
    ]

    private static let imports = [
        plain("GetParametersForImport", .imported) { on in
            _ = try await on.kms.getParametersForImport(
                on.key,
                algorithm: .rsaesOAEPSHA256,
                spec: .rsa2048,
                caller: root
            )
        },
        plain("ImportKeyMaterial", .imported) { on in
            try await on.kms.importMaterial(SecretBytes(copying: Subject.material), into: on.key)
        },
        plain("DeleteImportedKeyMaterial", .imported) { on in
            _ = try await on.kms.deleteImportedKeyMaterial(on.key, materialID: nil, caller: root)
        },
    ]

    private static let grants = [
        dry("CreateGrant", .symmetric) { on, use in
            let order = GrantOrder(grantee: root.principal.description, operations: [.encrypt])
            _ = try await on.kms.createGrant(order, on: on.key, use: use, caller: root)
        },
        plain("ListGrants") { _ = try await $0.kms.listGrants($0.key, caller: root) },
        plain("ListRetirableGrants") { on in
            _ = try await on.kms.listRetirableGrants(retiring: root.principal.description, caller: root)
        },
        dry("RetireGrant", .symmetric) { on, use in
            try await on.kms.retireGrant(
                .id(on.grant, key: on.key),
                isDryRun: use.isDryRun,
                caller: root
            )
        },
        dry("RevokeGrant", .symmetric) { on, use in
            try await on.kms.revokeGrant(on.grant, on: on.key, isDryRun: use.isDryRun, caller: root)
        },
    ]

    private static func reEncrypt(
        _ kms: KeyManagementService,
        _ blob: CiphertextBlob,
        to key: KeyReference,
        _ use: KeyUse
    ) async throws {
        _ = try await kms.reEncrypt(
            blob,
            sourceKey: nil,
            sourceAlgorithm: .symmetricDefault,
            sourceContext: [:],
            destinationKey: key,
            destinationAlgorithm: .symmetricDefault,
            destinationContext: [:],
            use: use,
            caller: root
        )
    }
}
