internal import CofferSecrets
internal import CofferShapes
internal import NIOCore

/// Writes whole answers into one buffer that its connection keeps, and wipes it when they have left.
struct AnswerEncoder {
    private var buffer = ByteBuffer()
    private var date = HTTPDate()
    private let clock: any WallClock

    init(clock: any WallClock) { self.clock = clock }

    /// The bytes to send. The answer's own bytes are wiped; of a HEAD request's answer none are sent.
    mutating func encode(_ answer: consuming HTTPAnswer, isHead: Bool, closes: Bool) -> ByteBuffer {
        buffer.clear(minimumCapacity: answer.body.count + 320)
        buffer.writeString("HTTP/1.1 \(answer.status) \(Self.reason(answer.status))\r\n")
        if !answer.body.isEmpty { buffer.writeString("Content-Type: \(answer.contentType.rawValue)\r\n") }
        buffer.writeString(
            "Content-Length: \(answer.body.count)\r\nx-amzn-RequestId: \(answer.requestID)\r\n"
        )
        for header in answer.headers { buffer.writeString("\(header.name): \(header.value)\r\n") }
        // Plaintext is in some answers, and none is worth keeping.
        buffer.writeString("Cache-Control: no-store\r\nDate: \(date.text(at: clock.now))\r\n")
        buffer.writeStaticString(closes ? "Connection: close\r\n\r\n" : "\r\n")
        if !isHead { buffer.writeBytes(answer.body) }
        var body = answer.body
        answer.body = []
        wipe(&body)
        return buffer
    }

    /// Overwrites what was sent. The buffer is then nobody else's, so that this reaches the very bytes; were one still
    /// held, it would be left to the holder. Limit: with TLS and in the kernel there are copies.
    mutating func wipeSent() {
        buffer.setRepeatingByte(0, count: buffer.writerIndex, at: 0)
        buffer.clear()
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 400: "Bad Request"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Error"
        }
    }
}
