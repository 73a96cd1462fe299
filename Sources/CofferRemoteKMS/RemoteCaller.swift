internal import CofferSecrets
internal import CofferShapes
internal import CofferSigV4
internal import NIOCore

/// One call to the KMS: signed, sent, and tried again while that makes sense and there is time.
struct RemoteCaller: Sendable {
    let connection: KMSConnection
    let credentials: CredentialCache
    /// For the call with all its tries.
    let timeLimit: Duration
    let retry: RetryPolicy
    let clock: any WallClock
    let random: any ByteSource

    /// How a try ended that gave no answer.
    private struct Failure {
        let error: AWSError
        let isWorthAnotherTry: Bool
    }

    /// Sends a JSON body as `operation`. The caller wipes the body; the copy that is sent is wiped here.
    func call(_ operation: String, _ body: [UInt8]) async throws -> KMSAnswer {
        let end = ContinuousClock.now + timeLimit
        let buffer = ByteBuffer(bytes: body)
        defer { wipeStorage(of: buffer) }
        var number = 1
        while true {
            let failure: Failure
            switch try await attempt(operation, body, buffer, until: end) {
            case .success(let reply): return try KMSAnswer(reply, connection.endpoint)
            case .failure(let ended): failure = ended
            }
            let delay = retry.delay(afterTry: number, random: random)
            guard failure.isWorthAnotherTry, number < retry.tryCount, ContinuousClock.now + delay < end else {
                throw failure.error
            }
            try await Task.sleep(for: delay)
            number += 1
        }
    }

    private enum Outcome {
        case success(KMSReply)
        case failure(Failure)
    }

    private func attempt(
        _ operation: String,
        _ body: [UInt8],
        _ buffer: ByteBuffer,
        until end: ContinuousClock.Instant
    ) async throws -> Outcome {
        let headers = try await headers(operation, body, timeLimit: end - ContinuousClock.now)
        let reply: KMSReply
        do {
            reply = try await connection.send(
                headers: headers,
                body: buffer,
                timeLimit: max(end - ContinuousClock.now, .zero)
            )
        } catch {
            try Task.checkCancellation()
            return .failure(
                Failure(
                    error: ExchangeFailure.awsError(error, connection.endpoint, timeLimit: timeLimit),
                    isWorthAnotherTry: ExchangeFailure.isWorthAnotherTry(error)
                )
            )
        }
        guard reply.status != 200 else { return .success(reply) }
        guard let error = RemoteError.read(reply) else {
            let type = reply.contentType.isEmpty ? "no type" : String(reply.contentType.prefix(64))
            return .failure(
                Failure(
                    error: ExchangeFailure.notAKMS(connection.endpoint, "HTTP \(reply.status) with \(type)"),
                    isWorthAnotherTry: reply.status >= 500
                )
            )
        }
        if RemoteError.isOfCredentials(error.code) { await credentials.forget() }
        return .failure(
            Failure(
                error: error,
                isWorthAnotherTry: reply.status >= 500 || reply.status == 429
                    || RemoteError.isThrottling(error.code)
            )
        )
    }

    /// The headers of a request, the signature among them.
    private func headers(
        _ operation: String,
        _ body: [UInt8],
        timeLimit: Duration
    ) async throws -> [(String, String)] {
        let now = clock.now
        let signer = try await credentials.signer(now: now, timeLimit: timeLimit)
        let request = SigV4Request(
            method: "POST",
            path: "/",
            headers: [
                SigV4Request.Header("host", connection.endpoint.authority),
                SigV4Request.Header("content-type", "application/x-amz-json-1.1"),
                SigV4Request.Header("x-amz-target", "TrentService.\(operation)"),
            ],
            body: .bytes(body)
        )
        let signed = request.headers + signer.headers(for: request, now: now)
        return signed.map { ($0.name, $0.value) } + [("user-agent", "coffer")]
    }
}
