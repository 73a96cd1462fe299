public import CofferCatalog
public import CofferEBS
internal import CofferSecrets
public import CofferShapes
internal import CofferSystem
internal import Glibc
public import Logging

/// The control plane of databases. Each instance has a volume of its own with everything that it stores, an archive of
/// its log, and while it runs one supervisor: a process that mounts the volume, runs the engine, keeps the archive, makes
/// the automated snapshots, and watches over the KMS key. What takes long is the supervisor's work; a verb notes what is
/// wanted, and has a supervisor look.
///
/// Verbs are the RDS API's. They throw `AWSError`.
public actor DatabaseService {
    let catalog: Catalog
    let volumes: VolumeService
    let keys: VolumeKeys
    let authoriser: any ActionAuthoriser
    let identity: HomeIdentity
    let paths: DatabasePaths
    let clock: any WallClock
    let logger: Logger
    /// What every supervisor is started with, beside the instance's name.
    let supervisorArguments: [String]
    /// Deletions that go on after their verb has answered.
    var work: [DatabaseID: Task<Void, Never>] = [:]

    public init(
        catalog: Catalog,
        volumes: VolumeService,
        keys: VolumeKeys,
        authoriser: any ActionAuthoriser,
        identity: HomeIdentity,
        paths: DatabasePaths,
        supervisorArguments: [String],
        clock: any WallClock = SystemClock(),
        logger: Logger
    ) {
        self.catalog = catalog
        self.volumes = volumes
        self.keys = keys
        self.authoriser = authoriser
        self.identity = identity
        self.paths = paths
        self.supervisorArguments = supervisorArguments
        self.clock = clock
        self.logger = logger
    }

    // MARK: - Parts that the verbs share

    nonisolated func region(of caller: Caller) -> Region { caller.region ?? identity.region }

    /// Refuses what the caller may not do, in RDS's words.
    func require(
        _ action: String,
        _ kind: String,
        _ identifier: String,
        tags: [Tag] = [],
        requestTags: [Tag] = [],
        caller: Caller
    ) async throws {
        let arn = "arn:aws:rds:\(region(of: caller)):\(identity.account):\(kind):\(identifier.prefix(255))"
        var request = ActionRequest("rds:\(action)", on: [ActionResource(arn: arn, tags: tags)])
        request.add(requestTags: requestTags)
        do {
            try await authoriser.require(request, caller: caller)
        } catch let error as AWSError where error.code == .unauthorizedOperation {
            throw AWSError(
                .iamAccessDenied,
                "User: \(caller.principal) is not authorized to perform: rds:\(action) on resource: \(arn)"
            )
        }
    }

    /// The instance of this identifier; who may not do `action` with it is not told whether it exists.
    func permitted(_ text: String, to action: String, caller: Caller) async throws -> DatabaseRecord {
        let identifier = DatabaseIdentifier(text, limit: DatabaseIdentifier.instanceCharacters)
        let record = try identifier.flatMap { try catalog.database($0, in: region(of: caller)) }
        try await require(
            action,
            "db",
            identifier?.text ?? "*",
            tags: record?.tags.map(\.tag) ?? [],
            caller: caller
        )
        guard let record else {
            throw AWSError(
                .databaseNotFound,
                "DBInstance \(text.prefix(63)) not found.",
                hint: "see which there are with `coffer-rds ls`"
            )
        }
        return record
    }

    func existing(_ id: DatabaseID) throws -> DatabaseRecord {
        guard let record = try catalog.database(id: id) else {
            throw AWSError(.databaseNotFound, "DBInstance \(id) not found.")
        }
        return record
    }

    func arn(_ kind: String, _ identifier: String, _ region: Region) -> ARN {
        .database(kind, identifier, region: region, account: identity.account)
    }

    /// The instance as a principal: the grantee of what its supervisor may do with the KMS key.
    nonisolated func infrastructure(_ record: DatabaseRecord) -> Caller {
        Caller(
            principal: .rdsInfrastructure(record.id, account: identity.account),
            via: .rds,
            region: record.region
        )
    }

    func archive(of record: DatabaseRecord, caller: Caller) -> DatabaseArchive {
        DatabaseArchive(
            folder: paths.archive(record.id),
            database: record.id,
            keyARN: record.kmsKeyARN,
            keys: keys,
            caller: caller
        )
    }

    func site(of record: DatabaseRecord) throws -> EngineSite {
        EngineSite(
            record: record,
            parameters: try groupParameters(record).merging(record.parameters) { _, own in own },
            mount: paths.mount(record.identifier),
            socketFolder: paths.socketFolder(record.identifier),
            archive: archive(of: record, caller: infrastructure(record)),
            clock: clock,
            logger: logger
        )
    }

    /// A number of seconds from the environment of this process; nil where there is none.
    static func seconds(_ name: String) -> Int? {
        guard let text = unsafe getenv(name) else { return nil }
        return unsafe Int(String(cString: text)).flatMap { $0 > 0 ? $0 : nil }
    }

    /// Notes what happened to an instance or a snapshot. That it cannot be noted undoes nothing.
    func note(
        _ kind: EventSource,
        _ identifier: DatabaseIdentifier,
        _ region: Region,
        _ category: String,
        _ text: String
    ) {
        do {
            try catalog.add(
                EventRecord(
                    time: clock.now,
                    resource: "\(kind.rawValue):\(identifier)",
                    name: category,
                    result: "",
                    cause: String(text.prefix(1024)),
                    region: region
                )
            )
        } catch {
            logger.error("an event was not noted", metadata: ["error": "\(error)"])
        }
    }

    func note(_ record: DatabaseRecord, _ category: String, _ text: String) {
        note(.instance, record.identifier, record.region, category, text)
    }

    /// What events are about, as the catalogue has it.
    enum EventSource: String {
        case instance = "db"
        case snapshot = "db-snapshot"
    }
}
