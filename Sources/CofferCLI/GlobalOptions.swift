internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferSecrets
internal import CofferShapes
internal import Foundation
internal import Logging

/// Options that every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The home: the folder that holds keys and volumes.", valueName: "folder"))
    var home: String?

    @Option(help: "The region of a home that is made by this command.")
    var region: String?

    @Option(help: ArgumentHelp("How results are printed.", valueName: "table|json"))
    var output: OutputFormat = .table

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the passphrase of the home's seal; else the terminal is asked.",
            valueName: "file"
        )
    )
    var passphraseFile: String?

    @Flag(name: .shortAndLong, help: "Say on standard error what is done.")
    var verbose = false

    /// Opens the home that the options name.
    func openHome() throws -> Home {
        let environment = ProcessInfo.processInfo.environment
        let location = try HomeLocation(option: home, environment: environment, isRoot: geteuid() == 0)
        let passphrase = PassphraseSource(file: passphraseFile)
        return try Home(
            at: location,
            region: try namedRegion(environment),
            passphrase: { try passphrase.read() },
            logger: logger
        )
    }

    /// The volumes of a home, served by the `coffer-volumed` beside this program.
    func volumes(of home: Home) -> VolumeService {
        home.volumes(daemon: { try DaemonProgram.path() }, onStep: StepHook.fromEnvironment())
    }

    private func namedRegion(_ environment: [String: String]) throws -> Region? {
        let name = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
        guard let name, !name.isEmpty else { return nil }
        guard let region = Region(name) else {
            throw AWSError(.invalidParameterValue, "'\(name)' is no region's name")
        }
        return region
    }

    private var logger: Logger {
        var logger = Logger(label: "coffer") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = verbose ? .debug : .error
        return logger
    }
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// Where the daemon's program is: beside this one, in ../libexec/coffer, or in a folder of the system.
enum DaemonProgram {
    static func path() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = URL(fileURLWithPath: own).deletingLastPathComponent()
        let candidates = [
            folder.appendingPathComponent("coffer-volumed"),
            folder.deletingLastPathComponent().appendingPathComponent("libexec/coffer/coffer-volumed"),
            URL(fileURLWithPath: "/usr/libexec/coffer/coffer-volumed"),
        ]
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) })
        else {
            throw AWSError(
                .missingRequirement,
                "the daemon coffer-volumed is missing beside \(own)",
                hint: "build or install it together with coffer"
            )
        }
        return found.path
    }
}

/// Lets a test end this process right after a step of an attachment, as kill -9 would: COFFER_TEST_KILL_AFTER names the
/// step. Set by nobody else.
enum StepHook {
    static func fromEnvironment() -> @Sendable (AttachmentStep) -> Void {
        guard let name = ProcessInfo.processInfo.environment["COFFER_TEST_KILL_AFTER"],
            let last = AttachmentStep(rawValue: name)
        else { return { _ in } }
        return { step in if step == last { kill(getpid(), SIGKILL) } }
    }
}
