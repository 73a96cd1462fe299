public import CofferShapes

extension AWSError.Code {
    // Of all AWS services (AWS, "Common errors"), as the JSON protocols name them.
    public static let incompleteSignature = Self("IncompleteSignatureException", .usage)
    public static let invalidSignature = Self("InvalidSignatureException", .accessDenied)
    public static let missingAuthenticationToken = Self("MissingAuthenticationTokenException", .accessDenied)
    public static let unrecognizedClient = Self("UnrecognizedClientException", .accessDenied)
}

extension AWSError {
    /// Said of an access key id that nobody has, and of a session token that is not that key's.
    public static let unknownAccessKey = AWSError(
        .unrecognizedClient,
        "The security token included in the request is invalid."
    )
}

extension AWSError {
    /// Said by EC2 of an access key that nobody has, and of a signature that is not that key's.
    public static let ec2AuthFailure = AWSError(
        Code("AuthFailure", .accessDenied),
        "AWS was not able to validate the provided access credentials"
    )
}

extension SigV4Error {
    /// The protocols that name these errors differently.
    public enum Dialect: Sendable {
        /// AWS JSON, such as KMS.
        case json
        /// AWS Query, such as IAM, STS and RDS: the same names without `Exception`.
        case query
        /// EC2's Query protocol, which has names of its own.
        case ec2
        case s3
    }

    /// The error as AWS names and words it.
    public func awsError(_ dialect: Dialect) -> AWSError {
        switch dialect {
        case .json: AWSError(jsonCode, message)
        case .query: AWSError(queryCode, message)
        case .ec2: ec2Error
        case .s3: s3Error
        }
    }

    private var jsonCode: AWSError.Code {
        switch self {
        case .missingToken: .missingAuthenticationToken
        case .twoSignatures, .missingParts, .malformedPart, .repeated, .malformedCredential,
            .malformedSignedHeaders,
            .missingParameters, .unsupportedAlgorithm, .malformedDate, .malformedExpiry, .presignedNotAllowed:
            .incompleteSignature
        default: .invalidSignature
        }
    }

    private var queryCode: AWSError.Code {
        switch jsonCode {
        case .missingAuthenticationToken: AWSError.Code("MissingAuthenticationToken", .accessDenied)
        case .incompleteSignature: AWSError.Code("IncompleteSignature", .usage)
        default: AWSError.Code("SignatureDoesNotMatch", .accessDenied)
        }
    }

    /// EC2 says little of a signature that is wrong. (EC2 API reference, "Error codes")
    private var ec2Error: AWSError {
        switch self {
        case .expired, .presignedExpired:
            AWSError(AWSError.Code("RequestExpired", .accessDenied), "Request has expired.")
        default:
            switch queryCode.name {
            case "SignatureDoesNotMatch": AWSError.ec2AuthFailure
            default: AWSError(queryCode, message)
            }
        }
    }

    private var s3Error: AWSError {
        switch self {
        case .missingToken: AWSError(.accessDeniedByS3, "Access Denied")
        case .headersNotSigned, .hostNotSigned:
            AWSError(.accessDeniedByS3, "There were headers present in the request which were not signed")
        case .presignedExpired: AWSError(.accessDeniedByS3, "Request has expired")
        case .expired, .notYetCurrent:
            AWSError(
                AWSError.Code("RequestTimeTooSkewed", .accessDenied),
                "The difference between the request time and the current time is too large."
            )
        case .missingContentHash:
            AWSError(AWSError.Code("InvalidRequest", .usage), message)
        case .malformedContentHash:
            AWSError(AWSError.Code("InvalidArgument", .usage), message)
        case .contentHashMismatch:
            AWSError(AWSError.Code("XAmzContentSHA256Mismatch", .refused), message)
        case .mismatch:
            AWSError(
                AWSError.Code("SignatureDoesNotMatch", .accessDenied),
                "The request signature we calculated does not match the signature you provided. "
                    + "Check your key and signing method."
            )
        case .missingParameters, .malformedExpiry:
            AWSError(AWSError.Code("AuthorizationQueryParametersError", .usage), message)
        default:
            AWSError(AWSError.Code("AuthorizationHeaderMalformed", .usage), message)
        }
    }

    /// AWS's sentences where they are known, ours in their manner elsewhere.
    private var message: String {
        switch self {
        case .missingToken: "Missing Authentication Token"
        case .twoSignatures:
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header "
                + "should be specified"
        case .missingParts(let parts, let authorization):
            parts.map { part in
                part == Self.datePart
                    ? "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
                    : "Authorization header requires '\(part)' parameter. "
            }.joined() + "Authorization=\(authorization)"
        case .malformedPart(let part):
            "'\(part)' not a valid key=value pair (missing equal-sign) in Authorization header."
        case .repeated(let name): "'\(name)' must be given once."
        case .malformedCredential(let text):
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                + "got '\(shortened(text))'"
        case .malformedSignedHeaders:
            "SignedHeaders must be names of headers in lower case, in ascending order and separated by semicolons."
        case .missingParameters(let names):
            names.map { "AWS query-string parameters must include '\($0)'. " }.joined()
                + "Re-examine the query-string parameters."
        case .unsupportedAlgorithm: "Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is supported."
        case .malformedDate:
            "Date must be in ISO-8601 'basic format', e.g. 20150830T123600Z, or in the form that HTTP prefers."
        case .malformedExpiry: "X-Amz-Expires must be a number of seconds from 1 to 604800."
        case .presignedNotAllowed: "Presigned requests are not accepted here; sign the Authorization header."
        case .wrongTerminator(let word):
            "Credential should be scoped with a valid terminator: 'aws4_request', not '\(shortened(word))'."
        case .wrongRegion(let region):
            "Credential should be scoped to a valid region, not '\(region)'."
        case .wrongService(let expected):
            "Credential should be scoped to correct service: "
                + expected.map { "'\($0)'" }.joined(separator: ", ") + "."
        case .wrongDay(let scope, let time):
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                + "'\(scope)' != '\(time.day)', from '\(time)'."
        case .expired(let time, let earliest, let now, let tolerance):
            "Signature expired: \(time) is now earlier than \(earliest) (\(now) - \(tolerance / 60) min.)"
        case .notYetCurrent(let time, let latest, let now, let tolerance):
            "Signature not yet current: \(time) is still later than \(latest) (\(now) + \(tolerance / 60) min.)"
        case .presignedExpired(let end, let now): "Signature expired: \(end) is now earlier than \(now)"
        case .hostNotSigned: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        case .headersNotSigned(let names):
            "There were headers present in the request which were not signed: \(names.joined(separator: ", "))"
        case .missingContentHash: "Missing required header for this request: x-amz-content-sha256"
        case .malformedContentHash:
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a streaming payload's name, or a valid sha256 value."
        case .contentHashMismatch:
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        case .mismatch:
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                + "Access Key and signing method. Consult the service documentation for details."
        }
    }

    /// The name that stands for the two headers of which one gives the date.
    static let datePart = "X-Amz-Date"

    /// Text from a request, short enough to give back.
    private func shortened(_ text: String) -> String {
        text.utf8.count <= 200 ? text : "\(text.prefix(100))…"
    }
}

extension AWSError.Code {
    fileprivate static let accessDeniedByS3 = Self("AccessDenied", .accessDenied)
}
