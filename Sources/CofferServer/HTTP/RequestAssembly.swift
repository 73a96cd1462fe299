internal import CofferSecrets
internal import NIOCore
internal import NIOHTTP1

/// A request on its way in: its head, and so much of its body as has come.
struct RequestAssembly: ~Copyable {
    let head: HTTPRequestHead
    private var body: [UInt8] = []
    private let limitBytes: Int

    /// nil where the head says that the body is over the limit.
    init?(_ head: HTTPRequestHead, limitBytes: Int) {
        self.head = head
        self.limitBytes = limitBytes
        guard let text = head.headers.first(name: "content-length") else { return }
        // The parser has refused what is no number; one that does not fit is over every limit.
        guard let count = Int(text), count <= limitBytes else { return nil }
        body.reserveCapacity(count)
    }

    /// Whether the client waits to be told that it may send the body. (RFC 9110 §10.1.1)
    var expectsContinue: Bool {
        head.headers.first(name: "expect").map { $0.utf8.count == 12 && $0.lowercased() == "100-continue" }
            ?? false
    }

    /// False where the body passes the limit with these bytes.
    mutating func append(_ part: ByteBuffer) -> Bool {
        guard part.readableBytes <= limitBytes - body.count else { return false }
        if body.count + part.readableBytes > body.capacity {
            // The array that is too small is wiped, not left behind.
            var larger: [UInt8] = []
            larger.reserveCapacity(max(2 * body.capacity, body.count + part.readableBytes))
            larger += body
            wipe(&body)
            body = larger
        }
        body += part.readableBytesView
        return true
    }

    consuming func finish(_ peer: Peer) -> HTTPRequest {
        HTTPRequest(
            method: head.method.rawValue,
            target: head.uri,
            headers: head.headers,
            body: RequestBody(body),
            peer: peer
        )
    }
}
