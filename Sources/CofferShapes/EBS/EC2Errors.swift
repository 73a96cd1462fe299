// Error codes of Amazon EC2 beside those in `AWSError.Code` itself. (EC2 API reference, "Error codes".)
extension AWSError.Code {
    public static let dryRunSucceeds = AWSError.Code("DryRunOperation", .refused)
    public static let unauthorizedOperation = AWSError.Code("UnauthorizedOperation", .accessDenied)
    public static let concurrentSnapshotLimitExceeded = AWSError.Code(
        "ConcurrentSnapshotLimitExceeded",
        .wrongState
    )
    public static let snapshotIDMalformed = AWSError.Code("InvalidSnapshotID.Malformed", .usage)
    public static let snapshotInUse = AWSError.Code("InvalidSnapshot.InUse", .wrongState)
    public static let snapshotNotFound = AWSError.Code("InvalidSnapshot.NotFound", .notFound)
    public static let idempotentParameterMismatch = AWSError.Code("IdempotentParameterMismatch", .usage)
    public static let invalidParameterCombination = AWSError.Code("InvalidParameterCombination", .usage)
    public static let invalidParameterDependency = AWSError.Code("InvalidParameterDependency", .usage)
    public static let missingParameter = AWSError.Code("MissingParameter", .usage)
    public static let invalidPaginationToken = AWSError.Code("InvalidPaginationToken", .usage)
    public static let filterLimitExceeded = AWSError.Code("FilterLimitExceeded", .usage)
    public static let ec2UnsupportedOperation = AWSError.Code("UnsupportedOperation", .refused)

    public static let operationNotPermitted = AWSError.Code("OperationNotPermitted", .refused)

    public static let volumeIDMalformed = AWSError.Code("InvalidVolumeID.Malformed", .usage)
    public static let zoneNotFound = AWSError.Code("InvalidZone.NotFound", .notFound)
    public static let incorrectModificationState = AWSError.Code(
        "IncorrectModificationState",
        .wrongState
    )
    public static let modificationNotFound = AWSError.Code("InvalidVolumeModification.NotFound", .notFound)

    public static let attachmentNotFound = AWSError.Code("InvalidAttachment.NotFound", .notFound)
    public static let deviceInUse = AWSError.Code("InvalidDevice.InUse", .wrongState)
    public static let instanceIDMalformed = AWSError.Code("InvalidInstanceID.Malformed", .usage)
    public static let instanceNotFound = AWSError.Code("InvalidInstanceID.NotFound", .notFound)

    public static let resourceIDInvalid = AWSError.Code("InvalidID", .usage)
    public static let tagKeyMalformed = AWSError.Code("InvalidTagKey.Malformed", .usage)
    public static let tagLimitExceeded = AWSError.Code("TagLimitExceeded", .refused)
}

extension AWSError {
    /// What a dry run of something permitted ends with.
    public static let dryRunSucceeds = AWSError(
        .dryRunSucceeds,
        "Request would have succeeded, but DryRun flag is set."
    )
}
