internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

/// How much of a home is read.
struct QuickOption: ParsableArguments {
    @Flag(
        name: [.customLong("quick"), .customLong("no-read")],
        help: "Do not read the blocks of snapshots, only what tells of them."
    )
    var quick = false
}

/// A check and a repair of a home, or of its snapshots.
enum HomeChecks {
    static func check(
        _ scope: HomeScope,
        quick: Bool,
        repair command: String,
        _ global: GlobalOptions
    ) async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let report: HomeReport
        do {
            defer { Terminal.endProgress() }
            report = try await service.checkHome(
                scope,
                readsBlocks: !quick,
                onProgress: { done, total in
                    guard total > 0 else { return }
                    Terminal.progress(Double(done) / Double(total), "\(done) of \(total) blocks")
                },
                caller: caller
            )
        }
        try HomeCheckOutput.print(report, global.output)
        guard !report.isClean else { return }
        if report.findings.contains(where: \.canBeRepaired) {
            Terminal.error("hint: clean up with `\(command)`")
        }
        throw ExitCode(1)
    }

    static func repair(_ scope: HomeScope, _ global: GlobalOptions) async throws {
        let home = try global.openHome()
        let repair = try await global.volumes(of: home).repairHome(
            scope,
            caller: try await global.caller(of: home)
        )
        try HomeCheckOutput.print(repair, global.output)
        if !repair.report.isClean { throw ExitCode(1) }
    }
}

struct SnapshotCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Verify all snapshots: their lists, their blocks, and what is left over.",
        discussion: "Exit code 0 when all is well, 1 when something was found. Changes nothing."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var read: QuickOption

    func run() async throws {
        try await HomeChecks.check(.snapshots, quick: read.quick, repair: "coffer snapshot repair", global)
    }
}

struct SnapshotRepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Clean up what is left over of snapshots that came to nothing or were removed.",
        discussion: "Says each thing that it does. Takes nothing away that a snapshot or a volume needs."
    )

    @OptionGroup var global: GlobalOptions

    func run() async throws { try await HomeChecks.repair(.snapshots, global) }
}
