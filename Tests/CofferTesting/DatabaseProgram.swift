public import Foundation
internal import Glibc

/// The built `coffer-rds` over the home of a `CofferProgram`. Instances that a test leaves are deleted when it goes.
public final class DatabaseProgram: Sendable {
    public let coffer: CofferProgram

    /// `watchSeconds`: how often new instances' KMS keys are tried.
    public init(watchSeconds: Int = 60, recoverySeconds: Int = 604_800) throws {
        coffer = try CofferProgram()
        environment = [
            "COFFER_RDS_KEY_WATCH_SECONDS": "\(watchSeconds)",
            "COFFER_RDS_KEY_RECOVERY_SECONDS": "\(recoverySeconds)",
        ]
    }

    private let environment: [String: String]

    deinit {
        for line in (try? run("ls"))?.output.split(separator: "\n") ?? [] {
            let name = String(line.prefix { $0 != "\t" })
            _ = try? run("modify", name, "--no-deletion-protection")
            _ = try? run("delete", name, "--skip-final-snapshot", "--yes")
        }
    }

    /// Runs `coffer-rds ARGUMENTS --home HOME` to its end.
    @discardableResult
    public func run(
        _ arguments: String...,
        input: Data = Data(),
        environment more: [String: String] = [:],
        limitSeconds: Int = 120
    ) throws -> CofferProgram.Outcome {
        try execute(arguments, input, more, limitSeconds)
    }

    /// The output of a command that must succeed, without its newline.
    @discardableResult
    public func succeed(
        _ arguments: String...,
        input: Data = Data(),
        environment more: [String: String] = [:],
        limitSeconds: Int = 120
    ) throws -> String {
        let outcome = try execute(arguments, input, more, limitSeconds)
        guard outcome.code == 0 else {
            throw ProgramFailure(command: arguments.joined(separator: " "), outcome: outcome)
        }
        return outcome.line
    }

    private func execute(
        _ arguments: [String],
        _ input: Data,
        _ more: [String: String],
        _ limitSeconds: Int
    ) throws -> CofferProgram.Outcome {
        // What stands after -- is for a program that is started.
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer-rds",
            arguments[..<end] + ["--home", coffer.home] + arguments[end...],
            input: input,
            environment: environment.merging(more) { _, new in new },
            limitSeconds: limitSeconds
        )
    }

    /// A member of an instance's JSON.
    public func member(_ name: String, of instance: String) throws -> Any? {
        let shown = try succeed("show", instance, "--output", "json")
        let object = try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? [String: Any]
        return object?[name]
    }

    public func status(_ instance: String) throws -> String {
        try member("DBInstanceStatus", of: instance) as? String ?? ""
    }

    /// The path of an SQLite instance's database.
    public func path(_ instance: String) throws -> String {
        String(try succeed("connect", instance, "--url").dropFirst("sqlite:///".count))
    }

    /// What statements give on an SQLite instance.
    @discardableResult
    public func sqlite(_ instance: String, _ statements: String) throws -> String {
        try succeed("connect", instance, "--", "-cmd", ".timeout 10000", statements, limitSeconds: 20)
    }
}
