internal import CofferShapes

// Errors that RDS's edge itself gives (RDS API reference, "Common Errors"), and how others stand on its wire.
extension AWSError.Code {
    static let invalidQueryParameter = Self("InvalidQueryParameter", .usage)
}

extension AWSError {
    /// Nothing that is asked for is passed over: an option that protects something and is misspelled must not be dropped.
    static func unknownRDSParameter(_ name: String) -> AWSError {
        let shown = name.utf8.count <= 200 ? name : "\(name.prefix(100))…"
        return AWSError(.invalidQueryParameter, "The parameter \(shown) is not recognized.")
    }

    /// What RDS has and a machine of one's own has not.
    static func notHere(_ name: String) -> AWSError {
        AWSError(.invalidParameterCombination, "The parameter \(name) asks for what Coffer does not have.")
    }

    /// The name on RDS's wire. What comes from below without a name of RDS's gets the nearest that it has.
    var rdsName: String {
        switch code {
        case .kmsInternal, .internalError: "InternalFailure"
        case .storageFull: AWSError.Code.storageQuotaExceeded.name
        case .unknownParameter: AWSError.Code.invalidQueryParameter.name
        case .unauthorizedOperation, .accessDenied: AWSError.Code.iamAccessDenied.name
        default:
            if code.name.hasPrefix("KMS") && code != .kmsKeyNotAccessible || code.name.hasSuffix("Exception")
            {
                AWSError.Code.kmsKeyNotAccessible.name
            } else {
                code.name
            }
        }
    }

    /// The status that the service's model gives.
    var rdsStatus: Int {
        if code == .storageFull { return 400 }
        if code == .requestTooLarge { return 413 }
        if isFault { return 500 }
        return switch code.kind {
        case .accessDenied: 403
        case .notFound: 404
        default: 400
        }
    }
}
