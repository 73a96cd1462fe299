internal import CofferShapes
internal import Testing

@testable internal import CofferSigV4

/// What must not be taken, and what is said about it.
@Suite struct RefusalTests {
    private let authorization = SignedExample.signed.value("authorization")

    private func message(_ request: SigV4Request, _ dialect: SigV4Error.Dialect = .json) -> String {
        SignedExample.refusal(request)?.awsError(dialect).description ?? "taken"
    }

    private func signed(authorization: String?) -> SigV4Request {
        SignedExample.signed.replacing("authorization", authorization)
    }

    @Test func `the examples are taken as they are`() {
        #expect(SignedExample.refusal(SignedExample.signed) == nil)
        #expect(SignedExample.refusal(SignedExample.presigned) == nil)
    }

    @Test func `a signature with any bit flipped is refused`() {
        let digits = Array("0123456789abcdef".utf8)
        for place in 0..<64 {
            for bit in 0..<4 {
                var text = Array(authorization.utf8)
                let index = text.count - 64 + place
                let nibble = digits.firstIndex(of: text[index]) ?? 0
                text[index] = digits[nibble ^ 1 << bit]
                let request = signed(authorization: String(decoding: text, as: UTF8.self))
                #expect(SignedExample.refusal(request) == .mismatch)
            }
        }
    }

    @Test(arguments: ["", "0", "00", "zz"])
    func `a signature of another length is refused`(suffix: String) {
        let text = String(authorization.dropLast(suffix.isEmpty ? 1 : 0)) + suffix
        #expect(SignedExample.refusal(signed(authorization: text)) == .mismatch)
    }

    @Test func `a signature in upper case is refused, as each signature has one spelling`() {
        let text = String(authorization.dropLast(64)) + authorization.suffix(64).uppercased()
        #expect(SignedExample.refusal(signed(authorization: text)) == .mismatch)
    }

    @Test func `whatever is changed under the signature is noticed`() {
        let good = SignedExample.signed
        let changed = [
            good.with(method: "GET"), good.with(path: "/a"), good.with(query: "a"), good.with(query: "a=b"),
            good.with(body: .bytes(SignedExample.body + [0x20])), good.with(body: .bytes([])),
            good.replacing("host", "kms.us-west-2.amazonaws.com"),
            good.replacing("content-type", "application/x-amz-json-1.0"),
            good.replacing("content-type", nil), good.adding("content-type", "application/x-amz-json-1.1"),
            good.replacing("x-amz-target", "TrentService.ScheduleKeyDeletion"),
            good.replacing("x-amz-date", "20150830T123601Z"), good.with(method: "POST\n/"),
        ]
        for request in changed { #expect(SignedExample.refusal(request) == .mismatch) }
    }

    @Test func `whatever is changed under a presigned query is noticed`() {
        let good = SignedExample.presigned
        let changed = [
            good.with(method: "GET"), good.with(path: "/a"), good.with(query: good.query + "&a=b"),
            good.with(query: good.query.replacing("Expires=60", with: "Expires=61")),
            good.with(query: good.query.replacing("T123600Z", with: "T123601Z")),
            good.with(query: good.query + "&X-Amz-Security-Token=a"),
            good.with(body: .bytes([])), good.replacing("host", "a"),
        ]
        for request in changed { #expect(SignedExample.refusal(request) == .mismatch) }
    }

    @Test func `a header of AWS's that is not signed is refused`() {
        let added = SignedExample.signed.adding("X-Amz-Target", "TrentService.Encrypt")
        #expect(SignedExample.refusal(added) == .mismatch)
        let unsigned = SignedExample.signed.adding("X-Amz-Anything", "1")
        #expect(SignedExample.refusal(unsigned) == .headersNotSigned(["x-amz-anything"]))
        #expect(
            message(unsigned, .s3)
                == "AccessDenied: There were headers present in the request which were not signed"
        )
        let presigned = SignedExample.presigned.adding("x-amz-acl", "public-read")
        #expect(SignedExample.refusal(presigned) == .headersNotSigned(["x-amz-acl"]))
        // Proxies add others on the way.
        #expect(SignedExample.refusal(SignedExample.signed.adding("X-Forwarded-For", "10.0.0.1")) == nil)
    }

    @Test func `host and the date must be signed`() {
        let withoutHost = signed(authorization: authorization.replacing("host;", with: ""))
        #expect(
            message(withoutHost)
                == "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
        let withoutDate = signed(authorization: authorization.replacing("x-amz-date;", with: ""))
        #expect(SignedExample.refusal(withoutDate) == .headersNotSigned(["x-amz-date"]))
        let plainDate = withoutDate.replacing("x-amz-date", nil).adding(
            "Date",
            "Sun, 30 Aug 2015 12:36:00 GMT"
        )
        #expect(SignedExample.refusal(plainDate) == .headersNotSigned(["date"]))
    }

    // MARK: - Time

    @Test func `the clocks may differ by five minutes and no more`() {
        let good = SignedExample.signed
        for seconds in [-300, 300] {
            #expect(SignedExample.refusal(good, now: SignedExample.later(seconds)) == nil)
        }
        #expect(
            SignedExample.refusal(good, now: SignedExample.later(301))?.awsError(.json)
                == AWSError(
                    .invalidSignature,
                    "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z "
                        + "(20150830T124101Z - 5 min.)"
                )
        )
        #expect(
            SignedExample.refusal(good, now: SignedExample.later(-301))?.awsError(.json)
                == AWSError(
                    .invalidSignature,
                    "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z "
                        + "(20150830T123059Z + 5 min.)"
                )
        )
    }

    @Test func `S3's clocks may differ by fifteen minutes, and a rule may say otherwise`() {
        let signer = SignedExample.signer(service: "s3")
        let request = SignedExample.unsigned
        let good = request.with(
            headers: request.headers + signer.headers(for: request, now: SignedExample.now)
        )
        var rules = SignatureRules(services: ["s3": []])
        #expect(SignedExample.refusal(good, rules: rules, now: SignedExample.later(900)) == nil)
        let late = SignedExample.refusal(good, rules: rules, now: SignedExample.later(901))
        #expect(late?.awsError(.s3).code.name == "RequestTimeTooSkewed")
        rules.clockSkewSeconds = 1
        #expect(SignedExample.refusal(good, rules: rules, now: SignedExample.later(1)) == nil)
        #expect(SignedExample.refusal(good, rules: rules, now: SignedExample.later(2)) != nil)
    }

    @Test func `a presigned request is good for its time`() {
        let good = SignedExample.presigned
        #expect(SignedExample.refusal(good, now: SignedExample.later(60)) == nil)
        let late = SignedExample.refusal(good, now: SignedExample.later(61))
        #expect(
            late?.awsError(.s3)
                == AWSError(AWSError.Code("AccessDenied", .accessDenied), "Request has expired")
        )
        #expect(late?.awsError(.json).code == .invalidSignature)
        #expect(SignedExample.refusal(good, now: SignedExample.later(-301)) != nil)
    }

    @Test(arguments: ["0", "604801", "-1", "1e3", "99999999999999999999", "%20", "1%00"])
    func `a lifetime that is no number from one second to seven days is refused`(_ text: String) {
        let query = SignedExample.presigned.query.replacing("X-Amz-Expires=60", with: "X-Amz-Expires=\(text)")
        #expect(SignedExample.refusal(SignedExample.presigned.with(query: query)) == .malformedExpiry)
    }

    @Test(arguments: [
        "", "20150830", "20150830T123600", "20150830T12:36Z", "20150230T123600Z", "20151301T000000Z",
        "20150830T240000Z", "20150830T126000Z", "00000000T000000Z", "2015083OT123600Z",
        "2015-08-30T12:36:00Z", "Sun, 30 Aug 2015 12:36:00 GMT",
    ])
    func `a date that is none is refused`(_ text: String) {
        #expect(SignedExample.refusal(SignedExample.signed.replacing("x-amz-date", text)) == .malformedDate)
    }

    // MARK: - Scope

    @Test func `a signature for something else is refused in AWS's words`() {
        let other = [
            "kms/": "ec2/", "us-east-1": "eu-east-2", "aws4_request": "aws4", "/20150830/": "/20150831/",
        ]
        let messages = other.map {
            message(signed(authorization: authorization.replacing($0.key, with: $0.value)))
        }
        #expect(
            Set(messages) == [
                "InvalidSignatureException: Credential should be scoped to correct service: 'kms'.",
                "InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-east-2'.",
                "InvalidSignatureException: Credential should be scoped with a valid terminator: 'aws4_request', not "
                    + "'aws4'.",
                "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                    + "date from HTTP: '20150831' != '20150830', from '20150830T123600Z'.",
            ]
        )
    }

    @Test func `a key of another day, region, service or secret verifies nothing`() throws {
        let claim = try SignatureClaim(
            SignedExample.signed,
            rules: SignedExample.rules,
            now: SignedExample.now
        )
        let keys = [
            SignedExample.key(day: "20150831"), SignedExample.key(region: "us-west-2"),
            SignedExample.key(service: "s3"),
            SigningKey(secretAccessKey: SignedExample.secretBytes("another"), scope: claim.scope),
        ]
        for key in keys {
            #expect(throws: SigV4Error.mismatch) { try claim.verify(SignedExample.signed, with: key) }
        }
        #expect(throws: Never.self) { try claim.verify(SignedExample.signed, with: SignedExample.key()) }
    }

    // MARK: - Form

    @Test func `a request without a signature is told so`() {
        #expect(
            message(SignedExample.unsigned)
                == "MissingAuthenticationTokenException: Missing Authentication Token"
        )
        #expect(
            message(SignedExample.unsigned, .query)
                == "MissingAuthenticationToken: Missing Authentication Token"
        )
        #expect(message(SignedExample.unsigned, .s3) == "AccessDenied: Access Denied")
    }

    @Test func `each missing part is named`() {
        let all =
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
            + "parameter. Authorization header requires 'SignedHeaders' parameter. "
        #expect(
            message(signed(authorization: "AWS4-HMAC-SHA256"))
                == "IncompleteSignatureException: \(all)Authorization=AWS4-HMAC-SHA256"
        )
        #expect(message(signed(authorization: "")) == "IncompleteSignatureException: \(all)Authorization=")
        #expect(message(signed(authorization: "Basic cm9vdDpzZWNyZXQ=")).hasSuffix("Authorization="))
        #expect(
            message(signed(authorization: "AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders=host,Signature="))
                == "IncompleteSignatureException: Authorization header requires 'Signature' parameter. "
                + "Authorization=AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host"
        )
        #expect(
            message(SignedExample.signed.replacing("x-amz-date", nil)).contains(
                "requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256"
            )
        )
    }

    @Test func `each missing parameter of a presigned query is named`() {
        let parts = SignedExample.presigned.query.split(separator: "&")
        for part in parts where !part.hasPrefix("X-Amz-Security-Token") {
            let rest = parts.filter { $0 != part }.joined(separator: "&")
            let name = String(part.prefix { $0 != "=" })
            #expect(
                SignedExample.refusal(SignedExample.presigned.with(query: rest)) == .missingParameters([name])
            )
        }
        #expect(
            message(
                SignedExample.presigned.with(
                    query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&\(parts[1])&\(parts[2])"
                )
            )
                == "IncompleteSignatureException: AWS query-string parameters must include 'X-Amz-Expires'. AWS "
                + "query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include "
                + "'X-Amz-SignedHeaders'. Re-examine the query-string parameters."
        )
    }

    @Test func `what may stand once is refused twice`() {
        let good = SignedExample.signed
        for name in ["authorization", "x-amz-date"] {
            #expect(SignedExample.refusal(good.adding(name, good.value(name))) == .repeated(name))
        }
        #expect(
            SignedExample.refusal(signed(authorization: authorization + ", Credential=a"))
                == .repeated("Credential")
        )
        let presigned = SignedExample.presigned
        for part in presigned.query.split(separator: "&") {
            let name = String(part.prefix { $0 != "=" })
            #expect(
                SignedExample.refusal(presigned.with(query: "\(presigned.query)&\(part)")) == .repeated(name)
            )
        }
        let both = presigned.adding("authorization", authorization)
        #expect(SignedExample.refusal(both) == .twoSignatures)
    }

    @Test(arguments: [
        "", "a", "a/b/c/d", "a/20150830/us-east-1/kms/aws4_request/x", "/20150830/us-east-1/kms/aws4_request",
        "a/2015083x/us-east-1/kms/aws4_request", "a/20150830//kms/aws4_request",
        "a b/20150830/r/kms/aws4_request",
        "a/20150830/us\neast/kms/aws4_request", "ä/20150830/us-east-1/kms/aws4_request",
        String(repeating: "a", count: 129) + "/20150830/us-east-1/kms/aws4_request",
    ])
    func `a credential that is none is refused`(_ text: String) {
        #expect(throws: SigV4Error.malformedCredential(text)) { try Credential(text) }
    }

    @Test(arguments: [
        "x-amz-date;host", "host;host", "Host;x-amz-date", ";host", "host;", "host;;x-amz-date", "host;x amz",
        "hö",
        (0..<101).map { "a\($0 + 100)" }.joined(separator: ";"),
    ])
    func `a list of signed headers with another spelling is refused`(_ names: String) {
        let text =
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request, "
            + "SignedHeaders=\(names), Signature=0"
        #expect(SignedExample.refusal(signed(authorization: text)) == .malformedSignedHeaders)
    }

    @Test func `another algorithm, a junk part and an over-long header are refused`() {
        let other = authorization.replacing("HMAC", with: "ECDSA")
        #expect(SignedExample.refusal(signed(authorization: other)) == .unsupportedAlgorithm)
        #expect(
            SignedExample.refusal(signed(authorization: "AWS4-HMAC-SHA256x a=b")) == .unsupportedAlgorithm
        )
        #expect(
            SignedExample.refusal(signed(authorization: authorization + ", junk")) == .malformedPart("junk")
        )
        #expect(
            SignedExample.refusal(signed(authorization: authorization + ", Junk=1")) == .malformedPart("Junk")
        )
        let long = authorization + String(repeating: " ", count: 8192)
        #expect(message(signed(authorization: long)).hasPrefix("IncompleteSignatureException"))
        let presigned = SignedExample.presigned
        let query = presigned.query.replacing("HMAC", with: "ECDSA")
        #expect(SignedExample.refusal(presigned.with(query: query)) == .unsupportedAlgorithm)
    }

    @Test func `a server may refuse presigned requests`() {
        var rules = SignedExample.rules
        rules.allowsPresigned = false
        #expect(SignedExample.refusal(SignedExample.presigned, rules: rules) == .presignedNotAllowed)
        #expect(SignedExample.refusal(SignedExample.signed, rules: rules) == nil)
    }
}
