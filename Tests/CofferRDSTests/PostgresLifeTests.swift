internal import CofferCatalog
internal import CofferShapes
internal import CofferSystem
internal import CofferTesting
internal import Foundation
internal import Glibc
internal import Testing

@testable internal import CofferRDS

extension Trait where Self == ConditionTrait {
    /// Where PostgreSQL is missing the suite is skipped, loudly.
    static var postgres: ConditionTrait {
        .enabled(if: PostgresHome.obstacle == nil, "NO POSTGRESQL IS TESTED: \(PostgresHome.obstacle ?? "")")
    }
}

/// Servers that are made, started, changed and killed.
@Suite(.serialized, .mounts, .postgres)
struct PostgresLifeTests {
    @Test func `the master user makes databases, users and trusted extensions, and is no superuser`()
        async throws
    {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("master")
        let roles = try await site.value(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = user"
        )
        #expect(roles == "f|t|t")
        #expect(try await site.value("SELECT pg_has_role('rds_superuser', 'MEMBER')") == "t")
        for statement in [
            "CREATE TABLE t (i int)", "CREATE DATABASE other", "CREATE ROLE worker LOGIN PASSWORD 'x'",
            "CREATE EXTENSION pgcrypto", "CREATE EXTENSION hstore", "SELECT * FROM pg_stat_activity",
            "GRANT pg_monitor TO worker",
        ] {
            #expect(try await site.client(statement).code == 0, "\(statement)")
        }
        for statement in [
            "CREATE EXTENSION file_fdw", "COPY t FROM PROGRAM 'id'", "COPY t TO '/tmp/t'",
            "GRANT pg_execute_server_program TO \"Chief\"", "GRANT pg_write_server_files TO \"Chief\"",
            "GRANT pg_read_server_files TO worker", "GRANT rdsadmin TO \"Chief\"", "SET ROLE rdsadmin",
            "ALTER ROLE rdsadmin PASSWORD 'x'", "ALTER ROLE \"Chief\" SUPERUSER",
            "CREATE ROLE boss SUPERUSER",
            "ALTER SYSTEM SET work_mem = '1MB'", "SELECT pg_read_file('/etc/passwd')",
            "DROP DATABASE rdsadmin",
            "SELECT pg_switch_wal()", "UPDATE pg_authid SET rolsuper = true",
        ] {
            let outcome = try await site.client(statement)
            #expect(outcome.code == 3, "\(statement): \(outcome.output)")
        }
        #expect(try await site.client("SELECT 1", database: "rdsadmin").code == 2)
        #expect(try await site.value("CREATE SCHEMA s; SELECT 1", database: "postgres") == "1")
        try await running.stop()
    }

    @Test func `only the right password logs in, over TLS, and the superuser not at all`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("door")
        #expect(try await site.value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "t")
        #expect(try await site.client("SELECT 1", password: "wrong-password").code == 2)
        #expect(try await site.client("SELECT 1", password: "").code == 2)
        #expect(try await site.client("SELECT 1", user: "rdsadmin").errors.contains("rejects connection"))
        try await PostgresEngine().setPassword(site, PostgresHome.password("another-one"))
        #expect(try await site.client("SELECT 1").code == 2)
        #expect(try await site.client("SELECT 1", password: "another-one").output == "1")
        let stored = try await PostgresCluster(site).sql(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'Chief'"
        )
        #expect(stored.count == 1 && stored[0].hasPrefix("SCRAM-SHA-256$4096:"))
        // With TLS forced, a connection without it has no way in.
        let forced = home.site(of: site.record, [PostgresParameters.forceTLS: "1"])
        _ = try await running.reload(forced)
        let plain = try await site.client(
            "SELECT 1",
            password: "another-one",
            environment: ["PGSSLMODE=disable"]
        )
        #expect(plain.code == 2 && plain.errors.contains("no encryption"))
        #expect(try await site.client("SELECT 1", password: "another-one").output == "1")
        try await running.stop()
    }

    @Test func `no password is in any file, and files and processes are the user's`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("quiet") { $0.parameters = ["log_statement": "all"] }
        try await PostgresEngine().setPassword(site, PostgresHome.password("another-secret-word"))
        let log = try String(contentsOfFile: "\(site.logFolder)/postgresql.log", encoding: .utf8)
        #expect(!log.contains("SCRAM-SHA-256$"))
        _ = try await site.client("SELECT 'this is logged'", password: "another-secret-word")
        let later = try String(contentsOfFile: "\(site.logFolder)/postgresql.log", encoding: .utf8)
        #expect(later.contains("this is logged"))
        let found = try await ChildProcess.run(
            "grep",
            ["-rlaF", "-e", PostgresHome.password, "-e", "another-secret-word", site.mount]
        )
        #expect(found.code == 1 && found.output.isEmpty, "\(found.output)")
        let user = try PostgresUser.find()
        var status = stat()
        #expect(
            unsafe lstat(site.data, &status) == 0 && status.st_mode & 0o777 == 0o700
                && status.st_uid == user.id
        )
        for id in try PostgresCluster(site).servers() {
            let text = try #require(TextFile.contents("/proc/\(id)/status"))
            #expect(text.contains("Uid:\t\(user.id)\t\(user.id)\t\(user.id)\t\(user.id)"))
            if geteuid() == 0 {
                #expect(text.contains("CapBnd:\t0000000000000000") && text.contains("NoNewPrivs:\t1"))
                #expect(text.contains("Groups:\t \n"))
            }
        }
        try await running.stop()
    }

    @Test func `parameters are in force after a reload, or are named as waiting for a restart`() async throws
    {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("tuned")
        var record = site.record
        record.parameters = ["work_mem": "7MB", "max_connections": "33", "search_path": #"a'b\c, "d$x""#]
        let changed = home.site(of: record)
        #expect(try await running.reload(changed) == ["max_connections"])
        #expect(try await site.value("SHOW work_mem") == "7MB")
        #expect(try await site.value("SHOW search_path") == #"a'b\c, "d$x""#)
        #expect(try await site.value("SHOW max_connections") == "100")
        try await running.stop()
        let again = try await home.start(changed)
        #expect(try await site.value("SHOW max_connections") == "33")
        // The port waits too, and the superuser still finds the server.
        record.port += 1
        #expect(try await again.reload(home.site(of: record)) == ["port"])
        _ = await again.figures()
        #expect(again.failure() == nil)
        try await again.stop()
    }

    @Test func `no value breaks out of the configuration file`() throws {
        let values = [
            "x'\nlisten_addresses = '*", "x\\'", "x''", "x'", "\\", "x' #", "a\u{2028}b", "%f", "$(id)",
            "x\r\ny",
        ]
        for value in values {
            let line = PostgresConfiguration.line("search_path", value)
            #expect(!line.contains("\n") && !line.contains("\r"))
            #expect(line.hasPrefix("search_path = '") && line.hasSuffix("'"))
            #expect(Self.unquoted(line) == value)
        }
    }

    /// The value of a line, as PostgreSQL's own scanner takes it apart; nil where its quotes end too early.
    private static func unquoted(_ line: String) -> String? {
        var rest = Array(line.unicodeScalars.dropFirst("search_path = '".count))
        var value = String.UnicodeScalarView()
        while !rest.isEmpty {
            let next = rest.removeFirst()
            switch next {
            case "'":
                if rest.isEmpty { return String(value) }
                guard rest.removeFirst() == "'" else { return nil }
                value.append("'")
            case "\\":
                guard !rest.isEmpty else { return nil }
                let escaped = rest.removeFirst()
                value.append(escaped == "n" ? "\n" : escaped == "r" ? "\r" : escaped)
            default: value.append(next)
            }
        }
        return nil
    }

    @Test(arguments: [
        ["no_such_parameter": "1"], ["data_directory": "/tmp"], ["archive_command": "true"],
        ["hba_file": "/tmp/x"],
        ["unix_socket_directories": "/tmp"], ["work_mem": "much"], ["work_mem": "1MB\nfsync = off"],
        ["fsync": "off"],
        ["shared_preload_libraries": "/tmp/evil"], ["wal_level": "minimal"], ["include": "/etc/passwd"],
        ["ssl_key_file": "x"], ["max_connections": "999999999"], ["rds.force_ssl": "maybe"], ["-c": "x"],
        ["work_mem=1MB' ": "1"], ["session_preload_libraries": "x"], ["log_directory": "/tmp"],
        ["my.setting": "1"],
        ["restore_command": "id"], ["allow_system_table_mods": "on"], ["listen_addresses": "*"],
    ])
    func `a parameter that is none, is Coffer's, or has no such value is refused`(
        _ parameters: [String: String]
    )
        async throws
    {
        let home = try await PostgresHome()
        var record = try home.site("checked").record
        record.parameters = [
            "work_mem": "8MB", "rds.force_ssl": "1", "shared_preload_libraries": "auto_explain",
        ]
        try PostgresEngine().check(record)
        record.parameters = parameters
        let error = #expect(throws: AWSError.self) { try PostgresEngine().check(record) }
        #expect(error?.code == .invalidParameterValue)
    }

    @Test(arguments: ["postgres", "rdsadmin", "pg_x", "RDS_superuser", "a b", "a\"b", "1a", "", "public"])
    func `a master user's name that cannot be one is refused`(_ name: String) async throws {
        let home = try await PostgresHome()
        var record = try home.site("named").record
        record.masterUser = name
        if name == "postgres" {
            try PostgresEngine().check(record)
        } else {
            #expect(throws: AWSError.self) { try PostgresEngine().check(record) }
        }
    }

    @Test func `a server that is killed says so, and is started again with every commit`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("killed")
        #expect(running.failure() == nil)
        _ = try await site.value("CREATE TABLE t (i int); INSERT INTO t SELECT generate_series(1, 1000)")
        kill(try #require(running.processID), SIGKILL)
        while running.failure() == nil { try await Task.sleep(for: .milliseconds(5)) }
        try await PostgresEngine().endLeftovers(site)
        #expect(try PostgresCluster(site).servers().isEmpty)
        let again = try await home.start(site)
        #expect(try await site.value("SELECT count(*) FROM t") == "1000")
        try await again.stop()
        #expect(again.failure() != nil)
    }

    @Test func `what a supervisor left running is ended, and nothing else`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("left")
        let (other, otherRunning) = try await home.running("other")
        _ = try await site.value("CREATE TABLE t AS SELECT 1 AS i")
        try await PostgresEngine().endLeftovers(site)
        #expect(try PostgresCluster(site).servers().isEmpty)
        #expect(!FolderNames.exists("\(site.data)/postmaster.pid"))
        try await PostgresEngine().endLeftovers(site)
        #expect(try await other.value("SELECT 1") == "1")
        // A lock that names a process of somebody else's holds nobody up.
        try "\(getpid())\n\(site.data)\n".write(
            toFile: "\(site.data)/postmaster.pid",
            atomically: false,
            encoding: .utf8
        )
        try await PostgresEngine().endLeftovers(site)
        let again = try await home.start(site)
        #expect(try await site.value("SELECT i FROM t") == "1")
        try await again.stop()
        try await otherRunning.stop()
        withExtendedLifetime(running) {}
    }

    @Test func `the figures tell of connections, commits and sizes`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("figures")
        let first = await running.figures()
        #expect(first.transactions == 0 && first.databaseBytes ?? 0 > 5_000_000)
        for _ in 0..<5 { _ = try await site.value("SELECT 1") }
        try await Task.sleep(for: .seconds(6))
        let second = await running.figures()
        #expect(second.transactions ?? 0 >= 5)
        try await running.stop()
    }

    @Test func `a port that is taken is told`() async throws {
        let home = try await PostgresHome()
        let (site, running) = try await home.running("first")
        let second = try home.site("second") { $0.port = site.record.port }
        try await PostgresEngine().create(second, password: PostgresHome.password(PostgresHome.password))
        let error = await #expect(throws: AWSError.self) { _ = try await home.start(second) }
        #expect(error?.message.contains("port \(site.record.port)") == true, "\(error as Any)")
        try await running.stop()
    }
}
