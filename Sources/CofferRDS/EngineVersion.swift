internal import CofferCatalog
public import CofferShapes
internal import Logging

/// An engine that is installed. (RDS API reference, `DBEngineVersion`)
public struct EngineVersion: Sendable {
    public let kind: DatabaseEngineKind
    /// Such as `15.14`.
    public let version: String

    /// Such as `postgres15`.
    public var family: String { ParameterGroup.family(kind, version: version) }
    public var defaultGroupName: String { ParameterGroup.defaultName(kind, version: version) }
    /// The part of the version that decides whether one can read the other's data.
    public var major: String { String(version.prefix { $0 != "." }) }

    public var description: String {
        switch kind {
        case .sqlite: "SQLite"
        case .postgres: "PostgreSQL"
        }
    }
}

extension DatabaseService {
    /// The engines of this machine. (`DescribeDBEngineVersions`, `DescribeOrderableDBInstanceOptions`)
    public func describeDBEngineVersions(
        asking action: String = "DescribeDBEngineVersions",
        caller: Caller
    ) async throws -> [EngineVersion] {
        try await require(action, "*", "*", caller: caller)
        return engineVersions()
    }

    /// One that is not installed is not there.
    func engineVersions() -> [EngineVersion] {
        DatabaseEngineKind.allCases.compactMap { kind in
            do {
                return EngineVersion(kind: kind, version: try kind.engine.installedVersion())
            } catch {
                logger.info("an engine is missing", metadata: ["engine": "\(kind)", "error": "\(error)"])
                return nil
            }
        }
    }

    /// The instances that can be restored to a time. (`DescribeDBInstanceAutomatedBackups`)
    public func describeDBInstanceAutomatedBackups(caller: Caller) async throws -> [Database] {
        try await require("DescribeDBInstanceAutomatedBackups", "auto-backup", "*", caller: caller)
        return try catalog.databases(in: region(of: caller)).filter {
            $0.backupRetentionDays > 0 && [.creating, .ready].contains($0.stage)
        }.map(describe)
    }
}
