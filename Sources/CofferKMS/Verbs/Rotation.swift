internal import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Rotates the key from now on, every 90 to 2560 days (nil: 365). (`EnableKeyRotation`)
    public func enableKeyRotation(_ key: KeyReference, periodInDays: Int?, caller: Caller) async throws {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "rotationPeriodInDays": periodInDays.map { .number($0) },
        ]
        try await change("EnableKeyRotation", caller, parameters) { [self] records, call in
            let days = periodInDays ?? Limits.defaultRotationDays
            guard Limits.rotationDays.contains(days) else {
                throw Refusal.outside(Limits.rotationDays, days, "rotationPeriodInDays")
            }
            var permission = Permission("EnableKeyRotation")
            permission.facts.append(("kms:rotationperiodindays", ["\(days)"]))
            let key = try rotatable(key, permission, automatically: true, records, &call)
            var stored = key.stored
            // Called again without a period it leaves everything as it is.
            if stored.rotationPeriodInDays != nil && periodInDays == nil { return }
            stored.rotationPeriodInDays = days
            stored.nextRotation = clock.now.adding(days: days)
            try records.update(stored)
        }
    }

    /// Keeps the materials that there are, and makes no more by itself. (`DisableKeyRotation`)
    public func disableKeyRotation(_ key: KeyReference, caller: Caller) async throws {
        try await change("DisableKeyRotation", caller, ["keyId": .text("\(key)")]) { [self] records, call in
            let key = try rotatable(
                key,
                Permission("DisableKeyRotation"),
                automatically: true,
                records,
                &call
            )
            var stored = key.stored
            (stored.rotationPeriodInDays, stored.nextRotation) = (nil, nil)
            try records.update(stored)
        }
    }

    /// (`GetKeyRotationStatus`)
    public func getKeyRotationStatus(_ key: KeyReference, caller: Caller) async throws -> RotationStatus {
        try await use("GetKeyRotationStatus", caller, ["keyId": .text("\(key)")]) { call in
            let key = try ownKey(key, Permission("GetKeyRotationStatus"), &call)
            try key.requireRotatable(automatically: false)
            // The schedule of a multi-Region key is its primary key's.
            let primary = key.stored.primaryRegion.map { KeyPlace(region: $0, id: key.id) }
            let schedule = (try primary.flatMap { try cache.key($0) } ?? key).stored
            let isEnabled = schedule.rotationPeriodInDays != nil && key.stored.pendingWindowInDays == nil
            return RotationStatus(
                keyARN: key.arn,
                isEnabled: isEnabled,
                periodInDays: isEnabled ? schedule.rotationPeriodInDays : nil,
                nextRotation: isEnabled ? schedule.nextRotation : nil
            )
        }
    }

    /// Rotates the key now; at most 25 times in its life. Of imported material, the one that was imported as
    /// new and waits becomes current. (`RotateKeyOnDemand`)
    public func rotateKeyOnDemand(_ key: KeyReference, caller: Caller) async throws -> ARN {
        try await change("RotateKeyOnDemand", caller, ["keyId": .text("\(key)")]) { [self] records, call in
            let key = try rotatable(
                key,
                Permission("RotateKeyOnDemand"),
                automatically: false,
                records,
                &call
            )
            guard key.materials.count(where: { $0.rotationKind == .onDemand }) < Limits.onDemandRotations
            else {
                throw AWSError(
                    .limitExceeded,
                    "The on-demand rotations limit has been reached for the given keyId. "
                        + "No more on-demand rotations can be performed for this key: \(key.arn)"
                )
            }
            try rotate(key, kind: .onDemand, records)
            return key.arn
        }
    }

    /// The rotations, the newest last; with all material, also the first and the one that waits.
    /// (`ListKeyRotations`)
    public func listKeyRotations(
        _ key: KeyReference,
        includesAllMaterial: Bool = false,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<KeyRotation> {
        try await use("ListKeyRotations", caller, ["keyId": .text("\(key)")]) { call in
            let key = try ownKey(key, Permission("ListKeyRotations"), &call)
            try key.requireRotatable(automatically: false)
            let materials = key.materials.filter { includesAllMaterial || $0.rotationDate != nil }
            let rotations = materials.map { rotation(to: $0, of: key) }
            let listing = try Pagination.keys.part(rotations, page) { rotation in
                let ordinal = materials.first { $0.textID == rotation.materialID }?.ordinal ?? 0
                return String(ordinal + 1_000_000)
            }
            return listing
        }
    }

    /// Gives a key its next material. Those before it decrypt for ever.
    func rotate(_ key: LoadedKey, kind: KeyRotation.Kind, _ records: KeyRecords) throws {
        var next: StoredMaterial
        let isImported = key.stored.origin == .external
        let now = clock.now
        if isImported {
            guard let waiting = key.materials.first(where: { $0.state == .pendingRotation }) else {
                throw AWSError(
                    .kmsInvalidState,
                    "No available key material pending rotation for the key: \(key.arn)."
                )
            }
            next = waiting
        } else {
            let ordinal = (key.materials.last?.ordinal ?? -1) + 1
            next = StoredMaterial(id: random.bytes(32), ordinal: ordinal, created: now, state: .current)
        }
        (next.state, next.rotationKind, next.rotationDate) = (.current, kind, now)
        let secret = NewMaterial(random: key.stored.spec.secretBytes, from: random)
        // A multi-Region key has the same materials in each of its regions.
        let regions = isImported || key.regions.isEmpty ? [key.stored.region] : key.regions
        for region in regions {
            let place = KeyPlace(region: region, id: key.id)
            let member = region == key.stored.region ? key : try loaded(place, records)
            if var current = member.currentMaterial {
                current.state = .nonCurrent
                try records.update(current, of: place)
            }
            if isImported {
                try records.update(next, of: place)
            } else {
                next.wrapped = try member.wrap(secret.secret, id: next.id, hierarchy)
                try records.add(next, to: place)
            }
        }
    }

    private func rotatable(
        _ reference: KeyReference,
        _ permission: Permission,
        automatically: Bool,
        _ records: KeyRecords,
        _ call: inout Call
    ) throws -> LoadedKey {
        let key = try key(reference, permission, records, &call)
        // A key in a custom key store does not rotate, whether its store is connected or not; nor does imported
        // material by itself, whether it is there or not.
        if !automatically || key.state != .pendingImport { try key.requireEnabled() }
        try key.requireRotatable(automatically: automatically)
        try key.requireUsable()
        guard !key.stored.isReplica else {
            throw AWSError(
                .unsupportedOperation,
                "\(key.arn) is a replica of a multi-Region key, and rotates with its primary key."
            )
        }
        return key
    }

    private func rotation(to material: StoredMaterial, of key: LoadedKey) -> KeyRotation {
        var rotation = KeyRotation(
            keyARN: key.arn,
            materialID: material.textID,
            materialState: material.state,
            rotationDate: material.rotationDate,
            kind: material.rotationKind
        )
        if material.isImported {
            rotation.importState = material.wrapped == nil ? .pendingImport : .imported
            rotation.expirationModel = material.expirationModel
            rotation.validTo = material.validTo
            rotation.materialDescription = material.description
        }
        return rotation
    }
}
