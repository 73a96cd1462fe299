public import CofferCatalog
public import CofferPolicy
public import CofferSecrets
public import CofferShapes

/// Who may ask: the users of a home, their access keys and policies, with the verbs and errors of AWS IAM and of STS
/// `GetCallerIdentity`.
///
/// What a server asks at every request (`accessKey`, `policies`, `exists`) is answered from memory once the catalogue
/// has said, in about a microsecond, that nothing changed: a key made inactive by another process is inactive in the
/// very next request. Verbs block on the disk for some milliseconds.
///
/// The account's root user may do everything here. A user may do what its policies allow, on the resource
/// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
public final class IdentityService: IdentityPolicies, Sendable {
    public let account: AccountID

    let catalog: Catalog
    let cache: IdentityCache
    let clock: any WallClock
    let random: any ByteSource

    /// `wrappingKey` has 32 bytes, derived from the home's root key for this service alone.
    public init(
        catalog: Catalog,
        wrappingKey: consuming SecretBytes,
        account: AccountID,
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource()
    ) throws {
        (self.catalog, self.account, self.clock, self.random) = (catalog, account, clock, random)
        cache = IdentityCache(
            watch: try catalog.watch(),
            account: account,
            wrapping: AccessKeyWrapping(wrappingKey: wrappingKey, random: random)
        )
    }

    // MARK: - For the server and other services, at every request

    /// The access key of this id, also one that is inactive; nil where there is none.
    public func accessKey(_ id: String) throws -> AccessKey? { try cache.accessKey(id) }

    public func policies(of principal: ARN) throws -> [NamedPolicy] {
        try cache.principal(principal)?.policies ?? []
    }

    public func exists(_ principal: ARN) throws -> Bool {
        try principal == .root(account) || cache.principal(principal) != nil
    }

    // MARK: - STS

    /// Who asks; nobody needs permission for it. (STS `GetCallerIdentity`)
    public func getCallerIdentity(caller: Caller) throws -> CallerIdentity {
        let arn = caller.principal
        if arn == .root(account) {
            return CallerIdentity(userID: account.digits, account: account, arn: arn)
        }
        guard let principal = try cache.principal(arn) else {
            throw IdentityRefusal.noUser(arn.iamUserName ?? arn.resource)
        }
        return CallerIdentity(userID: principal.userID, account: account, arn: arn)
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
        let principal = try cache.principal(caller.principal)
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
        try IdentityNames.check(userName: name)
        let found = try catalog.readIdentities { try $0.user(named: name) }
        let arn = found.map { cache.arn(of: $0) } ?? .user(name, account: account)
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
