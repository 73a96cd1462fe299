internal import CofferShapes
internal import Testing

@testable internal import CofferSigV4

/// What a signature says of the body, and the pieces that requests are spelled with.
@Suite struct PayloadTests {
    private let rules = SignatureRules(services: ["s3": [], "kms": ["us-east-1"]])

    /// A signed request to S3 whose x-amz-content-sha256 is `claim`.
    private func put(_ claim: String?, service: String = "s3", body: SigV4Request.Body) -> SigV4Request {
        let scope = CredentialScope(day: "20150830", region: "us-east-1", service: service)
        var headers = [
            SigV4Request.Header("host", "b.s3.amazonaws.com"),
            SigV4Request.Header("x-amz-date", "20150830T123600Z"),
        ]
        if let claim { headers.append(SigV4Request.Header("x-amz-content-sha256", claim)) }
        let names = headers.map(\.name).sorted()
        let request = SigV4Request(method: "PUT", path: "/k", headers: headers, body: body)
        let canonical =
            CanonicalRequest.bytes(request, signedHeaders: names, payload: claim ?? "", scope: scope) ?? []
        let text = CanonicalRequest.stringToSign(
            canonical,
            time: SigningTime(SignedExample.now),
            scope: scope
        )
        let signature = String(
            decoding: SignedExample.key(service: service).signature(of: text),
            as: UTF8.self
        )
        return request.adding(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\(scope), SignedHeaders=\(names.joined(separator: ";")), "
                + "Signature=\(signature)"
        )
    }

    private func verify(_ request: SigV4Request, _ rules: SignatureRules? = nil) throws -> SignedPayload {
        let claim = try SignatureClaim(request, rules: rules ?? self.rules, now: SignedExample.now)
        return try claim.verify(request, with: SignedExample.key(service: claim.scope.service))
    }

    private let body = Array("Welcome to Amazon S3.".utf8)
    private let hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

    @Test func `a body in memory is compared with its hash, and one that follows is left to its reader`()
        throws
    {
        #expect(try verify(put(hash, body: .bytes(body))) == .verified)
        #expect(try verify(put(hash, body: .unread)) == .sha256(hash))
        #expect(throws: SigV4Error.contentHashMismatch) { try verify(put(hash, body: .bytes([0x41]))) }
    }

    @Test(arguments: [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ])
    func `a body in chunks is said to be one`(_ name: String) throws {
        #expect(try verify(put(name, body: .unread)) == .streaming(name))
    }

    @Test func `S3 takes unsigned bodies, and no other service does`() throws {
        #expect(try verify(put("UNSIGNED-PAYLOAD", body: .unread)) == .unsigned)
        let toKMS = put("UNSIGNED-PAYLOAD", service: "kms", body: .bytes(body))
        #expect(throws: SigV4Error.mismatch) { try verify(toKMS) }
        #expect(throws: SigV4Error.missingContentHash) {
            try verify(put(hash, service: "kms", body: .unread))
        }
    }

    @Test func `another service takes unsigned bodies where its rules say so, and says that they are`() throws
    {
        var rules = SignatureRules(services: ["ebs": []])
        let left = put("UNSIGNED-PAYLOAD", service: "ebs", body: .bytes(body))
        #expect(throws: SigV4Error.mismatch) { try verify(left, rules) }
        rules.allowsUnsignedPayload = true
        #expect(try verify(left, rules) == .unsigned)
        // A body that is signed counts as signed all the same.
        #expect(try verify(put(hash, service: "ebs", body: .bytes(body)), rules) == .verified)
        #expect(throws: SigV4Error.mismatch) {
            try verify(put(hash, service: "ebs", body: .bytes([0x41])), rules)
        }
        #expect(throws: SigV4Error.mismatch) {
            try verify(put("STREAMING-UNSIGNED-PAYLOAD-TRAILER", service: "ebs", body: .bytes(body)), rules)
        }
    }

    @Test(arguments: ["", "junk", "unsigned-payload", "STREAMING-", String(repeating: "A", count: 64)])
    func `a content hash that is none is refused`(_ claim: String) {
        #expect(throws: SigV4Error.malformedContentHash) { try verify(put(claim, body: .bytes(body))) }
    }

    @Test func `an unread body without a content hash is refused`() {
        #expect(throws: SigV4Error.missingContentHash) { try verify(put(nil, body: .unread)) }
    }

    @Test func `a signer of S3 leaves an unread body unsigned`() throws {
        let request = SigV4Request(
            method: "PUT",
            path: "/k",
            headers: [SigV4Request.Header("host", "b.s3.amazonaws.com")],
            body: .unread
        )
        let signer = SignedExample.signer(service: "s3")
        let added = signer.headers(for: request, now: SignedExample.now)
        #expect(try verify(request.with(headers: request.headers + added)) == .unsigned)
    }

    @Test func `the content hash is added on request, and the token of a temporary key always`() throws {
        let signer = SignedExample.signer(token: "token")
        let unsigned = SignedExample.unsigned
        let plain = signer.headers(for: unsigned, now: SignedExample.now)
        #expect(plain.map(\.name) == ["x-amz-date", "x-amz-security-token", "authorization"])
        let added = signer.headers(for: unsigned, now: SignedExample.now, includingContentHash: true)
        #expect(
            added[2] == SigV4Request.Header("x-amz-content-sha256", SignatureClaim.hash(SignedExample.body))
        )
        let claim = try SignedExample.accept(unsigned.with(headers: unsigned.headers + added))
        #expect(claim.sessionToken == "token")
        let presigned = unsigned.with(
            query: signer.presignedQuery(for: unsigned, now: SignedExample.now, expirySeconds: 1)
        )
        #expect(try SignedExample.accept(presigned).sessionToken == "token")
    }

    @Test func `a signer is good for its day`() {
        let signer = SignedExample.signer()
        #expect(signer.isCurrent(SignedExample.later(11 * 3600 + 24 * 60 - 1)))
        #expect(!signer.isCurrent(SignedExample.later(11 * 3600 + 24 * 60)))
    }

    // MARK: - Spelling

    @Test func `text that is encoded is encoded once, and a slash stays what it was`() {
        func once(_ text: String) -> String {
            var bytes: [UInt8] = []
            URIEncoding.appendOnce(text.utf8, keepingSlash: true, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(once("/a b+~%7e%2f%e1%88%B4ሴ") == "/a%20b%2B~~%2F%E1%88%B4%E1%88%B4")
        #expect(once("%%2%zz%") == "%25%252%25zz%25")
        #expect(URIEncoding.decoded("a%2Fb+%".utf8) == "a/b+%")
        #expect(URIEncoding.decoded("%FF".utf8) == nil)
    }

    @Test func `times are read and written to the second`() {
        for text in ["19700101T000000Z", "20000229T235959Z", "20150830T123600Z", "99991231T235959Z"] {
            #expect(SigningTime(text)?.description == text)
        }
        #expect(SigningTime("20150830T123600Z")?.secondsSince1970 == 1_440_938_160)
        #expect(SigningTime("20010229T000000Z") == nil)
        for text in ["Sun, 30 Aug 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 -0000", "20150830T123600Z"] {
            #expect(SigningTime(dateHeader: text)?.secondsSince1970 == 1_440_938_160)
        }
        for text in ["Sun, 30 Aug 2015 12:36:00 +0100", "Sun, 30 Abc 2015 12:36:00 GMT", "Sunday", ""] {
            #expect(SigningTime(dateHeader: text) == nil)
        }
        #expect(SigningTime("99991231T235959Z")?.adding(seconds: .max).description == "99991231T235959Z")
        #expect(SigningTime("19700101T000000Z")?.adding(seconds: -1).description == "19700101T000000Z")
    }

    @Test func `a target is split at its first question mark`() {
        let request = SigV4Request(method: "GET", target: "/a?b=?", headers: [], body: .bytes([]))
        #expect(request.path == "/a")
        #expect(request.query == "b=?")
        #expect(SigV4Request(method: "GET", target: "/a", headers: [], body: .bytes([])).query.isEmpty)
    }
}
