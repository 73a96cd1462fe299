internal import CofferCatalog
internal import CofferIdentity
internal import CofferShapes

/// The home's answer to whether a caller may do something. Its root user may, and is not kept waiting for the root key;
/// for all others the identity service decides.
struct HomeAuthoriser: ActionAuthoriser {
    let home: Home

    func require(_ request: ActionRequest, caller: Caller) async throws {
        if caller.principal == .root(home.identity.account) { return }
        // A service that does something for a caller with another one's resources has asked in its own words.
        if caller.via != nil { return }
        let authoriser = EC2Authoriser(
            directory: try await home.identityService().directory,
            region: home.identity.region
        )
        try await authoriser.require(request, caller: caller)
    }
}
