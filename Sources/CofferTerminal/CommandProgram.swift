package import ArgumentParser
internal import CLinux
internal import CofferShapes
internal import Glibc

/// What the programs of commands have in common: a process hardened for keys that pass through it, one command that is
/// parsed and run, its failure put into words. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 access denied, 4 not
/// found, 5 wrong state.
package enum CommandProgram {
    /// Parses this process's arguments as `root`'s, runs what they say, and ends. `name` stands before each message.
    package static func run(_ root: any AsyncParsableCommand.Type, name: String) async -> Never {
        var failure: (any Error)?
        do {
            var command = try root.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try StandardOutput.flush()
        } catch {
            failure = error
        }
        do { try await OpenHomes.close() } catch { failure = failure ?? error }
        exit(failure.map { report($0, root, name) } ?? 0)
    }

    /// Keys pass through this process: no core file, no reader of its memory but root, new files for the owner alone.
    package static func harden() {
        umask(0o077)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        _ = clinux_set_undumpable()
        signal(SIGPIPE, SIG_IGN)
        // A starter that ignores it would leave waitpid(2) with nothing to tell of the tools that we run.
        signal(SIGCHLD, SIG_DFL)
    }

    /// Says what failed, why, and what to do next; gives the exit code.
    private static func report(
        _ error: any Error,
        _ root: any AsyncParsableCommand.Type,
        _ name: String
    ) -> Int32 {
        if let error = error as? AWSError {
            Terminal.error("\(name): \(error)")
            if let hint = error.hint { Terminal.error("hint: \(hint)") }
            return error.code.kind.exitCode
        }
        if root.exitCode(for: error).isSuccess {
            print(root.fullMessage(for: error))
            do {
                try StandardOutput.flush()
                return 0
            } catch {
                return report(error, root, name)
            }
        }
        if let exit = error as? ExitCode { return exit.rawValue }
        guard root.exitCode(for: error) == .validationFailure else {
            Terminal.error("\(name): \(root.message(for: error))")
            return 1
        }
        Terminal.error(root.fullMessage(for: error))
        return 2
    }
}
