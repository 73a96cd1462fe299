internal import CofferShapes
internal import CofferSystem

/// Programs that a bench runs to their end, and ends when it is asked to stop.
enum Tool {
    /// What it wrote to standard output. InternalError where it fails.
    @discardableResult
    static func run(
        _ program: String,
        _ arguments: [String],
        limitSeconds: Int = 120,
        environment: [String] = []
    ) throws -> String {
        let outcome: ChildProcess.Outcome
        do {
            outcome = try ChildProcess.runBlocking(
                program,
                arguments,
                limitSeconds: limitSeconds,
                environment: environment,
                isAbandoned: { Interruption.isAsked }
            )
        } catch is ChildProcess.Abandoned {
            try Interruption.check()
            throw AWSError(.internalError, "\(program) was given up")
        }
        // Ctrl-C reaches the tool, too, whose failure is none then.
        try Interruption.check()
        guard outcome.code == 0 else {
            // The first lines say why; what follows is what failed because of it, or a report of nothing.
            let words = (outcome.errors.isEmpty ? outcome.output : outcome.errors)
                .split(separator: "\n").prefix(2).joined(separator: "; ").prefix(300)
            let name = program.split(separator: "/").last ?? ""
            throw AWSError(.internalError, "\(name) failed with exit code \(outcome.code): \(words)")
        }
        return outcome.output
    }
}
