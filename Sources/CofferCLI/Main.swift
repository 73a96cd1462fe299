internal import ArgumentParser
internal import CLinux
internal import CofferShapes
internal import Glibc

/// `coffer`: parses, calls one verb of a service, prints. Results go to standard output, everything else to standard
/// error; exit codes: 0 done, 1 refused or failed, 2 usage, 3 access denied, 4 not found, 5 wrong state. Called as
/// mount.coffer it is mount(8)'s helper.
@main
enum Main {
    static func main() async {
        harden()
        if MountHelper.isMeant { exit(await MountHelper.run(Array(CommandLine.arguments.dropFirst()))) }
        var failure: (any Error)?
        do {
            var command = try CofferCommand.parseAsRoot()
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
        if let failure { exit(report(failure)) }
    }

    /// Keys pass through this process: no core file, no reader of its memory but root, new files for the owner alone.
    private static func harden() {
        umask(0o077)
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        _ = clinux_set_undumpable()
        signal(SIGPIPE, SIG_IGN)
        // A starter that ignores it would leave waitpid(2) with nothing to tell of the tools that we run.
        signal(SIGCHLD, SIG_DFL)
    }

    /// Says what failed, why, and what to do next; gives the exit code.
    private static func report(_ error: any Error) -> Int32 {
        if let error = error as? AWSError {
            Terminal.error("coffer: \(error)")
            if let hint = error.hint { Terminal.error("hint: \(hint)") }
            return error.code.kind.exitCode
        }
        if CofferCommand.exitCode(for: error).isSuccess {
            print(CofferCommand.fullMessage(for: error))
            do {
                try StandardOutput.flush()
                return 0
            } catch {
                return report(error)
            }
        }
        if let exit = error as? ExitCode { return exit.rawValue }
        guard CofferCommand.exitCode(for: error) == .validationFailure else {
            Terminal.error("coffer: \(CofferCommand.message(for: error))")
            return 1
        }
        Terminal.error(CofferCommand.fullMessage(for: error))
        return 2
    }
}

struct CofferCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coffer",
        abstract: "Encryption at rest as AWS does it, on machines you own.",
        discussion: """
            A first use:
              coffer key create --alias app
              coffer volume create --name data --size 10GiB --key alias/app
              coffer volume mount data /mnt/data

            Exit codes: 0 done, 1 refused or failed, 2 usage, 3 access denied, 4 not found, 5 wrong state.
            """,
        version: "0.1.0",
        subcommands: [
            KeyCommand.self, VolumeCommand.self, SnapshotCommand.self, UserCommand.self, TrailCommand.self,
            ServeCommand.self,
            HomeCommand.self, SealCommand.self, BenchCommand.self, DoctorCommand.self,
        ]
    )
}
