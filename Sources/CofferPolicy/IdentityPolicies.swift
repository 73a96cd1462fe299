public import CofferShapes

/// Whom the account knows, and what their own policies say: what a service asks when it decides.
public protocol IdentityPolicies: Sendable {
    /// The identity policies of a principal, as they are at this moment; none for the root user, who needs none,
    /// and for a principal who is not there.
    func policies(of principal: ARN) throws -> [NamedPolicy]

    /// Whether the account has this principal.
    func exists(_ principal: ARN) throws -> Bool
}
