internal import CofferShapes

/// What AWS KMS says when it refuses, word for word where clients compare it, in one place. (AWS KMS API
/// reference, each operation's errors; the texts as the service gives them.)
enum Refusal {
    // MARK: - Which key

    static func noSuchKey(_ arn: ARN) -> AWSError { AWSError(.notFound, "Key '\(arn)' does not exist") }

    /// Neither an id, an ARN nor an alias.
    static func noKeyID(_ text: String) -> AWSError { AWSError(.notFound, "Invalid keyId '\(text)'") }

    /// An ARN of neither a key nor an alias. Only some operations declare an error of its own for it.
    static func noARN(_ text: String, declared: Bool) -> AWSError {
        AWSError(declared ? .invalidArn : .notFound, "Invalid arn \(text)")
    }

    static func noSuchAlias(_ arn: ARN) -> AWSError { AWSError(.notFound, "Alias \(arn) is not found.") }

    /// An ARN of another region.
    static func otherRegion(_ arn: ARN) -> AWSError { AWSError(.notFound, "Invalid arn \(arn.region)") }

    static let aliasARNAsKeyID = AWSError(.invalidArn, "Key Aliases are not supported for this operation")

    // MARK: - States

    static func disabled(_ arn: ARN) -> AWSError { AWSError(.disabled, "\(arn) is disabled.") }

    static func pendingDeletion(_ arn: ARN) -> AWSError {
        AWSError(.kmsInvalidState, "\(arn) is pending deletion.")
    }

    static func notPendingDeletion(_ arn: ARN) -> AWSError {
        AWSError(.kmsInvalidState, "\(arn) is not pending deletion.")
    }

    static func pendingImport(_ arn: ARN) -> AWSError {
        AWSError(.kmsInvalidState, "\(arn) is pending import.")
    }

    static func unavailable(_ arn: ARN) -> AWSError {
        AWSError(
            .kmsInvalidState,
            "\(arn) is unavailable.",
            hint: "connect its custom key store with `coffer key store connect`"
        )
    }

    static func origin(_ origin: KeyOrigin, of arn: ARN) -> AWSError {
        AWSError(
            .unsupportedOperation,
            "\(arn) origin is \(origin.rawValue) which is not valid for this operation."
        )
    }

    /// An operation for symmetric encryption keys only.
    static let notForThisSpec = AWSError(.unsupportedOperation, "")

    static func usage(_ usage: KeyUsage, of arn: ARN, for operation: String) -> AWSError {
        AWSError(
            .invalidKeyUsage,
            "\(arn) key usage is \(usage.rawValue) which is not valid for \(operation)."
        )
    }

    static func algorithm(_ algorithm: String, spec: KeySpec) -> AWSError {
        AWSError(.invalidKeyUsage, "Algorithm \(algorithm) is incompatible with key spec \(spec.rawValue).")
    }

    // MARK: - Permissions

    static func accessDenied(
        _ caller: Caller,
        action: String,
        on resource: String,
        _ because: String
    ) -> AWSError {
        AWSError(
            .accessDenied,
            "User: \(caller.principal) is not authorized to perform: \(action) on resource: \(resource) "
                + because
        )
    }

    /// A well-formed blob whose key this account has not.
    static let foreignCiphertext = AWSError(
        .accessDenied,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
            + "or you are not allowed to access."
    )

    static let invalidPrincipal = AWSError(
        .malformedPolicyDocument,
        "Policy contains a statement with one or more invalid principals."
    )

    static let badGrantToken = AWSError(.invalidGrantToken, "The grant token is not valid.")

    static func noSuchGrant(_ id: String) -> AWSError { AWSError(.notFound, "Grant ID \(id) not found") }

    /// What no grant can have as its id.
    static func noGrantID(_ text: String) -> AWSError { AWSError(.invalidGrantID, "Invalid grantId \(text)") }

    // MARK: - Cryptography

    /// Anything that is no blob, was changed, or has another encryption context: nothing more is told.
    static let badCiphertext = AWSError(.invalidCiphertext, "")

    static let incorrectKey = AWSError(
        .incorrectKey,
        "The key ID in the request does not identify a CMK that can perform this operation."
    )

    static let badSignature = AWSError(.kmsInvalidSignature, "")
    static let badMAC = AWSError(.kmsInvalidMAC, "")

    static let dryRun = AWSError(
        .dryRunOperation,
        "The request would have succeeded, but the DryRun option is set."
    )

    // MARK: - Values

    static func aliasExists(_ arn: ARN) -> AWSError {
        AWSError(.alreadyExists, "An alias with the name \(arn) already exists")
    }

    static let aliasOfAlias = AWSError(.validation, "Aliases must refer to keys. Not aliases")

    /// An alias that begins with `alias/aws/`.
    static let reservedAlias = AWSError(.notAuthorized, "")

    static func tooLong(_ member: String, limit: Int) -> AWSError {
        constraint("at '\(member)'", "Member must have length less than or equal to \(limit)")
    }

    static func tooShort(_ member: String, limit: Int) -> AWSError {
        constraint("at '\(member)'", "Member must have length greater than or equal to \(limit)")
    }

    static func outside(_ range: ClosedRange<Int>, _ value: Int, _ member: String) -> AWSError {
        let (relation, limit) =
            value < range.lowerBound ? ("greater", range.lowerBound) : ("less", range.upperBound)
        return constraint(
            "'\(value)' at '\(member)'",
            "Member must have value \(relation) than or equal to \(limit)"
        )
    }

    static func constraint(_ value: String, _ rule: String) -> AWSError {
        AWSError(
            .validation,
            "1 validation error detected: Value \(value) failed to satisfy constraint: \(rule)"
        )
    }

    static func validation(_ words: String) -> AWSError { AWSError(.validation, words) }

    static func badMarker() -> AWSError { AWSError(.invalidMarker, "Could not deserialize NextToken") }

    /// Not AWS's words: its limit is the same, its text is not documented.
    static let contextTooLarge = AWSError(
        .validation,
        "the encryption context is larger than \(Limits.contextBytes) bytes"
    )
}

/// AWS KMS's quotas and ranges. (Developer guide, "Quotas"; API reference.)
enum Limits {
    static let plaintextBytes = 4096
    static let messageBytes = 4096
    static let dataKeyBytes = 1...1024
    static let descriptionCharacters = 8192
    /// Of keys and values together.
    static let contextBytes = 8192
    static let policyBytes = 32 << 10
    static let tagsPerKey = 50
    static let tagKeyCharacters = 128
    static let tagValueCharacters = 256
    static let aliasesPerKey = 50
    static let grantsPerKey = 50_000
    static let grantTokens = 10
    static let onDemandRotations = 25
    static let pendingWindowDays = 7...30
    static let defaultPendingWindowDays = 30
    static let rotationDays = 90...2560
    static let defaultRotationDays = 365
}
