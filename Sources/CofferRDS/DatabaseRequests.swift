public import CofferSecrets
public import CofferShapes

/// What `createDBInstance` makes.
public struct CreateDatabaseRequest: Sendable {
    /// 1 to 63 letters, digits and hyphens.
    public var identifier: String
    public var engine: DatabaseEngineKind
    /// nil: the one that is installed. A version's beginning will do, such as `15`.
    public var engineVersion: String?
    public var instanceClass = "db.t3.micro"
    /// Told, and without effect; nil: `gp3`.
    public var storageType: String?
    /// GiB.
    public var allocatedGiB = 20
    /// false: the API answers that it is not encrypted; its data is all the same, under a key that asks for no permission.
    public var isEncrypted = true
    /// nil: `alias/aws/rds`.
    public var key: KeyReference?
    public var masterUser: String?
    public var databaseName: String?
    public var port: Int?
    public var parameterGroup: String?
    public var parameters: [String: String] = [:]
    /// 0 to 35 days.
    public var backupRetentionDays = 1
    public var backupWindow: String?
    public var isProtected = false
    /// Whether its snapshots begin with its tags.
    public var copiesTags = false
    public var tags: [Tag] = []

    public init(identifier: String, engine: DatabaseEngineKind) {
        (self.identifier, self.engine) = (identifier, engine)
    }
}

/// What `modifyDBInstance` changes; nil: nothing.
public struct ModifyDatabaseRequest: Sendable {
    /// Never less than it is.
    public var allocatedGiB: Int?
    public var instanceClass: String?
    public var storageType: String?
    public var backupRetentionDays: Int?
    public var backupWindow: String?
    public var isProtected: Bool?
    public var copiesTags: Bool?
    public var parameterGroup: String?
    /// Those to set; nil as a value: back to the parameter group's.
    public var parameters: [String: String?] = [:]
    public var port: Int?
    public var engineVersion: String?

    public init() {}
}

/// From what, and as what, `restoreDBInstance…` makes an instance.
public struct RestoreDatabaseRequest: Sendable {
    public var identifier: String
    public var source: Source
    /// InvalidParameterCombination where it is not the source's; nil: whatever that is.
    public var engine: DatabaseEngineKind?
    public var port: Int?
    public var parameterGroup: String?
    /// nil, as in what follows: as the source has it.
    public var instanceClass: String?
    public var storageType: String?
    public var backupRetentionDays: Int?
    public var backupWindow: String?
    public var isProtected = false
    public var copiesTags: Bool?
    public var tags: [Tag] = []

    public enum Source: Sendable {
        case snapshot(String)
        /// The instance's identifier; nil: its latest restorable time.
        case time(of: String, Timestamp?)
    }

    public init(identifier: String, source: Source) {
        (self.identifier, self.source) = (identifier, source)
    }
}

/// How `deleteDBInstance` ends an instance.
public struct DeleteDatabaseRequest: Sendable {
    public var identifier: String
    /// nil: none, which has to be said.
    public var finalSnapshot: String?
    public var skipsFinalSnapshot: Bool
    /// Whether automated snapshots and the archive go too.
    public var deletesAutomatedBackups = true

    public init(identifier: String, finalSnapshot: String? = nil, skipsFinalSnapshot: Bool = false) {
        (self.identifier, self.finalSnapshot) = (identifier, finalSnapshot)
        self.skipsFinalSnapshot = skipsFinalSnapshot
    }
}

/// A master password on its way from a request to an engine.
public final class MasterPassword: Sendable {
    let bytes: SecretBytes

    /// InvalidParameterValue unless it has 8 to 128 printable ASCII characters without `/`, `"`, `@` and space. (RDS user
    /// guide, "Constraints for master password".)
    public init(_ bytes: consuming SecretBytes) throws {
        let isFine = bytes.withBytes { span in
            (8...128).contains(span.byteCount)
                && (0..<span.byteCount).allSatisfy { index in
                    let byte = span.byte(at: index)
                    return (0x21...0x7E).contains(byte) && ![0x22, 0x2F, 0x40].contains(byte)
                }
        }
        guard isFine else {
            throw AWSError(
                .invalidParameterValue,
                "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', "
                    + "'\"', ' ' may be used, and it has 8 to 128 of them."
            )
        }
        self.bytes = bytes
    }
}
