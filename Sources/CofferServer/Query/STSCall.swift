internal import CofferIdentity
internal import CofferShapes

/// `GetCallerIdentity`, the one action of STS that asks nothing of roles. It needs no permission. (AWS STS API reference)
struct STSCall {
    static let namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    static let actions: Set = ["GetCallerIdentity"]

    let identity: IdentityService
    let caller: Caller

    func answer(_ writer: inout XMLWriter) throws {
        let found = try identity.getCallerIdentity(caller: caller)
        writer.element("GetCallerIdentityResult") { writer in
            writer.element("Arn", found.arn.description)
            writer.element("UserId", found.userID)
            writer.element("Account", found.account.digits)
        }
    }
}
