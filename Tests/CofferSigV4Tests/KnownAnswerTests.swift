internal import CofferSecrets
internal import CofferShapes
internal import Testing

@testable internal import CofferSigV4

/// Answers that AWS has published, and botocore's.
@Suite struct KnownAnswerTests {
    @Test func `the signing key of AWS's documentation comes out`() throws {
        // IAM user guide, "Examples of how to derive a signing key".
        let expected = SecretBytes(
            copying: try #require(
                Hex.bytes("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
            )
        )
        let isEqual = SignedExample.key(service: "iam").equals(expected)
        let isEqualForAnother = SignedExample.key(service: "sts").equals(expected)
        #expect(isEqual)
        #expect(!isEqualForAnother)
    }

    @Test(arguments: [
        // The test suite of Signature Version 4.
        ("GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET", "Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
    ])
    func `the test suite's signatures come out`(method: String, query: String, signature: String) {
        let request = SigV4Request(
            method: method,
            path: "/",
            query: query,
            headers: [SigV4Request.Header("Host", "example.amazonaws.com")],
            body: .bytes([])
        )
        let added = SignedExample.signer(service: "service").headers(for: request, now: SignedExample.now)
        #expect(
            added.last?.value
                == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                + "SignedHeaders=host;x-amz-date, Signature=\(signature)"
        )
    }

    @Test func `the request to IAM of AWS's documentation comes out`() {
        let request = SigV4Request(
            method: "GET",
            target: "/?Action=ListUsers&Version=2010-05-08",
            headers: [
                SigV4Request.Header("Host", "iam.amazonaws.com"),
                SigV4Request.Header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ],
            body: .bytes([])
        )
        let added = SignedExample.signer(service: "iam").headers(for: request, now: SignedExample.now)
        #expect(
            added.last?.value.hasSuffix("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
                == true
        )
    }

    /// S3 API reference, "Examples: Signature Calculations" and "Authenticating Requests: Using Query Parameters".
    private struct S3Example {
        static let now = Timestamp(nanoseconds: 1_369_353_600_000_000_000)
        static let signer = RequestSigner(
            AccessKey(
                id: "AKIAIOSFODNN7EXAMPLE",
                secret: SignedExample.secretBytes("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            ),
            region: "us-east-1",
            service: "s3",
            now: now
        )

        static func request(
            _ method: String,
            _ target: String,
            _ headers: [(String, String)],
            _ body: String = ""
        ) -> SigV4Request {
            SigV4Request(
                method: method,
                target: target,
                headers: [SigV4Request.Header("Host", "examplebucket.s3.amazonaws.com")]
                    + headers.map { SigV4Request.Header($0.0, $0.1) },
                body: .bytes(Array(body.utf8))
            )
        }
    }

    @Test(
        arguments: [
            (
                "GET", "/test.txt", [("Range", "bytes=0-9")], "",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                "PUT", "/test$file.text",
                [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                "GET", "/?lifecycle", [], "",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                "GET", "/?max-keys=2&prefix=J", [], "",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ] as [(String, String, [(String, String)], String, String)]
    )
    func `S3's examples come out`(
        method: String,
        target: String,
        headers: [(String, String)],
        body: String,
        signature: String
    ) {
        let request = S3Example.request(method, target, headers, body)
        let added = S3Example.signer.headers(for: request, now: S3Example.now)
        #expect(added.last?.value.hasSuffix("Signature=\(signature)") == true)
    }

    @Test func `S3's presigned example comes out`() {
        let request = S3Example.request("GET", "/test.txt", [])
        let query = S3Example.signer.presignedQuery(for: request, now: S3Example.now, expirySeconds: 86_400)
        #expect(
            query == "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        )
    }

    // MARK: - botocore

    @Test(arguments: try BotocoreVectors.load().vectors)
    func `what botocore signs is taken`(_ vector: BotocoreVector) throws {
        let claim = try SignedExample.accept(vector.request, rules: vector.rules)
        #expect(claim.accessKeyID == SignedExample.keyID)
        #expect(claim.time == SignedExample.time)
        #expect(claim.isPresigned == vector.presigned)
        #expect(claim.sessionToken == vector.token)
        let canonical = try #require(
            CanonicalRequest.bytes(
                vector.request,
                signedHeaders: claim.signedHeaders,
                payload: vector.canonicalRequest.components(last: "\n"),
                scope: claim.scope
            )
        )
        #expect(String(decoding: canonical, as: UTF8.self) == vector.canonicalRequest)
    }

    @Test(arguments: try BotocoreVectors.load().vectors)
    func `what we sign is what botocore signs`(_ vector: BotocoreVector) throws {
        let signer = SignedExample.signer(service: vector.service, region: vector.region, token: vector.token)
        let request = vector.unsignedRequest
        if vector.presigned {
            let expirySeconds = try #require(
                SignatureClaim(vector.request, rules: vector.rules, now: SignedExample.now).expirySeconds
            )
            let query = signer.presignedQuery(
                for: request,
                now: SignedExample.now,
                expirySeconds: expirySeconds
            )
            #expect(query == vector.query)
        } else if !vector.headers.contains(where: { $0[0].lowercased() == "date" }) {
            let added = signer.headers(for: request, now: SignedExample.now)
            #expect(added.last?.value == vector.request.value("authorization"))
        }
    }
}

extension String {
    /// What follows the last occurrence of a separator.
    fileprivate func components(last separator: Character) -> String {
        String(self[(lastIndex(of: separator) ?? startIndex)...].dropFirst())
    }
}
