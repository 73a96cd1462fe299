public import CofferShapes

/// The condition keys that every service gives the same values, found when a policy asks. (IAM user guide, "AWS global
/// condition context keys".)
public struct GlobalConditionKeys: Sendable {
    private let caller: Caller
    private let userID: String?
    private let region: Region?
    private let resourceAccount: AccountID
    private let now: Timestamp

    /// `userID` is the unique id of the calling user, where the service knows it; `region` is the one that the request
    /// is for, nil for a service that has none.
    public init(
        caller: Caller,
        userID: String? = nil,
        region: Region?,
        resourceAccount: AccountID,
        now: Timestamp
    ) {
        (self.caller, self.userID, self.region) = (caller, userID, region)
        (self.resourceAccount, self.now) = (resourceAccount, now)
    }

    /// The values of a key in lower case; nil where the request has none.
    public func values(of name: String) -> [String]? {
        let principal = caller.principal
        switch name {
        case "aws:principalarn": return [principal.description]
        case "aws:principalaccount": return [principal.account]
        case "aws:principaltype": return [principal.isRoot ? "Account" : "User"]
        case "aws:principalisawsservice": return ["false"]
        case "aws:username": return principal.iamUserName.map { [$0] }
        case "aws:userid": return principal.isRoot ? [principal.account] : userID.map { [$0] }
        case "aws:currenttime": return [now.iso8601]
        case "aws:epochtime": return ["\(now.nanoseconds / 1_000_000_000)"]
        case "aws:sourceip": return caller.via == nil ? caller.origin.map { [$0.sourceAddress] } : nil
        case "aws:securetransport": return caller.origin.map { ["\($0.isSecureTransport)"] }
        case "aws:useragent": return caller.origin.map { [$0.userAgent] }
        case "aws:requestedregion": return region.map { [$0.name] }
        case "aws:resourceaccount": return [resourceAccount.digits]
        case "aws:viaawsservice": return ["\(caller.via != nil)"]
        case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
            return caller.via.map { ["\($0.endpointPrefix).amazonaws.com"] }
        default: return nil
        }
    }
}
