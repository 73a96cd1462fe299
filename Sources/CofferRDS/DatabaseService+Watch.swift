internal import CofferCatalog
internal import CofferEBS
public import CofferShapes
internal import CofferSystem

/// What happened to an instance or a snapshot. (`Event`)
public struct DatabaseEvent: Sendable {
    public let time: Timestamp
    public let kind: Kind
    public let identifier: String
    /// As RDS names them, such as `backup`. (RDS user guide, "Amazon RDS event categories and event messages".)
    public let category: String
    public let message: String

    /// (`SourceType`)
    public enum Kind: String, Sendable, CaseIterable {
        case instance = "db-instance"
        case snapshot = "db-snapshot"
    }
}

/// A program that gives a person a prompt at an instance.
public struct DatabaseClient: Sendable {
    /// A path.
    public let program: String
    public let arguments: [String]
    /// What it finds there beside what is there: so that what it keeps, it keeps on the instance's volume.
    public let environment: [String: String]
}

/// An instance's figures at a moment.
public struct DatabaseMeasure: Sendable {
    public let time: Timestamp
    public let identifier: DatabaseIdentifier
    public let status: DatabaseStatus
    public let allocatedGiB: Int
    public let figures: EngineFigures
    /// By its volume's daemon since it was attached.
    public let bytesRead: UInt64?
    public let bytesWritten: UInt64?
}

extension DatabaseService {
    /// What happened to the region's instances and snapshots, or to one instance; the oldest first. (`DescribeEvents`)
    public func describeEvents(
        of instance: String? = nil,
        limit: Int = 10_000,
        caller: Caller
    ) async throws -> [DatabaseEvent] {
        try await require("DescribeEvents", "es", "*", caller: caller)
        let only = instance.map { "\(EventSource.instance.rawValue):\($0.lowercased())" }
        return try catalog.events(in: region(of: caller), of: only, limit: limit).compactMap(Self.event)
    }

    private static func event(_ record: EventRecord) -> DatabaseEvent? {
        guard let colon = record.resource.firstIndex(of: ":"),
            let source = EventSource(rawValue: String(record.resource[..<colon]))
        else { return nil }
        return DatabaseEvent(
            time: record.time,
            kind: source == .instance ? .instance : .snapshot,
            identifier: String(record.resource[record.resource.index(after: colon)...]),
            category: record.name,
            message: record.cause
        )
    }

    /// The figures of all instances of the region that run.
    public func measureDBInstances(caller: Caller) async throws -> [DatabaseMeasure] {
        var measures: [DatabaseMeasure] = []
        for database in try await describeDBInstances(caller: caller) where database.status.isUsable {
            var daemon: Volume.Daemon?
            if let volume = database.record.volume {
                // One that is being deleted at this moment has no figures.
                daemon = try? await volumes.describeVolumes(
                    [volume.text],
                    caller: infrastructure(database.record)
                ).first?.daemon
            }
            measures.append(
                DatabaseMeasure(
                    time: clock.now,
                    identifier: database.identifier,
                    status: database.status,
                    allocatedGiB: database.record.allocatedGiB,
                    figures: database.figures,
                    bytesRead: daemon?.bytesRead,
                    bytesWritten: daemon?.bytesWritten
                )
            )
        }
        return measures
    }

    /// The last lines of the supervisor's log, and of the engine's, which lies on the volume and is to be had only while
    /// that is mounted. (`DownloadDBLogFilePortion`)
    public func logLines(of identifier: String, limit: Int, caller: Caller) async throws -> [String] {
        let record = try await permitted(identifier, to: "DownloadDBLogFilePortion", caller: caller)
        let folder = try site(of: record).logFolder
        let names = (try? FolderNames.sorted(in: folder)) ?? []
        let files = [paths.log(record.identifier)] + names.map { "\(folder)/\($0)" }
        return files.flatMap { file in
            (TextFile.lastContents(file) ?? "").split(separator: "\n").suffix(limit).map(String.init)
        }
    }

    /// The program that gives a person a prompt at a running instance, and its arguments.
    public func client(
        of identifier: String,
        caller: Caller
    ) async throws -> DatabaseClient {
        let record = try await permitted(identifier, to: "DescribeDBInstances", caller: caller)
        let now = try describe(record)
        guard now.status.isUsable else { throw refusal(now, "connected to") }
        return try record.engine.engine.client(try site(of: record))
    }

    /// The supervisor of an instance, to be run by this process; nil where it has one. For whoever owns the home.
    public func supervisor(
        of identifier: String,
        password: MasterPassword?,
        caller: Caller
    ) async throws -> Supervisor? {
        let record = try await permitted(identifier, to: "StartDBInstance", caller: caller)
        return try Supervisor(self, record, password: password)
    }
}
