public import Foundation
internal import Glibc

/// The built `coffer`, used as a person would, over a home of its own. Whatever its volumes leave behind is undone when
/// it goes, also after a test that failed: hung daemons are aborted by their FUSE connection's number first.
public final class CofferProgram: @unchecked Sendable {
    // Immutable after init.

    /// How a command ended.
    public struct Outcome: Sendable {
        public let code: Int32
        public let output: String
        public let outputBytes: Data
        public let errors: String

        /// Standard output without the newline at its end.
        public var line: String { output.trimmingCharacters(in: .newlines) }
    }

    public let folder: TemporaryFolder
    /// Extra arguments of every command, such as `--passphrase-file`.
    private let globalArguments: [String]

    public var home: String { "\(folder.path)/home" }

    public init(globalArguments: [String] = []) throws {
        folder = try TemporaryFolder()
        self.globalArguments = globalArguments
    }

    deinit { cleanUp() }

    /// The folder of the built programs: that of this test bundle.
    public static let programs: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().path
    }()

    /// The repository's folder, for its tools.
    public static let repository: String = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Runs `coffer ARGUMENTS --home HOME` to its end.
    @discardableResult
    public func run(
        _ arguments: String...,
        input: Data = Data(),
        environment: [String: String] = [:],
        limitSeconds: Int = 60
    ) throws -> Outcome {
        try Self.execute(
            "\(Self.programs)/coffer",
            arguments + ["--home", home] + globalArguments,
            input: input,
            environment: environment,
            limitSeconds: limitSeconds
        )
    }

    /// The output of a command that must succeed, without its newline.
    public func succeed(_ arguments: String..., input: Data = Data(), limitSeconds: Int = 60) throws -> String
    {
        let outcome = try Self.execute(
            "\(Self.programs)/coffer",
            arguments + ["--home", home] + globalArguments,
            input: input,
            environment: [:],
            limitSeconds: limitSeconds
        )
        guard outcome.code == 0 else {
            throw ProgramFailure(command: arguments.joined(separator: " "), outcome: outcome)
        }
        return outcome.line
    }

    /// Runs any program to its end, or to its time limit, past which it is killed.
    public static func execute(
        _ path: String,
        _ arguments: [String],
        input: Data = Data(),
        environment: [String: String] = [:],
        limitSeconds: Int = 60
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        var variables = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"]
        variables.merge(environment) { _, new in new }
        process.environment = variables
        // Files, not pipes: a daemon that inherited a pipe would keep it open.
        let streams = try TemporaryFolder()
        for name in ["in", "out", "err"] {
            let content = name == "in" ? input : Data()
            guard FileManager.default.createFile(atPath: "\(streams.path)/\(name)", contents: content) else {
                throw CocoaError(.fileWriteUnknown)
            }
        }
        let handles = try [
            FileHandle(forReadingFrom: URL(fileURLWithPath: "\(streams.path)/in")),
            FileHandle(forWritingTo: URL(fileURLWithPath: "\(streams.path)/out")),
            FileHandle(forWritingTo: URL(fileURLWithPath: "\(streams.path)/err")),
        ]
        // Not left to Process: it outlives this call, as no run loop turns here, and past some 1,360 open descriptors
        // its run() reads beyond its list of them.
        defer { for handle in handles { try? handle.close() } }
        process.standardInput = handles[0]
        process.standardOutput = handles[1]
        process.standardError = handles[2]
        try process.run()
        let deadline = ContinuousClock.now + .seconds(limitSeconds)
        while process.isRunning {
            if ContinuousClock.now > deadline {
                kill(process.processIdentifier, SIGKILL)
                throw TimeLimitExceeded(command: "\(path) \(arguments.joined(separator: " "))")
            }
            usleep(2000)
        }
        let output = (try? Data(contentsOf: URL(fileURLWithPath: "\(streams.path)/out"))) ?? Data()
        let errors = (try? Data(contentsOf: URL(fileURLWithPath: "\(streams.path)/err"))) ?? Data()
        let ended = process.terminationReason == .exit
        return Outcome(
            code: ended ? process.terminationStatus : 128 + process.terminationStatus,
            output: String(decoding: output, as: UTF8.self),
            outputBytes: output,
            errors: String(decoding: errors, as: UTF8.self)
        )
    }

    private func cleanUp() {
        for line in (try? run("volume", "ls"))?.output.split(separator: "\n") ?? [] {
            guard let id = line.split(separator: "\t").first.map(String.init) else { continue }
            _ = try? run("volume", "unmount", id, "--force")
            _ = try? run("volume", "rm", id, "--yes")
        }
    }
}

/// A command that had to succeed and did not.
public struct ProgramFailure: Error, CustomStringConvertible {
    let command: String
    let outcome: CofferProgram.Outcome

    public var description: String { "`\(command)` ended with \(outcome.code): \(outcome.errors)" }
}

/// A command that did not end in time.
public struct TimeLimitExceeded: Error {
    let command: String
}
