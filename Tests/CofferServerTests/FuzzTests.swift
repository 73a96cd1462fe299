import CofferJSON
import CofferShapes
import CofferTesting
import Foundation
import NIOHTTP1
import Testing

@testable import CofferServer

/// Hostile input, for COFFER_FUZZ_SECONDS (3 by default): every answer is an error of ours or a success, and nothing
/// traps. The seed is fixed, so that what was found once is found again. One after the other: each keeps a processor busy.
@Suite(.serialized) struct FuzzTests {
    private static let seconds = Double(ProcessInfo.processInfo.environment["COFFER_FUZZ_SECONDS"] ?? "") ?? 3

    private static func end() -> ContinuousClock.Instant { ContinuousClock.now + .seconds(seconds) }

    @Test func `bodies that no client would send`() async throws {
        let subject = try await ServerSubject()
        var random = SeededGenerator(seed: 5)
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            let operation = KMSOperation.allCases.randomElement(using: &random) ?? .encrypt
            var body = Array(Self.body(of: operation, &random).utf8)
            if Bool.random(using: &random) { Self.damage(&body, &random) }
            let text = String(decoding: body, as: UTF8.self)
            // Operations that make keys are left to what cannot succeed, lest the test spend its time on RSA.
            if operation == .createKey || operation == .generateDataKeyPair { continue }
            let answer = await subject.answer(operation.name, text)
            #expect(
                answer.status == 200 || answer.status == 400 || answer.status == 500,
                "\(operation) \(text)"
            )
            if answer.status != 200 {
                let type = (try? JSONDocument(answer.body))?.root["__type"]?.string
                #expect(type != nil, "\(operation) \(text): \(answer.text)")
            }
        }
        #expect(count > 3)
    }

    @Test func `headers that no client would send`() async throws {
        let subject = try await ServerSubject()
        var random = SeededGenerator(seed: 6)
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            let request = subject.request("GenerateRandom", #"{"NumberOfBytes":8}"#)
            var headers = Array(request.headers)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<headers.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: headers.remove(at: index)
                case 1: headers.append(headers[index])
                case 2:
                    var value = Array(headers[index].value.utf8)
                    Self.damage(&value, &random)
                    headers[index].value = String(decoding: value, as: UTF8.self)
                default:
                    var name = Array(headers[index].name.utf8)
                    Self.damage(&name, &random)
                    headers[index].name = String(decoding: name, as: UTF8.self)
                }
                if headers.isEmpty { break }
            }
            let answer = await subject.responder.answer(
                HTTPRequest(
                    method: request.method,
                    target: request.target,
                    headers: HTTPHeaders(headers.map { ($0.name, $0.value) }),
                    body: request.body,
                    peer: request.peer
                )
            )
            #expect([200, 400, 403].contains(answer.status), "\(headers)")
        }
        #expect(count > 100)
    }

    @Test func `queries that no client would send`() async throws {
        let subject = try await ServerSubject()
        var random = SeededGenerator(seed: 7)
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            var body = Array("Action=GetUser&Version=2010-05-08&UserName=a%20b&MaxItems=5".utf8)
            Self.damage(&body, &random)
            let answer = await subject.responder.answer(subject.query(String(decoding: body, as: UTF8.self)))
            #expect([400, 403, 404].contains(answer.status) || answer.status == 200, "\(answer.text)")
            #expect(answer.text.contains("<RequestId>"))
        }
        #expect(count > 100)
    }

    @Test func `parameters of EC2 that no client would send`() async throws {
        let subject = try await ServerSubject()
        var random = SeededGenerator(seed: 8)
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            let operation = EC2Operation.allCases.randomElement(using: &random) ?? .describeVolumes
            let pairs = EC2Inputs.members(of: operation).flatMap { member -> [String] in
                Bool.random(using: &random)
                    ? Self.parameters(member.name, member.shape, &random) : []
            }
            var body = Array(
                (["Action=\(operation.name)", "Version=2016-11-15"] + pairs).joined(separator: "&").utf8
            )
            if Bool.random(using: &random) { Self.damage(&body, &random) }
            let text = String(decoding: body, as: UTF8.self)
            // A volume that is made is a file that is made: what cannot succeed tells as much.
            if operation == .createVolume, text.contains("&Size=1&") { continue }
            let answer = await subject.responder.answer(subject.query(text, service: "ec2"))
            // Where the action's name is damaged, IAM may answer.
            #expect([200, 400, 401, 403, 412].contains(answer.status), "\(text): \(answer.text)")
            let end = answer.status == 200 ? "Response>" : "</Response>"
            #expect(answer.text.hasSuffix(end) || answer.text.hasSuffix("</ErrorResponse>"), "\(text)")
        }
        #expect(count > 100)
    }

    @Test func `requests to EBS direct that no client would send`() async throws {
        let subject = try await ServerSubject()
        var random = SeededGenerator(seed: 9)
        let targets = [
            "/snapshots", "/snapshots/", "/snapshots/snap-0123456789abcdef0/blocks",
            "/snapshots/snap-0123456789abcdef0/blocks/0", "/snapshots/snap-0123456789abcdef0/changedblocks",
            "/snapshots/completion/snap-0123456789abcdef0", "/snapshots/snap-0123456789abcdef0",
        ]
        let queries = [
            "", "?", "?maxResults=100", "?pageToken=AAAA&startingBlockIndex=5", "?blockToken=AA%2B%2F%3D",
            "?firstSnapshotId=snap-0&firstSnapshotId=snap-1", "?maxResults=-1", "?%00=%ff", "?a=%zz",
        ]
        var count = 0
        let end = Self.end()
        while ContinuousClock.now < end {
            count += 1
            var target = Array(
                ((targets.randomElement(using: &random) ?? "") + (queries.randomElement(using: &random) ?? ""))
                    .utf8
            )
            if Bool.random(using: &random) { Self.damage(&target, &random) }
            let headers = [
                ("x-amz-Data-Length", ["524288", "0", "-1", "x", "99999999999"]),
                ("x-amz-Checksum", ["AAAA", "", "*", String(repeating: "A", count: 65)]),
                ("x-amz-Checksum-Algorithm", ["SHA256", "sha256", "MD5"]),
                ("x-amz-Checksum-Aggregation-Method", ["LINEAR", "TREE"]),
                ("x-amz-ChangedBlocksCount", ["0", "1", "-1", "1.5"]), ("x-amz-Progress", ["0", "101"]),
                ("Content-Encoding", ["gzip", "identity"]),
            ].flatMap { name, values in
                (0..<Int.random(in: 0...2, using: &random)).map { _ in
                    (name, values.randomElement(using: &random) ?? "")
                }
            }
            var body = Array(#"{"VolumeSize":0,"Tags":[{"Key":"a"}],"Timeout":null,"Encrypted":true}"#.utf8)
            Self.damage(&body, &random)
            let text = String(decoding: target, as: UTF8.self)
            let request = subject.direct(
                ["GET", "PUT", "POST", "DELETE"].randomElement(using: &random) ?? "GET",
                text,
                headers: headers,
                body: body,
                signsBody: Bool.random(using: &random)
            )
            let answer = await subject.responder.answer(request)
            #expect([400, 403, 404].contains(answer.status), "\(text): \(answer.text)")
            let isOurs = answer.headers.contains { $0.name == "x-amzn-ErrorType" }
            #expect(isOurs == EBSResponder.isMeant(request.path), "\(text): \(answer.text)")
            if isOurs {
                let message = (try? JSONDocument(answer.body))?.root["Message"]?.string
                #expect(message?.isEmpty == false, "\(text): \(answer.text)")
            }
        }
        #expect(count > 100)
    }

    /// `Name=value` for a shape, of which some are wrong.
    private static func parameters(
        _ name: String,
        _ shape: EC2Shape,
        _ random: inout SeededGenerator
    ) -> [String] {
        switch shape {
        case .list(let element, _):
            let first = Int.random(in: 0..<10, using: &random) == 0 ? 0 : 1
            return (first...Int.random(in: 1...3, using: &random)).flatMap { number in
                parameters("\(name).\(number)", element, &random)
            }
        case .structure(let members):
            return members.flatMap { parameters("\(name).\($0.name)", $0.shape, &random) }
        case .integer: return ["\(name)=\(Int.random(in: -2...2_000, using: &random))"]
        case .boolean:
            return ["\(name)=\(["true", "false", "TRUE", "", "1"].randomElement(using: &random) ?? "")"]
        case .text, .choice:
            let words = [
                "", "vol-0123456789abcdef0", "vol-12345678", "vol-", "us-east-1a", "i-0123456789abcdef0",
                "%2A",
                "status", "tag%3Aa", "%5C", "%00", "%C3%A9", "gp3", "autoEnableIO", "%2Fdev%2Fsdf", "..",
                "volume",
                "alias%2Faws%2Febs",
            ]
            return ["\(name)=\(words.randomElement(using: &random) ?? "")"]
        }
    }

    /// A body with members that the operation knows, most of them in order.
    private static func body(of operation: KMSOperation, _ random: inout SeededGenerator) -> String {
        let members = KMSInputs.members(of: operation).compactMap { member -> String? in
            guard Int.random(in: 0..<5, using: &random) > 0 else { return nil }
            return "\"\(member.name)\":\(value(of: member.shape, &random))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func value(of shape: InputShape, _ random: inout SeededGenerator) -> String {
        if Int.random(in: 0..<8, using: &random) == 0 {
            return [
                "null", "5", "-1", "1e999", "\"\"", "[]", "{}", "true", "[null]", "{\"a\":null}",
                "\"\\u0000\"",
            ]
            .randomElement(using: &random) ?? "null"
        }
        switch shape {
        case .text(let range, _), .secretText(let range):
            let count = Int.random(in: 0...min(range.upperBound + 1, 300), using: &random)
            return
                "\"\(String(repeating: ["a", "é", "\\\"", "\\u00e9", "/"].randomElement(using: &random) ?? "a", count: count))\""
        case .choice(let choices): return "\"\(choices.randomElement(using: &random) ?? "")\""
        case .blob: return "\"\(String(repeating: "QUJD", count: Int.random(in: 0...50, using: &random)))\""
        case .integer(let range):
            return "\(Int.random(in: range.lowerBound - 1...range.upperBound + 1, using: &random))"
        case .boolean: return Bool.random(using: &random) ? "true" : "false"
        case .timestamp:
            return ["0", "1.7e9", "-5", "1e18", "99999999999"].randomElement(using: &random) ?? "0"
        case .list(let shape, _):
            return
                "[\((0..<Int.random(in: 0...3, using: &random)).map { _ in value(of: shape, &random) }.joined(separator: ","))]"
        case .structure(let members):
            return
                "{\(members.map { "\"\($0.name)\":\(value(of: $0.shape, &random))" }.joined(separator: ","))}"
        case .map: return "{\"a\":\"b\"}"
        }
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let byte = UInt8.random(in: 0...255, using: &random)
            guard !bytes.isEmpty else { return bytes.append(byte) }
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[index] = byte
            case 1: bytes.remove(at: index)
            default: bytes.insert(byte, at: index)
            }
        }
    }
}
