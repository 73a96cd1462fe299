internal import CofferShapes

// Errors that EC2's edge itself gives (EC2 API reference, "Error codes").
extension AWSError.Code {
    static let unknownParameter = Self("UnknownParameter", .usage)
    static let noSuchVersion = Self("NoSuchVersion", .usage)
}

extension AWSError {
    static func missingParameter(_ name: String) -> AWSError {
        AWSError(.missingParameter, "The request must contain the parameter \(name)")
    }

    static func unknownParameter(_ name: String) -> AWSError {
        AWSError(.unknownParameter, "The parameter \(shortened(name)) is not recognized")
    }

    /// `why` is a sentence with its full stop.
    static func invalidParameter(_ name: String, _ value: String, _ why: String) -> AWSError {
        let label = name.prefix(1).lowercased() + name.dropFirst()
        return AWSError(
            .invalidParameterValue,
            "Value (\(shortened(value))) for parameter \(label) is invalid. \(why)"
        )
    }

    /// Text of a request, short enough to be given back.
    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 200 ? text : "\(text.prefix(100))…"
    }

    /// The name on EC2's wire: an error of the KMS's says whose it is, and a fault of ours is one of EC2's.
    var ec2Name: String {
        if code == .kmsInternal { return AWSError.Code.internalError.name }
        return code.name.hasSuffix("Exception") && !code.name.hasPrefix("KMS.")
            ? "KMS.\(code.name)" : code.name
    }

    /// The status in EC2's protocol. (EC2 API reference, "Error codes")
    var ec2Status: Int {
        switch code.name {
        case "AuthFailure": 401
        case "UnauthorizedOperation": 403
        case "DryRunOperation": 412
        case "RequestLimitExceeded": 503
        default: isFault ? 500 : code == .requestTooLarge ? 413 : 400
        }
    }
}
