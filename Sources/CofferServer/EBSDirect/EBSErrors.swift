internal import CofferEBS
internal import CofferJSON
internal import CofferShapes

/// A refusal as EBS direct puts it on the wire: one of its exceptions in a header, its members in a JSON body. (Smithy,
/// "AWS restJson1 protocol"; EBS direct API reference, each action's errors.)
struct EBSRefusal {
    let name: String
    let status: Int
    private let reason: String?
    private let message: String

    /// Of what a verb of EBS direct, or the edge, has thrown.
    init(_ error: any Error) {
        if let error = error as? DirectError {
            self.init(error.kind, error.message)
            return
        }
        let error = AWSError(any: error)
        if let kind = Self.kind(error) {
            self.init(kind, error.message)
        } else {
            // Of all services, under their own names.
            self.init(
                name: error.code.name,
                status: Self.status(error),
                reason: nil,
                message: error.message
            )
        }
    }

    private init(name: String, status: Int, reason: String?, message: String) {
        (self.name, self.status, self.reason, self.message) = (name, status, reason, message)
    }

    private init(_ kind: DirectError.Kind, _ message: String) {
        let (name, status, reason): (String, Int, String?) =
            switch kind {
            case .validation(let why): ("ValidationException", 400, why.rawValue)
            case .notFound(let why): ("ResourceNotFoundException", 404, why.rawValue)
            case .accessDenied(let why): ("AccessDeniedException", 403, why.rawValue)
            case .throttled(let why): ("RequestThrottledException", 400, why.rawValue)
            case .concurrentLimit: ("ConcurrentLimitExceededException", 400, nil)
            case .conflict: ("ConflictException", 409, nil)
            case .quotaExceeded:
                ("ServiceQuotaExceededException", 402, "DEPENDENCY_SERVICE_QUOTA_EXCEEDED")
            case .internalFailure: ("InternalServerException", 500, nil)
            }
        self.init(name: name, status: status, reason: reason, message: message)
    }

    func answer(_ requestID: String) -> HTTPAnswer {
        let body = JSONWriter.object { writer in
            writer.member("Message", message)
            writer.member("Reason", reason)
        }
        return HTTPAnswer(
            status: status,
            contentType: .json,
            body: body,
            requestID: requestID,
            headers: [HTTPAnswer.Header("x-amzn-ErrorType", name)]
        )
    }

    /// What EBS direct calls what other rooms refuse; nil for the errors that all services have in common.
    private static func kind(_ error: AWSError) -> DirectError.Kind? {
        switch error.code {
        case .unauthorizedOperation: .accessDenied(.unauthorizedAccount)
        // From here on those of the KMS, which was asked on the caller's behalf.
        case .accessDenied: .accessDenied(.dependency)
        case .disabled, .kmsInvalidState, .notFound, .invalidArn, .invalidKeyUsage, .incorrectKey,
            .keyUnavailable, .unsupportedOperation:
            .validation(.invalidCustomerKey)
        case .throttling, .limitExceeded: .throttled(.dependency)
        // And of the volume service.
        case .idempotentParameterMismatch: .conflict
        case .snapshotNotFound: .notFound(.snapshot)
        case .invalidParameterValue, .validation: .validation(.invalidParameterValue)
        case .incorrectState: .throttled(.resource)
        case .storageFull: .quotaExceeded
        default: error.isFault ? .internalFailure : nil
        }
    }

    private static func status(_ error: AWSError) -> Int {
        switch error.code {
        case .unknownOperation: 404
        case .requestTooLarge: 413
        default: error.code.kind == .accessDenied ? 403 : 400
        }
    }
}
