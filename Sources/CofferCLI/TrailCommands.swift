internal import ArgumentParser
internal import Coffer
internal import CofferKMS
internal import CofferShapes
internal import CofferTerminal
internal import CofferTrail
internal import Glibc

struct TrailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trail",
        abstract: "Who asked for what.",
        subcommands: [TrailList.self, TrailFollow.self, TrailVerify.self]
    )
}

/// Which calls are meant.
struct TrailFilterOptions: ParsableArguments {
    @Option(help: "Calls about this KMS key: id, ARN or alias, as the caller named it or as it is.")
    var key: String?
    @Option(help: ArgumentHelp("Calls by this user: name or ARN.", valueName: "user"))
    var user: String?
    @Option(help: ArgumentHelp("Calls since: RFC 3339, or 2h or 7d before now.", valueName: "time"))
    var since: Moment?
    @Option(help: ArgumentHelp("Calls of this operation, such as Decrypt.", valueName: "name"))
    var event: String?

    var filter: TrailFilter {
        var filter = TrailFilter()
        (filter.key, filter.user, filter.since, filter.event) = (key, user, since?.before, event)
        return filter
    }
}

struct TrailList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the calls to the key service, the newest last."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var chosen: TrailFilterOptions
    @Option(help: "At most so many, of the newest.")
    var limit: Int = 100

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        let home = try global.openHome()
        let entries = try Trail.records(folder: home.trailFolder, limit: limit, filter: chosen.filter)
        if global.output == .json { return try Terminal.json(["Events": entries]) }
        Terminal.table(TrailRow.headings, entries.map(TrailRow.cells))
    }
}

struct TrailFollow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follow",
        abstract: "Print each call as it comes, until interrupted.",
        discussion: "With --output json each call is one line."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var chosen: TrailFilterOptions

    func run() async throws {
        let home = try global.openHome()
        var follower = try Trail.follow(folder: home.trailFolder, filter: chosen.filter)
        while true {
            for entry in try follower.next() {
                switch global.output {
                case .json: try Terminal.jsonLine(entry)
                case .table: print(TrailRow.cells(entry).joined(separator: "\t"))
                }
            }
            try StandardOutput.flush()
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}

/// A call as a line of a table.
private enum TrailRow {
    static let headings = ["TIME", "EVENT", "WHO", "VIA", "KEY", "RESULT"]

    static func cells(_ entry: TrailEntry) -> [String] {
        let record = entry.record
        return [
            entry.eventTime, record.eventName, record.userIdentity?.arn ?? "-",
            record.userIdentity?.invokedBy ?? "-", record.resources?.first?.ARN ?? "-",
            record.errorCode ?? "ok",
        ]
    }
}

struct TrailVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verify that no line of the trail was changed, removed or cut off.",
        discussion: """
            Exit code 0 when the trail is whole, 1 when it is not: then the first bad line is named. Old files may be moved \
            away; what is left is verified from its first line on.
            """
    )

    @OptionGroup var global: GlobalOptions

    private struct Shape: Encodable {
        let FirstSequence: UInt64
        let VerifiedLines: UInt64
    }

    func run() async throws {
        let home = try global.openHome()
        let result = try await home.keyManagement().trail.verify()
        switch result.finding {
        case .intact:
            if global.output == .json {
                let shape = Shape(FirstSequence: result.firstSequence, VerifiedLines: result.verifiedCount)
                return try Terminal.json(shape)
            }
            let start =
                result.firstSequence > 1
                ? "; they start at line \(result.firstSequence), earlier files are not here" : ""
            print("\(result.verifiedCount) lines, whole and in order\(start)")
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
