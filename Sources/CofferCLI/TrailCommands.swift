internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes
internal import CofferTrail

struct TrailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trail",
        abstract: "Who asked for what.",
        subcommands: [TrailList.self, TrailVerify.self]
    )
}

struct TrailList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the calls to the key service, the newest last."
    )

    @OptionGroup var global: GlobalOptions
    @Option(help: "At most so many, of the newest.")
    var limit: Int = 100

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        let home = try global.openHome()
        let entries = try Trail.records(folder: home.trailFolder, limit: limit)
        if global.output == .json { return try Terminal.json(["Events": entries]) }
        Terminal.table(
            ["TIME", "EVENT", "WHO", "VIA", "KEY", "RESULT"],
            entries.map { entry in
                let record = entry.record
                return [
                    entry.eventTime, record.eventName, record.userIdentity?.arn ?? "-",
                    record.userIdentity?.invokedBy ?? "-", record.resources?.first?.ARN ?? "-",
                    record.errorCode ?? "ok",
                ]
            }
        )
    }
}

struct TrailVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify that no line of the trail was changed, removed or cut off.",
        discussion: "Exit code 0 when the trail is whole, 1 when it is not."
    )

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let home = try global.openHome()
        let result = try await home.keyManagement().trail.verify()
        switch result.finding {
        case .intact:
            print("\(result.verifiedCount) lines, whole and in order")
        case .broken(let place):
            throw AWSError(
                .tampered,
                "line \(place.line) of \(place.file) is not what was written there, or one before it is missing; "
                    + "\(result.verifiedCount) lines before it are whole"
            )
        case .cut(let last, let expected):
            throw AWSError(.tampered, "the trail ends at line \(last), and \(expected) lines were written")
        }
    }
}
