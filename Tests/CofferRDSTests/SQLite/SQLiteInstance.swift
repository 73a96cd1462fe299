internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTesting
internal import Foundation
internal import Logging
internal import Testing

@testable internal import CofferRDS

/// An SQLite instance on plain folders, with an archive under a real KMS key.
final class SQLiteInstance: Sendable {
    let folder: TemporaryFolder
    let service: DatabaseService
    let site: EngineSite
    let caller: Caller

    init(_ parameters: [String: String] = [:]) async throws {
        folder = try TemporaryFolder()
        let home = try Home(
            at: try HomeLocation(
                option: folder.path("home"),
                environment: ["XDG_RUNTIME_DIR": folder.path("run")],
                isRoot: false
            ),
            region: nil,
            account: AccountID("111122223333"),
            secrets: SecretPrompts(
                passphrase: { throw AWSError(.sealed, "a test is never asked") },
                pin: { _ in throw AWSError(.sealed, "a test is never asked") },
                environment: [:]
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        caller = home.root
        let key = try await home.keyManagement().createKey(KeyOrder(), caller: home.root)
        service = try await home.databases(
            daemon: { throw AWSError(.missingRequirement, "no daemon in this test") },
            supervisor: { throw AWSError(.missingRequirement, "no supervisor in this test") }
        )
        site = try await Self.site(
            folder.path("mount"),
            key.arn,
            parameters: parameters,
            caller: home.root,
            service
        )
    }

    private static func site(
        _ mount: String,
        _ key: ARN,
        parameters: [String: String],
        caller: Caller,
        _ service: DatabaseService
    ) async throws -> EngineSite {
        let record = DatabaseRecord(
            id: DatabaseID(random: SystemByteSource()),
            identifier: try #require(DatabaseIdentifier("app")),
            region: .home,
            engine: .sqlite,
            engineVersion: "3",
            instanceClass: "db.t3.micro",
            allocatedGiB: 1,
            isEncrypted: true,
            kmsKeyARN: key,
            masterUser: "owner",
            port: 0,
            parameterGroup: "default.sqlite3",
            backupRetentionDays: 1,
            backupWindow: BackupWindow.usual,
            keyWatch: DatabaseRecord.KeyWatch(),
            created: SystemClock().now,
            origin: .empty,
            maker: caller.principal
        )
        try FileManager.default.createDirectory(
            atPath: "\(mount)/data",
            withIntermediateDirectories: true
        )
        return EngineSite(
            record: record,
            parameters: parameters,
            mount: mount,
            socketFolder: mount,
            archive: await service.archive(of: record, caller: caller),
            clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    var database: String { site.databasePath }

    /// The database, new and replicated.
    func create() async throws -> RunningSQLite {
        try await SQLiteEngine().create(site, password: nil)
        return try await start()
    }

    func start() async throws -> RunningSQLite { try await RunningSQLite(site) }

    /// The generation that the archive ends with.
    var generation: UInt64? {
        get throws { try ReplicationLogName.all(in: site.archive).last?.generation }
    }

    /// What a snapshot of the volume would have now. Nobody else may be writing.
    func snapshot(_ name: String) throws {
        try Client.run("/bin/cp", ["-a", site.mount, folder.path(name)])
    }

    /// A new instance of a snapshot, at a time; gives its database. `change` may spoil the archive before.
    func restore(_ snapshot: String, to time: Timestamp?) async throws -> String {
        let mount = folder.path("restored-\(UUID().uuidString)")
        try Client.run("/bin/cp", ["-a", folder.path(snapshot), mount])
        let restored = try await Self.site(
            mount,
            site.record.kmsKeyARN,
            parameters: site.parameters,
            caller: caller,
            service
        )
        try await SQLiteEngine().restore(restored, from: time.map { _ in site.archive }, to: time)
        return restored.databasePath
    }

    /// Archives ten times a second, as a supervisor does. Gives when all was archived.
    @discardableResult
    func supervise(_ engine: RunningSQLite, seconds: Double) async throws -> [Timestamp] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var looks: [Timestamp] = []
        repeat {
            try await engine.archiveNew(isLast: false)
            if let look = engine.latestRestorable, look != looks.last { looks.append(look) }
            try await Task.sleep(for: .milliseconds(100))
        } while ContinuousClock.now < deadline
        return looks
    }
}
