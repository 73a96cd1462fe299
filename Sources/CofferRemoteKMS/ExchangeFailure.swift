internal import AsyncHTTPClient
internal import CofferShapes
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Puts the network's errors into one sentence each.
enum ExchangeFailure {
    static func awsError(_ error: any Error, _ endpoint: Endpoint, timeLimit: Duration) -> AWSError {
        switch error {
        case ExchangeError.timeLimit:
            AWSError(.kmsUnreachable, "the KMS at \(endpoint) did not answer within \(words(timeLimit))")
        case ExchangeError.tooLong: notAKMS(endpoint, "its answer is longer than any of a KMS")
        case let error as HTTPClientError: ofClient(error, endpoint)
        case let error as NIOConnectionError:
            AWSError(.kmsUnreachable, "cannot connect to \(endpoint): \(reason(error))")
        case let error as IOError: ofSystem(error, endpoint)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            AWSError(
                .kmsUnreachable,
                "no TLS with \(endpoint): \(tlsReason(error))",
                hint: "name the authority's certificate in AWS_CA_BUNDLE"
            )
        case is ChannelError, HTTPParserError.invalidEOFState: closedEarly(endpoint)
        case is CancellationError: givenUp(endpoint)
        default: notAKMS(endpoint, "\(error)")
        }
    }

    private static func ofSystem(_ error: IOError, _ endpoint: Endpoint) -> AWSError {
        let reason = errorText(error.errnoCode).lowercased()
        return switch error.errnoCode {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT:
            AWSError(.kmsUnreachable, "cannot connect to \(endpoint): \(reason)")
        default: AWSError(.kmsUnreachable, "the connection to \(endpoint) failed: \(reason)")
        }
    }

    private static func ofClient(_ error: HTTPClientError, _ endpoint: Endpoint) -> AWSError {
        switch error {
        case .connectTimeout, .tlsHandshakeTimeout:
            AWSError(.kmsUnreachable, "cannot connect to \(endpoint): \(noConnection)")
        case .remoteConnectionClosed: closedEarly(endpoint)
        case .cancelled, .alreadyShutdown: givenUp(endpoint)
        default: notAKMS(endpoint, error.shortDescription)
        }
    }

    private static func closedEarly(_ endpoint: Endpoint) -> AWSError {
        AWSError(.kmsUnreachable, "\(endpoint) closed the connection before its answer was whole")
    }

    private static func givenUp(_ endpoint: Endpoint) -> AWSError {
        AWSError(.kmsUnreachable, "the call to \(endpoint) was given up")
    }

    static func notAKMS(_ endpoint: Endpoint, _ reason: String) -> AWSError {
        AWSError(.kmsUnreachable, "what answers at \(endpoint) is no KMS: \(reason)")
    }

    /// Whether another try may help: the request may not have arrived, or its answer was lost.
    static func isWorthAnotherTry(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError, is IOError, is ChannelError, HTTPParserError.invalidEOFState: true
        case let error as HTTPClientError: error != .cancelled && error != .alreadyShutdown
        default: false
        }
    }

    static func words(_ limit: Duration) -> String {
        let milliseconds = Int(limit / .milliseconds(1))
        return milliseconds.isMultiple(of: 1000) ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }

    private static let noConnection = "nothing answers within \(KMSConnection.connectSeconds) s"

    private static func reason(_ error: NIOConnectionError) -> String {
        guard let first = error.connectionErrors.first?.error else { return "the host's name is not known" }
        if let first = first as? IOError { return errorText(first.errnoCode).lowercased() }
        if first is ChannelError { return noConnection }
        return "\(first)"
    }

    private static func tlsReason(_ error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "the certificate is not trusted" }
        if error as? NIOSSLExtraError == .failedToValidateHostname {
            return "the certificate is for another name"
        }
        if text.contains("WRONG_VERSION_NUMBER") { return "no TLS is spoken there" }
        return text
    }
}
