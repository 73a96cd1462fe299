internal import CofferPolicy
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// The key policy's text, as it was put. (`GetKeyPolicy`)
    public func getKeyPolicy(_ key: KeyReference, name: String?, caller: Caller) async throws -> String {
        try await use("GetKeyPolicy", caller, ["keyId": .text("\(key)")]) { call in
            let key = try ownKey(key, Permission("GetKeyPolicy"), &call)
            try Self.checkPolicyName(name)
            return key.stored.policy
        }
    }

    /// Puts another key policy in the place of the present one. Unless the check is bypassed, refuses one that
    /// would not let the caller put another later. (`PutKeyPolicy`)
    public func putKeyPolicy(
        _ key: KeyReference,
        name: String?,
        policy: String,
        bypassesLockoutSafetyCheck: Bool,
        caller: Caller
    ) async throws {
        let parameters: [String: TrailValue?] = [
            "keyId": .text("\(key)"), "policyName": .text(name ?? DefaultPolicy.name),
            "bypassPolicyLockoutSafetyCheck": .bool(bypassesLockoutSafetyCheck),
        ]
        try await change("PutKeyPolicy", caller, parameters) { [self] records, call in
            var permission = Permission("PutKeyPolicy")
            permission.facts.append(
                ("kms:bypasspolicylockoutsafetycheck", ["\(bypassesLockoutSafetyCheck)"])
            )
            let key = try self.key(key, permission, records, &call)
            try Self.checkPolicyName(name)
            try check(policy, for: key.stored, bypass: bypassesLockoutSafetyCheck, call)
            var stored = key.stored
            stored.policy = policy
            try records.update(stored)
        }
    }

    /// The one name: `default`. (`ListKeyPolicies`)
    public func listKeyPolicies(
        _ key: KeyReference,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<String> {
        try await use("ListKeyPolicies", caller, ["keyId": .text("\(key)")]) { call in
            _ = try ownKey(key, Permission("ListKeyPolicies"), &call)
            return try Pagination.keys.part([DefaultPolicy.name], page) { $0 }
        }
    }

    /// Why a principal may or may not do something with a key: which statement decided, or that none allowed.
    /// `operation` is named as policies name it, without `kms:`. Takes any name of the key. The caller needs
    /// `GetKeyPolicy`.
    public func explain(
        _ operation: String,
        on key: KeyReference,
        as principal: Caller,
        context: EncryptionContext,
        caller: Caller
    ) async throws -> Explanation {
        try await use("GetKeyPolicy", caller, ["keyId": .text("\(key)")]) { call in
            let key = try self.key(key, Permission("GetKeyPolicy"), &call)
            var permission = Permission(operation)
            permission.grant = GrantOperation(rawValue: permission.name)
            permission.context = context
            return try explain(permission, on: key, as: principal, call)
        }
    }

    /// Refuses a key policy that cannot be read, names principals that are not there, or locks the caller out.
    func check(_ policy: String, for key: StoredKey, bypass: Bool, _ call: Call) throws {
        guard policy.utf8.count <= Limits.policyBytes else {
            throw AWSError(.limitExceeded, "a key policy has at most \(Limits.policyBytes) bytes")
        }
        let document: PolicyDocument
        do {
            document = try PolicyDocument(policy, kind: .resource)
        } catch  where error.isAboutPrincipal {
            throw Refusal.invalidPrincipal
        } catch {
            throw AWSError(.malformedPolicyDocument, "\(error)")
        }
        guard try document.principals.allSatisfy({ try exists($0) }) else { throw Refusal.invalidPrincipal }
        guard try bypass || allowsChange(document, of: key, call) else {
            throw AWSError(
                .malformedPolicyDocument,
                "The new key policy will not allow you to update the key policy in the future."
            )
        }
    }

    private static func checkPolicyName(_ name: String?) throws(AWSError) {
        guard name == nil || name == DefaultPolicy.name else {
            throw AWSError(.notFound, "No such policy exists")
        }
    }
}
