internal import CofferShapes
internal import CofferSystem

extension PostgresEngine {
    /// What `postgres --describe-config` tells of the parameters that may stand in a configuration file, and RDS's own.
    func parameters() throws -> [EngineParameter] {
        let installation = try PostgresInstallation.find()
        let outcome = try ChildProcess.runBlocking(installation.path("postgres"), ["--describe-config"])
        guard outcome.code == 0 else {
            throw AWSError(
                .internalError,
                "PostgreSQL does not list its parameters: \(outcome.errors.prefix(200))"
            )
        }
        return outcome.output.split(separator: "\n").compactMap { Self.parameter(String($0)) } + [
            EngineParameter(
                name: PostgresParameters.forceTLS,
                description: "Force SSL connections.",
                dataType: "boolean",
                allowedValues: "0,1",
                defaultValue: "0"
            )
        ]
    }

    /// Of a line's fields, which tabs part: name, context, group, type, default, least, most, description, more of it.
    static func parameter(_ line: String) -> EngineParameter? {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count >= 8, let type = types[fields[3]] else { return nil }
        let range = fields[5].isEmpty || fields[6].isEmpty ? nil : "\(fields[5])-\(fields[6])"
        return EngineParameter(
            name: fields[0],
            description: fields[7],
            dataType: type,
            allowedValues: fields[3] == "BOOLEAN" ? "0,1" : range,
            defaultValue: fields[4].isEmpty ? nil : fields[4],
            isStatic: fields[1] == "postmaster",
            isModifiable: PostgresParameters.isOpen(fields[0], group: fields[2])
        )
    }

    private static let types = [
        "BOOLEAN": "boolean", "ENUM": "string", "INTEGER": "integer", "REAL": "float", "STRING": "string",
    ]
}
