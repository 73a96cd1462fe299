internal import CofferShapes
internal import CofferSystem
internal import Foundation
internal import Glibc

/// A PostgreSQL server over a cluster of its own in one filesystem, with durable commits as it has by default. It runs
/// as the user `postgres`, for it refuses root.
struct PostgreSQLSubject {
    static let line = Rounds.Line("pgbench, like TPC-B, 2 clients", unit: "transactions/s")

    struct Outcome {
        let rate: Double
        let transactionCount: UInt64
    }

    private let programs: String
    private let folder: String

    /// The folder of the newest server's programs, as Debian installs them; nil where PostgreSQL cannot be run.
    static func programs() -> String? {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap(Int.init).max().map { "\(root)/\($0)/bin" }
        guard let newest, unsafe getpwnam(user) != nil, unsafe access("\(newest)/pgbench", X_OK) == 0,
            unsafe access("\(newest)/postgres", X_OK) == 0
        else { return nil }
        return newest
    }

    private static let user = "postgres"

    /// Makes a cluster with pgbench's tables of `scale` times 100,000 accounts (some 15 MiB each) in a new folder of
    /// `filesystem`, and serves it until the scratch folder goes.
    init(programs: String, filesystem: String, name: String, scale: Int, scratch: Scratch) throws {
        self.programs = programs
        folder = "\(filesystem)/postgres"
        guard unsafe mkdir(folder, 0o700) == 0 else {
            throw AWSError(.internalError, "cannot make \(folder): \(SystemError.text(errno))")
        }
        try Tool.run("chown", ["\(Self.user):", folder])
        // The server's user has to come by.
        unsafe chmod(scratch.path, 0o711)
        try run(
            "initdb",
            ["--pgdata", data, "--auth", "trust", "--no-sync", "--no-locale", "--encoding", "UTF8"]
        )
        try scratch.serve(
            ChildProcess.find("setpriv") ?? "setpriv",
            Self.asUser + [
                "\(programs)/postgres", "-D", data, "-k", folder, "-h", "", "-c", "max_wal_size=256MB",
            ],
            name: "\(name)-postgres",
            limitSeconds: 60
        ) { unsafe access("\(folder)/.s.PGSQL.5432", F_OK) == 0 && isReady() }
        try run("pgbench", ["-h", folder, "-i", "-q", "-s", "\(scale)", Self.user], limitSeconds: 1800)
    }

    static func version(programs: String) throws -> String {
        try Tool.run("\(programs)/postgres", ["--version"])
    }

    /// Every run begins with a checkpoint: the first change of a page after one writes all of it to the log.
    func run(seconds: Int) throws -> Outcome {
        try run("psql", ["-h", folder, "-q", "-c", "CHECKPOINT", Self.user])
        let text = try run(
            "pgbench",
            ["-h", folder, "-n", "-c", "2", "-j", "2", "-T", "\(seconds)", Self.user],
            limitSeconds: seconds + 300
        )
        return try Self.outcome(text)
    }

    /// From what pgbench prints.
    static func outcome(_ text: String) throws -> Outcome {
        guard let rate = number(after: "tps = ", in: text).flatMap(Double.init),
            let count = number(after: "transactions actually processed: ", in: text).flatMap(UInt64.init)
        else {
            throw AWSError(
                .internalError,
                "pgbench printed no rate: \(text.prefix(300))",
                hint: "run it again"
            )
        }
        return Outcome(rate: rate, transactionCount: count)
    }

    private static func number(after words: String, in text: String) -> String? {
        text.range(of: words).map { range in
            String(text[range.upperBound...].prefix { $0.isASCII && ($0.isNumber || $0 == ".") })
        }
    }

    private var data: String { "\(folder)/data" }

    private static let asUser = ["--reuid", user, "--regid", user, "--clear-groups"]

    @discardableResult
    private func run(_ program: String, _ arguments: [String], limitSeconds: Int = 300) throws -> String {
        try Tool.run(
            "setpriv",
            Self.asUser + ["\(programs)/\(program)"] + arguments,
            limitSeconds: limitSeconds
        )
    }

    private func isReady() -> Bool {
        let outcome = try? ChildProcess.runBlocking("\(programs)/pg_isready", ["-q", "-h", folder])
        return outcome?.code == 0
    }
}
