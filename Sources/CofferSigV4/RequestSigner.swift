public import CofferSecrets
public import CofferShapes

/// An access key, and the token that a temporary one comes with.
public struct AccessKey: ~Copyable, Sendable {
    public let id: String
    public let secret: SecretBytes
    public let sessionToken: String?

    public init(id: String, secret: consuming SecretBytes, sessionToken: String? = nil) {
        (self.id, self.sessionToken) = (id, sessionToken)
        self.secret = secret
    }

    /// The key that signs for a day, region and service.
    public borrowing func signingKey(_ scope: CredentialScope) -> SigningKey {
        SigningKey(secretAccessKey: secret, scope: scope)
    }
}

/// Signs requests under one access key for one service in one region.
public struct RequestSigner: Sendable {
    private let accessKeyID: String
    private let sessionToken: String?
    private let key: SigningKey

    /// A signer for the day of `now`.
    public init(_ accessKey: borrowing AccessKey, region: String, service: String, now: Timestamp) {
        let scope = CredentialScope(day: SigningTime(now).day, region: region, service: service)
        (accessKeyID, sessionToken) = (accessKey.id, accessKey.sessionToken)
        key = accessKey.signingKey(scope)
    }

    /// Whether the signer is still good at `now`: its key is for one day.
    public func isCurrent(_ now: Timestamp) -> Bool { SigningTime(now).day == key.scope.day }

    /// The headers to add to a request: `x-amz-date`, `x-amz-security-token` with a temporary key,
    /// `x-amz-content-sha256` on request and always for S3, `authorization`. Every header that the request has is signed,
    /// `host` must be among them, and `now` lies in the signer's day.
    public func headers(
        for request: SigV4Request,
        now: Timestamp,
        includingContentHash: Bool = false
    ) -> [SigV4Request.Header] {
        let time = SigningTime(now)
        check(request, time)
        let payload = payload(of: request)
        var added = [SigV4Request.Header("x-amz-date", time.description)]
        if let sessionToken { added.append(SigV4Request.Header("x-amz-security-token", sessionToken)) }
        if includingContentHash || key.scope.isS3 {
            added.append(SigV4Request.Header("x-amz-content-sha256", payload))
        }
        let complete = SigV4Request(
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers + added,
            body: request.body
        )
        let names = Self.names(complete)
        added.append(
            SigV4Request.Header(
                "authorization",
                "\(CanonicalRequest.algorithm) Credential=\(accessKeyID)/\(key.scope), "
                    + "SignedHeaders=\(names.joined(separator: ";")), "
                    + "Signature=\(signature(complete, names, payload, time))"
            )
        )
        return added
    }

    /// The query of a presigned request that is good for `expirySeconds` (1 to 604800) from `now`. The request's headers
    /// are signed and have to be sent with it.
    public func presignedQuery(for request: SigV4Request, now: Timestamp, expirySeconds: Int) -> String {
        precondition(
            (1...PresignedQuery.maximumExpirySeconds).contains(expirySeconds),
            "a presigned request is good for 1 second to 7 days"
        )
        let time = SigningTime(now)
        check(request, time)
        let names = Self.names(request)
        var parameters = [
            ("X-Amz-Algorithm", CanonicalRequest.algorithm),
            ("X-Amz-Credential", "\(accessKeyID)/\(key.scope)"),
            ("X-Amz-Date", time.description),
            ("X-Amz-Expires", String(expirySeconds)),
            ("X-Amz-SignedHeaders", names.joined(separator: ";")),
        ]
        if let sessionToken { parameters.append(("X-Amz-Security-Token", sessionToken)) }
        var query = Array(request.query.utf8)
        for (name, value) in parameters {
            if !query.isEmpty { query.append(UInt8(ascii: "&")) }
            query += "\(name)=".utf8
            URIEncoding.append(value.utf8, keepingSlash: false, to: &query)
        }
        let complete = SigV4Request(
            method: request.method,
            path: request.path,
            query: String(decoding: query, as: UTF8.self),
            headers: request.headers,
            body: request.body
        )
        let payload = key.scope.isS3 ? SignatureClaim.unsigned : payload(of: request)
        return complete.query + "&\(CanonicalRequest.signatureParameter)="
            + signature(complete, names, payload, time)
    }

    private func check(_ request: SigV4Request, _ time: SigningTime) {
        precondition(time.day == key.scope.day, "a signer is for one day")
        precondition(request.headers.contains { $0.name == "host" }, "the host is signed")
    }

    private static func names(_ request: SigV4Request) -> [String] {
        Set(request.headers.map(\.name)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func payload(of request: SigV4Request) -> String {
        switch request.body {
        case .bytes(let body): SignatureClaim.hash(body)
        case .unread: SignatureClaim.unsigned
        }
    }

    private func signature(
        _ request: SigV4Request,
        _ names: [String],
        _ payload: String,
        _ time: SigningTime
    ) -> String {
        guard
            let canonical = CanonicalRequest.bytes(
                request,
                signedHeaders: names,
                payload: payload,
                scope: key.scope
            )
        else { preconditionFailure("a request's method is a word") }
        let text = CanonicalRequest.stringToSign(canonical, time: time, scope: key.scope)
        return String(decoding: key.signature(of: text), as: UTF8.self)
    }
}
