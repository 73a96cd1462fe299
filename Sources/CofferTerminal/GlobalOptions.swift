package import ArgumentParser
package import Coffer
package import CofferEBS
package import CofferRDS
internal import CofferRemoteKMS
internal import CofferSecrets
package import CofferShapes
internal import Foundation
internal import Logging
internal import Synchronization

/// Options that every command takes.
package struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The home: the folder that holds keys and volumes.", valueName: "folder"))
    package var home: String?

    @Option(help: "The region that is meant. (default: AWS_REGION, else the home's)")
    package var region: String?

    @Option(help: ArgumentHelp("How results are printed.", valueName: "table|json"))
    package var output: OutputFormat = .table

    @Option(
        help: ArgumentHelp(
            "The 12 digits of the account of a home that is made by this command. (default: chosen at random)",
            valueName: "digits"
        )
    )
    package var account: String?

    @Option(
        help: ArgumentHelp(
            "The KMS that protects volumes: AWS, or another host's `coffer serve`. (default: the home's own)",
            valueName: "url"
        )
    )
    package var kmsEndpoint: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the passphrase of the home's seal; else the terminal is asked.",
            valueName: "file"
        )
    )
    package var passphraseFile: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the PIN of the home's seal, where an HSM is it; else the terminal is asked.",
            valueName: "file"
        )
    )
    package var pinFile: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Act as this user of the account, with that one's permissions. (default: the root user)",
            valueName: "user"
        )
    )
    package var user: String?

    @Flag(name: .shortAndLong, help: "Say on standard error what is done.")
    package var verbose = false

    package init() {}

    /// Opens the home that the options name.
    package func openHome(pkcs11Module: String? = nil) throws -> Home {
        let environment = ProcessInfo.processInfo.environment
        let location = try HomeLocation(option: home, environment: environment, isRoot: geteuid() == 0)
        let home = try Home(
            at: location,
            region: try namedRegion(environment),
            account: try namedAccount(environment),
            secrets: secretPrompts,
            pkcs11Module: pkcs11Module,
            logger: logger
        )
        OpenHomes.add(home)
        return home
    }

    /// Who acts: the account's root user, for who owns the home owns the keys, or the user that is named.
    package func caller(of home: Home) async throws -> Caller {
        try await home.caller(named: user, region: try namedRegion(ProcessInfo.processInfo.environment))
    }

    /// The volumes of a home, served by the `coffer-volumed` beside this program.
    package func volumes(of home: Home) async throws -> VolumeService {
        let environment = ProcessInfo.processInfo.environment
        let endpoint = try kmsEndpoint ?? home.settings().kmsEndpoint
        return try await home.volumes(
            kms: endpoint.map { RemoteKMSSettings(endpoint: $0, region: try? namedRegion(environment)) },
            environment: environment,
            daemon: { try DaemonProgram.path() },
            onStep: StepHook.fromEnvironment()
        )
    }

    /// The databases of a home, each run by a `coffer-rds supervise`.
    package func databases(of home: Home) async throws -> DatabaseService {
        let environment = ProcessInfo.processInfo.environment
        let endpoint = try kmsEndpoint ?? home.settings().kmsEndpoint
        return try await home.databases(
            kms: endpoint.map { RemoteKMSSettings(endpoint: $0, region: try? namedRegion(environment)) },
            environment: environment,
            daemon: { try DaemonProgram.path() },
            supervisor: { try SupervisorProgram.path() },
            supervisorArguments: supervisorArguments
        )
    }

    /// What a supervisor needs to open the same home.
    private var supervisorArguments: [String] {
        var arguments: [String] = []
        if let kmsEndpoint { arguments += ["--kms-endpoint", kmsEndpoint] }
        if let passphraseFile { arguments += ["--passphrase-file", Self.absolute(passphraseFile)] }
        if let pinFile { arguments += ["--pin-file", Self.absolute(pinFile)] }
        if verbose { arguments.append("--verbose") }
        return arguments
    }

    private static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).path }

    /// Where secrets come from that open the home.
    package var secretPrompts: SecretPrompts {
        let passphrase = PassphraseSource(file: passphraseFile)
        let pin = PassphraseSource(file: pinFile, name: "PIN", option: "--pin-file")
        return SecretPrompts(
            passphrase: { try passphrase.read() },
            pin: { token in try pin.read(prompt: "User PIN of the token \(token): ") },
            environment: ProcessInfo.processInfo.environment
        )
    }

    private func namedRegion(_ environment: [String: String]) throws -> Region? {
        let name = region ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
        guard let name, !name.isEmpty else { return nil }
        guard let region = Region(name) else {
            throw AWSError(.invalidParameterValue, "'\(name)' is no region's name")
        }
        return region
    }

    private func namedAccount(_ environment: [String: String]) throws -> AccountID? {
        guard let text = account ?? environment["COFFER_ACCOUNT_ID"], !text.isEmpty else { return nil }
        guard let account = AccountID(text) else {
            throw AWSError(.invalidParameterValue, "'\(text)' is no account id: it has 12 digits")
        }
        return account
    }

    private var logger: Logger {
        var logger = Logger(label: "coffer") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = verbose ? .debug : .error
        return logger
    }
}

/// The homes that this process has opened: closed at its end, so that the trail is whole on the medium.
package enum OpenHomes {
    private static let homes = Mutex<[Home]>([])

    package static func add(_ home: Home) { homes.withLock { $0.append(home) } }

    package static func close() async throws {
        for home in homes.withLock({ $0 }) { try await home.close() }
    }
}

package enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

/// This very program.
package enum OwnProgram {
    package static func path() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}

/// Where the daemon's program is: beside this one, in ../libexec/coffer, or in a folder of the system.
package enum DaemonProgram {
    package static func path() throws -> String {
        let own = try OwnProgram.path()
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

/// Where the program is that runs a database instance: `coffer-rds`, beside this one or this one itself.
package enum SupervisorProgram {
    package static func path() throws -> String {
        let own = try OwnProgram.path()
        let path = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("coffer-rds")
            .path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw AWSError(
                .missingRequirement,
                "the program coffer-rds is missing beside \(own)",
                hint: "build or install it together with coffer"
            )
        }
        return path
    }
}

/// Lets a test end this process right after a step of an attachment, as kill -9 would: COFFER_TEST_KILL_AFTER names the
/// step. Set by nobody else.
package enum StepHook {
    package static func fromEnvironment() -> @Sendable (AttachmentStep) -> Void {
        guard let name = ProcessInfo.processInfo.environment["COFFER_TEST_KILL_AFTER"],
            let last = AttachmentStep(rawValue: name)
        else { return { _ in } }
        return { step in if step == last { kill(getpid(), SIGKILL) } }
    }
}
