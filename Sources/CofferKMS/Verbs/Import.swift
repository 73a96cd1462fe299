internal import CofferCrypto
internal import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// A fresh RSA key to wrap material with, and a token that brings it back; both for 24 hours.
    /// (`GetParametersForImport`)
    public func getParametersForImport(
        _ key: KeyReference,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
        caller: Caller
    ) async throws -> ImportParameters {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "wrappingAlgorithm": .text(algorithm.rawValue),
            "wrappingKeySpec": .text(spec.rawValue),
        ]
        return try await use("GetParametersForImport", caller, parameters) { call in
            var permission = Permission("GetParametersForImport")
            permission.facts.append(("kms:wrappingalgorithm", [algorithm.rawValue]))
            permission.facts.append(("kms:wrappingkeyspec", [spec.rawValue]))
            let key = try ownKey(key, permission, &call)
            try key.requireImported()
            try key.requireNotPendingDeletion()
            guard KeyTransport.Scheme(algorithm) != nil, let kind = KeyPairKind(spec) else {
                throw AWSError(
                    .unsupportedOperation,
                    "\(algorithm.rawValue) with \(spec.rawValue) is not supported."
                )
            }
            let pair = try await heavy { try NewMaterial(keyPair: PrivateKey.generate(kind)) }
            let validTo = clock.now.adding(days: 1)
            let token = ImportToken(key: key.place, algorithm: algorithm, kind: kind, validTo: validTo)
            return ImportParameters(
                keyARN: key.arn,
                importToken: try token.sealed(pair.secret, hierarchy),
                publicKey: pair.publicKey ?? [],
                validTo: validTo
            )
        }
    }

    /// Brings material into a key made for it: its first, the same again after it went, or a new one that
    /// waits for a rotation on demand. (`ImportKeyMaterial`)
    public func importKeyMaterial(
        _ material: MaterialImport,
        into key: KeyReference,
        caller: Caller
    ) async throws -> MaterialResponse {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"),
            "expirationModel": .text((material.expirationModel ?? .expires).rawValue),
            "importType": material.importType.map { .text($0.rawValue) },
        ]
        return try await change("ImportKeyMaterial", caller, parameters) { [self] records, call in
            var permission = Permission("ImportKeyMaterial")
            let model = material.expirationModel ?? .expires
            permission.facts.append(("kms:expirationmodel", [model.rawValue]))
            if let validTo = material.validTo { permission.facts.append(("kms:validto", [validTo.iso8601])) }
            let key = try self.key(key, permission, records, &call)
            try key.requireImported()
            if model == .expires, material.validTo == nil {
                throw Refusal.validation(
                    "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
                )
            }
            if let validTo = material.validTo, model == .expires, validTo <= clock.now {
                throw Refusal.validation("The validTo date must be in the future.")
            }
            let secret = try unwrapImport(material, for: key)
            let made = try ImportedMaterial(secret, spec: key.stored.spec)
            let response = try keep(made, material, model, in: key, records)
            call.record.additionalEventData = ["keyMaterialId": .text(response)]
            let isSymmetric = key.stored.spec.isSymmetricEncryption
            return MaterialResponse(keyARN: key.arn, materialID: isSymmetric ? response : nil)
        }
    }

    /// Forgets imported material, one or (nil) the current; the key waits for the same again.
    /// (`DeleteImportedKeyMaterial`)
    public func deleteImportedKeyMaterial(
        _ key: KeyReference,
        materialID: String?,
        caller: Caller
    ) async throws -> MaterialResponse {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "keyMaterialId": materialID.map { .text($0) },
        ]
        let response = try await change("DeleteImportedKeyMaterial", caller, parameters) {
            [self] records, call in
            let key = try self.key(key, Permission("DeleteImportedKeyMaterial"), records, &call)
            try key.requireImported()
            let found =
                materialID.map { id in key.materials.first { $0.textID == id } } ?? key.currentMaterial
            if materialID != nil && found == nil {
                throw AWSError(.notFound, "Key material \(materialID ?? "") does not exist for \(key.arn).")
            }
            if var material = found {
                material.wrapped = nil
                (material.expirationModel, material.validTo) = (nil, nil)
                try records.update(material, of: key.place)
            }
            return MaterialResponse(keyARN: key.arn, materialID: found?.textID)
        }
        try store.emptyLog()
        return response
    }

    // MARK: - Parts

    private func unwrapImport(_ material: MaterialImport, for key: LoadedKey) throws -> SecretBytes {
        let token = try ImportToken.open(material.importToken, for: key.place, hierarchy)
        guard token.token.validTo > clock.now else {
            throw AWSError(
                .expiredImportToken,
                "The import token has expired.",
                hint: "ask for new parameters with GetParametersForImport"
            )
        }
        guard let scheme = KeyTransport.Scheme(token.token.algorithm) else { throw KeyRecords.damaged }
        do {
            let pair = try PrivateKey(encoded: token.privateKey, kind: token.token.kind)
            return try KeyTransport.unwrap(material.encryptedKeyMaterial, with: pair, scheme: scheme)
        } catch {
            throw Refusal.badCiphertext
        }
    }

    /// Gives the material's id.
    private func keep(
        _ made: borrowing ImportedMaterial,
        _ order: MaterialImport,
        _ model: ExpirationModel,
        in key: LoadedKey,
        _ records: KeyRecords
    ) throws -> String {
        let id = hierarchy.importedMaterialID(made.secret, of: key.id)
        let textID = Hex.lower(id)
        if let wanted = order.materialID, wanted != textID { throw Self.otherMaterial }
        let wrapped = try key.wrap(made.secret, id: id, hierarchy)
        let validTo = model == .expires ? order.validTo : nil
        if var known = key.material(id) {
            if order.importType == .new { throw Self.otherMaterial }
            (known.wrapped, known.expirationModel, known.validTo) = (wrapped, model, validTo)
            known.description = order.materialDescription ?? known.description
            try records.update(known, of: key.place)
            return textID
        }
        if key.stored.isReplica { try requireMaterial(id, ofPrimaryOf: key, records) }
        // Other bytes than before: welcome only as the key's first, or where new material is said to come.
        var next = StoredMaterial(
            id: id,
            ordinal: (key.materials.last?.ordinal ?? -1) + 1,
            created: clock.now,
            state: .current,
            wrapped: wrapped,
            publicKey: made.publicKey,
            isImported: true,
            expirationModel: model,
            validTo: validTo,
            description: order.materialDescription
        )
        if !key.materials.isEmpty {
            guard order.importType == .new, key.stored.spec.isSymmetricEncryption else {
                throw Self.otherMaterial
            }
            if let waiting = key.materials.first(where: { $0.state == .pendingRotation }) {
                throw AWSError(
                    .kmsInvalidState,
                    "New key material (id: \(textID)) cannot be imported into KMS key \(key.arn), because "
                        + "another key material (id: \(waiting.textID)) is pending rotation."
                )
            }
            next.state = .pendingRotation
        }
        try records.add(next, to: key.place)
        return textID
    }

    /// A replica has its primary key's materials and no others.
    private func requireMaterial(_ id: [UInt8], ofPrimaryOf key: LoadedKey, _ records: KeyRecords) throws {
        guard let region = key.stored.primaryRegion,
            try loaded(KeyPlace(region: region, id: key.id), records).material(id) != nil
        else { throw Self.otherMaterial }
    }

    private static let otherMaterial = AWSError(
        .incorrectKeyMaterial,
        "The key material in the request is not the same as the key material that was previously imported."
    )
}

/// Imported bytes, found to be a key of the spec.
struct ImportedMaterial: ~Copyable {
    let secret: SecretBytes
    let publicKey: [UInt8]?

    init(_ secret: consuming SecretBytes, spec: KeySpec) throws {
        self.secret = secret
        publicKey = try Self.publicKey(self.secret, spec)
    }

    /// Refuses what is no key of the spec; gives the public half of a key pair.
    private static func publicKey(_ secret: borrowing SecretBytes, _ spec: KeySpec) throws -> [UInt8]? {
        if let kind = KeyPairKind(spec) {
            guard let pair = try? PrivateKey(importing: secret, kind: kind) else { throw refusal }
            return try pair.publicKey.spki()
        }
        guard spec.importedSecretBytes.contains(secret.count) else { throw refusal }
        return nil
    }

    /// What was wrapped is no key of this spec: nothing more is told.
    private static let refusal = AWSError(
        .incorrectKeyMaterial,
        "The key material is not valid for the key spec."
    )
}

extension KeySpec {
    /// The lengths of secrets that may be imported, bytes. (Developer guide, "Importing key material")
    fileprivate var importedSecretBytes: ClosedRange<Int> {
        switch self {
        case .hmac224: 28...64
        case .hmac256: 32...64
        case .hmac384: 48...128
        case .hmac512: 64...128
        default: 32...32
        }
    }
}
