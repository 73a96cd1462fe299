/// The engines of databases. (RDS API reference, `CreateDBInstance`, "Engine"; `sqlite` is Coffer's own.)
public enum DatabaseEngineKind: String, Sendable, Codable, CaseIterable {
    case sqlite, postgres
}
