internal import CofferCrypto
internal import CofferPolicy
internal import CofferSecrets
internal import CofferShapes
internal import CofferTrail
internal import Synchronization

/// All that the store says of a KMS key, parsed and its policy compiled, as it was at one version of the
/// store. Its materials are unwrapped when they are first used.
final class LoadedKey: Sendable {
    let stored: StoredKey
    let arn: ARN
    /// What the trail calls it: with the ARN's text, which every call needs.
    let resource: TrailResource
    let state: KeyState
    let policy: PolicyDocument
    let grants: [StoredGrant]
    let aliases: [AliasName]
    let tags: [Tag]
    let materials: [StoredMaterial]
    /// The regions of a multi-Region key, by name.
    let regions: [Region]
    let keyStore: StoredKeyStore?
    private let wrappingKey: [UInt8]?
    private let unwrapped = Mutex<[[UInt8]: KeyMaterial]>([:])

    /// Reads the key at `place`; nil where there is none.
    init?(_ place: KeyPlace, account: AccountID, _ records: KeyRecords) throws {
        guard let stored = try records.key(place) else { return nil }
        self.stored = stored
        arn = .key(place.id, region: place.region, account: account)
        resource = TrailResource(key: arn)
        do {
            policy = try PolicyDocument(stored.policy, kind: .resource)
        } catch {
            throw AWSError(.damaged, "the key policy of \(arn) cannot be read: \(error)")
        }
        grants = try records.grants(of: place)
        aliases = try records.aliases(in: place.region, of: place.id).map(\.name)
        tags = try records.tags(of: place)
        materials = try records.materials(of: place)
        regions = stored.primaryRegion == nil ? [] : try records.regions(of: place.id)
        wrappingKey = try records.wrappingKey(of: place)
        keyStore = try stored.customKeyStoreID.flatMap { try records.keyStore($0, in: place.region) }
        state = Self.state(of: stored, materials, keyStore)
    }

    var id: KeyID { stored.id }
    var place: KeyPlace { stored.place }

    /// The material that encrypts; nil before the first import.
    var currentMaterial: StoredMaterial? { materials.first { $0.state == .current } }

    func material(_ id: [UInt8]) -> StoredMaterial? { materials.first { $0.id == id } }

    /// The secret of a material, unwrapped once. Throws `Coffer.Damaged` where the record is not what was
    /// stored.
    func unwrap(_ material: StoredMaterial, _ hierarchy: borrowing KeyHierarchy) throws -> KeyMaterial {
        if let known = unwrapped.withLock({ $0[material.id] }) { return known }
        guard let wrapped = material.wrapped, let wrappingKey else { throw KeyRecords.damaged }
        let made: KeyMaterial
        do {
            let secret = try hierarchy.unwrap(wrapped, id: material.id, of: id, wrappingKey: wrappingKey)
            if let kind = KeyPairKind(stored.spec) {
                made = .keyPair(try PrivateKey(encoded: secret, kind: kind))
            } else {
                made = .secret(SecretBox(secret))
            }
        } catch {
            throw damagedSecret
        }
        return unwrapped.withLock { unwrapped in
            if let other = unwrapped[material.id] { return other }
            unwrapped[material.id] = made
            return made
        }
    }

    /// A material as the store keeps it, under this key's wrapping key.
    func wrap(
        _ material: borrowing SecretBytes,
        id materialID: [UInt8],
        _ hierarchy: borrowing KeyHierarchy
    ) throws -> [UInt8] {
        guard let wrappingKey else { throw KeyRecords.damaged }
        do {
            return try hierarchy.wrap(material, id: materialID, of: id, wrappingKey: wrappingKey)
        } catch {
            throw damagedSecret
        }
    }

    private var damagedSecret: AWSError {
        AWSError(
            .damaged,
            "the stored secret of \(arn) is damaged",
            hint: "put kms/keys.sqlite back from a backup"
        )
    }

    /// Takes over what an older view of the same key has unwrapped, where the records have not changed.
    func adopt(_ older: LoadedKey) {
        guard older.wrappingKey == wrappingKey else { return }
        let known = older.unwrapped.withLock { $0 }
        for material in materials {
            guard let secret = known[material.id], older.material(material.id)?.wrapped == material.wrapped
            else { continue }
            unwrapped.withLock { $0[material.id] = secret }
        }
    }

    /// (Developer guide, "Key states of AWS KMS keys".)
    private static func state(
        of key: StoredKey,
        _ materials: [StoredMaterial],
        _ keyStore: StoredKeyStore?
    ) -> KeyState {
        if key.deletionDate != nil { return .pendingDeletion }
        if key.pendingWindowInDays != nil { return .pendingReplicaDeletion }
        if key.origin == .external {
            // One material gone makes the whole key unusable: what it encrypted could not be decrypted.
            let used = materials.filter { $0.state != .pendingRotation }
            if used.isEmpty || used.contains(where: { $0.wrapped == nil }) { return .pendingImport }
        }
        if key.customKeyStoreID != nil, keyStore?.state != .connected { return .unavailable }
        return key.isEnabled ? .enabled : .disabled
    }
}
