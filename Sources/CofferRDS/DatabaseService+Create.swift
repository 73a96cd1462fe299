internal import CofferCatalog
internal import CofferEBS
internal import CofferSecrets
public import CofferShapes
internal import CofferSystem
internal import Logging

extension DatabaseService {
    /// Begins an instance, which is `creating`, and then `available` or `failed`. A KMS key that cannot be used is refused
    /// at once, as RDS does. The engine asks for a password where it has users. (`CreateDBInstance`)
    public func createDBInstance(
        _ request: CreateDatabaseRequest,
        password: MasterPassword?,
        caller: Caller
    ) async throws -> Database {
        try await require(
            "CreateDBInstance",
            "db",
            request.identifier.lowercased(),
            requestTags: request.tags,
            caller: caller
        )
        let identifier = try instanceIdentifier(request.identifier)
        let engine = request.engine.engine
        let region = region(of: caller)
        let id = DatabaseID(random: SystemByteSource())
        let version = try version(request.engineVersion, of: engine)
        let group = request.parameterGroup ?? ParameterGroup.defaultName(request.engine, version: version)
        var record = DatabaseRecord(
            id: id,
            identifier: identifier,
            region: region,
            engine: request.engine,
            engineVersion: version,
            instanceClass: request.instanceClass,
            allocatedGiB: request.allocatedGiB,
            isEncrypted: request.isEncrypted,
            kmsKeyARN: try await usableKey(request.key, isEncrypted: request.isEncrypted, for: id, caller),
            masterUser: request.masterUser ?? engine.defaultMasterUser,
            port: try request.port ?? engine.defaultPort.map { try freePort(from: $0) } ?? 0,
            parameterGroup: group,
            backupRetentionDays: request.backupRetentionDays,
            backupWindow: request.backupWindow ?? BackupWindow.usual,
            keyWatch: keyWatch,
            created: clock.now,
            origin: .empty,
            maker: caller.principal
        )
        record.hasAnyPort = request.port == nil
        record.databaseName = request.databaseName
        record.storageType = request.storageType
        record.copiesTags = request.copiesTags
        record.parameters = request.parameters
        record.isProtected = request.isProtected
        record.tags = request.tags.map { DatabaseTag($0) }
        try DatabaseTags.check(request.tags)
        try check(record)
        if engine.hasUsers, password == nil {
            throw AWSError(
                .invalidParameterValue,
                "The parameter MasterUserPassword must be provided and must not be blank."
            )
        }
        try catalog.insert(record)
        note(record, "creation", "DB instance creation has begun")
        try await launchSupervisor(of: record, password: password)
        return try describe(record)
    }

    /// As a new instance's name.
    func instanceIdentifier(_ text: String) throws -> DatabaseIdentifier {
        try DatabaseIdentifier.parse(
            text,
            limit: DatabaseIdentifier.instanceCharacters,
            of: "DBInstanceIdentifier"
        )
    }

    /// What holds for every engine, and what this record's says.
    func check(_ record: DatabaseRecord) throws {
        guard (1...65536).contains(record.allocatedGiB) else {
            throw AWSError(
                .invalidParameterValue,
                "Invalid storage size for engine name \(record.engine.rawValue) and storage type gp3: "
                    + "\(record.allocatedGiB)"
            )
        }
        guard (0...35).contains(record.backupRetentionDays) else {
            throw AWSError(
                .invalidParameterValue,
                "Invalid backup retention period: \(record.backupRetentionDays). Must be between 0 and 35"
            )
        }
        _ = try BackupWindow(record.backupWindow)
        try requireParameterGroup(record)
        try record.engine.engine.check(record)
    }

    private func version(_ asked: String?, of engine: any DatabaseEngine) throws -> String {
        let installed = try engine.installedVersion()
        guard let asked, installed != asked, !installed.hasPrefix(asked + ".") else { return installed }
        throw AWSError(
            .invalidParameterCombination,
            "Cannot find version \(asked.prefix(32)) for \(engine.kind.rawValue)",
            hint: "\(installed) is installed"
        )
    }

    /// The KMS key, once it has shown that the caller can have data keys of it. KMSKeyNotAccessibleFault where not.
    func usableKey(
        _ reference: KeyReference?,
        isEncrypted: Bool,
        for id: DatabaseID,
        _ caller: Caller
    ) async throws -> ARN {
        let service = caller.through(.rds)
        guard isEncrypted else {
            guard reference == nil else {
                throw AWSError(
                    .invalidParameterCombination,
                    "A KMS key is of no use for storage that is not to be encrypted: StorageEncrypted has to be true."
                )
            }
            return try await keys.owned.awsManagedKey(of: .ebs, caller: service).arn
        }
        do {
            let key =
                if let reference {
                    try await keys.kms.describeKey(reference, caller: service)
                } else {
                    try await keys.kms.awsManagedKey(of: .rds, caller: service)
                }
            guard key.spec.isSymmetricEncryption, key.usage == .encryptDecrypt else {
                throw AWSError(.invalidKeyUsage, "RDS takes symmetric encryption keys only")
            }
            try await tryKey(key.arn, of: id, caller: service)
            return key.arn
        } catch let error as AWSError where error.code.kind != .internalFailure {
            throw Self.notAccessible(error, reference?.description ?? "alias/aws/rds")
        }
    }

    /// Has KMS make a data key that nobody keeps: what every use of the key by an instance comes down to.
    func tryKey(_ key: ARN, of id: DatabaseID, caller: Caller) async throws {
        _ = try await keys.service(of: key).generateDataKeyWithoutPlaintext(
            count: ArchiveFile.dataKeyBytes,
            key: KeyReference(key.description),
            context: DatabaseArchive.context(id),
            caller: caller
        )
    }

    static func notAccessible(_ error: AWSError, _ key: String) -> AWSError {
        AWSError(
            .kmsKeyNotAccessible,
            "The specified KMS key [\(key.prefix(256))] does not exist, is not enabled or you do not have permissions to access it. "
                + "(\(error))",
            hint: error.code == .disabled
                ? "enable it with `coffer key enable \(key)`, then try again" : error.hint
        )
    }

    /// The first port that no instance has and nobody listens at.
    func freePort(from first: Int) throws -> Int {
        let taken = Set(try catalog.databases().map(\.port))
        guard let port = (first..<first + 1000).first(where: { !taken.contains($0) && LocalPort.isFree($0) })
        else {
            throw AWSError(
                .invalidParameterValue,
                "no port from \(first) on is free",
                hint: "choose one with --port"
            )
        }
        return port
    }

    /// How new instances' keys are watched; a test has it done faster.
    private var keyWatch: DatabaseRecord.KeyWatch {
        var watch = DatabaseRecord.KeyWatch()
        if let period = Self.seconds("COFFER_RDS_KEY_WATCH_SECONDS") { watch.periodSeconds = period }
        if let recovery = Self.seconds("COFFER_RDS_KEY_RECOVERY_SECONDS") { watch.recoverySeconds = recovery }
        return watch
    }
}
