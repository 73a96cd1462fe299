public import CofferShapes

/// What is asked: may `principal` do `action` to `resource`?
public struct PolicyRequest: Sendable {
    public var principal: PolicyPrincipal
    /// Service and operation, such as `kms:Decrypt`; upper and lower case do not differ.
    public var action: String
    /// The resource's ARN, or `*` for an action that has none, such as `kms:ListKeys`.
    public var resource: String
    /// The account that the resource belongs to, 12 digits.
    public var resourceAccount: String
    public var context: PolicyContext

    public init(
        principal: PolicyPrincipal,
        action: String,
        resource: String,
        resourceAccount: String,
        context: PolicyContext = PolicyContext()
    ) {
        (self.principal, self.action, self.resource) = (principal, action, resource)
        (self.resourceAccount, self.context) = (resourceAccount, context)
    }
}

/// Who asks. All the names that a policy may know the caller by are spelled out when it is made, so that a decision
/// compares and never composes.
public struct PolicyPrincipal: Sendable, Hashable, CustomStringConvertible {
    enum Kind {
        case root, user, roleSession, service, federated, anonymous
    }

    let kind: Kind
    /// The ARN of a user, a role's session or the root user; the name of a service or of an identity provider; empty
    /// for an anonymous caller.
    let name: String
    /// The account, nil for those who belong to none: services, federated and anonymous callers.
    let account: String?
    /// The ARN of the role whose session this is.
    let role: String?
    /// The account's canonical user id, by which S3 knows it; nil where the service has none.
    public var canonicalUserID: String?

    /// A user, a role's session (`arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`) or an account's root user.
    /// `role` is the ARN of a session's role; without it the role is taken to have the path `/`.
    public init(_ arn: ARN, role: ARN? = nil) {
        name = arn.description
        account = arn.account
        let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
        if arn.service == "iam", arn.resource == "root" {
            (kind, self.role) = (.root, nil)
        } else if arn.service == "sts", parts.count == 3, parts[0] == "assumed-role" {
            kind = .roleSession
            self.role = role?.description ?? "arn:aws:iam::\(arn.account):role/\(parts[1])"
        } else {
            (kind, self.role) = (.user, role?.description)
        }
    }

    private init(kind: Kind, name: String) {
        (self.kind, self.name, account, role) = (kind, name, nil, nil)
    }

    /// A service that acts for itself, such as `ec2.amazonaws.com`.
    public static func service(_ name: String) -> PolicyPrincipal {
        PolicyPrincipal(kind: .service, name: name)
    }

    /// Somebody whom an identity provider vouches for, before a role is assumed.
    public static func federated(_ provider: String) -> PolicyPrincipal {
        PolicyPrincipal(kind: .federated, name: provider)
    }

    /// A caller who signed nothing.
    public static var anonymous: PolicyPrincipal { PolicyPrincipal(kind: .anonymous, name: "") }

    public var description: String { kind == .anonymous ? "anonymous" : name }
}

/// What is known about a request besides who, what and on what: the values of condition keys.
public struct PolicyContext: Sendable {
    private enum Source {
        case values([String: [String]])
        case provider(@Sendable (String) -> [String]?)
    }

    private let source: Source

    /// Values by key; upper and lower case of keys do not differ.
    public init(_ values: [String: [String]] = [:]) {
        var folded: [String: [String]] = [:]
        for (key, values) in values { folded[key.lowercased(), default: []] += values }
        source = .values(folded)
    }

    /// Values found when a policy asks for them, which most do not: `provider` gets a key in lower case and gives its
    /// values, or nil where the request has none.
    public init(provider: @escaping @Sendable (_ lowercaseKey: String) -> [String]?) {
        source = .provider(provider)
    }

    /// The values of a key in lower case. A key without values is as one that is absent.
    func values(of lowercaseKey: String) -> [String]? {
        let values =
            switch source {
            case .values(let values): values[lowercaseKey]
            case .provider(let provider): provider(lowercaseKey)
            }
        return values.flatMap { $0.isEmpty ? nil : $0 }
    }
}
