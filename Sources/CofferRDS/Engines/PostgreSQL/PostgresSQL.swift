internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem

extension PostgresCluster {
    /// Why SQL was not run to its end.
    enum SQLFailure {
        /// Nobody answers, or the server answers that it is not ready.
        case noConnection(String)
        case refused(String)

        var error: AWSError {
            switch self {
            case .noConnection(let text): AWSError(.internalError, "PostgreSQL does not answer: \(text)")
            case .refused(let text): AWSError(.internalError, "PostgreSQL refuses: \(text)")
            }
        }

        /// A server that recovers after a crash answers so.
        var isServerThere: Bool {
            switch self {
            case .noConnection(let text): text.contains("the database system is")
            case .refused: true
            }
        }
    }

    /// Runs SQL as the superuser over the socket; gives the rows, their fields parted by `|`. Nothing of it is logged, as
    /// it may hold a verifier of a password.
    func sql(
        _ statements: String,
        in database: String = administration,
        limitSeconds: Int? = 30
    ) async throws -> [String] {
        try await trySQL(statements, in: database, limitSeconds: limitSeconds).get().rows
    }

    struct Rows { let rows: [String] }

    enum SQLResult {
        case rows(Rows)
        case failure(SQLFailure)

        func get() throws -> Rows {
            switch self {
            case .rows(let rows): return rows
            case .failure(let failure): throw failure.error
            }
        }
    }

    func trySQL(
        _ statements: String,
        in database: String = administration,
        limitSeconds: Int? = 30
    ) async throws -> SQLResult {
        let outcome = try await ChildProcess.run(
            installation.path("psql"),
            [
                "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password",
                "--record-separator-zero",
                "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse",
            ],
            limitSeconds: limitSeconds,
            environment: environment(database),
            input: Array(statements.utf8)
        )
        switch outcome.code {
        case 0:
            return .rows(Rows(rows: outcome.output.split(separator: "\0").map(String.init)))
        case 2: return .failure(.noConnection(String(outcome.errors.suffix(300))))
        default: return .failure(.refused(String(outcome.errors.prefix(300))))
        }
    }

    /// How a client program of PostgreSQL's finds the server, and what it asks of the session.
    func environment(_ database: String) -> [String] {
        // A statement of Coffer's appears in no log and no statistics, whatever the user has set.
        let options = [
            "log_statement=none", "log_min_duration_statement=-1", "log_min_error_statement=panic",
            "log_duration=off", "track_activities=off", "pg_stat_statements.track=none",
            "auto_explain.log_min_duration=-1", "statement_timeout=0", "search_path=pg_catalog",
            "default_transaction_read_only=off", "lock_timeout=0", "idle_session_timeout=0",
        ]
        let known = isBefore(14) ? options.filter { !$0.hasPrefix("idle_session") } : options
        return [
            "PGHOST=\(site.socketFolder)", "PGPORT=\(port)", "PGUSER=\(Self.superuser)",
            "PGDATABASE=\(database)", "PGAPPNAME=coffer", "PGCLIENTENCODING=UTF8", "PGCONNECT_TIMEOUT=10",
            "PGPASSFILE=/dev/null", "PGSERVICEFILE=/dev/null", "PGSSLMODE=disable", "PGGSSENCMODE=disable",
            "PGOPTIONS=\(known.map { "-c \($0)" }.joined(separator: " "))",
        ]
    }

    /// The port that a running server was started with, as its lock file has it; the one to come where none runs. The
    /// socket is called by it.
    private var port: Int {
        let lines = TextFile.contents("\(site.data)/postmaster.pid")?.split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        guard let lines, lines.count > 3, let port = Int(lines[3]) else { return site.record.port }
        return port
    }

    func isBefore(_ version: Int) -> Bool {
        let major = Int(site.record.engineVersion.prefix { $0 != "." })
        return (major ?? PostgresInstallation.firstVersion) < version
    }

    /// A name as SQL takes it.
    static func identifier(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

    /// A text as SQL takes it, whatever it holds.
    static func literal(_ text: String) -> String {
        "E'\(text.replacing("\\", with: "\\\\").replacing("'", with: "''"))'"
    }
}
