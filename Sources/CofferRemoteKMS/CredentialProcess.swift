internal import CofferJSON
internal import CofferSecrets
internal import CofferShapes
internal import CofferSigV4
internal import Dispatch
internal import Glibc

/// Runs a profile's `credential_process` and takes the access key that it prints. (AWS SDKs and Tools reference guide,
/// "Process credential provider")
enum CredentialProcess {
    /// More output than this is refused, bytes.
    private static let maximumCount = 16 << 10

    static func run(
        _ command: String,
        environment: [String: String],
        timeLimit: Duration
    ) async throws -> Credentials {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result { try runBlocking(command, environment, ContinuousClock.now + timeLimit) }
                )
            }
        }
    }

    private static func runBlocking(
        _ command: String,
        _ environment: [String: String],
        _ end: ContinuousClock.Instant
    ) throws -> Credentials {
        let child = try ShellCommand(command, environment: environment)
        // Locked, as the secret access key passes through.
        var output = LockedMemory(count: maximumCount)
        var count = 0
        while let got = try output.withMutableBytes({ span in
            try child.read(into: &span, from: count, until: end)
        }) {
            count += got
        }
        let code = try child.wait(until: end)
        guard code == 0 else { throw AWSError(.noCredentials, "credential_process ended with code \(code)") }
        return try output.withMutableBytes { span in try credentials(span.bytes.extracting(0..<count)) }
    }

    /// Reads `{"Version": 1, "AccessKeyId": …, "SecretAccessKey": …, "SessionToken": …, "Expiration": …}`.
    static func credentials(_ output: RawSpan) throws(AWSError) -> Credentials {
        let wrong = AWSError(.noCredentials, "credential_process printed no credentials of version 1")
        guard let document = try? JSONDocument(output) else { throw wrong }
        let root = document.root
        guard root["Version"]?.integer == 1, let id = root["AccessKeyId"]?.string, !id.isEmpty,
            let secret = root["SecretAccessKey"], secret.kind == .string, !secret.range.isEmpty
        else { throw wrong }
        var expires: SigningTime?
        if let text = root["Expiration"]?.string {
            expires = time(text)
            guard expires != nil else { throw wrong }
        }
        let key = AccessKey(
            id: id,
            secret: unescaped(output.extracting(secret.range)),
            sessionToken: root["SessionToken"]?.string
        )
        return Credentials(key, expires: expires)
    }

    /// A string's characters in locked memory. The one escape that a key needs is of the slash.
    private static func unescaped(_ text: RawSpan) -> SecretBytes {
        var count = 0
        forEachCharacter(text) { _ in count += 1 }
        return SecretBytes(count: count) { span in
            var at = 0
            forEachCharacter(text) { byte in
                span.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
                at += 1
            }
        }
    }

    private static func forEachCharacter(_ text: RawSpan, _ body: (UInt8) -> Void) {
        for at in 0..<text.byteCount {
            let isEscape = text.byte(at: at) == UInt8(ascii: "\\") && at + 1 < text.byteCount
            if isEscape && text.byte(at: at + 1) == UInt8(ascii: "/") { continue }
            body(text.byte(at: at))
        }
    }

    /// `2026-11-25T02:21:05Z`, with a fraction or `+00:00` as some programs write it.
    private static func time(_ text: String) -> SigningTime? {
        var rest = Substring(text)
        if rest.hasSuffix("+00:00") { rest = rest.dropLast(6) + "Z" }
        guard rest.hasSuffix("Z") else { return nil }
        let seconds = rest.dropLast().prefix { $0 != "." }
        return SigningTime(seconds.filter { $0 != "-" && $0 != ":" } + "Z")
    }
}
