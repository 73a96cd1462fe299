internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// PostgreSQL's programs, as a distribution installs them.
struct PostgresInstallation: Sendable {
    /// The folder with `postgres`, `initdb`, `psql` and the others.
    let folder: String

    static let firstVersion = 13

    /// The newest of Debian's folders, else what `pg_config` names. Coffer.MissingRequirement where there is none.
    static func find() throws -> PostgresInstallation {
        let root = "/usr/lib/postgresql"
        let versions = try FolderNames.sorted(in: root).compactMap(Int.init).filter { $0 >= firstVersion }
        for version in versions.sorted(by: >) {
            let found = PostgresInstallation(folder: "\(root)/\(version)/bin")
            if found.isWhole { return found }
        }
        if let found = try named(), found.isWhole { return found }
        throw AWSError(
            .missingRequirement,
            "PostgreSQL is not installed: version \(firstVersion) or a newer one is needed",
            hint: "install it with `apt install postgresql`"
        )
    }

    private static func named() throws -> PostgresInstallation? {
        guard let program = ChildProcess.find("pg_config") else { return nil }
        let outcome = try ChildProcess.runBlocking(program, ["--bindir"])
        guard outcome.code == 0, outcome.output.hasPrefix("/") else { return nil }
        return PostgresInstallation(folder: outcome.output)
    }

    private var isWhole: Bool {
        ["postgres", "initdb", "psql"].allSatisfy { has($0) }
    }

    func has(_ program: String) -> Bool { unsafe access(path(program), X_OK) == 0 }

    func path(_ program: String) -> String { "\(folder)/\(program)" }

    /// Such as `15.14`.
    func version() throws -> String {
        let outcome = try ChildProcess.runBlocking(path("postgres"), ["--version"])
        // postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)
        guard outcome.code == 0,
            let match = outcome.output.firstMatch(of: #/\(PostgreSQL\) ([0-9]+)(\.[0-9]+)?/#)
        else {
            throw AWSError(
                .missingRequirement,
                "\(path("postgres")) does not tell its version: \(outcome.errors.prefix(200))"
            )
        }
        guard let major = Int(match.1), major >= Self.firstVersion else {
            throw AWSError(
                .missingRequirement,
                "PostgreSQL \(match.1) is too old: version \(Self.firstVersion) or a newer one is needed",
                hint: "install it with `apt install postgresql`"
            )
        }
        return "\(match.1)\(match.2 ?? "")"
    }
}
