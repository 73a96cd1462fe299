internal import CofferIdentity
internal import CofferShapes
internal import CofferSigV4
internal import NIOHTTP1

/// IAM and STS: the Query protocol, whose answers are XML.
struct QueryResponder: Sendable {
    let identity: IdentityService

    /// Whether a request without an `X-Amz-Target` is meant for the Query protocol.
    static func isQuery(_ request: HTTPRequest) -> Bool {
        switch request.method {
        case "POST":
            request.headers.first(name: "content-type")?
                .hasPrefix("application/x-www-form-urlencoded") ?? false
        case "GET": request.query.contains("Action=")
        default: false
        }
    }

    /// Which service a request for an action has to be signed for.
    func rules(of action: String) -> SignatureRules {
        if STSCall.actions.contains(action) { return Self.stsRules }
        return IAMCall.actions.contains(action) ? Self.iamRules : Self.eitherRules
    }

    private static let stsRules = SignatureRules(services: ["sts": []])
    private static let iamRules = SignatureRules(services: ["iam": []])
    private static let eitherRules = SignatureRules(services: ["iam": [], "sts": []])

    /// Makes the call, off the connection's thread, and gives the answer's body.
    func answer(
        _ form: QueryForm,
        _ asker: Authenticator.Asker,
        requestID: String
    ) async throws -> [UInt8] {
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            var writer = XMLWriter()
            let name = "\(form.action)Response"
            writer.begin(name, namespace: asker.service == "sts" ? STSCall.namespace : IAMCall.namespace)
            if STSCall.actions.contains(form.action) {
                try STSCall(identity: identity, caller: asker.caller).answer(&writer)
            } else {
                try IAMCall(identity: identity, form: form, caller: asker.caller).answer(&writer)
            }
            writer.element("ResponseMetadata") { $0.element("RequestId", requestID) }
            writer.end(name)
            return writer.bytes
        }
    }

    static func body(of error: AWSError, requestID: String) -> [UInt8] {
        var writer = XMLWriter()
        writer.begin("ErrorResponse", namespace: IAMCall.namespace)
        writer.element("Error") { writer in
            writer.element("Type", error.code.kind == .internalFailure ? "Receiver" : "Sender")
            writer.element("Code", (error.code == .kmsInternal ? .serviceFailure : error.code).name)
            writer.element("Message", error.message)
        }
        writer.element("RequestId", requestID)
        writer.end("ErrorResponse")
        return writer.bytes
    }
}

extension AWSError {
    /// The names of what Coffer leaves out on purpose say so.
    static func unknownAction(_ action: String) -> AWSError {
        let words = ["Role", "Group", "SAML", "InstanceProfile", "OpenID", "SessionToken", "FederationToken"]
        let sentence = "The action \(action) is not valid for this web service."
        guard words.contains(where: { action.contains($0) }) else {
            return AWSError(.invalidAction, sentence)
        }
        return AWSError(
            .invalidAction,
            "\(sentence) Coffer has users with access keys, and no roles, groups or temporary credentials."
        )
    }
}
