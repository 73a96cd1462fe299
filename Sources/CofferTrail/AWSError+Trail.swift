public import CofferShapes

extension AWSError {
    /// What a caller may see of an error met at the trail, or in a file of the home. An error of AWS stays what it is;
    /// of any other only its type is told.
    public init(trail error: any Error) {
        switch error {
        case let error as AWSError: self = error
        case let error as FileError where error.isFull:
            self.init(
                .storageFull,
                "the home's filesystem is full (\(error))",
                hint: "make room, then try again"
            )
        case let error as FileError: self.init(.kmsInternal, "a file of the home failed: \(error)")
        case TrailError.closed: self.init(.kmsInternal, "the audit trail is closed: the service is ending")
        case is TrailError:
            self.init(.damaged, "the audit trail cannot be continued", hint: "run `coffer trail verify`")
        default: self.init(.kmsInternal, "an unforeseen error of type \(type(of: error))")
        }
    }
}

extension TrailRecord {
    /// Has the record tell of an error.
    public mutating func refused(_ error: AWSError) {
        (errorCode, errorMessage) = (error.code.name, error.message)
    }
}
