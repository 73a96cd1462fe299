internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal
internal import CofferTrail
internal import Foundation
internal import Glibc

struct HomeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "home",
        abstract: "The home as a whole: back up, restore, check.",
        subcommands: [
            HomeBackupCommand.self, HomeRestoreCommand.self, HomeCheckCommand.self, HomeSetCommand.self,
        ]
    )
}

struct HomeBackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write keys, users and the audit trail to one file, also while they are in use.",
        discussion: """
            The file is sealed as the home is, and holds no volume's data: copy the files in volumes/ as well. With a \
            file seal, kms/root.key is left out, and no key in the backup can be used without a copy of it from elsewhere.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The file, which must not exist.")
    var file: String
    @Flag(help: "Put the root key of a file seal into it: whoever reads the backup then has every key.")
    var withRootKey = false

    func run() async throws {
        let summary = try HomeBackup.write(home: try global.homePath(), to: file, withRootKey: withRootKey)
        try summary.show(file, global.output)
        if summary.lacksRootKey {
            Terminal.error("note: the root key is not in it: keep a copy of kms/root.key in another place")
        }
    }
}

struct HomeRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make the home from a backup; its folder must not exist or be empty.",
        discussion: """
            What came after the backup is unknown to the restored home: a key deleted since is back, and a volume created \
            since is in no list. Never go on with both the old home and the restored one.
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The backup.")
    var file: String

    func run() async throws {
        let path = try global.homePath()
        let summary = try HomeBackup.restore(file, to: path)
        try summary.show(path, global.output)
        if summary.lacksRootKey {
            Terminal.error("note: put the home's root key back as \(path)/kms/root.key, mode 0600")
        }
    }
}

struct HomeCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check that databases and trail are whole, and that the root key fits.",
        discussion: "Exit code 0 when all is well, 1 when something is not."
    )

    @OptionGroup var global: GlobalOptions

    private struct Shape: Encodable {
        let Part: String
        let Problems: [String]
    }

    func run() async throws {
        var findings = try HomeCheck.databases(home: try global.homePath()).map {
            Shape(Part: $0.file, Problems: $0.problems)
        }
        guard !findings.isEmpty else {
            throw AWSError(.notFound, "there is no home at \(try global.homePath())")
        }
        // A key store that is not whole is not opened.
        if findings.allSatisfy({ $0.Problems.isEmpty }) {
            let keys = try await global.openHome().keyManagement()
            findings.append(Shape(Part: "root key", Problems: []))
            let trail = try keys.trail.verify()
            let problems = trail.finding == .intact ? [] : ["not whole: see `coffer trail verify`"]
            findings.append(Shape(Part: "trail", Problems: problems))
        }
        switch global.output {
        case .json: try Terminal.json(["Findings": findings])
        case .table:
            Terminal.table(
                ["PART", "RESULT"],
                findings.map { [$0.Part, $0.Problems.isEmpty ? "ok" : $0.Problems.joined(separator: "; ")] }
            )
        }
        let bad = findings.filter { !$0.Problems.isEmpty }.map(\.Part)
        guard bad.isEmpty else {
            throw AWSError(
                .damaged,
                "not whole: \(bad.joined(separator: ", "))",
                hint: "restore the home from a backup to another folder with `coffer home restore`"
            )
        }
    }
}

extension GlobalOptions {
    /// The folder of the home that the options name, not opened and not made.
    fileprivate func homePath() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        return try HomeLocation(option: home, environment: environment, isRoot: geteuid() == 0).path
    }
}

extension HomeBackup.Summary {
    fileprivate func show(_ place: String, _ output: OutputFormat) throws {
        switch output {
        case .json: try Terminal.json(Shape(Members: members, Path: place, SizeBytes: sizeBytes))
        case .table:
            Terminal.list([
                ("Path", place), ("Size", ByteCount.text(UInt64(sizeBytes))),
                ("Holds", members.joined(separator: ", ")),
            ])
        }
    }

    private struct Shape: Encodable {
        let Members: [String]
        let Path: String
        let SizeBytes: Int
    }
}

struct HomeSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Show or change what the home does where no option says otherwise.",
        discussion: """
            kms-endpoint  the KMS that protects volumes, as a URL
              coffer home set                                      show the settings
              coffer home set kms-endpoint https://kms.us-east-1.amazonaws.com
              coffer home set kms-endpoint --unset                 the home's own KMS again
            """
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The setting's name.")
    var name: String?
    @Argument(help: "Its value.")
    var value: String?
    @Flag(help: "Take the setting away.")
    var unset = false

    func validate() throws {
        guard let name else { return }
        guard name == "kms-endpoint" else { throw ValidationError("there is no setting '\(name)'") }
        guard (value == nil) == unset else { throw ValidationError("give a value, or --unset") }
        if let value, !value.hasPrefix("https://"), !value.hasPrefix("http://") {
            throw ValidationError("the endpoint is a URL that begins with https:// or http://")
        }
    }

    func run() async throws {
        let home = try global.openHome()
        var settings = try home.settings()
        if name != nil {
            settings.kmsEndpoint = value
            return try home.change(settings)
        }
        switch global.output {
        case .json: try Terminal.json(["kms-endpoint": settings.kmsEndpoint])
        case .table: Terminal.list([("kms-endpoint", settings.kmsEndpoint ?? "-")])
        }
    }
}
