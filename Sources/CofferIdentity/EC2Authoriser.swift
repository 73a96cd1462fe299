internal import CofferPolicy
public import CofferShapes

/// EC2's leave: the caller's identity policies decide, as volumes and snapshots have no policies of their own. The root
/// user of the account may do everything.
public struct EC2Authoriser: ActionAuthoriser {
    private let directory: IdentityDirectory
    /// The region of callers that name none.
    private let region: Region
    private let clock: any WallClock

    public init(directory: IdentityDirectory, region: Region, clock: any WallClock = SystemClock()) {
        (self.directory, self.region, self.clock) = (directory, region, clock)
    }

    /// Throws `UnauthorizedOperation` for the first resource that is not allowed.
    public func require(_ request: ActionRequest, caller: Caller) async throws {
        try check(request, caller)
    }

    func check(_ request: ActionRequest, _ caller: Caller) throws {
        let principal = try directory.principal(caller.principal)
        let policies = PolicySet(resource: nil, identity: principal?.policies ?? [])
        let region = caller.region ?? region
        let global = GlobalConditionKeys(
            caller: caller,
            userID: principal?.userID,
            region: region,
            resourceAccount: directory.account,
            now: clock.now
        )
        let resources = request.resources.isEmpty ? [ActionResource(arn: "*")] : request.resources
        for resource in resources {
            let values = Self.facts(request, resource, region)
            let question = PolicyRequest(
                principal: PolicyPrincipal(caller.principal),
                action: request.action,
                resource: resource.arn,
                resourceAccount: directory.account.digits,
                context: PolicyContext { name in values[name] ?? global.values(of: name) }
            )
            let because: String
            switch policies.decide(question, mode: .eitherSuffices) {
            case .allowed: continue
            case .denied: because = "with an explicit deny in an identity-based policy"
            case .notAllowed: because = "because no identity-based policy allows the \(request.action) action"
            }
            throw AWSError(
                .unauthorizedOperation,
                "You are not authorized to perform this operation. User: \(caller.principal) is not authorized to "
                    + "perform: \(request.action) on resource: \(resource.arn) \(because)"
            )
        }
    }

    /// Condition keys in lower case, with their values.
    private static func facts(
        _ request: ActionRequest,
        _ resource: ActionResource,
        _ region: Region
    ) -> [String: [String]] {
        var values = ["ec2:region": [region.name]]
        for (key, value) in request.facts { values[key.lowercased()] = value }
        for (key, value) in resource.facts { values[key.lowercased()] = value }
        for tag in resource.tags {
            values["aws:resourcetag/\(tag.key.lowercased())"] = [tag.value]
            values["ec2:resourcetag/\(tag.key.lowercased())"] = [tag.value]
        }
        return values
    }
}
