internal import CofferSecrets
internal import NIOHTTP1

/// One whole HTTP request in memory.
struct HTTPRequest: Sendable {
    let method: String
    /// The target of the request line as it was sent, percent-encoded.
    let target: String
    /// In the order sent, undecoded.
    let headers: HTTPHeaders
    let body: RequestBody
    let peer: Peer

    /// The target without its query.
    var path: Substring { target[..<(target.utf8.firstIndex(of: 0x3F) ?? target.endIndex)] }

    /// What follows the question mark of the target.
    var query: Substring { target[(target.utf8.firstIndex(of: 0x3F) ?? target.endIndex)...].dropFirst() }
}

/// The bytes of a request, which may hold plaintext: wiped when the last who holds the request lets go of it.
/// Limit: the buffers into which the socket (or TLS) was read are SwiftNIO's, and are not wiped.
///
/// Sendable: nothing changes before `deinit`.
final class RequestBody: @unchecked Sendable {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    deinit { wipe(&bytes) }
}

/// Who is at the other end of a connection.
final class Peer: Sendable {
    /// IPv4 or IPv6, without a port; of the connection itself, whatever a header may claim.
    let address: String
    let isSecure: Bool

    init(address: String, isSecure: Bool) { (self.address, self.isSecure) = (address, isSecure) }
}

/// What a request is answered with.
struct HTTPAnswer: Sendable {
    let status: Int
    let contentType: ContentType
    /// May hold plaintext: whoever sends it wipes it.
    var body: [UInt8]
    let requestID: String
    /// Beside those that every answer has. Names and values are the server's own: nothing in them ends a line.
    var headers: [Header] = []

    struct Header: Sendable {
        let name: String
        let value: String

        init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    /// The media types that the server speaks.
    enum ContentType: String, Sendable {
        case awsJSON = "application/x-amz-json-1.1"
        case json = "application/json"
        case bytes = "application/octet-stream"
        case xml = "text/xml"
        case prometheus = "text/plain; version=0.0.4; charset=utf-8"
    }
}

/// How much a connection may hold and how slow its client may be.
struct ConnectionLimits: Sendable {
    var bodyBytes = 1 << 20
    /// One header, name and value; the request line counts like one.
    var headerBytes = 16 << 10
    var headersBytes = 64 << 10
    var headerCount = 100
    /// Between two requests, seconds.
    var idleSeconds = 60
    /// From a request's first byte to its last, and for an answer to be taken, seconds.
    var requestSeconds = 30
    var connectionCount = 4096
}
