internal import CofferCrypto
internal import CofferPolicy
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail

/// New material, on its way into the store.
final class NewMaterial: Sendable {
    let secret: SecretBytes
    /// SubjectPublicKeyInfo in DER, of key pairs.
    let publicKey: [UInt8]?

    init(_ secret: consuming SecretBytes, publicKey: [UInt8]? = nil) {
        self.secret = secret
        self.publicKey = publicKey
    }
}

// What `CreateKey` makes, and what it refuses to make.
extension KeyManagementService {
    /// Fresh material for a spec.
    func make(_ spec: KeySpec) async throws -> NewMaterial {
        if let kind = KeyPairKind(spec) {
            return try await heavy { try NewMaterial(keyPair: PrivateKey.generate(kind)) }
        }
        return NewMaterial(random: spec.secretBytes, from: random)
    }

    func newKey(_ order: KeyOrder, _ call: Call) throws(AWSError) -> StoredKey {
        guard order.description.utf16.count <= Limits.descriptionCharacters else {
            throw Refusal.tooLong("description", limit: Limits.descriptionCharacters)
        }
        return StoredKey(
            id: KeyID(random: random, isMultiRegion: order.isMultiRegion),
            region: call.region,
            created: clock.now,
            description: order.description,
            spec: order.spec,
            usage: try Self.usage(of: order),
            origin: order.origin,
            policy: DefaultPolicy.customer(account: account),
            customKeyStoreID: order.customKeyStoreID,
            primaryRegion: order.isMultiRegion ? call.region : nil
        )
    }

    /// What the key will be for; refuses what does not go together.
    static func usage(of order: KeyOrder) throws(AWSError) -> KeyUsage {
        guard let usage = order.usage ?? (order.spec.isSymmetricEncryption ? .encryptDecrypt : nil) else {
            throw Refusal.validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
            )
        }
        guard !order.spec.usages.isEmpty else {
            throw AWSError(
                .unsupportedOperation,
                "Coffer makes no keys with the key spec \(order.spec.rawValue)."
            )
        }
        guard order.spec.usages.contains(usage) else {
            throw Refusal.validation(
                "KeyUsage \(usage.rawValue) is not compatible with KeySpec \(order.spec.rawValue)"
            )
        }
        return usage
    }

    /// Refuses origins, stores and tags that cannot be.
    func check(_ order: KeyOrder, for key: StoredKey, _ call: Call) throws {
        switch order.origin {
        case .awsKMS, .external:
            guard order.customKeyStoreID == nil else {
                throw Refusal.validation(
                    "CustomKeyStoreId is valid only when the Origin is AWS_CLOUDHSM or EXTERNAL_KEY_STORE."
                )
            }
        case .awsCloudHSM:
            guard order.customKeyStoreID != nil else {
                throw Refusal.validation("CustomKeyStoreId is required when the Origin is AWS_CLOUDHSM.")
            }
            guard order.spec.isSymmetricEncryption, !order.isMultiRegion else {
                throw AWSError(
                    .unsupportedOperation,
                    "A custom key store holds single-Region symmetric encryption keys only."
                )
            }
        case .externalKeyStore:
            throw AWSError(
                .unsupportedOperation,
                "Coffer has no external key stores; its custom key stores are tokens behind PKCS #11."
            )
        }
        try Self.check(order.tags, beside: [])
    }

    /// Refuses tags that AWS refuses; `existing` are those that the key has.
    static func check(_ tags: [Tag], beside existing: [Tag]) throws(AWSError) {
        for (index, tag) in tags.enumerated() {
            let member = "tags.\(index + 1).member"
            guard !tag.key.isEmpty else { throw Refusal.tooShort("\(member).tagKey", limit: 1) }
            guard tag.key.utf16.count <= Limits.tagKeyCharacters else {
                throw Refusal.tooLong("\(member).tagKey", limit: Limits.tagKeyCharacters)
            }
            guard tag.value.utf16.count <= Limits.tagValueCharacters else {
                throw Refusal.tooLong("\(member).tagValue", limit: Limits.tagValueCharacters)
            }
        }
        guard Set(tags.map(\.key)).count == tags.count else { throw AWSError(.tag, "Duplicate tag keys") }
        guard !tags.contains(where: { $0.key.lowercased().hasPrefix("aws:") }) else {
            throw AWSError(.tag, "Tags beginning with aws: are reserved")
        }
        let added = tags.filter { tag in !existing.contains { $0.key == tag.key } }
        guard existing.count + added.count <= Limits.tagsPerKey else { throw AWSError(.tag, "Too many tags") }
    }

    /// Puts a new key's first material in its place: wrapped into the store, or made inside the HSM. A key for
    /// imported material waits for it.
    func giveMaterial(
        _ material: NewMaterial?,
        to key: StoredKey,
        _ records: KeyRecords,
        _ call: Call
    ) throws {
        var stored = StoredMaterial(
            id: random.bytes(32),
            ordinal: 0,
            created: key.created,
            state: .current
        )
        switch key.origin {
        case .external: try records.setWrappingKey(try hierarchy.makeWrappingKey(key.id), of: key.place)
        case .awsCloudHSM, .externalKeyStore:
            try makeKeyInStore(key, records, call)
            try records.add(stored, to: key.place)
        case .awsKMS:
            guard let material else { preconditionFailure("a key of this origin is made with its material") }
            let wrappingKey = try hierarchy.makeWrappingKey(key.id)
            try records.setWrappingKey(wrappingKey, of: key.place)
            stored.publicKey = material.publicKey
            stored.wrapped = try hierarchy.wrap(
                material.secret,
                id: stored.id,
                of: key.id,
                wrappingKey: wrappingKey
            )
            try records.add(stored, to: key.place)
        }
    }

    /// Makes the AWS managed key of a service and its alias, where no other process has.
    func makeAWSManagedKey(of service: AWSService, in region: Region) async throws {
        let protected =
            switch service {
            case .ebs: "EBS volumes"
            case .rds: "RDS database volumes"
            case .s3: "S3 objects"
            }
        let internalCaller = Caller(principal: .root(account), via: service, region: region)
        try await change("CreateKey", internalCaller, [:]) { [self] records, call in
            let name = AliasName.awsManaged(service)
            guard try records.alias(name, in: region) == nil else { return }
            let now = clock.now
            let key = StoredKey(
                id: KeyID(random: random),
                region: region,
                created: now,
                description: "Default key that protects my \(protected) when no other key is defined",
                spec: .symmetricDefault,
                usage: .encryptDecrypt,
                origin: .awsKMS,
                service: service,
                policy: DefaultPolicy.awsManaged(service, region: region, account: account),
                rotationPeriodInDays: Limits.defaultRotationDays,
                nextRotation: now.adding(days: Limits.defaultRotationDays)
            )
            try records.add(key)
            let material = NewMaterial(random: KeySpec.symmetricDefault.secretBytes, from: random)
            try giveMaterial(material, to: key, records, call)
            let alias = StoredAlias(name: name, target: key.id, created: now, updated: now)
            try records.add(alias, in: region)
            call.record.resources = [TrailResource(key: arn(of: key.id, in: region))]
        }
    }
}

extension NewMaterial {
    convenience init(random count: Int, from source: any ByteSource) {
        self.init(SecretBytes(count: count) { span in source.fill(&span) })
    }

    convenience init(keyPair: PrivateKey) throws {
        self.init(try keyPair.encoded(), publicKey: try keyPair.publicKey.spki())
    }
}

extension KeySpec {
    /// The length of a secret of this spec, bytes; 0 for key pairs.
    var secretBytes: Int {
        switch self {
        case .symmetricDefault, .hmac256: 32
        case .hmac224: 28
        case .hmac384: 48
        case .hmac512: 64
        default: 0
        }
    }
}

extension Timestamp {
    func adding(days: Int) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds + UInt64(days) * 86_400_000_000_000)
    }
}
