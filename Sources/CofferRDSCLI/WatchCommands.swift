internal import ArgumentParser
internal import CofferCatalog
internal import CofferRDS
internal import CofferShapes
internal import CofferTerminal
internal import Foundation

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Print an instance's log: its supervisor's words, and the engine's."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Option(name: .shortAndLong, help: "The last lines of each.")
    var lines = 100

    func run() async throws {
        let desk = try await global.openDatabases()
        for line in try await desk.databases.logLines(
            of: instance.name,
            limit: max(0, lines),
            caller: desk.caller
        ) {
            print(line)
        }
    }
}

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "What happened to instances and snapshots, the oldest first."
    )

    @OptionGroup var global: GlobalOptions
    @Argument(help: ArgumentHelp("Only of this instance.", valueName: "name"))
    var name: String?
    @Option(help: "At most so many of the newest.")
    var limit = 100

    func run() async throws {
        let desk = try await global.openDatabases()
        let events = try await desk.databases.describeEvents(
            of: name,
            limit: max(0, limit),
            caller: desk.caller
        )
        switch global.output {
        case .json: try Terminal.json(events.map { EventShape($0) })
        case .table:
            Terminal.table(
                ["TIME", "SOURCE", "CATEGORY", "MESSAGE"],
                events.map {
                    [$0.time.iso8601, "\($0.kind.rawValue) \($0.identifier)", $0.category, $0.message]
                }
            )
        }
    }
}

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract:
            "Show running instances: size, connections, transactions a second, throughput, archive lag.",
        discussion: "Without a terminal, and with --once, one table over one second."
    )

    @OptionGroup var global: GlobalOptions
    @Flag(help: "One table, and end.")
    var once = false
    @Option(help: ArgumentHelp("Seconds between two looks.", valueName: "seconds"))
    var interval = 2.0

    func run() async throws {
        let desk = try await global.openDatabases()
        let isLive = !once && isatty(STDOUT_FILENO) == 1 && global.output == .table
        var before = Self.byName(try await desk.databases.measureDBInstances(caller: desk.caller))
        repeat {
            try await Task.sleep(for: .seconds(isLive ? min(max(interval, 0.2), 3600) : 1))
            let now = try await desk.databases.measureDBInstances(caller: desk.caller)
            let rows = now.map { DatabaseRates($0, since: before[$0.identifier.text]) }
            if isLive { print("\u{1B}[H\u{1B}[2J", terminator: "") }
            switch global.output {
            case .json: try Terminal.json(rows)
            case .table: Terminal.table(DatabaseRates.headings, rows.map(\.cells))
            }
            fflush(nil)
            before = Self.byName(now)
        } while isLive
    }

    private static func byName(_ measures: [DatabaseMeasure]) -> [String: DatabaseMeasure] {
        Dictionary(measures.map { ($0.identifier.text, $0) }) { first, _ in first }
    }
}

/// What `top` shows of an instance: figures, and their change over time.
struct DatabaseRates: Encodable {
    let DBInstanceIdentifier: String
    let DBInstanceStatus: String
    let AllocatedStorage: Int
    let DatabaseBytes: UInt64?
    let Connections: Int?
    let TransactionsPerSecond: Double?
    let ReadBytesPerSecond: Double?
    let WriteBytesPerSecond: Double?
    let ArchiveLagSeconds: Double?

    static let headings = [
        "NAME", "STATUS", "SIZE", "USED", "CONNECTIONS", "TPS", "READ/S", "WRITE/S", "ARCHIVE LAG",
    ]

    init(_ now: DatabaseMeasure, since before: DatabaseMeasure?) {
        let seconds = before.map { Double(now.time.nanoseconds - $0.time.nanoseconds) / 1e9 } ?? 0
        func rate(_ part: (DatabaseMeasure) -> UInt64?) -> Double? {
            guard seconds > 0, let new = part(now), let old = before.flatMap(part), new >= old else {
                return nil
            }
            return Double(new - old) / seconds
        }
        DBInstanceIdentifier = now.identifier.text
        DBInstanceStatus = now.status.rawValue
        AllocatedStorage = now.allocatedGiB
        DatabaseBytes = now.figures.databaseBytes
        Connections = now.figures.connections
        TransactionsPerSecond = rate { $0.figures.transactions }
        ReadBytesPerSecond = rate { $0.bytesRead }
        WriteBytesPerSecond = rate { $0.bytesWritten }
        ArchiveLagSeconds = now.figures.archiveLagSeconds
    }

    var cells: [String] {
        [
            DBInstanceIdentifier, DBInstanceStatus, "\(AllocatedStorage) GiB",
            DatabaseBytes.map { ByteCount.text($0) } ?? "-", Connections.map { "\($0)" } ?? "-",
            TransactionsPerSecond.map { String(format: "%.1f", $0) } ?? "-",
            ReadBytesPerSecond.map { ByteCount.text(UInt64($0)) } ?? "-",
            WriteBytesPerSecond.map { ByteCount.text(UInt64($0)) } ?? "-",
            ArchiveLagSeconds.map { String(format: "%.1f s", $0) } ?? "-",
        ]
    }
}
