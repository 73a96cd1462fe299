internal import CofferCatalog
internal import CofferShapes

/// PostgreSQL as it is installed, version 13 and later: a server of the instance's own, which listens at the loopback
/// address and at a socket that only Coffer reaches.
struct PostgresEngine: DatabaseEngine {
    let kind = DatabaseEngineKind.postgres
    let hasUsers = true
    let defaultMasterUser = "postgres"
    let defaultPort: Int? = 5432

    func installedVersion() throws -> String { try PostgresInstallation.find().version() }

    func check(_ record: DatabaseRecord) throws {
        try PostgresRoles.checkMasterUser(record.masterUser)
        if let name = record.databaseName { try PostgresRoles.checkDatabase(name) }
        guard (1150...65535).contains(record.port) else {
            throw AWSError(.invalidParameterValue, "Invalid port \(record.port): it is from 1150 to 65535.")
        }
        try PostgresParameters.check(record.parameters, try PostgresInstallation.find())
    }

    // MARK: - Made and restored

    func create(_ site: EngineSite, password: MasterPassword?) async throws {
        guard let password else {
            throw AWSError(.invalidParameterValue, "The parameter MasterUserPassword must be provided.")
        }
        let cluster = try PostgresCluster(site)
        try await cluster.prepareFolders()
        try await cluster.endLeftovers()
        try await cluster.run(
            "initdb",
            [
                "--pgdata", site.data, "--username", PostgresCluster.superuser, "--encoding", "UTF8",
                "--locale",
                "C.UTF-8", "--lc-messages", "C", "--data-checksums", "--auth-local", "peer", "--auth-host",
                "scram-sha-256",
            ]
        )
        try await cluster.configure(.preparation)
        let process = try cluster.launch()
        do {
            try await cluster.awaitReady(process, in: "postgres")
            _ = try await cluster.sql("CREATE DATABASE \(PostgresCluster.administration)", in: "postgres")
            let version = try majorVersion(site)
            let verifier = try SCRAMVerifier.text(of: password)
            let master = site.record.masterUser
            _ = try await cluster.sql(
                PostgresRoles.upkeep(master: master, version: version)
                    + PostgresRoles.password(of: master, verifier)
                    + PostgresRoles.creation(master: master, database: site.record.databaseName)
            )
        } catch {
            try await cluster.stop(process)
            throw error
        }
        try await cluster.stop(process)
    }

    func restore(_ site: EngineSite, from archive: DatabaseArchive?, to target: Timestamp?) async throws {
        var restore = try PostgresRestore(site)
        try await restore.run(from: archive, to: target)
    }

    private func majorVersion(_ site: EngineSite) throws -> Int {
        guard let version = Int(site.record.engineVersion.prefix { $0 != "." }) else {
            throw AWSError(.internalError, "\(site.record.engineVersion) is no version of PostgreSQL")
        }
        return version
    }

    // MARK: - Running

    func start(_ site: EngineSite) async throws -> any RunningEngine {
        let cluster = try PostgresCluster(site)
        try await cluster.prepareFolders()
        // A lock that a kill has left on the volume names a process that is no more, or is somebody else's by now.
        try await cluster.endLeftovers()
        try PostgresParameters.check(site.parameters, cluster.installation)
        try await cluster.configure(.service)
        let process = try cluster.launch()
        do {
            try await cluster.awaitReady(process)
            _ = try await cluster.sql(
                PostgresRoles.upkeep(master: site.record.masterUser, version: try majorVersion(site))
            )
            // Its checkpointer, begun before the server was ready, looks at archive_timeout after five minutes only, unless
            // it is woken.
            _ = try await cluster.sql("SELECT pg_reload_conf()")
            return try RunningPostgres(cluster, process)
        } catch {
            try await cluster.stop(process)
            throw error
        }
    }

    func endLeftovers(_ site: EngineSite) async throws {
        // Where PostgreSQL cannot run there is none to end, and the rest of what was left has to be undone all the same.
        guard let cluster = try? PostgresCluster(site) else { return }
        try await cluster.endLeftovers()
    }

    func setPassword(_ site: EngineSite, _ password: MasterPassword) async throws {
        let verifier = try SCRAMVerifier.text(of: password)
        _ = try await PostgresCluster(site).sql(
            PostgresRoles.password(of: site.record.masterUser, verifier)
        )
    }

    func prune(_ archive: DatabaseArchive, keeping since: Timestamp) throws {
        try PostgresArchiver.prune(archive, keeping: since)
    }

    // MARK: - Clients

    func url(_ site: EngineSite) -> String {
        "postgresql://\(site.record.masterUser)@\(address(site)):\(site.record.port)/\(database(site))"
    }

    func address(_ site: EngineSite) -> String { "127.0.0.1" }

    /// psql, which asks for the password.
    func client(_ site: EngineSite) throws -> DatabaseClient {
        DatabaseClient(
            program: try PostgresInstallation.find().path("psql"),
            arguments: [
                "-h", address(site), "-p", "\(site.record.port)", "-U", site.record.masterUser,
                database(site),
            ],
            environment: ["PSQL_HISTORY": "\(site.temporaryFolder)/psql_history"]
        )
    }

    private func database(_ site: EngineSite) -> String { site.record.databaseName ?? "postgres" }
}
