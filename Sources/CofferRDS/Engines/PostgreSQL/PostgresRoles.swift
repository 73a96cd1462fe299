internal import CofferShapes

/// The SQL that makes users and databases. The master user is no superuser: it has what RDS gives its `rds_superuser`.
/// (RDS user guide, "Understanding the rds_superuser role".)
enum PostgresRoles {
    static let reserved: Set<String> = ["public", "none", "current_user", "current_role", "session_user"]

    /// InvalidParameterValue for what is no master user's name.
    static func checkMasterUser(_ name: String) throws {
        let lower = name.lowercased()
        guard name.wholeMatch(of: #/[A-Za-z][A-Za-z0-9_]{0,62}/#) != nil, !reserved.contains(lower),
            !lower.hasPrefix("pg_"), !lower.hasPrefix("rds")
        else {
            throw AWSError(
                .invalidParameterValue,
                "MasterUsername \(name.prefix(64)) cannot be used: it has 1 to 63 letters, digits and underscores, begins with "
                    + "a letter, not with pg_ or rds, and is no reserved word."
            )
        }
    }

    static func checkDatabase(_ name: String) throws {
        guard name.wholeMatch(of: #/[A-Za-z][A-Za-z0-9_]{0,62}/#) != nil,
            !["template0", "template1", PostgresCluster.administration].contains(name.lowercased())
        else {
            throw AWSError(
                .invalidParameterValue,
                "DBName \(name.prefix(64)) cannot be used: it has 1 to 63 letters, digits and underscores, begins with a letter, "
                    + "and is none of template0, template1, \(PostgresCluster.administration)."
            )
        }
    }

    /// What a new instance gets, once.
    static func creation(master: String, database: String?) -> String {
        let owner = PostgresCluster.identifier(master)
        var statements = [
            "REVOKE CONNECT, TEMPORARY ON DATABASE \(PostgresCluster.administration) FROM PUBLIC;",
            "ALTER DATABASE postgres OWNER TO \(owner);",
        ]
        if let database, database != "postgres" {
            statements.append("CREATE DATABASE \(PostgresCluster.identifier(database)) OWNER \(owner);")
        }
        return statements.joined(separator: "\n") + "\n"
    }

    /// What every start makes sure of; nothing of it changes what is so already.
    static func upkeep(master: String, version: Int) -> String {
        let masterName = PostgresCluster.identifier(master)
        let role = PostgresCluster.masterRole
        let granted = ["pg_monitor", "pg_signal_backend"] + (version >= 15 ? ["pg_checkpoint"] : [])
        var statements = [
            """
            DO $$ BEGIN
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\(role)') THEN
                CREATE ROLE \(role) NOLOGIN CREATEDB CREATEROLE;
              END IF;
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = \(PostgresCluster.literal(master))) THEN
                CREATE ROLE \(masterName) LOGIN CREATEDB CREATEROLE;
              END IF;
            END $$;
            """
        ]
        for name in granted { statements.append("GRANT \(name) TO \(role) WITH ADMIN OPTION;") }
        statements.append("GRANT \(role) TO \(masterName);")
        if version < 16 {
            // Up to version 15 whoever may make roles may give away any role that is no superuser's, these three too, and
            // with them the server's files and programs: whoever writes the server's files is its superuser. Marked as
            // superusers, though nobody can log in as one, they are a superuser's to give.
            statements.append(
                """
                UPDATE pg_authid SET rolsuper = true WHERE NOT rolsuper AND NOT rolcanlogin AND rolname IN
                  ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files');
                """
            )
        }
        return "SET client_min_messages = error;\n" + statements.joined(separator: "\n") + "\n"
    }

    static func password(of master: String, _ verifier: String) -> String {
        "ALTER ROLE \(PostgresCluster.identifier(master)) PASSWORD \(PostgresCluster.literal(verifier));\n"
    }
}
