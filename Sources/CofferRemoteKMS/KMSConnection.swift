internal import AsyncHTTPClient
internal import CofferSecrets
internal import CofferShapes
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// HTTP/1.1 to one endpoint: no proxy, no redirect, no compression, no retry of its own.
///
/// Bodies may hold plaintext keys in base64. Ours are wiped, and each part of an answer is wiped where it was received;
/// what the kernel and TLS keep besides is out of reach.
final class KMSConnection: Sendable {
    /// The largest answer that is read, bytes: the largest of KMS's is some 15 KiB.
    static let maximumAnswerCount = 64 << 10

    /// How long to wait for a connection.
    static let connectSeconds: Int64 = 5

    let endpoint: Endpoint
    private let client: HTTPClient

    /// `certificateBundlePath` is a PEM file of authorities to trust in place of the system's.
    init(_ endpoint: Endpoint, certificateBundlePath: String?) throws(AWSError) {
        self.endpoint = endpoint
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let path = certificateBundlePath {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw AWSError(.invalidConfiguration, "cannot read certificates from \(path)")
            }
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(Self.connectSeconds)),
            decompression: .disabled
        )
        configuration.httpVersion = .http1Only
        // A refused connection is told at once; trying again is decided above.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// The client must be shut down before it goes, and keeps itself until it is.
    deinit { client.shutdown { _ in } }

    /// Closes the connections. Calls that are under way fail, and later ones too.
    func shutdown() async throws { try await client.shutdown().get() }

    /// One request and its answer; throws whatever went wrong on the way.
    func send(headers: [(String, String)], body: ByteBuffer, timeLimit: Duration) async throws -> KMSReply {
        try await withThrowingTaskGroup(of: KMSReply?.self) { group in
            group.addTask { try await self.exchange(headers, body) }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let reply = first else { throw ExchangeError.timeLimit }
            return reply
        }
    }

    private func exchange(_ headers: [(String, String)], _ body: ByteBuffer) async throws -> KMSReply {
        var request = HTTPClientRequest(url: "\(endpoint)/")
        request.method = .POST
        request.headers = HTTPHeaders(headers)
        request.body = .bytes(body)
        // The time limit is kept by `send`.
        let response = try await client.execute(request, deadline: .distantFuture)
        let reply = KMSReply(
            status: Int(response.status.code),
            contentType: response.headers.first(name: "content-type") ?? "",
            errorType: response.headers.first(name: "x-amzn-errortype"),
            capacity: Self.maximumAnswerCount
        )
        for try await part in response.body {
            defer { wipeStorage(of: part) }
            guard reply.append(part) else { throw ExchangeError.tooLong }
        }
        return reply
    }
}

/// What ends an exchange besides the network's errors.
enum ExchangeError: Error {
    case timeLimit
    /// The answer is longer than any of KMS's.
    case tooLong
}

/// An answer, wiped when its last holder lets it go.
///
/// Sendable: one task fills it and gives it away before another reads it, and nothing changes it after.
final class KMSReply: @unchecked Sendable {
    let status: Int
    let contentType: String
    let errorType: String?
    private let capacity: Int
    private var bytes: [UInt8] = []

    init(status: Int, contentType: String, errorType: String?, capacity: Int) {
        (self.status, self.contentType, self.errorType) = (status, contentType, errorType)
        self.capacity = capacity
        // All at once, so that nothing is moved and left behind.
        bytes.reserveCapacity(capacity)
    }

    deinit { wipe(&bytes) }

    /// False where there is no room for the part.
    fileprivate func append(_ part: ByteBuffer) -> Bool {
        guard part.readableBytes <= capacity - bytes.count else { return false }
        bytes.append(contentsOf: part.readableBytesView)
        return true
    }

    func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = bytes
        return try body(unsafe bytes.span.bytes)
    }
}

/// Overwrites a buffer's readable bytes where they lie, for everybody who shares them: to be called when nobody reads
/// them any more. (`withUnsafeMutableReadableBytes` would wipe a copy of what is shared.)
func wipeStorage(of buffer: ByteBuffer) {
    unsafe buffer.withUnsafeReadableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        unsafe explicit_bzero(UnsafeMutableRawPointer(mutating: base), bytes.count)
    }
}
