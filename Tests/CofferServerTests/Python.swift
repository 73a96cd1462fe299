import Foundation

/// Runs a script with the machine's Python and gives what it prints; what it says on standard error, when it fails.
enum Python {
    struct Failure: Error { let text: String }

    static func run(
        _ script: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> String {
        try await OwnThread.run { Result { try runBlocking(script, arguments, environment) } }.get()
    }

    private static func runBlocking(
        _ script: String,
        _ arguments: [String],
        _ environment: [String: String]
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, errors) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (output, errors)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: complaint) }
        return text
    }

    /// Whether AWS's SDK for Python is on this machine.
    static let hasBoto3 = (try? runBlocking("import boto3", [], [:])) != nil
}
