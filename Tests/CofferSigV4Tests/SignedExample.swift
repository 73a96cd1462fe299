internal import CofferSecrets
internal import CofferShapes

@testable internal import CofferSigV4

/// The access key of AWS's documentation, and requests signed under it.
enum SignedExample {
    static let keyID = "AKIDEXAMPLE"
    static let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    static let time = SigningTime("20150830T123600Z")
    /// 2015-08-30T12:36:00Z.
    static let now = Timestamp(nanoseconds: 1_440_938_160_000_000_000)
    static let rules = SignatureRules(services: ["kms": ["us-east-1"]])

    static func secretBytes(_ text: String = secret) -> SecretBytes { SecretBytes(copying: Array(text.utf8)) }

    static func later(_ seconds: Int) -> Timestamp {
        Timestamp(nanoseconds: UInt64(Int(now.nanoseconds) + seconds * 1_000_000_000))
    }

    static func key(
        day: String = "20150830",
        region: String = "us-east-1",
        service: String = "kms"
    ) -> SigningKey {
        SigningKey(
            secretAccessKey: secretBytes(),
            scope: CredentialScope(day: day, region: region, service: service)
        )
    }

    static func accessKey(token: String? = nil) -> AccessKey {
        AccessKey(id: keyID, secret: secretBytes(), sessionToken: token)
    }

    static func signer(
        service: String = "kms",
        region: String = "us-east-1",
        token: String? = nil
    ) -> RequestSigner {
        RequestSigner(accessKey(token: token), region: region, service: service, now: now)
    }

    static let body = Array(#"{"KeyId":"alias/app"}"#.utf8)

    /// A request to KMS without a signature.
    static let unsigned = SigV4Request(
        method: "POST",
        path: "/",
        headers: [
            SigV4Request.Header("Host", "kms.us-east-1.amazonaws.com"),
            SigV4Request.Header("Content-Type", "application/x-amz-json-1.1"),
            SigV4Request.Header("X-Amz-Target", "TrentService.DescribeKey"),
        ],
        body: .bytes(body)
    )

    /// The same, signed.
    static var signed: SigV4Request {
        unsigned.with(headers: unsigned.headers + signer().headers(for: unsigned, now: now))
    }

    /// The same, presigned for a minute.
    static var presigned: SigV4Request {
        unsigned.with(query: signer().presignedQuery(for: unsigned, now: now, expirySeconds: 60))
    }

    /// Takes a request as a server does that knows one key.
    @discardableResult
    static func accept(
        _ request: SigV4Request,
        rules: SignatureRules = rules,
        now: Timestamp = now
    ) throws(SigV4Error) -> SignatureClaim {
        let claim = try SignatureClaim(request, rules: rules, now: now)
        try claim.verify(request, with: SigningKey(secretAccessKey: secretBytes(), scope: claim.scope))
        return claim
    }

    /// The error of a request that must be refused; nil where it was taken.
    static func refusal(
        _ request: SigV4Request,
        rules: SignatureRules = rules,
        now: Timestamp = now
    ) -> SigV4Error? {
        do {
            try accept(request, rules: rules, now: now)
            return nil
        } catch { return error }
    }
}

extension SigV4Request {
    func with(
        method: String? = nil,
        path: String? = nil,
        query: String? = nil,
        headers: [Header]? = nil,
        body: Body? = nil
    ) -> SigV4Request {
        SigV4Request(
            method: method ?? self.method,
            path: path ?? self.path,
            query: query ?? self.query,
            headers: headers ?? self.headers,
            body: body ?? self.body
        )
    }

    func replacing(_ name: String, _ value: String?) -> SigV4Request {
        with(headers: headers.compactMap { $0.name == name ? value.map { Header(name, $0) } : $0 })
    }

    func adding(_ name: String, _ value: String) -> SigV4Request {
        with(headers: headers + [Header(name, value)])
    }

    func value(_ name: String) -> String { headers.first { $0.name == name }?.value ?? "" }
}
