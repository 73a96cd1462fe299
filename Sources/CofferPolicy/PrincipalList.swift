internal import CofferShapes

/// One principal that a resource policy names.
public enum PolicyPrincipalName: Sendable, Hashable, CustomStringConvertible {
    /// `*`: whoever it is, of any account or none.
    case everyone
    /// An account, by its root user's ARN or its number: all its principals.
    case account(String)
    /// The ARN of a user, a role, a role's session or a federated user.
    case arn(String)
    case service(String)
    case federated(String)
    case canonicalUser(String)

    public var description: String {
        switch self {
        case .everyone: "*"
        case .account(let account): "arn:aws:iam::\(account):root"
        case .arn(let text), .service(let text), .federated(let text), .canonicalUser(let text): text
        }
    }

    /// A name under `AWS`: `*`, an account's number, or the ARN of a principal; nil for anything else. Wildcards
    /// inside an ARN are none here, as on AWS.
    init?(aws text: String) {
        if text == "*" {
            self = .everyone
            return
        }
        if AccountID(text) != nil {
            self = .account(text)
            return
        }
        guard !text.contains("*"), !text.contains("?"), let arn = ARN(text), arn.region.isEmpty,
            AccountID(arn.account) != nil
        else { return nil }
        let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
        switch (arn.service, parts[0], parts.count) {
        case ("iam", "root", 1): self = .account(arn.account)
        case ("iam", "user", 2...), ("iam", "role", 2...), ("sts", "assumed-role", 3),
            ("sts", "federated-user", 2):
            guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
            self = .arn(text)
        default: return nil
        }
    }
}

/// How a statement's principals fit a caller.
enum PrincipalFit: Comparable {
    case none
    /// Its account is named: the account may then let its own policies decide.
    case account
    /// The caller is named, or everyone is.
    case direct
}

/// `Principal` or `NotPrincipal` of a statement.
struct PrincipalList: Sendable {
    let names: [PolicyPrincipalName]
    let isNegated: Bool
    private let includesEveryone: Bool
    private let accounts: [String]

    init(_ names: [PolicyPrincipalName], isNegated: Bool) {
        (self.names, self.isNegated) = (names, isNegated)
        includesEveryone = names.contains(.everyone)
        accounts = names.compactMap { name in
            if case .account(let account) = name { account } else { nil }
        }
    }

    func fit(_ principal: PolicyPrincipal, _ effect: PolicyEffect) -> PrincipalFit {
        guard isNegated else {
            if includesEveryone || names(principal) { return .direct }
            return namesAccount(of: principal) ? .account : .none
        }
        let isExcepted =
            switch effect {
            // Left out of a denial is only who is listed by each of his names: the account, the role, and the
            // session or user. (IAM user guide, "NotPrincipal": "you must also specify the account ARN".)
            case .deny: includesEveryone || isListedWhole(principal)
            // Left out of an allowance is who is listed by any of them.
            case .allow: includesEveryone || names(principal) || namesAccount(of: principal)
            }
        return isExcepted ? .none : .direct
    }

    /// Whether the caller itself or its role is listed.
    private func names(_ principal: PolicyPrincipal) -> Bool {
        lists(principal) || principal.role.map(lists(arn:)) == true
    }

    private func lists(_ principal: PolicyPrincipal) -> Bool {
        switch principal.kind {
        case .user, .roleSession: lists(arn: principal.name)
        case .service: names.contains { if case .service(principal.name) = $0 { true } else { false } }
        case .federated: names.contains { if case .federated(principal.name) = $0 { true } else { false } }
        // An account stands for its root user: `namesAccount`.
        case .root, .anonymous: false
        }
    }

    private func lists(arn: String) -> Bool {
        names.contains { if case .arn(arn) = $0 { true } else { false } }
    }

    private func namesAccount(of principal: PolicyPrincipal) -> Bool {
        guard let account = principal.account else { return false }
        if accounts.contains(account) { return true }
        guard let canonicalUserID = principal.canonicalUserID else { return false }
        return names.contains { if case .canonicalUser(canonicalUserID) = $0 { true } else { false } }
    }

    private func isListedWhole(_ principal: PolicyPrincipal) -> Bool {
        switch principal.kind {
        case .root: namesAccount(of: principal)
        case .user, .roleSession:
            lists(principal) && namesAccount(of: principal) && principal.role.map(lists(arn:)) != false
        case .service, .federated, .anonymous: lists(principal)
        }
    }
}
