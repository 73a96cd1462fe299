internal import CofferShapes

/// What AWS IAM says when it refuses, word for word where clients compare it, in one place. (IAM API reference, each
/// action's errors; the texts as the service gives them.)
enum IdentityRefusal {
    // MARK: - What is not there, or is there already

    static func noUser(_ name: String) -> AWSError {
        AWSError(
            .noSuchEntity,
            "The user with name \(name) cannot be found.",
            hint: "see the users with `coffer user ls`"
        )
    }

    static func noPolicy(_ name: String) -> AWSError {
        AWSError(.noSuchEntity, "The user policy with name \(name) cannot be found.")
    }

    static func noAccessKey(_ id: String) -> AWSError {
        AWSError(.noSuchEntity, "The Access Key with id \(id) cannot be found.")
    }

    static func userExists(_ name: String) -> AWSError {
        AWSError(.entityAlreadyExists, "User with name \(name) already exists.")
    }

    static let hasPolicies = AWSError(
        .deleteConflict,
        "Cannot delete entity, must delete policies first.",
        hint: "see them with `coffer user policy ls USER`"
    )

    static let hasAccessKeys = AWSError(
        .deleteConflict,
        "Cannot delete entity, must delete access keys first.",
        hint: "see them with `coffer user access-key ls USER`"
    )

    // MARK: - Quotas

    static func quota(_ name: String, _ limit: Int) -> AWSError {
        AWSError(.iamLimitExceeded, "Cannot exceed quota for \(name): \(limit)")
    }

    static func policiesTooLarge(_ limit: Int, user: String) -> AWSError {
        AWSError(.iamLimitExceeded, "Maximum policy size of \(limit) bytes exceeded for user \(user)")
    }

    // MARK: - Permissions

    static func accessDenied(
        _ principal: ARN,
        _ action: String,
        on resource: String,
        _ because: String
    ) -> AWSError {
        AWSError(
            .iamAccessDenied,
            "User: \(principal) is not authorized to perform: \(action) on resource: \(resource) \(because)"
        )
    }

    // MARK: - Values

    static let rootIsNoUser = AWSError(
        .iamValidation,
        "Must specify userName when calling with non-User credentials"
    )

    static func invalid(_ member: String, _ rule: String) -> AWSError {
        AWSError(.iamValidation, "The specified value for \(member) is invalid. \(rule)")
    }

    static func constraint(_ value: String, _ member: String, _ rule: String) -> AWSError {
        AWSError(
            .iamValidation,
            "1 validation error detected: Value '\(value)' at '\(member)' failed to satisfy constraint: \(rule)"
        )
    }

    static func malformed(_ words: String) -> AWSError { AWSError(.malformedPolicy, words) }

    static let badMarker = AWSError(.iamValidation, "Invalid Marker.")
}

/// IAM's quotas. (IAM user guide, "IAM and AWS STS quotas".)
enum IdentityLimits {
    static let users = 5000
    static let accessKeysPerUser = 2
    /// Of all inline policies of a user together, white space not counted.
    static let policyCharacters = 2048
    static let documentCharacters = 131_072
    static let pageStandard = 100
    static let pageMaximum = 1000
}
