internal import CofferCatalog
internal import CofferShapes
internal import Logging

/// What Coffer asks of an engine that stands still. One engine serves one kind of instance; what it does happens on the
/// instance's mounted volume.
protocol DatabaseEngine: Sendable {
    var kind: DatabaseEngineKind { get }
    /// Whether clients log in: then there is a master user with a password.
    var hasUsers: Bool { get }
    var defaultMasterUser: String { get }
    /// nil for an engine without a port.
    var defaultPort: Int? { get }

    /// The version that is installed, such as `15.14`. Coffer.MissingRequirement with a hint where there is none.
    func installedVersion() throws -> String

    /// Refuses what the engine has no such thing of: a parameter's name or value, a master user's name, a port.
    func check(_ record: DatabaseRecord) throws

    /// The parameters that it has, for who looks for one.
    func parameters() throws -> [EngineParameter]

    /// Makes the data of a new instance in the empty folder `site.data`.
    func create(_ site: EngineSite, password: MasterPassword?) async throws

    /// Makes what a snapshot holds ready to be started: at the time `target` where one is given, with what `archive` has
    /// of the instance that the snapshot is of. Checks it with the engine's own means before it returns.
    func restore(_ site: EngineSite, from archive: DatabaseArchive?, to target: Timestamp?) async throws

    /// Starts the engine; returns when clients can connect.
    func start(_ site: EngineSite) async throws -> any RunningEngine

    /// Ends what a supervisor that died has left running on the site. Safe to repeat.
    func endLeftovers(_ site: EngineSite) async throws

    /// Sets the master user's password on a running instance. Asked by whoever changes it, which need not be the
    /// supervisor.
    func setPassword(_ site: EngineSite, _ password: MasterPassword) async throws

    /// What a client connects with: `sqlite:///PATH` or `postgresql://…`, without a password.
    func url(_ site: EngineSite) -> String

    /// The host that listens, or the path of an SQLite database. (`Endpoint.Address`)
    func address(_ site: EngineSite) -> String

    /// Removes from an archive what no restore to `since` or later needs. Called again and again.
    func prune(_ archive: DatabaseArchive, keeping since: Timestamp) async throws

    /// The program that gives a person a prompt.
    func client(_ site: EngineSite) throws -> DatabaseClient
}

/// An engine that runs. Its supervisor asks one thing after the other.
protocol RunningEngine: AnyObject, Sendable {
    /// nil for an engine that lives in its clients.
    var processID: Int32? { get }

    /// Whether it still runs; why not, where it does not.
    func failure() -> String?

    /// Called about ten times a second: brings to the archive what is new, and all of it where `isLast`.
    func archiveNew(isLast: Bool) async throws

    /// Up to when the archive has everything; nil without an archive.
    var latestRestorable: Timestamp? { get }

    /// Since when the archive is without a gap, where there may be one before: a restore to a time then needs a snapshot from
    /// after it.
    var historyBegan: Timestamp? { get }

    /// What the instance's owner has to know of, since it was last asked for.
    func takeNews() -> [EngineNews]

    /// Takes over changed parameters, its own and its group's. Gives those that wait for a restart.
    func reload(_ site: EngineSite) async throws -> [String]

    func figures() async -> EngineFigures

    /// Ends it so that nothing is lost: clients are told to leave, then made to.
    func stop() async throws
}

extension RunningEngine {
    var historyBegan: Timestamp? { nil }
    func takeNews() -> [EngineNews] { [] }
}

/// An event that an engine tells of.
struct EngineNews: Sendable, Equatable {
    /// As RDS names its categories of events.
    let category: String
    let text: String
}

/// Where an instance's engine works.
struct EngineSite: Sendable {
    let record: DatabaseRecord
    /// Of the parameter group, and over it the instance's own.
    let parameters: [String: String]
    /// The mounted filesystem of the instance's volume.
    let mount: String
    /// A folder in memory for sockets and requests; made by the engine, for its user.
    let socketFolder: String
    let archive: DatabaseArchive
    let clock: any WallClock
    let logger: Logger

    /// The engine's data; never the filesystem's root, which has a `lost+found`.
    var data: String { "\(mount)/data" }
    /// Where clients of ours spill what does not fit in memory, and keep what was typed: it is data all the same.
    var temporaryFolder: String { "\(mount)/tmp" }
    /// The engine's log: it tells of statements, so it lies on the volume.
    var logFolder: String { "\(mount)/log" }
}

extension DatabaseEngine {
    func parameters() throws -> [EngineParameter] { [] }
}

extension DatabaseEngineKind {
    var engine: any DatabaseEngine {
        switch self {
        case .sqlite: SQLiteEngine()
        case .postgres: PostgresEngine()
        }
    }
}
