import CofferCrypto
import CofferEBS
import CofferJSON
import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferServer

/// EBS direct on the wire: paths, headers, bodies and errors.
@Suite struct EBSDirectProtocolTests {
    private static let id = "snap-0123456789abcdef0"

    @Test(
        arguments: [
            ("POST", "/snapshots", .startSnapshot),
            ("POST", "/snapshots/completion/\(id)", .completeSnapshot),
            ("GET", "/snapshots/\(id)/blocks", .listSnapshotBlocks),
            ("GET", "/snapshots/\(id)/blocks?maxResults=100", .listSnapshotBlocks),
            ("GET", "/snapshots/\(id)/changedblocks", .listChangedBlocks),
            ("GET", "/snapshots/\(id)/blocks/7?blockToken=A", .getSnapshotBlock),
            ("PUT", "/snapshots/\(id)/blocks/7", .putSnapshotBlock),
            ("POST", "/snapshots/", nil), ("GET", "/snapshots", nil), ("PUT", "/snapshots", nil),
            ("GET", "/snapshots/completion/\(id)", nil), ("POST", "/snapshots/\(id)/blocks", nil),
            ("POST", "/snapshots/\(id)/blocks/7", nil), ("GET", "/snapshots/\(id)/blocks/7/8", nil),
            ("GET", "/snapshots/\(id)", nil), ("DELETE", "/snapshots/\(id)", nil),
            ("GET", "/snapshots/\(id)/Blocks", nil), ("GET", "/snapshots//\(id)/blocks", nil),
            ("get", "/snapshots/\(id)/blocks", nil), ("GET", "/snapshots/a/b/c/d/e/f/g/h", nil),
        ] as [(String, String, EBSOperation?)]
    ) func `a path and a method mean one operation or none`(
        _ method: String,
        _ target: String,
        _ operation: EBSOperation?
    ) {
        let route = try? EBSRoute(unsigned(method, target))
        #expect(route?.operation == operation)
    }

    @Test func `a path that is nobody's is an error of EBS's, and others are as before`() async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(subject.direct("DELETE", "/snapshots/\(Self.id)"))
        #expect(answer.status == 404 && answer.contentType == .json)
        #expect(answer.errorType == "UnknownOperationException")
        let other = await subject.responder.answer(subject.direct("GET", "/snapshotsx"))
        #expect(other.status == 404 && other.errorType == nil)
    }

    @Test(
        arguments: [
            (.validation(.invalidBlockToken), 400, "ValidationException", "INVALID_BLOCK_TOKEN"),
            (.notFound(.snapshot), 404, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND"),
            (.accessDenied(.unauthorizedAccount), 403, "AccessDeniedException", "UNAUTHORIZED_ACCOUNT"),
            (.accessDenied(.dependency), 403, "AccessDeniedException", "DEPENDENCY_ACCESS_DENIED"),
            (.throttled(.resource), 400, "RequestThrottledException", "RESOURCE_LEVEL_THROTTLE"),
            (.concurrentLimit, 400, "ConcurrentLimitExceededException", nil),
            (.conflict, 409, "ConflictException", nil),
            (.quotaExceeded, 402, "ServiceQuotaExceededException", "DEPENDENCY_SERVICE_QUOTA_EXCEEDED"),
            (.internalFailure, 500, "InternalServerException", nil),
        ] as [(DirectError.Kind, Int, String, String?)]
    ) func `a refusal has its exception in a header, and its reason in the body`(
        _ kind: DirectError.Kind,
        _ status: Int,
        _ name: String,
        _ reason: String?
    ) {
        let answer = EBSRefusal(DirectError(kind, "No.")).answer("id")
        #expect(answer.status == status && answer.errorType == name && answer.contentType == .json)
        let tail = reason.map { #","Reason":"\#($0)""# } ?? ""
        #expect(answer.text == #"{"Message":"No."\#(tail)}"#)
    }

    @Test(arguments: [
        (AWSError.Code.unauthorizedOperation, 403, "AccessDeniedException"),
        (.accessDenied, 403, "AccessDeniedException"), (.disabled, 400, "ValidationException"),
        (.kmsInvalidState, 400, "ValidationException"), (.notFound, 400, "ValidationException"),
        (.snapshotNotFound, 404, "ResourceNotFoundException"),
        (.idempotentParameterMismatch, 409, "ConflictException"),
        (.storageFull, 402, "ServiceQuotaExceededException"), (.damaged, 500, "InternalServerException"),
        (.kmsInternal, 500, "InternalServerException"), (.internalError, 500, "InternalServerException"),
        (.requestTooLarge, 413, "RequestEntityTooLargeException"),
        (.serialization, 400, "SerializationException"),
    ]) func `what others refuse has one of EBS's exceptions`(
        _ code: AWSError.Code,
        _ status: Int,
        _ name: String
    ) {
        let answer = EBSRefusal(AWSError(code, "No.")).answer("id")
        #expect(answer.status == status && answer.errorType == name)
    }

    // MARK: - Whole requests

    private func start(_ body: String, _ subject: ServerSubject) async -> HTTPAnswer {
        await subject.responder.answer(subject.direct("POST", "/snapshots", body: Array(body.utf8)))
    }

    private func put(
        _ id: String,
        _ data: [UInt8],
        _ subject: ServerSubject,
        headers: [(String, String)] = [],
        _ departure: ServerSubject.Departure = ServerSubject.Departure()
    ) -> HTTPRequest {
        let checksum = Data(SHA256.digest(data)).base64EncodedString()
        return subject.direct(
            "PUT",
            "/snapshots/\(id)/blocks/1",
            headers: [
                ("x-amz-Data-Length", "\(data.count)"), ("x-amz-Checksum", checksum),
                ("x-amz-Checksum-Algorithm", "SHA256"),
            ] + headers,
            body: data,
            signsBody: false,
            departure
        )
    }

    @Test func `a snapshot is written and read`() async throws {
        let subject = try await ServerSubject()
        let started = await start(#"{"VolumeSize":1,"Description":"d"}"#, subject)
        #expect(started.status == 201)
        let id = try #require(try JSONDocument(started.body).root["SnapshotId"]?.string)
        let data = [UInt8](repeating: 9, count: 524_288)
        let written = await subject.responder.answer(put(id, data, subject))
        #expect(written.status == 201 && written.body.isEmpty)
        let checksum = Data(SHA256.digest(data)).base64EncodedString()
        #expect(written.header("x-amz-Checksum") == checksum)
        let completed = await subject.responder.answer(
            subject.direct(
                "POST",
                "/snapshots/completion/\(id)",
                headers: [("x-amz-ChangedBlocksCount", "1")]
            )
        )
        #expect(completed.status == 202 && completed.text == #"{"Status":"completed"}"#)
        let list = await subject.responder.answer(subject.direct("GET", "/snapshots/\(id)/blocks"))
        let blocks = try #require(try JSONDocument(list.body).root["Blocks"]?.elements)
        let token = try #require(blocks.first?["BlockToken"]?.string)
        #expect(blocks.map { $0["BlockIndex"]?.integer } == [1])
        let escaped = token.replacing("+", with: "%2B").replacing("/", with: "%2F").replacing(
            "=",
            with: "%3D"
        )
        let read = await subject.responder.answer(
            subject.direct("GET", "/snapshots/\(id)/blocks/1?blockToken=\(escaped)")
        )
        #expect(read.status == 200 && read.contentType == .bytes && read.body == data)
        #expect(read.header("x-amz-Data-Length") == "524288" && read.header("x-amz-Checksum") == checksum)
        let lines = await subject.responder.answer(unsigned("GET", "/metrics")).text
        #expect(
            lines.contains(#"coffer_requests_total{service="ebs",operation="PutSnapshotBlock",code="OK"} 1"#)
        )
    }

    @Test func `a body that is not the signed checksum's is refused, however it is signed`() async throws {
        let subject = try await ServerSubject()
        let started = await start(#"{"VolumeSize":1}"#, subject)
        let id = try #require(try JSONDocument(started.body).root["SnapshotId"]?.string)
        let data = [UInt8](repeating: 9, count: 524_288)
        var departure = ServerSubject.Departure()
        departure.bodySent = [UInt8](repeating: 8, count: 524_288)
        let answer = await subject.responder.answer(put(id, data, subject, departure))
        #expect(answer.status == 400 && answer.text.contains("INVALID_PARAMETER_VALUE"))
        // Other bodies are signed, and have to be.
        let other = subject.direct(
            "POST",
            "/snapshots",
            body: Array(#"{"VolumeSize":1}"#.utf8),
            signsBody: false
        )
        #expect(await subject.responder.answer(other).errorType == "InvalidSignatureException")
    }

    @Test(arguments: [
        ("x-amz-Data-Length", "1"), ("x-amz-Checksum", "AAAA"), ("x-amz-Checksum-Algorithm", "SHA256"),
    ]) func `a header that is there twice is refused`(_ name: String, _ value: String) async throws {
        let subject = try await ServerSubject()
        let data = [UInt8](repeating: 9, count: 524_288)
        let request = put(Self.id, data, subject, headers: [(name, value)])
        let answer = await subject.responder.answer(request)
        #expect(answer.status == 400 && answer.text.contains("more than once"), "\(answer.text)")
    }

    @Test func `a block comes without an encoding`() async throws {
        let subject = try await ServerSubject()
        let request = put(Self.id, [1], subject, headers: [("Content-Encoding", "gzip")])
        let answer = await subject.responder.answer(request)
        #expect(answer.text.contains("INVALID_CONTENT_ENCODING"))
    }

    @Test(arguments: [
        ("", "SerializationException"), ("[]", "SerializationException"), ("{", "SerializationException"),
        (#"{"VolumeSize":"1"}"#, "SerializationException"),
        (#"{"VolumeSize":1,"Encrypted":"yes"}"#, "SerializationException"),
        ("{}", "ValidationException"), (#"{"VolumeSize":1,"encrypted":true}"#, "ValidationException"),
        (#"{"VolumeSize":1,"Tags":[{"Value":"x"}]}"#, "ValidationException"),
        (#"{"VolumeSize":1e300}"#, "ValidationException"),
    ]) func `a body that is none of a start is refused`(_ body: String, _ name: String) async throws {
        let subject = try await ServerSubject()
        let answer = await start(body, subject)
        #expect(answer.status == 400 && answer.errorType == name, "\(answer.text)")
    }
}

extension HTTPAnswer {
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    fileprivate var errorType: String? { header("x-amzn-ErrorType") }
}
