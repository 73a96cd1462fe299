import CofferShapes
import NIOCore
import Testing

@testable import CofferServer

/// The connection on real sockets. Time limits are short here; each test has its own server.
@Suite struct ConnectionTests {
    private func server(
        limits: ConnectionLimits = ConnectionLimits(),
        respond: @escaping @Sendable (HTTPRequest) async -> HTTPAnswer = { echo($0) }
    ) async throws -> RunningServer {
        try await RunningServer(try await ServerSubject(), limits: limits, respond: respond)
    }

    @Test func `an answer has what clients look for, and the connection stays`() async throws {
        let server = try await server()
        let client = try RawClient(port: server.port)
        for text in ["one", "three"] {
            client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
            let answer = await client.read(until: "POST /x \(text)")
            #expect(
                answer.hasPrefix(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: "
                )
            )
            #expect(answer.contains("\r\nx-amzn-RequestId: id\r\n"))
            #expect(answer.contains(" GMT\r\n"))
            #expect(!answer.contains("Connection: close"))
        }
        try await server.stop()
    }

    @Test func `requests sent at once are answered in their order`() async throws {
        let server = try await server(respond: { request in
            // The first answer takes the longest.
            if request.target == "/0" { try? await Task.sleep(for: .milliseconds(100)) }
            return echo(request)
        })
        let client = try RawClient(port: server.port)
        client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
        let answers = await client.read(until: "GET /49 ")
        let order = answers.split(separator: "GET /").dropFirst().compactMap {
            $0.split(separator: " ").first
        }
        #expect(order == (0..<50).map { "\($0)"[...] })
        try await server.stop()
    }

    @Test func `thousands of requests in one go do not pile up on the stack`() async throws {
        let server = try await server()
        let client = try RawClient(port: server.port)
        let request = "GET / HTTP/1.1\r\nHost:\r\n\r\n"
        client.send(String(repeating: request, count: 5000) + "GET /end HTTP/1.1\r\nHost:\r\n\r\n")
        #expect(await client.read(until: "GET /end ").hasSuffix("GET /end "))
        try await server.stop()
    }

    @Test func `an answer to HEAD has a length and no body`() async throws {
        let server = try await server()
        let client = try RawClient(port: server.port)
        client.send("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let answer = await client.read()
        #expect(answer.contains("Content-Length: 8\r\n"))
        #expect(answer.contains("Connection: close\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
        try await server.stop()
    }

    @Test func `a body over the limit is refused before it is sent, and the connection closed`() async throws
    {
        let server = try await server()
        let client = try RawClient(port: server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
        let answer = await client.read()
        #expect(answer.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
        #expect(
            answer.hasSuffix(
                #"{"__type":"RequestEntityTooLargeException","message":"Request body exceeds 1048576 bytes."}"#
            )
        )
        try await server.stop()
    }

    @Test func `a body in chunks is refused where it passes the limit`() async throws {
        let server = try await server(limits: ConnectionLimits(bodyBytes: 1000))
        let client = try RawClient(port: server.port)
        let chunk = "190\r\n\(String(repeating: "x", count: 400))\r\n"
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)\(chunk)"
        )
        #expect(await client.read().hasPrefix("HTTP/1.1 413 "))
        let good = try RawClient(port: server.port)
        good.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)0\r\n\r\n")
        let body = String(repeating: "x", count: 800)
        #expect(await good.read(until: body).hasSuffix("POST / \(body)"))
        try await server.stop()
    }

    @Test func `a body of exactly the limit is taken`() async throws {
        let server = try await server(respond: { answer("\($0.body.bytes.count)") })
        let client = try RawClient(port: server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\nConnection: close\r\n\r\n")
        client.send([UInt8](repeating: 0x78, count: 1_048_576))
        #expect(await client.read().hasSuffix("\r\n\r\n1048576"))
        try await server.stop()
    }

    @Test func `a client that waits to be told is told to go on`() async throws {
        let server = try await server()
        let client = try RawClient(port: server.port)
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        client.send("hi")
        #expect(await client.read(until: "POST / hi").hasPrefix("HTTP/1.1 200 OK"))
        try await server.stop()
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n", "431"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n" + (0..<120).map { "X\($0): y\r\n" }.joined() + "\r\n", "431"
        ),
        ("GARBAGE\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", "400"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}", "400"),
    ]) func `what is no request that we take is told so, and the connection closed`(
        _ request: String,
        _ status: String
    ) async throws {
        let server = try await server()
        let client = try RawClient(port: server.port)
        client.send(request)
        let answer = await client.read()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(request.prefix(30)): \(answer)")
        #expect(answer.contains("Connection: close\r\n"))
        try await server.stop()
    }

    @Test(arguments: [
        "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi",
    ]) func `a request that does not arrive in time ends its connection`(_ start: String) async throws {
        let server = try await server(limits: ConnectionLimits(idleSeconds: 60, requestSeconds: 1))
        let client = try RawClient(port: server.port)
        client.send(start)
        // Dripping does not help.
        let clock = ContinuousClock()
        let began = clock.now
        while client.send("x"), clock.now - began < .seconds(8) {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(clock.now - began < .seconds(8))
        try await server.stop()
    }

    @Test func `a connection without requests ends when its time is over`() async throws {
        let server = try await server(limits: ConnectionLimits(idleSeconds: 1))
        let silent = try RawClient(port: server.port)
        #expect(await silent.read().isEmpty)
        let once = try RawClient(port: server.port)
        once.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await once.read().hasSuffix("GET /a "))
        try await server.stop()
    }

    @Test func `an answer is given to who ends sending after the request`() async throws {
        let server = try await server(respond: { request in
            try? await Task.sleep(for: .milliseconds(50))
            return echo(request)
        })
        let client = try RawClient(port: server.port)
        client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        client.endSending()
        #expect(await client.read().hasSuffix("GET /a "))
        try await server.stop()
    }

    @Test func `told to stop, it finishes the requests under way and takes no new one`() async throws {
        let (entered, entering) = AsyncStream.makeStream(of: Void.self)
        let (released, releasing) = AsyncStream.makeStream(of: Void.self)
        let server = try await server(respond: { request in
            entering.yield()
            for await _ in released { break }
            return echo(request)
        })
        let (busy, idle) = (try RawClient(port: server.port), try RawClient(port: server.port))
        busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n")
        for await _ in entered { break }
        await server.beginStop()
        // The connection without a request ends at once, and the other when it has its answer.
        #expect(await idle.read().isEmpty)
        releasing.yield()
        #expect(await busy.read().hasSuffix("GET /busy "))
        try await server.waitForEnd()
        #expect(throws: RawClient.Failure.self) { try RawClient(port: server.port) }
    }

    @Test func `what was sent is wiped from the buffer that it was sent from`() throws {
        var encoder = AnswerEncoder(clock: SystemClock())
        var count = 0
        do {
            let sent = encoder.encode(answer("c2VjcmV0IHBsYWludGV4dA=="), isHead: false, closes: false)
            count = sent.readableBytes
            #expect(sent.getString(at: 0, length: count)?.contains("c2VjcmV0") == true)
        }
        encoder.wipeSent()
        // The next answer is written over the same memory; what lies behind it is what was left of the last.
        let next = encoder.encode(answer(""), isHead: false, closes: false)
        let left = unsafe next.withVeryUnsafeBytes { bytes in
            unsafe Array(bytes[next.writerIndex..<count])
        }
        #expect(left.allSatisfy { $0 == 0 })
        #expect(left.count >= count - next.writerIndex)
    }
}

/// An answer that repeats the request.
private func echo(_ request: HTTPRequest) -> HTTPAnswer {
    answer("\(request.method) \(request.target) \(String(decoding: request.body.bytes, as: UTF8.self))")
}

private func answer(_ text: String) -> HTTPAnswer {
    HTTPAnswer(status: 200, contentType: .awsJSON, body: Array(text.utf8), requestID: "id")
}
