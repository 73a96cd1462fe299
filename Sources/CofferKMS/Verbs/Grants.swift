internal import CofferSecrets
public import CofferShapes
internal import CofferTrail
internal import FoundationEssentials

extension KeyManagementService {
    /// Gives a principal leave for operations with one key. The same order under the same name again gives the
    /// same grant, with a new token. (`CreateGrant`)
    public func createGrant(
        _ order: GrantOrder,
        on key: KeyReference,
        use: KeyUse = KeyUse(),
        caller: Caller
    ) async throws -> GrantResponse {
        let operations = order.operations.map(\.rawValue)
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "granteePrincipal": .text(order.grantee),
            "retiringPrincipal": order.retiring.map { .text($0) }, "operations": .texts(operations),
            "name": order.name.map { .text($0) }, "dryRun": Self.value(isDryRun: use.isDryRun),
        ]
        return try await change("CreateGrant", caller, parameters) { [self] records, call in
            try check(use.grantTokens)
            let key = try self.key(key, Permission(granting: order, call.caller), records, &call)
            try check(order, on: key, call)
            try key.requireEnabled()
            if let name = order.name,
                let known = key.grants.first(where: { $0.order.name == name && $0.order.isSame(as: order) })
            {
                try use.stopIfDry()
                return GrantResponse(id: known.id, token: grantToken(known.id))
            }
            guard key.grants.count < Limits.grantsPerKey else {
                throw AWSError(.limitExceeded, "\(key.arn) has \(Limits.grantsPerKey) grants already")
            }
            try use.stopIfDry()
            let id = Hex.lower(random.bytes(32))
            let grant = StoredGrant(id: id, keyID: key.id, created: clock.now, order: order)
            try records.add(grant, in: call.region)
            call.record.responseElements = ["grantId": .text(id), "keyId": .text(key.arn.description)]
            return GrantResponse(id: id, token: grantToken(id))
        }
    }

    /// The grants of a key, the oldest first; of one id or one grantee where given. (`ListGrants`)
    public func listGrants(
        _ key: KeyReference,
        id: String? = nil,
        grantee: String? = nil,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<Grant> {
        try await use("ListGrants", caller, ["keyId": .text("\(key)")]) { call in
            let key = try ownKey(key, Permission("ListGrants"), &call)
            if let id, !Self.isGrantID(id) { throw Refusal.noGrantID(id) }
            let grants = key.grants.filter { grant in
                (id == nil || grant.id == id) && (grantee == nil || grant.order.grantee == grantee)
            }
            return try Pagination.grants.part(grants.map { self.grant($0, on: key.arn) }, page, name: \.order)
        }
    }

    /// The grants of all keys of the region that a principal may retire. (`ListRetirableGrants`)
    public func listRetirableGrants(
        retiring principal: String,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<Grant> {
        let parameters: [String: TrailValue?] = ["retiringPrincipal": .text(principal)]
        return try await use("ListRetirableGrants", caller, parameters) { call in
            if caller.principal.description != principal {
                try authorise(Permission("ListRetirableGrants"), &call)
            }
            let region = call.region
            let grants = try cache.read { try $0.grants(retiring: principal, in: region) }
            let items = grants.map { grant($0, on: arn(of: $0.keyID, in: region)) }
            return try Pagination.grants.part(items, page, name: \.order)
        }
    }

    /// Ends a grant that has done its work: for its retiring principal, its grantee where the grant says so,
    /// and whoever the key's policies let. (`RetireGrant`)
    public func retireGrant(_ grant: GrantReference, isDryRun: Bool = false, caller: Caller) async throws {
        var parameters: [String: TrailValue?] =
            switch grant {
            case .token: [:]
            case .id(let id, let key): ["grantId": .text(id), "keyId": .text("\(key)")]
            }
        parameters["dryRun"] = Self.value(isDryRun: isDryRun)
        try await change("RetireGrant", caller, parameters) { [self] records, call in
            let id: String
            let reference: KeyReference
            switch grant {
            case .token(let token):
                id = try grantID(token)
                guard let stored = try records.grant(id, in: call.region) else {
                    throw Refusal.noSuchGrant(id)
                }
                reference = .id(stored.keyID)
            case .id(let given, let key): (id, reference) = (given, key)
            }
            let principal = call.caller.principal.description
            let mayRetire = try records.grant(id, in: call.region)?.order.mayBeRetired(by: principal) ?? false
            let permission = Permission("RetireGrant", isFree: mayRetire)
            let key = try self.key(reference, permission, records, &call)
            guard key.grants.contains(where: { $0.id == id }) else { throw Refusal.noSuchGrant(id) }
            call.record.additionalEventData = ["grantId": .text(id), "keyId": .text(key.arn.description)]
            try KeyUse(isDryRun: isDryRun).stopIfDry()
            try records.removeGrant(id, in: call.region)
        }
    }

    /// Takes a grant away. (`RevokeGrant`)
    public func revokeGrant(
        _ id: String,
        on key: KeyReference,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "grantId": .text(id), "dryRun": Self.value(isDryRun: isDryRun),
        ]
        try await change("RevokeGrant", caller, parameters) { [self] records, call in
            let key = try self.key(key, Permission("RevokeGrant"), records, &call)
            guard key.grants.contains(where: { $0.id == id }) else { throw Refusal.noSuchGrant(id) }
            try KeyUse(isDryRun: isDryRun).stopIfDry()
            try records.removeGrant(id, in: call.region)
        }
    }

    // MARK: - What clients of the key service ask

    public func createGrant(
        _ order: GrantOrder,
        on key: KeyReference,
        caller: Caller
    ) async throws -> GrantResponse {
        try await createGrant(order, on: key, use: KeyUse(), caller: caller)
    }

    public func retireGrant(_ grant: GrantReference, caller: Caller) async throws {
        try await retireGrant(grant, isDryRun: false, caller: caller)
    }

    private static func isGrantID(_ text: String) -> Bool { Hex.bytes(text)?.count == 32 }

    // MARK: - Tokens

    /// A token that makes a new grant usable at once: here every grant is, and the token only shows that its
    /// holder got it from us. 16 random bytes, the grant's id, and a code over both; base64.
    private func grantToken(_ id: String) -> String {
        let words = random.bytes(16) + (Hex.bytes(id) ?? [])
        return Data(words + hierarchy.grantTokenCode(words)).base64EncodedString()
    }

    private func grantID(_ token: String) throws(AWSError) -> String {
        guard let bytes = Data(base64Encoded: token).map(Array.init), bytes.count == 80 else {
            throw Refusal.badGrantToken
        }
        let words = Array(bytes.prefix(48))
        guard constantTimeEqual(hierarchy.grantTokenCode(words), Array(bytes.dropFirst(48))) else {
            throw Refusal.badGrantToken
        }
        return Hex.lower(words.dropFirst(16))
    }

    /// Refuses tokens that are not ours, and more than AWS takes.
    func check(_ grantTokens: [String]) throws(AWSError) {
        guard grantTokens.count <= Limits.grantTokens else {
            throw Refusal.tooLong("grantTokens", limit: Limits.grantTokens)
        }
        for token in grantTokens { _ = try grantID(token) }
    }

    // MARK: - Orders

    private func check(_ order: GrantOrder, on key: LoadedKey, _ call: Call) throws {
        for principal in [order.grantee, order.retiring].compactMap({ $0 }) {
            guard try isPrincipal(principal) else {
                throw AWSError(.invalidArn, "ARN does not refer to a valid principal: \(principal)")
            }
        }
        guard !order.operations.isEmpty else { throw Refusal.tooShort("operations", limit: 1) }
        // A context is bound to ciphertexts of symmetric encryption keys only.
        guard order.constraints == nil || key.stored.spec.isSymmetricEncryption else {
            throw Refusal.validation(
                "Encryption context constraints are not valid for a KMS key with key spec "
                    + "\(key.stored.spec.rawValue)."
            )
        }
        let allowed = GrantOperation.allowed(for: key.stored)
        guard let wrong = order.operations.first(where: { !allowed.contains($0) }) else { return }
        throw Refusal.validation(
            "Grant operation \(wrong.rawValue) is not valid for a KMS key with key usage "
                + "\(key.stored.usage.rawValue)."
        )
    }

    private func grant(_ stored: StoredGrant, on key: ARN) -> Grant {
        Grant(
            id: stored.id,
            keyARN: key,
            created: stored.created,
            issuingAccount: .root(account),
            order: stored.order
        )
    }
}

extension Grant {
    /// Sorts as the store does: by age, then by id.
    fileprivate var order: String {
        let digits = String(created.nanoseconds)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + id
    }
}

extension GrantOrder {
    fileprivate func isSame(as other: GrantOrder) -> Bool {
        grantee == other.grantee && retiring == other.retiring && constraints == other.constraints
            && Set(operations) == Set(other.operations)
    }

    /// Whether a principal needs no policy to retire the grant.
    fileprivate func mayBeRetired(by principal: String) -> Bool {
        retiring == principal || (grantee == principal && operations.contains(.retireGrant))
    }
}

extension GrantOperation {
    /// What grants on a key may allow. (`CreateGrant`, "Operations")
    fileprivate static func allowed(for key: StoredKey) -> Set<GrantOperation> {
        let always: Set<GrantOperation> = [.createGrant, .describeKey, .retireGrant]
        switch key.usage {
        case .encryptDecrypt where key.spec.isSymmetricEncryption:
            return always.union([
                .decrypt, .encrypt, .generateDataKey, .generateDataKeyWithoutPlaintext, .generateDataKeyPair,
                .generateDataKeyPairWithoutPlaintext, .reEncryptFrom, .reEncryptTo,
            ])
        case .encryptDecrypt:
            return always.union([.decrypt, .encrypt, .reEncryptFrom, .reEncryptTo, .getPublicKey])
        case .signVerify: return always.union([.sign, .verify, .getPublicKey])
        case .generateVerifyMAC: return always.union([.generateMac, .verifyMac])
        case .keyAgreement: return always.union([.deriveSharedSecret, .getPublicKey])
        }
    }
}
