internal import CofferShapes
internal import CofferSystem
internal import Logging

// PostgreSQL's own means to tell whether what a backup held is whole.
extension PostgresCluster {
    /// Checks tables and B-tree indexes of all databases of the running server. Before version 14 there is no such program.
    /// Throws with its words where something is damaged.
    func checkTables() async throws {
        guard !isBefore(14), installation.has("pg_amcheck") else {
            site.logger.warning("tables and indexes are not checked: there is no pg_amcheck")
            return
        }
        // It needs an extension, which stays only where it was before.
        let without = try await databases().asyncFilter { name in
            try await sql("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'", in: name).isEmpty
        }
        let outcome = try await ChildProcess.run(
            installation.path("pg_amcheck"),
            [
                "--all", "--install-missing", "--no-password", "--jobs=2",
                "--maintenance-db=\(Self.administration)",
            ],
            limitSeconds: nil,
            environment: environment(Self.administration)
        )
        for name in without { _ = try await sql("DROP EXTENSION IF EXISTS amcheck", in: name) }
        guard outcome.code == 0 else {
            let words = outcome.output.isEmpty ? outcome.errors : outcome.output
            throw AWSError(.damaged, "pg_amcheck found damage: \(words.prefix(500))")
        }
    }

    /// Checks the checksum of every page of the stopped server.
    func checkPages() async throws {
        let command = try user.command(
            installation.path("pg_checksums"),
            ["--check", "--pgdata", site.data]
        )
        let outcome = try await ChildProcess.run(command.program, command.arguments, limitSeconds: nil)
        guard outcome.code == 0 else {
            throw AWSError(.damaged, "pg_checksums found damage: \(outcome.errors.prefix(500))")
        }
    }

    private func databases() async throws -> [String] {
        try await sql("SELECT datname FROM pg_database WHERE datallowconn")
    }
}

extension [String] {
    fileprivate func asyncFilter(_ isWanted: (String) async throws -> Bool) async throws -> [String] {
        var result: [String] = []
        for element in self where try await isWanted(element) { result.append(element) }
        return result
    }
}
