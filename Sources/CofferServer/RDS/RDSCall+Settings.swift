internal import CofferCatalog
internal import CofferRDS
internal import CofferSecrets
internal import CofferShapes

// Settings of an instance, as several calls bring them.
extension RDSCall {
    func engineKind(_ text: String) throws(AWSError) -> DatabaseEngineKind {
        guard let engine = DatabaseEngineKind(rawValue: text.lowercased()) else {
            let names = DatabaseEngineKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw AWSError(
                .invalidParameterValue,
                "Invalid DB engine: \(text.prefix(64)). Coffer has \(names)."
            )
        }
        return engine
    }

    /// Any class of AWS's: an instance uses what the machine has.
    func instanceClass() throws(AWSError) -> String? {
        guard let text = arguments.text("DBInstanceClass") else { return nil }
        let letters = text.dropFirst(3).utf8
        guard text.hasPrefix("db."), (1...61).contains(letters.count),
            letters.allSatisfy({
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2E || $0 == 0x2D
            })
        else {
            throw AWSError(.invalidParameterValue, "Invalid DB Instance class: \(text.prefix(64))")
        }
        return text
    }

    func storageType() throws(AWSError) -> String? {
        guard let text = arguments.text("StorageType") else { return nil }
        guard ["gp2", "gp3", "io1", "standard"].contains(text) else {
            throw AWSError(.storageTypeNotSupported, "Invalid storage type: \(text.prefix(64))")
        }
        return text
    }

    /// RDS takes ports from 1150 on.
    func port(_ name: String, _ engine: DatabaseEngineKind?) throws(AWSError) -> Int? {
        guard let port = arguments.integer(name) else { return nil }
        guard (1150...65535).contains(port) else {
            throw AWSError(
                .invalidParameterValue,
                "Invalid endpoint port \(port), valid port range is 1150-65535."
            )
        }
        guard engine != .sqlite else {
            throw AWSError(.invalidParameterCombination, "sqlite listens at no port: clients open its file.")
        }
        return port
    }

    /// Required where clients log in, and refused where they do not.
    func masterUser(_ engine: DatabaseEngineKind) throws(AWSError) -> String? {
        let name = arguments.text("MasterUsername")
        guard engine.hasMasterUser else {
            guard name == nil, arguments.text("MasterUserPassword") == nil else {
                throw AWSError(
                    .invalidParameterCombination,
                    "\(engine.rawValue) has no users: MasterUsername and MasterUserPassword are of no use."
                )
            }
            return nil
        }
        guard let name, !name.isEmpty else {
            throw AWSError(
                .invalidParameterValue,
                "The parameter MasterUsername must be provided and must not be blank."
            )
        }
        return name
    }

    func password() throws -> MasterPassword? {
        guard let text = arguments.text("MasterUserPassword") else { return nil }
        return try MasterPassword(SecretBytes(copying: Array(text.utf8)))
    }

    /// The name in lower case, as groups have it.
    func parameterGroup() -> String? {
        arguments.text("DBParameterGroupName").map { bare($0, "pg").lowercased() }
    }

    /// A region here has one zone.
    func checkZone() throws(AWSError) {
        guard let zone = arguments.text("AvailabilityZone"), zone != region.zone else { return }
        throw AWSError(
            .invalidParameterValue,
            "\(zone.prefix(64)) is not a valid availability zone: \(region.zone) is the region's."
        )
    }
}

extension Database {
    var resourceID: DatabaseID { record.id }
}
