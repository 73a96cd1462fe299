/// What EBS direct says of a request that it refuses: one of its exceptions, with one of its reasons. What other rooms
/// refuse, such as a KMS key that is disabled, leaves the verbs of EBS direct as they said it. (EBS direct API reference,
/// each action's errors.)
public struct DirectError: Error, Equatable, Sendable {
    public let kind: Kind
    /// One sentence.
    public let message: String

    public init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    public enum Kind: Equatable, Sendable {
        case validation(ValidationReason)
        case notFound(NotFoundReason)
        case accessDenied(AccessReason)
        case throttled(ThrottleReason)
        /// More snapshots are being written at once than may be.
        case concurrentLimit
        /// A client token that another request has.
        case conflict
        /// There is no room.
        case quotaExceeded
        /// The fault is ours.
        case internalFailure
    }

    /// The reasons of `ValidationException` that there is cause for here.
    public enum ValidationReason: String, Sendable {
        case invalidCustomerKey = "INVALID_CUSTOMER_KEY"
        case invalidPageToken = "INVALID_PAGE_TOKEN"
        case invalidBlockToken = "INVALID_BLOCK_TOKEN"
        case invalidSnapshotID = "INVALID_SNAPSHOT_ID"
        case unrelatedSnapshots = "UNRELATED_SNAPSHOTS"
        case invalidBlock = "INVALID_BLOCK"
        case invalidContentEncoding = "INVALID_CONTENT_ENCODING"
        case invalidTag = "INVALID_TAG"
        case invalidParameterValue = "INVALID_PARAMETER_VALUE"
        case invalidVolumeSize = "INVALID_VOLUME_SIZE"
        case conflictingBlockUpdate = "CONFLICTING_BLOCK_UPDATE"
    }

    public enum NotFoundReason: String, Sendable {
        case snapshot = "SNAPSHOT_NOT_FOUND"
    }

    public enum AccessReason: String, Sendable {
        case unauthorizedAccount = "UNAUTHORIZED_ACCOUNT"
        /// The KMS said no.
        case dependency = "DEPENDENCY_ACCESS_DENIED"
    }

    public enum ThrottleReason: String, Sendable {
        /// The KMS is asked too much.
        case dependency = "DEPENDENCY_REQUEST_THROTTLED"
        /// Somebody else works on the same; it may be tried again.
        case resource = "RESOURCE_LEVEL_THROTTLE"
    }

    static func validation(_ reason: ValidationReason, _ message: String) -> DirectError {
        DirectError(.validation(reason), message)
    }

    static func notFound(_ id: String) -> DirectError {
        DirectError(.notFound(.snapshot), "The snapshot '\(id)' does not exist.")
    }
}
