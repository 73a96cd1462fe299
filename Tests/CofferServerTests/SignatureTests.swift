import Coffer
import CofferIdentity
import CofferShapes
import CofferSigV4
import CofferTesting
import Testing

@testable import CofferServer

@Suite struct SignatureTests {
    private static let now = Timestamp(nanoseconds: 1_790_000_000_000_000_000)
    private static let minute: UInt64 = 60_000_000_000

    private func subject() async throws -> ServerSubject {
        try await ServerSubject(clock: StillClock(nanoseconds: Self.now.nanoseconds))
    }

    private func departure(_ change: (inout ServerSubject.Departure) -> Void) -> ServerSubject.Departure {
        var departure = ServerSubject.Departure(signsAt: Self.now)
        change(&departure)
        return departure
    }

    @Test func `a request that is signed right is done`() async throws {
        let subject = try await subject()
        let answer = await subject.answer("GenerateRandom", #"{"NumberOfBytes":8}"#, departure { _ in })
        #expect(answer.status == 200)
    }

    @Test func `the second request with a key is verified as strictly as the first`() async throws {
        let subject = try await subject()
        for _ in 0..<2 {
            #expect(
                await subject.answer("GenerateRandom", #"{"NumberOfBytes":8}"#, departure { _ in }).status
                    == 200
            )
        }
        let answer = await subject.answer(
            "GenerateRandom",
            #"{"NumberOfBytes":8}"#,
            departure { $0.secretAccessKey = "somebody else's" }
        )
        #expect(answer.status == 400)
        #expect(answer.text.contains("InvalidSignatureException"))
    }

    @Test func `an unknown access key is unknown, before its signature is looked at`() async throws {
        let subject = try await subject()
        let answer = await subject.answer(
            "ListKeys",
            "{}",
            departure { $0.accessKeyID = "AKIAIOSFODNN7EXAMPLE" }
        )
        #expect(answer.status == 400)
        #expect(
            answer.text
                == #"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
        )
    }

    @Test func `a session token is refused, as none was ever issued`() async throws {
        let subject = try await subject()
        let answer = await subject.answer("ListKeys", "{}", departure { $0.sessionToken = "token" })
        #expect(answer.text.contains("UnrecognizedClientException"))
    }

    @Test func `an access key that was made inactive counts no more in the very next request`() async throws {
        let subject = try await subject()
        let request = #"{"NumberOfBytes":8}"#
        #expect(await subject.answer("GenerateRandom", request, departure { _ in }).status == 200)
        try await subject.home.identityService().updateAccessKey(
            subject.accessKeyID,
            status: .inactive,
            caller: subject.home.root
        )
        let answer = await subject.answer("GenerateRandom", request, departure { _ in })
        #expect(answer.text.contains("UnrecognizedClientException"))
        let query = await subject.responder.answer(
            subject.query("Action=ListUsers&Version=2010-05-08", departure { _ in })
        )
        #expect(query.status == 403)
        #expect(query.text.contains("<Code>InvalidClientTokenId</Code>"))
    }

    @Test func `a body other than the signed one is refused`() async throws {
        let subject = try await subject()
        let answer = await subject.answer("ListKeys", "{}", departure { $0.bodySent = Array("{ }".utf8) })
        #expect(answer.status == 400)
        #expect(
            answer.text
                == #"{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}"#
        )
    }

    @Test(arguments: [true, false]) func `a request is good for five minutes either way`(
        _ isLate: Bool
    ) async throws {
        let subject = try await subject()
        for (minutes, isGood) in [(4, true), (6, false)] as [(UInt64, Bool)] {
            let distance = minutes * Self.minute
            let time = isLate ? Self.now.nanoseconds - distance : Self.now.nanoseconds + distance
            let answer = await subject.answer(
                "GenerateRandom",
                #"{"NumberOfBytes":8}"#,
                departure { $0.signsAt = Timestamp(nanoseconds: time) }
            )
            #expect((answer.status == 200) == isGood)
            guard !isGood else { continue }
            #expect(answer.text.contains("InvalidSignatureException"))
            #expect(answer.text.contains(isLate ? "Signature expired: " : "Signature not yet current: "))
        }
    }

    @Test func `a signature for another service is refused`() async throws {
        let subject = try await subject()
        let answer = await subject.answer("ListKeys", "{}", departure { $0.service = "iam" })
        #expect(answer.text.contains("Credential should be scoped to correct service: 'kms'."))
        let query = await subject.responder.answer(
            subject.query("Action=GetCallerIdentity&Version=2011-06-15", service: "iam", departure { _ in })
        )
        #expect(query.status == 403)
        #expect(query.text.contains("<Code>SignatureDoesNotMatch</Code>"))
    }

    @Test func `a scope whose region is no region's name is refused`() async throws {
        let subject = try await subject()
        let answer = await subject.answer("ListKeys", "{}", departure { $0.region = "US_EAST" })
        #expect(answer.text.contains("Credential should be scoped to a valid region, not 'US_EAST'."))
    }

    @Test func `strangers cannot fill the cache of signing keys`() async throws {
        let cache = SigningKeyCache(capacity: 4)
        let subject = try await subject()
        let authenticator = Authenticator(
            identity: try await subject.home.identityService(),
            clock: StillClock(nanoseconds: Self.now.nanoseconds),
            cache: cache
        )
        for region in 1...20 {
            let request = subject.request(
                "ListKeys",
                "{}",
                departure {
                    $0.region = "us-east-\(region)"
                    $0.secretAccessKey = "guess"
                }
            )
            let refused = refusal {
                _ = try authenticator.asker(
                    of: request,
                    requestID: "",
                    services: .init(services: ["kms": []]),
                    dialect: .json
                )
            }
            #expect(refused?.code == .invalidSignature)
        }
        #expect(cache.count == 0)
        for region in 1...20 {
            let request = subject.request("ListKeys", "{}", departure { $0.region = "us-east-\(region)" })
            let asker = try authenticator.asker(
                of: request,
                requestID: "id",
                services: .init(services: ["kms": []]),
                dialect: .json
            )
            #expect(asker.caller.region?.name == "us-east-\(region)")
            #expect(asker.caller.principal.isRoot)
            #expect(asker.caller.origin?.sourceAddress == "192.0.2.7")
            #expect(asker.caller.origin?.accessKeyID == subject.accessKeyID)
        }
        #expect(cache.count == 4)
    }
}
