internal import Foundation
internal import Glibc

/// A running `coffer serve` over a program's home; ends with this value, also after a test that failed.
public final class ServeProcess: @unchecked Sendable {
    // Immutable after init.

    /// `http://127.0.0.1:PORT`.
    public let url: String
    private let process: Process
    private let output: TemporaryFolder

    /// Returns once it answers.
    public init(over coffer: CofferProgram, _ arguments: String...) throws {
        output = try TemporaryFolder()
        process = Process()
        process.executableURL = URL(fileURLWithPath: "\(CofferProgram.programs)/coffer")
        process.arguments = ["serve", "--listen", "127.0.0.1:0", "--home", coffer.home] + arguments
        process.environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent",
        ]
        let path = output.path("out")
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
            throw CocoaError(.fileWriteUnknown)
        }
        process.standardOutput = FileHandle(forWritingAtPath: path)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let words = "Listening on "
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            let lines = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            if lines.hasPrefix(words), lines.hasSuffix("\n") {
                url = lines.dropFirst(words.count).trimmingCharacters(in: .newlines)
                return
            }
            guard process.isRunning, ContinuousClock.now < deadline else {
                kill(process.processIdentifier, SIGKILL)
                throw TimeLimitExceeded(command: "coffer serve")
            }
            usleep(10_000)
        }
    }

    deinit { stop() }

    /// SIGTERM, and waits; gives the exit code.
    @discardableResult
    public func stop() -> Int32 {
        guard process.isRunning else { return process.terminationStatus }
        kill(process.processIdentifier, SIGTERM)
        let deadline = ContinuousClock.now + .seconds(15)
        while process.isRunning, ContinuousClock.now < deadline { usleep(5000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// An access key as `coffer user access-key create` prints it.
public struct AccessKeyText: Decodable, Sendable {
    public let AccessKeyId: String
    public let SecretAccessKey: String

    /// Made for a user, or for `root`.
    public init(of user: String, _ coffer: CofferProgram) throws {
        let json = try coffer.succeed("user", "access-key", "create", user, "--output", "json")
        self = try JSONDecoder().decode(AccessKeyText.self, from: Data(json.utf8))
    }

    /// As the AWS SDKs look for it.
    public var environment: [String: String] {
        [
            "AWS_ACCESS_KEY_ID": AccessKeyId, "AWS_SECRET_ACCESS_KEY": SecretAccessKey,
            "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        ]
    }
}
