internal import CofferCatalog
internal import CofferShapes

/// The configuration files, which Coffer writes whole before each start: nothing that was restored, or changed by hand,
/// counts.
struct PostgresConfiguration {
    let site: EngineSite
    let user: PostgresUser
    let exchange: FileExchange
    var purpose = Purpose.service
    var hasCertificate = false

    /// What the server is started for.
    enum Purpose {
        case service
        /// Coffer alone connects, and nothing is archived.
        case preparation
        /// As a preparation, with the source's archive, up to a time; nil: to its end.
        case recovery(FileExchange, Timestamp?)
    }

    /// The content of `coffer.conf`. Of two settings of one name the last counts, so Coffer's stand after the user's.
    var settings: String {
        var lines = ["# Written by Coffer before each start: changes are lost."]
        for (name, value) in Self.usual { lines.append(Self.line(name, value)) }
        for (name, value) in site.parameters.sorted(by: { $0.key < $1.key })
        where name != PostgresParameters.forceTLS {
            lines.append(Self.line(name, value))
        }
        for (name, value) in fixed + ofPurpose { lines.append(Self.line(name, value)) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a user may change. Small: an instance is one of several things on its machine.
    private static let usual = [
        ("shared_buffers", "128MB"), ("max_wal_size", "1GB"), ("jit", "off"), ("timezone", "UTC"),
        ("log_timezone", "UTC"), ("log_line_prefix", "%m [%p] %q%u@%d "), ("wal_level", "replica"),
    ]

    private var fixed: [(String, String)] {
        [
            ("port", "\(site.record.port)"),
            // In quotes of its own, as the setting is a list.
            ("unix_socket_directories", "\"\(site.socketFolder.replacing("\"", with: "\"\""))\""),
            ("unix_socket_permissions", "0700"), ("superuser_reserved_connections", "3"),
            ("logging_collector", "off"), ("log_destination", "stderr"), ("fsync", "on"),
            ("full_page_writes", "on"),
            ("password_encryption", "scram-sha-256"), ("cluster_name", site.record.identifier.text),
            ("ssl", hasCertificate ? "on" : "off"),
        ]
    }

    private var ofPurpose: [(String, String)] {
        switch purpose {
        case .service:
            // A command that keeps nothing, rather than no archiving: backups can then be switched on without a restart.
            let command = site.record.backupRetentionDays > 0 ? exchange.storeCommand : "/bin/true"
            return [
                ("listen_addresses", "127.0.0.1"), ("archive_mode", "on"), ("archive_command", command),
                ("archive_timeout", "\(PostgresArchiver.timeoutSeconds)s"),
            ]
        case .preparation: return [("listen_addresses", ""), ("archive_mode", "off")]
        case .recovery(let source, let target):
            // Nobody may connect before the time is reached, so what connects tells that it is.
            var settings = [
                ("listen_addresses", ""), ("archive_mode", "off"), ("hot_standby", "off"),
                ("restore_command", source.fetchCommand), ("recovery_target_action", "promote"),
            ]
            if let target { settings.append(("recovery_target_time", target.postgresText)) }
            return settings
        }
    }

    /// Who may connect, and how. Over TCP nobody is the superuser.
    var access: String {
        let host = hasCertificate && site.parameters[PostgresParameters.forceTLS] == "1" ? "hostssl" : "host"
        var lines = [
            "# Written by Coffer before each start: changes are lost.",
            "local all \(PostgresCluster.superuser) peer map=coffer",
            "host all \(PostgresCluster.superuser) all reject",
        ]
        if case .service = purpose {
            lines += [
                "local all all scram-sha-256", "\(host) all all 127.0.0.1/32 scram-sha-256",
                "\(host) all all ::1/128 scram-sha-256",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Which user of the machine is the superuser.
    var identities: String {
        "coffer \"\(user.administrator)\" \(PostgresCluster.superuser)\n"
    }

    func write() throws {
        for (name, text) in [
            ("postgresql.conf", "include = 'coffer.conf'\n"), ("coffer.conf", settings),
            ("pg_hba.conf", access),
            ("pg_ident.conf", identities), ("postgresql.auto.conf", "# Not used by Coffer.\n"),
        ] {
            try OwnedFile.replace("\(site.data)/\(name)", text, for: user)
        }
    }

    /// A line of a configuration file: in quotes a backslash and a quote are escaped, and a line ends at its end.
    /// (PostgreSQL documentation, "Parameter Interaction via the Configuration File".)
    static func line(_ name: String, _ value: String) -> String {
        var quoted = ""
        for character in value.unicodeScalars {
            switch character {
            case "'": quoted += "''"
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            default: quoted.unicodeScalars.append(character)
            }
        }
        return "\(name) = '\(quoted)'"
    }
}

extension Timestamp {
    /// As PostgreSQL reads it, to the microsecond: `2026-11-24 22:48:30.125000+00`.
    var postgresText: String {
        let micro = String(nanoseconds / 1000 % 1_000_000)
        let text = iso8601
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))."
            + String(repeating: "0", count: 6 - micro.count) + "\(micro)+00"
    }
}
