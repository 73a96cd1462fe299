internal import CofferCatalog
internal import CofferPolicy
public import CofferShapes

// Policies that are part of a user.
extension IdentityService {
    /// Adds a policy to a user, or puts another in the place of the one with this name. (IAM `PutUserPolicy`)
    public func putUserPolicy(
        _ policyName: String,
        document: String,
        user name: String,
        caller: Caller
    ) throws {
        try change(
            "PutUserPolicy",
            ["userName": name, "policyName": policyName, "policyDocument": document],
            caller
        ) { commit in
            try IdentityNames.check(policyName: policyName)
            try IdentityNames.check(policyDocument: document)
            let user = try user(name, for: "iam:PutUserPolicy", caller)
            do {
                _ = try PolicyDocument(document, kind: .identity)
            } catch {
                // The place that the parser names says more than IAM's "Syntax errors in policy."
                throw IdentityRefusal.malformed("\(error)")
            }
            try commit { rows in
                guard try rows.user(id: user.id) != nil else { throw IdentityRefusal.noUser(name) }
                let others = try rows.policies(ofUser: user.id).filter { $0.name != policyName }
                let characters = others.reduce(Self.size(document)) { $0 + Self.size($1.document) }
                guard characters <= IdentityLimits.policyCharacters else {
                    throw IdentityRefusal.policiesTooLarge(IdentityLimits.policyCharacters, user: name)
                }
                try rows.put(UserPolicyRecord(name: policyName, document: document), ofUser: user.id)
            }
        }
    }

    /// A policy's text, as it was put. (IAM `GetUserPolicy`)
    public func getUserPolicy(_ policyName: String, user name: String, caller: Caller) throws -> String {
        try read("GetUserPolicy", ["userName": name, "policyName": policyName], caller) {
            try IdentityNames.check(policyName: policyName)
            let user = try user(name, for: "iam:GetUserPolicy", caller)
            let policies = try catalog.readIdentities { try $0.policies(ofUser: user.id) }
            guard let policy = policies.first(where: { $0.name == policyName }) else {
                throw IdentityRefusal.noPolicy(policyName)
            }
            return policy.document
        }
    }

    /// The names of a user's policies, in order. (IAM `ListUserPolicies`)
    public func listUserPolicies(
        user name: String,
        page: Page = Page(),
        caller: Caller
    ) throws -> Listing<String> {
        try read("ListUserPolicies", ["userName": name], caller) {
            let user = try user(name, for: "iam:ListUserPolicies", caller)
            let policies = try catalog.readIdentities { try $0.policies(ofUser: user.id) }
            return try IdentityPagination.part(policies.map(\.name), page) { $0 }
        }
    }

    /// Takes a policy from a user. (IAM `DeleteUserPolicy`)
    public func deleteUserPolicy(_ policyName: String, user name: String, caller: Caller) throws {
        try change("DeleteUserPolicy", ["userName": name, "policyName": policyName], caller) { commit in
            try IdentityNames.check(policyName: policyName)
            let user = try user(name, for: "iam:DeleteUserPolicy", caller)
            try commit { rows in
                guard try rows.removePolicy(policyName, ofUser: user.id) else {
                    throw IdentityRefusal.noPolicy(policyName)
                }
            }
        }
    }

    /// Characters as IAM counts them: without white space.
    private static func size(_ document: String) -> Int {
        document.unicodeScalars.count { !$0.properties.isWhitespace }
    }
}
