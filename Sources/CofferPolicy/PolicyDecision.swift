/// What the policies say to a request, and why.
public enum PolicyDecision: Sendable, Hashable {
    case allowed(by: PolicyGround)
    /// A statement denies explicitly, which nothing overrides.
    case denied(by: PolicyStatementName)
    /// Nothing denies, but what would have to allow does not.
    case notAllowed(PolicyRefusal)

    public var isAllowed: Bool {
        if case .allowed = self { true } else { false }
    }
}

/// A statement by the name of its policy, its index there from 0, and its Sid.
public struct PolicyStatementName: Sendable, Hashable, CustomStringConvertible {
    /// Where the policy is attached.
    public let kind: PolicyDocument.Kind
    public let policy: String
    public let index: Int
    public let sid: String?

    public var description: String {
        sid.map { "statement \"\($0)\" of \(policy)" } ?? "statement \(index) of \(policy)"
    }
}

/// What a request is allowed by.
public enum PolicyGround: Sendable, Hashable, CustomStringConvertible {
    /// A statement of the resource's policy that names the principal.
    case resourcePolicy(PolicyStatementName)
    /// A statement of a policy of the principal.
    case identityPolicy(PolicyStatementName)
    /// The resource's policy lets the account decide, or comes from another account, and the principal's policy allows.
    case both(resource: PolicyStatementName, identity: PolicyStatementName)
    /// The caller is the root user of its account. With the statement of the resource's policy where one was needed.
    case rootUser(resource: PolicyStatementName?)
    /// A grant, in the words of who gave it; with the statement of the principal's policy that another account's
    /// resource needs.
    case grant(String, identity: PolicyStatementName?)

    public var description: String {
        switch self {
        case .resourcePolicy(let name), .identityPolicy(let name): "\(name)"
        case .both(let resource, let identity): "\(resource) and \(identity)"
        case .rootUser(let resource?): "\(resource) and the rights of the root user"
        case .rootUser(nil): "the rights of the root user"
        case .grant(let words, let identity?): "\(words) and \(identity)"
        case .grant(let words, nil): words
        }
    }
}

/// Why nothing allows a request.
public struct PolicyRefusal: Sendable, Hashable {
    /// What lacks a statement that allows; of two the one that would have been asked first.
    public enum Missing: Sendable, Hashable {
        case resourcePolicy
        case identityPolicy
    }

    public let missing: Missing
    /// The statements that would allow but do not fit, those that came nearest first; at most ten.
    public let nearMisses: [PolicyNearMiss]
}

/// A statement that would allow, and all that keeps it from the request.
public struct PolicyNearMiss: Sendable, Hashable, CustomStringConvertible {
    public let statement: PolicyStatementName
    public let failures: [PolicyFailure]

    public var description: String {
        "\(statement): \(failures.map(\.description).joined(separator: "; "))"
    }
}

/// A part of a statement that does not fit the request.
public enum PolicyFailure: Sendable, Hashable, CustomStringConvertible {
    case principal
    case action
    case resource
    /// `actual` is nil where the request has no such key.
    case condition(operator: String, key: String, wanted: [String], actual: [String]?)

    public var description: String {
        switch self {
        case .principal: "the principal is another"
        case .action: "the action is another"
        case .resource: "the resource is another"
        case .condition(let `operator`, let key, let wanted, let actual):
            "\(`operator`) on \(key) wants \(Self.words(wanted)), the request has "
                + (actual.map(Self.words) ?? "no such key")
        }
    }

    private static func words(_ values: [String]) -> String {
        values.map { "\"\($0)\"" }.joined(separator: " or ")
    }
}
