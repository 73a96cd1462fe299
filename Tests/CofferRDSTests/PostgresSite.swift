internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes
internal import CofferSystem
internal import CofferTesting
internal import Foundation
internal import Glibc
internal import Logging
internal import Testing

@testable internal import CofferRDS

/// Instances of PostgreSQL on plain folders, in place of volumes, with the keys of a real home. Ends what they started
/// when it goes.
final class PostgresHome: @unchecked Sendable {
    static let password = "correct-horse+battery'$\\staple"

    let folder: TemporaryFolder
    let home: Home
    private let keyARN: ARN
    private let keys: VolumeKeys
    private let caller: Caller
    private var sites: [EngineSite] = []

    /// Why nothing is tested here, or nil.
    static let obstacle: String? = {
        do {
            _ = try PostgresInstallation.find()
            _ = try PostgresUser.find()
            return nil
        } catch {
            return "\(error)"
        }
    }()

    init() async throws {
        folder = try TemporaryFolder()
        // The server's user has to come by.
        unsafe chmod(folder.path, 0o711)
        home = try Home(
            at: try HomeLocation(option: folder.path("home"), environment: [:], isRoot: false),
            region: nil,
            account: AccountID("111122223333")!,  // 12 digits
            secrets: SecretPrompts(
                passphrase: { throw AWSError(.sealed, "a test is never asked") },
                pin: { _ in throw AWSError(.sealed, "a test is never asked") },
                environment: [:]
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let management = try await home.keyManagement()
        caller = home.root
        keyARN = try await management.createKey(KeyOrder(), caller: caller).arn
        keys = VolumeKeys(keys: management, owned: management)
    }

    deinit {
        for site in sites {
            guard let found = try? PostgresCluster(site).servers() else { continue }
            for id in found { kill(id, SIGKILL) }
            let deadline = ContinuousClock.now + .seconds(5)
            while ContinuousClock.now < deadline, (try? PostgresCluster(site).servers().isEmpty) == false {
                usleep(10000)
            }
        }
    }

    static func password(_ text: String) throws -> MasterPassword {
        try MasterPassword(SecretBytes(copying: Array(text.utf8)))
    }

    /// A site of its own folder.
    func site(_ name: String, _ change: (inout DatabaseRecord) -> Void = { _ in }) throws -> EngineSite {
        var record = DatabaseRecord(
            id: DatabaseID(random: SystemByteSource()),
            identifier: DatabaseIdentifier(name)!,  // a test's names are valid
            region: Region("us-east-1")!,
            engine: .postgres,
            engineVersion: try PostgresEngine().installedVersion(),
            instanceClass: "db.t3.micro",
            allocatedGiB: 1,
            isEncrypted: true,
            kmsKeyARN: keyARN,
            masterUser: "Chief",
            port: try freePort(),
            parameterGroup: "default.postgres",
            backupRetentionDays: 1,
            backupWindow: BackupWindow.usual,
            keyWatch: DatabaseRecord.KeyWatch(),
            created: SystemClock().now,
            origin: .empty,
            maker: caller.principal
        )
        record.databaseName = "shop"
        change(&record)
        try FileManager.default.createDirectory(
            atPath: folder.path(name),
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o711]
        )
        return site(of: record)
    }

    func site(of record: DatabaseRecord, _ parameters: [String: String] = [:]) -> EngineSite {
        let mount = folder.path(record.identifier.text)
        let site = EngineSite(
            record: record,
            parameters: record.parameters.merging(parameters) { own, _ in own },
            mount: mount,
            socketFolder: "\(mount)/s",
            archive: DatabaseArchive(
                folder: folder.path("archive-\(record.id)"),
                database: record.id,
                keyARN: keyARN,
                keys: keys,
                caller: caller
            ),
            clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        sites.append(site)
        return site
    }

    private var lastPort = Int.random(in: 20000...28000)

    private func freePort() throws -> Int {
        repeat { lastPort += 1 } while !LocalPort.isFree(lastPort)
        return lastPort
    }

    /// A site made and started.
    func running(
        _ name: String,
        _ change: (inout DatabaseRecord) -> Void = { _ in }
    ) async throws -> (
        EngineSite, RunningPostgres
    ) {
        let site = try site(name, change)
        try await PostgresEngine().create(site, password: Self.password(Self.password))
        return (site, try await start(site))
    }

    func start(_ site: EngineSite) async throws -> RunningPostgres {
        let running = try await PostgresEngine().start(site)
        return try #require(running as? RunningPostgres)
    }

    /// A site whose folder has what a site's volume has at one moment: every process of the server stands still meanwhile.
    func snapshot(_ site: EngineSite, as name: String) async throws -> EngineSite {
        let copy = try self.site(name) { record in
            record.masterUser = site.record.masterUser
            record.parameters = site.record.parameters
        }
        let servers = try PostgresCluster(site).servers()
        for id in servers { kill(id, SIGSTOP) }
        defer { for id in servers { kill(id, SIGCONT) } }
        let outcome = try await ChildProcess.run("cp", ["-a", site.data, "\(copy.mount)/data"])
        try #require(outcome.code == 0, "\(outcome.errors)")
        return copy
    }
}

extension EngineSite {
    /// Runs SQL as a client does: over TCP, with a user and a password.
    @discardableResult
    func client(
        _ statements: String,
        user: String? = nil,
        password: String = PostgresHome.password,
        database: String? = nil,
        environment: [String] = []
    ) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            try PostgresInstallation.find().path("psql"),
            [
                "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
                "\(record.port)", "-U", user ?? record.masterUser,
                database ?? record.databaseName ?? "postgres",
            ],
            limitSeconds: 60,
            environment: ["PGPASSWORD=\(password)"] + environment,
            input: Array(statements.utf8)
        )
    }

    /// The one value, or the rows, that a query gives.
    func value(_ query: String, database: String? = nil) async throws -> String {
        let outcome = try await client(query, database: database)
        try #require(outcome.code == 0, "\(query): \(outcome.errors)")
        return outcome.output
    }
}
