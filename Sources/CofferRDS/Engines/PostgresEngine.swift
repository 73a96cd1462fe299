internal import CofferCatalog
internal import CofferShapes

/// PostgreSQL, as it is installed.
struct PostgresEngine: DatabaseEngine {
    let kind = DatabaseEngineKind.postgres
    let hasUsers = true
    let defaultMasterUser = "postgres"
    let defaultPort: Int? = 5432

    func installedVersion() throws -> String { "3" }
    func check(_ record: DatabaseRecord) throws {}
    func create(_ site: EngineSite, password: MasterPassword?) async throws {}
    func restore(_ site: EngineSite, from archive: DatabaseArchive?, to target: Timestamp?) async throws {}
    func start(_ site: EngineSite) async throws -> any RunningEngine {
        throw AWSError(.internalError, "not yet")
    }
    func endLeftovers(_ site: EngineSite) async throws {}
    func setPassword(_ site: EngineSite, _ password: MasterPassword) async throws {}
    func prune(_ archive: DatabaseArchive, keeping since: Timestamp) async throws {}
    func url(_ site: EngineSite) -> String { "sqlite:///\(address(site))" }
    func address(_ site: EngineSite) -> String { "\(site.data)/\(site.record.databaseName ?? "main").db" }
    func client(_ site: EngineSite) throws -> (program: String, arguments: [String]) {
        ("sqlite3", [address(site)])
    }
}
