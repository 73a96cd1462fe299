internal import CofferShapes
internal import CofferSystem
internal import Foundation

/// The parameters that a user may set: those that PostgreSQL's configuration file has, but for what would take the
/// instance out of Coffer's hands, its data out of its volume, or acknowledged commits away.
enum PostgresParameters {
    /// Whole groups, as `postgres --describe-config` names them, that are Coffer's.
    private static let closedGroups: Set<String> = [
        "Client Connection Defaults / Shared Library Preloading",
        "Connections and Authentication / Authentication",
        "Connections and Authentication / SSL", "Connections and Authentication / TCP Settings / SSL",
        "Error Handling", "File Locations", "Replication / Primary Server", "Replication / Standby Servers",
        "Replication / Master Server", "Reporting and Logging / Where to Log", "Preset Options",
        "Developer Options",
        "Write-Ahead Log / Archive Recovery", "Write-Ahead Log / Archiving",
        "Write-Ahead Log / Recovery Target",
        "Write-Ahead Log / Summarization",
    ]
    /// What may be set of those all the same.
    private static let openNames: Set<String> = [
        "authentication_timeout", "shared_preload_libraries", "ssl_ciphers", "ssl_min_protocol_version",
    ]
    /// What may not be set of the other groups.
    private static let closedNames: Set<String> = [
        "bonjour", "bonjour_name", "cluster_name", "dynamic_library_path", "extension_control_path", "fsync",
        "full_page_writes", "io_method", "listen_addresses", "port", "reserved_connections",
        "stats_temp_directory",
        "superuser_reserved_connections", "synchronous_standby_names", "unix_socket_directories",
        "unix_socket_group",
        "unix_socket_permissions", "wal_sync_method",
    ]
    /// Libraries of PostgreSQL's own that change nothing but what is counted and logged.
    private static let libraries: Set<String> = ["auto_explain", "pg_stat_statements"]
    private static let prefixes = ["auto_explain.", "pg_stat_statements.", "plpgsql."]

    /// Whether clients are to use TLS. (RDS user guide, "Requiring an SSL connection to a PostgreSQL DB instance".)
    static let forceTLS = "rds.force_ssl"

    /// InvalidParameterValue for a name or a value that PostgreSQL does not take, or may not get.
    static func check(_ parameters: [String: String], _ installation: PostgresInstallation) throws {
        guard !parameters.isEmpty else { return }
        guard parameters.count <= 500 else { throw invalid("there are more than 500 parameters") }
        let groups = try groups(installation)
        var settings: [String] = []
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
            try checkName(name, groups)
            try checkValue(name, value)
            if name != forceTLS { settings += ["-c", "\(name)=\(value)"] }
        }
        guard !settings.isEmpty else { return }
        // PostgreSQL itself is asked, without data: it reads the settings, shows one, and ends.
        let outcome = try ChildProcess.runBlocking(
            installation.path("postgres"),
            ["-C", "port", "-D", "/", "-c", "config_file=/dev/null"] + settings
        )
        guard outcome.code == 0 else { throw invalid(refusal(outcome.errors)) }
    }

    private static func checkName(_ name: String, _ groups: [String: String]) throws {
        guard name.wholeMatch(of: #/[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?/#) != nil
        else {
            throw invalid("\(name.prefix(64).debugDescription) is no parameter's name")
        }
        if name == forceTLS || prefixes.contains(where: name.hasPrefix) { return }
        guard let group = groups[name] else { throw invalid("there is no parameter \(name)") }
        guard isOpen(name, group: group) else {
            throw invalid("the parameter \(name) cannot be changed: Coffer sets it")
        }
    }

    /// Whether a user may set a parameter of this group.
    static func isOpen(_ name: String, group: String) -> Bool {
        openNames.contains(name) || !closedGroups.contains(group) && !closedNames.contains(name)
    }

    private static func checkValue(_ name: String, _ value: String) throws {
        guard value.utf8.count <= 4096, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw invalid("the value of \(name) has a control character, or more than 4096 bytes")
        }
        switch name {
        case forceTLS:
            guard ["0", "1"].contains(value) else { throw invalid("\(name) is 0 or 1") }
        case "wal_level":
            guard ["replica", "logical"].contains(value) else {
                throw invalid("\(name) is replica or logical")
            }
        case "shared_preload_libraries":
            let names = value.split(separator: ",").map { $0.filter { $0 != " " } }
            guard names.allSatisfy(libraries.contains) else {
                throw invalid("\(name) is a list of: \(libraries.sorted().joined(separator: ", "))")
            }
        default: break
        }
    }

    /// The group of each parameter that may stand in a configuration file.
    private static func groups(_ installation: PostgresInstallation) throws -> [String: String] {
        let outcome = try ChildProcess.runBlocking(installation.path("postgres"), ["--describe-config"])
        guard outcome.code == 0 else {
            throw AWSError(
                .internalError,
                "PostgreSQL does not list its parameters: \(outcome.errors.prefix(200))"
            )
        }
        var groups: [String: String] = [:]
        for line in outcome.output.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            if fields.count > 3 { groups[String(fields[0])] = String(fields[2]) }
        }
        return groups
    }

    /// What PostgreSQL says against a value, without the time and its process's number.
    private static func refusal(_ text: String) -> String {
        let lines = text.split(separator: "\n")
        let said = ["FATAL:  ", "DETAIL:  ", "HINT:  "].compactMap { mark in
            lines.lazy.compactMap { line in line.range(of: mark).map { String(line[$0.upperBound...]) } }
                .first
        }
        return said.isEmpty ? "PostgreSQL refuses a value" : said.joined(separator: "; ")
    }

    private static func invalid(_ text: String) -> AWSError {
        AWSError(.invalidParameterValue, String(text.prefix(512)))
    }
}
