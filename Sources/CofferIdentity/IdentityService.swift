internal import CofferCatalog
internal import CofferPolicy
public import CofferSecrets
public import CofferShapes
public import CofferTrail

/// The users of a home, their access keys and policies, with the verbs and errors of AWS IAM and of STS
/// `GetCallerIdentity`. Verbs block on the disk for some milliseconds.
///
/// The account's root user may do everything here. A user may do what its policies allow, on the resource
/// `arn:aws:iam::ACCOUNT:user/PATH/NAME`. Each call leaves its line on the trail, also one that is refused; a change is
/// made with its line or not at all.
public final class IdentityService: Sendable {
    public let directory: IdentityDirectory
    public var account: AccountID { directory.account }

    let trail: Trail
    let clock: any WallClock
    let random: any ByteSource
    var catalog: Catalog { directory.catalog }

    public init(
        directory: IdentityDirectory,
        trail: Trail,
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource()
    ) {
        (self.directory, self.trail, self.clock, self.random) = (directory, trail, clock, random)
    }

    // MARK: - STS

    /// Who asks; nobody needs permission for it. (STS `GetCallerIdentity`)
    public func getCallerIdentity(caller: Caller) throws -> CallerIdentity {
        try read("GetCallerIdentity", of: "sts.amazonaws.com", [:], caller) {
            let arn = caller.principal
            if arn == .root(account) {
                return CallerIdentity(userID: account.digits, account: account, arn: arn)
            }
            guard let principal = try directory.principal(arn) else {
                throw IdentityRefusal.noUser(arn.iamUserName ?? arn.resource)
            }
            return CallerIdentity(userID: principal.userID, account: account, arn: arn)
        }
    }

    // MARK: - Permission

    /// Whose user or access keys a call is about.
    enum Subject: Sendable {
        case root
        case user(UserRecord)

        /// nil for the root user.
        var userID: String? { if case .user(let user) = self { user.id } else { nil } }
        var userName: String? { if case .user(let user) = self { user.name } else { nil } }
    }

    /// Refuses what no policy of the caller allows. `shown` is what IAM calls the resource in its refusal.
    func authorise(_ action: String, on resource: String, shown: String, _ caller: Caller) throws {
        let principal = try directory.principal(caller.principal)
        let conditions = GlobalConditionKeys(
            caller: caller,
            userID: principal?.userID,
            region: nil,
            resourceAccount: account,
            now: clock.now
        )
        let request = PolicyRequest(
            principal: PolicyPrincipal(caller.principal),
            action: action,
            resource: resource,
            resourceAccount: account.digits,
            context: PolicyContext { name in conditions.values(of: name) }
        )
        let because: String
        switch PolicySet(resource: nil, identity: principal?.policies ?? []).decide(
            request,
            mode: .eitherSuffices
        ) {
        case .allowed: return
        case .denied: because = "with an explicit deny in an identity-based policy"
        case .notAllowed: because = "because no identity-based policy allows the \(action) action"
        }
        throw IdentityRefusal.accessDenied(caller.principal, action, on: shown, because)
    }

    /// The user of this name, for a caller who may do `action` with it. Who may not is not told whether it exists.
    func user(_ name: String, for action: String, _ caller: Caller) throws -> UserRecord {
        let found = try directory.user(name)
        let arn = found.map { directory.arn(of: $0) } ?? .user(name, account: account)
        try authorise(action, on: arn.description, shown: "user \(name)", caller)
        guard let found else { throw IdentityRefusal.noUser(name) }
        return found
    }

    /// As `user`; without a name the caller itself.
    func subject(_ name: String?, for action: String, _ caller: Caller) throws -> Subject {
        if let name { return .user(try user(name, for: action, caller)) }
        if caller.principal == .root(account) { return .root }
        guard let own = caller.principal.iamUserName else { throw IdentityRefusal.rootIsNoUser }
        return .user(try user(own, for: action, caller))
    }
}
