import CofferShapes
import Testing

@testable import CofferServer

@Suite struct WireErrorTests {
    @Test(arguments: [
        (
            AWSError(.notFound, "Invalid keyId 'x'"), 400,
            #"{"__type":"NotFoundException","message":"Invalid keyId 'x'"}"#
        ),
        (AWSError(.accessDenied, "no"), 400, #"{"__type":"AccessDeniedException","message":"no"}"#),
        (AWSError(.invalidCiphertext, ""), 400, #"{"__type":"InvalidCiphertextException"}"#),
        (
            AWSError(.kmsInternal, "a \"b\" \\ /"), 500,
            #"{"__type":"KMSInternalException","message":"a \"b\" \\ /"}"#
        ),
        (AWSError(.storageFull, "full"), 500, #"{"__type":"Coffer.StorageFull","message":"full"}"#),
        (AWSError(.keyUnavailable, ""), 500, #"{"__type":"KeyUnavailableException"}"#),
        (AWSError(.dependencyTimeout, ""), 503, #"{"__type":"DependencyTimeoutException"}"#),
    ]) func `an error is one JSON object, and 400 unless the fault is ours`(
        _ error: AWSError,
        _ status: Int,
        _ body: String
    ) {
        #expect(error.jsonStatus == status)
        #expect(String(decoding: error.jsonBody, as: UTF8.self) == body)
    }

    @Test func `an error that is not AWS's names nothing but its type`() {
        struct Odd: Error { let secret = "hunter2" }
        let error = AWSError(any: Odd())
        #expect(error.code == .kmsInternal)
        #expect(error.message == "an unforeseen error of type Odd")
    }

    @Test(arguments: [
        (
            "GET", "/", [], 400,
            #"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
        ),
        (
            "HEAD", "/", [], 400,
            #"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
        ),
        (
            "POST", "/", [], 400,
            #"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
        ),
        (
            "POST", "/", [("X-Amz-Target", "TrentService.Nonsense")], 400,
            #"{"__type":"UnknownOperationException"}"#
        ),
        ("POST", "/", [("x-amz-target", "")], 400, #"{"__type":"UnknownOperationException"}"#),
        (
            "GET", "/", [("X-Amz-Target", "TrentService.ListKeys")], 400,
            #"{"__type":"UnknownOperationException"}"#
        ),
        (
            "POST", "/",
            [("X-Amz-Target", "TrentService.ListKeys"), ("X-Amz-Target", "TrentService.ListKeys")], 400,
            #"{"__type":"UnknownOperationException"}"#
        ),
        (
            "POST", "/", [("X-Amz-Target", "TrentService.ListKeys")], 400,
            #"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
        ),
        (
            "GET", "/nothing", [], 404,
            #"{"__type":"UnknownOperationException","message":"There is nothing at this path."}"#
        ),
        (
            "POST", "/health", [], 404,
            #"{"__type":"UnknownOperationException","message":"There is nothing at this path."}"#
        ),
        ("GET", "/health", [], 200, #"{"status":"ok"}"#),
    ]) func `what comes before any signature is answered byte for byte`(
        _ method: String,
        _ target: String,
        _ headers: [(String, String)],
        _ status: Int,
        _ body: String
    ) async throws {
        let subject = try await ServerSubject()
        let answer = await subject.responder.answer(unsigned(method, target, headers: headers))
        #expect(answer.status == status)
        #expect(answer.text == body)
        #expect(answer.requestID.utf8.count == 36)
    }

    @Test(arguments: ["", "{", "{\"KeyId\":}", "nonsense", "{\"KeyId\":\"a\",\"KeyId\":\"b\"}", "{} {}"])
    func `a body that is no JSON is a serialization fault`(_ body: String) async throws {
        let subject = try await ServerSubject()
        let answer = await subject.answer("DescribeKey", body)
        #expect(answer.status == 400)
        #expect(answer.text == #"{"__type":"SerializationException"}"#)
    }

    @Test func `every operation of the model has its target`() {
        #expect(KMSOperation.allCases.count == 54)
        for operation in KMSOperation.allCases {
            #expect(KMSOperation(target: "TrentService.\(operation.name)") == operation)
        }
        #expect(
            KMSOperation.generateDataKeyPairWithoutPlaintext.name == "GenerateDataKeyPairWithoutPlaintext"
        )
        #expect(KMSOperation(target: "TrentService.listKeys") == nil)
        #expect(KMSOperation(target: "ListKeys") == nil)
    }

    @Test func `request ids are random UUIDs`() async throws {
        let subject = try await ServerSubject()
        let first = await subject.responder.answer(unsigned("GET", "/health")).requestID
        let second = await subject.responder.answer(unsigned("GET", "/health")).requestID
        #expect(first != second)
        #expect(UUIDText.parse(first)?.count == 16)
        #expect(Array(first)[14] == "4")
    }
}
