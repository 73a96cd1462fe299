internal import CofferJSON
internal import CofferSecrets
internal import CofferShapes

/// Reads an error's answer, `{"__type":"NotFoundException","message":"…"}`. (AWS JSON 1.1 protocol, "Operation error
/// serialization")
enum RemoteError {
    /// nil where the answer is no error in this form.
    static func read(_ reply: KMSReply) -> AWSError? {
        reply.withBytes { bytes in
            guard let document = try? JSONDocument(bytes) else { return nil }
            let root = document.root
            guard let type = root["__type"]?.string ?? reply.errorType ?? root["code"]?.string else {
                return nil
            }
            let message = root["message"]?.string ?? root["Message"]?.string ?? ""
            return AWSError(code(name(type), status: reply.status), String(message.prefix(1024)))
        }
    }

    /// `NotFoundException` of `com.amazonaws.kms#NotFoundException:http://…`.
    private static func name(_ type: String) -> String {
        let behind = type.split(separator: "#", omittingEmptySubsequences: false).last ?? ""
        return String(behind.prefix { $0 != ":" }.prefix(128))
    }

    /// The code of a name: the same that the embedded KMS would give.
    static func code(_ name: String, status: Int) -> AWSError.Code {
        if let code = known[name] { return code }
        return AWSError.Code(name, status >= 500 ? .internalFailure : .refused)
    }

    private static let known: [String: AWSError.Code] = {
        let kinds: [(AWSError.Kind, [String])] = [
            (
                .accessDenied,
                [
                    "AccessDenied", "AccessDeniedException", "NotAuthorizedException",
                    "UnauthorizedException",
                    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
                    "SignatureDoesNotMatch", "IncompleteSignatureException",
                    "MissingAuthenticationTokenException",
                    "ExpiredTokenException", "OptInRequired",
                ]
            ),
            (
                .notFound,
                ["NotFoundException", "CustomKeyStoreNotFoundException", "CloudHsmClusterNotFoundException"]
            ),
            (
                .wrongState,
                [
                    "DisabledException", "KMSInvalidStateException", "ConflictException",
                    "CustomKeyStoreInvalidStateException", "CustomKeyStoreHasCMKsException",
                    "CloudHsmClusterNotActiveException",
                ]
            ),
            (
                .usage,
                [
                    "ValidationException", "InvalidArnException", "InvalidAliasNameException",
                    "InvalidMarkerException", "InvalidGrantIdException", "MalformedPolicyDocumentException",
                    "TagException", "SerializationException", "UnknownOperationException",
                ]
            ),
            (
                .internalFailure,
                [
                    "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException",
                    "InternalFailure",
                    "ServiceUnavailable", "ServiceUnavailableException",
                ]
            ),
        ]
        let pairs = kinds.flatMap { kind, names in names.map { ($0, AWSError.Code($0, kind)) } }
        return Dictionary(pairs) { first, _ in first }
    }()

    /// Whether the KMS asks for patience.
    static func isThrottling(_ code: AWSError.Code) -> Bool {
        [
            "ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException",
            "RequestLimitExceeded", "RequestThrottled", "SlowDown",
        ].contains(code.name)
    }

    /// Whether the access key is at fault, so that another one should be looked for.
    static func isOfCredentials(_ code: AWSError.Code) -> Bool {
        ["ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"].contains(code.name)
    }
}
