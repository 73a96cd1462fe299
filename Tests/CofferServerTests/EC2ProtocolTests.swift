import CofferShapes
import CofferSigV4
import CofferTesting
import NIOHTTP1
import Testing

@testable import CofferServer

/// EC2's dialect of the Query protocol: parameters, answers and errors on the wire.
@Suite struct EC2ProtocolTests {
    private static let version = "Version=2016-11-15"

    private func answer(_ query: String, _ subject: ServerSubject) async -> HTTPAnswer {
        await subject.responder.answer(subject.query("\(query)&\(Self.version)", service: "ec2"))
    }

    @Test func `an answer has its members at the top, with lists of items`() async throws {
        let subject = try await ServerSubject()
        let answer = await answer("Action=DescribeRegions", subject)
        #expect(answer.status == 200)
        #expect(answer.contentType == .xml)
        #expect(
            answer.text
                == "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                + "<requestId>\(answer.requestID)</requestId><regionInfo><item>"
                + "<regionName>us-east-1</regionName><regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint>"
                + "<optInStatus>opt-in-not-required</optInStatus></item></regionInfo></DescribeRegionsResponse>"
        )
    }

    @Test(arguments: [
        (
            "Action=DescribeVolumes&Nonsense=1", "UnknownParameter",
            "The parameter Nonsense is not recognized"
        ),
        (
            "Action=DescribeVolumes&volumeId.1=vol-12345678", "UnknownParameter",
            "The parameter volumeId is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId=vol-12345678", "UnknownParameter",
            "The parameter VolumeId is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId.0=vol-12345678", "UnknownParameter",
            "The parameter VolumeId.0 is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId.01=vol-12345678", "UnknownParameter",
            "The parameter VolumeId.01 is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId.member.1=vol-12345678", "UnknownParameter",
            "The parameter VolumeId.member is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId.-1=x", "UnknownParameter",
            "The parameter VolumeId.-1 is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId.99999999999999999999=x", "UnknownParameter",
            "The parameter VolumeId.99999999999999999999 is not recognized"
        ),
        (
            "Action=DescribeVolumes&VolumeId.1.2=x", "UnknownParameter",
            "The parameter VolumeId.1.2 is not recognized"
        ),
        (
            "Action=DescribeVolumes&a.b.c.d.e.f.g.h.i.j.k=x", "UnknownParameter",
            "The parameter a.b.c.d.e.f.g.h.i.j.k is not recognized"
        ),
        ("Action=DescribeVolumes&.=x", "UnknownParameter", "The parameter  is not recognized"),
        (
            "Action=DescribeVolumes&VolumeId.1=vol-12345678&VolumeId.3=vol-12345678", "InvalidParameterValue",
            "The elements of the parameter VolumeId must be numbered from 1 without gaps; VolumeId.2 is missing."
        ),
        (
            "Action=DescribeVolumes&VolumeId.999999999=vol-12345678", "InvalidParameterValue",
            "The elements of the parameter VolumeId must be numbered from 1 without gaps; VolumeId.1 is missing."
        ),
        (
            "Action=DescribeVolumes&MaxResults=many", "InvalidParameterValue",
            "Value (many) for parameter maxResults is invalid. It is not an integer."
        ),
        (
            "Action=DescribeVolumes&MaxResults=99999999999", "InvalidParameterValue",
            "Value (99999999999) for parameter maxResults is invalid. It is not an integer."
        ),
        (
            "Action=CreateVolume&Encrypted=yes", "InvalidParameterValue",
            "Value (yes) for parameter encrypted is invalid. It is neither true nor false."
        ),
        (
            "Action=DeleteVolume", "MissingParameter",
            "The request must contain the parameter VolumeId"
        ),
        (
            "Action=DescribeVolumes&Filter.1.Value.1=x", "MissingParameter",
            "The request must contain the parameter Filter.1.Name"
        ),
        (
            "Action=DescribeRegions&Filter.1.Name=nonsense&Filter.1.Value.1=x", "InvalidParameterValue",
            "The filter 'nonsense' is invalid"
        ),
        (
            "Action=DescribeVolumes&VolumeId.1=vol-zz", "InvalidVolumeID.Malformed",
            "Invalid id: \"vol-zz\" (expecting \"vol-...\")"
        ),
        (
            "Action=DeleteVolume&VolumeId=vol-0123456789abcdef0", "InvalidVolume.NotFound",
            "The volume 'vol-0123456789abcdef0' does not exist."
        ),
        (
            "Action=DeleteVolume&VolumeId=vol-12345678", "InvalidVolume.NotFound",
            "The volume 'vol-12345678' does not exist."
        ),
        (
            "Action=Nonsense", "InvalidAction",
            "The action Nonsense is not valid for this web service."
        ),
        (
            "Action=RunInstances", "UnsupportedOperation",
            "The action RunInstances is not supported. Coffer has volumes, and one instance that stands for this "
                + "host; there are no networks, images or other instances."
        ),
    ]) func `a refusal is a document with EC2's code and sentence`(
        _ query: String,
        _ code: String,
        _ message: String
    ) async throws {
        let subject = try await ServerSubject()
        let answer = await answer(query, subject)
        #expect(answer.status == 400)
        let escaped = message.replacing("\"", with: "&quot;")
        #expect(
            answer.text
                == "<Response><Errors><Error><Code>\(code)</Code><Message>\(escaped)</Message></Error></Errors>"
                + "<RequestID>\(answer.requestID)</RequestID></Response>"
        )
    }

    private static let expired = Timestamp(nanoseconds: SystemClock().now.nanoseconds - 3_600_000_000_000)

    @Test(arguments: [
        (ServerSubject.Departure(secretAccessKey: "guess"), 401, "AuthFailure"),
        (ServerSubject.Departure(accessKeyID: "AKIAIOSFODNN7EXAMPLE"), 401, "AuthFailure"),
        (ServerSubject.Departure(service: "iam"), 401, "AuthFailure"),
        (ServerSubject.Departure(sessionToken: "token"), 401, "AuthFailure"),
        (ServerSubject.Departure(signsAt: expired), 400, "RequestExpired"),
    ]) func `a signature that is not accepted is an error of EC2's`(
        _ departure: ServerSubject.Departure,
        _ status: Int,
        _ code: String
    ) async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(
            subject.query("Action=DescribeVolumes&\(Self.version)", service: "ec2", departure)
        )
        #expect(answer.status == status)
        #expect(answer.text.hasPrefix("<Response><Errors><Error><Code>\(code)</Code>"))
    }

    @Test func `an unsigned request misses its token`() async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(
            unsigned(
                "POST",
                "/",
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: "Action=DescribeVolumes&\(Self.version)"
            )
        )
        #expect(answer.status == 400)
        #expect(answer.text.contains("<Code>MissingAuthenticationToken</Code>"))
    }

    @Test func `requests are counted by operation and result`() async throws {
        let subject = try await ServerSubject()
        _ = await answer("Action=DescribeRegions", subject)
        _ = await answer("Action=DeleteVolume", subject)
        let lines = await subject.responder.answer(unsigned("GET", "/metrics")).text
            .split(separator: "\n").map(String.init)
        let labels = #"service="ec2",operation="#
        #expect(lines.contains("coffer_requests_total{\(labels)\"DescribeRegions\",code=\"OK\"} 1"))
        #expect(
            lines.contains("coffer_requests_total{\(labels)\"DeleteVolume\",code=\"MissingParameter\"} 1")
        )
    }

    @Test(arguments: [
        (AWSError(.volumeInUse, "x"), 400),
        (AWSError(AWSError.Code("UnauthorizedOperation", .accessDenied), ""), 403),
        (AWSError(AWSError.Code("DryRunOperation", .refused), ""), 412), (AWSError(.internalError, ""), 500),
        (AWSError(.storageFull, ""), 500), (AWSError(.kmsInternal, ""), 500), (AWSError.ec2AuthFailure, 401),
    ]) func `a code has EC2's status`(_ error: AWSError, _ status: Int) {
        #expect(error.ec2Status == status)
    }
}
