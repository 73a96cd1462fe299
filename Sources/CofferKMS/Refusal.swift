internal import CofferShapes

/// What AWS KMS says when it refuses, word for word where clients compare it, in one place. (AWS KMS API
/// reference, each operation's errors; the texts as the service gives them.)
enum Refusal {
    static func noSuchKey(_ arn: ARN) -> AWSError { AWSError(.notFound, "Key '\(arn)' does not exist") }

    static func noSuchAlias(_ arn: ARN) -> AWSError { AWSError(.notFound, "Alias \(arn) is not found.") }

    /// An ARN of another region.
    static func otherRegion(_ arn: ARN) -> AWSError { AWSError(.notFound, "Invalid arn \(arn.region)") }

    /// An alias where the operation takes a key id or key ARN only.
    static func aliasAsKeyID(_ name: AliasName) -> AWSError { AWSError(.notFound, "Invalid keyId '\(name)'") }

    static let aliasARNAsKeyID = AWSError(.invalidArn, "Key Aliases are not supported for this operation")

    static func disabled(_ arn: ARN) -> AWSError { AWSError(.disabled, "\(arn) is disabled.") }

    static func accessDenied(_ caller: Caller, action: String, on arn: ARN) -> AWSError {
        AWSError(
            .accessDenied,
            "User: \(caller.principal) is not authorized to perform: kms:\(action) on resource: \(arn) "
                + "because no resource-based policy allows the kms:\(action) action"
        )
    }

    /// A well-formed blob whose key this account has not.
    static let foreignCiphertext = AWSError(
        .accessDenied,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
            + "or you are not allowed to access."
    )

    /// Anything that is no blob, was changed, or has another encryption context: nothing more is told.
    static let badCiphertext = AWSError(.invalidCiphertext, "")

    static let incorrectKey = AWSError(
        .incorrectKey,
        "The key ID in the request does not identify a CMK that can perform this operation."
    )

    static func aliasExists(_ arn: ARN) -> AWSError {
        AWSError(.alreadyExists, "An alias with the name \(arn) already exists")
    }

    static let aliasOfAlias = AWSError(.validation, "Aliases must refer to keys. Not aliases")

    /// An alias that begins with `alias/aws/`.
    static let reservedAlias = AWSError(.notAuthorized, "")

    static func tooLong(_ member: String, limit: Int) -> AWSError {
        constraint("at '\(member)'", "length less than or equal to \(limit)")
    }

    static func tooShort(_ member: String, limit: Int) -> AWSError {
        constraint("at '\(member)'", "length greater than or equal to \(limit)")
    }

    static func outside(_ range: ClosedRange<Int>, _ value: Int, _ member: String) -> AWSError {
        let (relation, limit) =
            value < range.lowerBound ? ("greater", range.lowerBound) : ("less", range.upperBound)
        return constraint("'\(value)' at '\(member)'", "value \(relation) than or equal to \(limit)")
    }

    private static func constraint(_ value: String, _ limit: String) -> AWSError {
        AWSError(
            .validation,
            "1 validation error detected: Value \(value) failed to satisfy constraint: "
                + "Member must have \(limit)"
        )
    }

    /// Not AWS's words: its limit is the same, its text is not documented.
    static let contextTooLarge = AWSError(
        .validation,
        "the encryption context is larger than \(Limits.contextBytes) bytes"
    )
}

/// AWS KMS's quotas and ranges.
enum Limits {
    static let plaintextBytes = 4096
    static let dataKeyBytes = 1...1024
    static let descriptionCharacters = 8192
    /// Of keys and values together.
    static let contextBytes = 8192
}
