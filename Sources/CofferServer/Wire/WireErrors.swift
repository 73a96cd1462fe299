internal import CofferJSON
internal import CofferShapes
internal import CofferSigV4

// Errors that the edge itself gives, in AWS's words; the services' own come from them.
extension AWSError.Code {
    /// Of the JSON protocols (AWS, "Common errors").
    static let unknownOperation = Self("UnknownOperationException", .usage)
    static let serialization = Self("SerializationException", .usage)
    static let requestTooLarge = Self("RequestEntityTooLargeException", .usage)
    /// Of the Query protocol.
    static let invalidAction = Self("InvalidAction", .usage)
    static let invalidClientToken = Self("InvalidClientTokenId", .accessDenied)
    static let malformedQuery = Self("MalformedQueryString", .usage)
    static let serviceFailure = Self("ServiceFailure", .internalFailure)
}

extension AWSError {
    /// A value of a wrong JSON type, or text that stands for no such value.
    static func unreadable(_ value: JSONValue, as wanted: String) -> AWSError {
        let found =
            switch value.kind {
            case .array: "Start of list"
            case .object: "Start of structure or map"
            case .string: "STRING_VALUE"
            case .number: "NUMBER_VALUE"
            case .bool: value.bool == true ? "TRUE_VALUE" : "FALSE_VALUE"
            case .null: "NULL_VALUE"
            }
        switch value.kind {
        case .array, .object: return AWSError(.serialization, "\(found) found where not expected.")
        default: return AWSError(.serialization, "\(found) can not be converted to \(wanted)")
        }
    }

    /// What a caller may see of any error: whatever is no AWSError is a fault of ours, and names nothing of it.
    init(any error: any Error) {
        self = error as? AWSError ?? AWSError(.kmsInternal, "an unforeseen error of type \(type(of: error))")
    }

    /// Whether the server or its home is to blame: the codes of Coffer's own are for damage, full disks and their like.
    var isFault: Bool { code.kind == .internalFailure || code.name.hasPrefix("Coffer.") }

    /// The status in the JSON protocol: KMS's model gives no client error one of its own, and so all are 400.
    /// (AWS KMS API reference, "Common errors")
    var jsonStatus: Int {
        switch code {
        case .dependencyTimeout: 503
        case .requestTooLarge: 413
        default: isFault ? 500 : 400
        }
    }

    /// The status in the Query protocol. (IAM API reference, each action's errors)
    var queryStatus: Int {
        switch code {
        case .noSuchEntity: 404
        case .entityAlreadyExists, .deleteConflict, .iamLimitExceeded: 409
        case .requestTooLarge: 413
        default:
            isFault ? 500 : code.kind == .accessDenied ? 403 : 400
        }
    }

    /// The body in the JSON protocol. Errors whose message AWS leaves empty carry none.
    var jsonBody: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("__type")
        writer.string(code.name)
        if !message.isEmpty {
            writer.key("message")
            writer.string(message)
        }
        writer.endObject()
        return writer.finish()
    }
}

/// Why a connection's bytes are no request that is looked at.
enum TransportRefusal {
    case bodyTooLarge, headersTooLarge, malformedHTTP

    func answer(_ requestID: String) -> HTTPAnswer {
        let (status, error) =
            switch self {
            case .bodyTooLarge: (413, AWSError(.requestTooLarge, "Request body exceeds 1048576 bytes."))
            case .headersTooLarge: (431, AWSError(.requestTooLarge, "Request headers are too large."))
            case .malformedHTTP: (400, AWSError(.serialization, "The request is not valid HTTP/1.1."))
            }
        return HTTPAnswer(status: status, contentType: .awsJSON, body: error.jsonBody, requestID: requestID)
    }
}
