internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

/// Whom a snapshot is shared with, as a command's option.
struct GranteeArgument: ExpressibleByArgument {
    let grantee: SnapshotGrantee

    init?(argument: String) {
        guard let grantee = SnapshotGrantee(argument) else { return nil }
        self.grantee = grantee
    }
}

struct SnapshotShare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "share",
        abstract: "Say which accounts may make volumes of a snapshot, or list them.",
        discussion: """
            As on AWS an encrypted snapshot is never public, and one under the AWS managed key alias/aws/ebs is not shared: \
            share a copy under a key of your own, and let the other account use that key by its key policy.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var snapshot: SnapshotArgument
    @Option(name: .customLong("add"), help: ArgumentHelp("An account id, or all.", valueName: "account"))
    var adding: [GranteeArgument] = []
    @Option(name: .customLong("remove"), help: ArgumentHelp("An account id, or all.", valueName: "account"))
    var removing: [GranteeArgument] = []
    @Flag(help: "Take all permissions away.")
    var reset = false

    func validate() throws {
        guard !reset || adding.isEmpty && removing.isEmpty else {
            throw ValidationError("--reset takes all away: leave --add and --remove out")
        }
    }

    private struct Shape: Encodable {
        let SnapshotId: String
        let CreateVolumePermissions: [String]
    }

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let id = try await service.describeSnapshots([snapshot.reference], caller: caller)[0].id
        if reset { try await service.resetSnapshotAttribute(id.text, caller: caller) }
        for change in [
            SnapshotSharingChange(removing: removing.map(\.grantee)),
            SnapshotSharingChange(adding: adding.map(\.grantee)),
        ] where !(change.adding + change.removing).isEmpty {
            try await service.modifySnapshotAttribute(id.text, change, caller: caller)
        }
        let grantees = try await service.describeSnapshotAttribute(id.text, caller: caller).map(\.text)
        if global.output == .json {
            return try Terminal.json(Shape(SnapshotId: id.text, CreateVolumePermissions: grantees))
        }
        Terminal.table(["MAY MAKE VOLUMES"], grantees.map { [$0] })
    }
}
