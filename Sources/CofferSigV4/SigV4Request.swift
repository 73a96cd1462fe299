/// An HTTP request as the signature sees it: the request line and the headers as they were sent, undecoded.
public struct SigV4Request: Sendable {
    /// A header. Its name is held in lower case.
    public struct Header: Sendable, Hashable {
        public let name: String
        public let value: String

        public init(_ name: String, _ value: String) {
            self.name = asciiLowercased(name)
            self.value = value
        }
    }

    /// What is known of the body when the signature is checked.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// The body follows and is not in memory; only S3 signs requests whose bodies need not be known.
        case unread
    }

    public let method: String
    /// The path as sent, percent-encoded, without the query.
    public let path: String
    /// The query as sent, without the question mark; empty where there is none.
    public let query: String
    /// Every header in the order sent, `host` among them even where HTTP/2 calls it `:authority`.
    public let headers: [Header]
    public let body: Body

    public init(method: String, path: String, query: String = "", headers: [Header], body: Body) {
        (self.method, self.path, self.query) = (method, path, query)
        (self.headers, self.body) = (headers, body)
    }

    /// The request with a target as it stands on the request line, such as `/key?list-type=2`.
    public init(method: String, target: String, headers: [Header], body: Body) {
        let mark = target.utf8.firstIndex(of: 0x3F) ?? target.endIndex
        self.init(
            method: method,
            path: String(target[..<mark]),
            query: String(target[mark...].dropFirst()),
            headers: headers,
            body: body
        )
    }

    /// The value of a header that may stand once; nil where it is absent.
    func single(_ name: String) throws(SigV4Error) -> String? {
        var value: String?
        for header in headers where header.name == name {
            guard value == nil else { throw .repeated(name) }
            value = header.value
        }
        return value
    }
}

/// Lower case of ASCII letters alone, as header names are compared.
private func asciiLowercased(_ text: String) -> String {
    guard text.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return text }
    return String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
}
