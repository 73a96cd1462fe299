public import CofferCatalog
public import CofferEBS
public import CofferIdentity
public import CofferKMS
internal import CofferPKCS11
public import CofferRDS
public import CofferRemoteKMS
internal import CofferSecrets
public import CofferShapes
internal import CofferSystem
internal import Glibc
public import Logging

/// A home: the folder that holds the keys and what they protect, opened, with its services wired. The one place that
/// knows which key service the others have: the embedded KMS, or one elsewhere.
///
/// The root key is unsealed at the first call that needs it, so that what needs no key (listing, detaching after a
/// crash) asks for no passphrase.
public actor Home {
    /// The folder's real path.
    public nonisolated let path: String
    public nonisolated let identity: HomeIdentity
    public nonisolated let catalog: Catalog
    private nonisolated let runtimeBase: String
    private nonisolated let logger: Logger
    private nonisolated let clock: any WallClock
    private nonisolated let secrets: SecretPrompts
    private nonisolated let pkcs11Module: String?
    private var opened: Opened?
    private var remote: RemoteKeyService?

    /// Opens the home, and makes it (mode 0700) at first use. `region` and `account` count only then; nil stands for
    /// us-east-1 and a fresh id. `pkcs11Module` is for custom key stores that name no module.
    public init(
        at location: HomeLocation,
        region: Region?,
        account: AccountID? = nil,
        secrets: SecretPrompts,
        pkcs11Module: String? = nil,
        logger: Logger,
        clock: any WallClock = SystemClock()
    ) throws {
        path = try Self.prepare(location.path)
        runtimeBase = location.runtimeBase
        self.secrets = secrets
        self.pkcs11Module = pkcs11Module
        self.logger = logger
        self.clock = clock
        catalog = try Catalog(path: "\(path)/catalog.sqlite")
        identity = try catalog.identity(
            orElse: HomeIdentity(
                account: account ?? AccountID(random: SystemByteSource().bytes(6)),
                region: region ?? .home
            )
        )
    }

    /// What services ask whether a caller may do something.
    public nonisolated var authoriser: any ActionAuthoriser { HomeAuthoriser(home: self) }

    /// The account's root user: who owns the home owns the keys.
    public nonisolated var root: Caller { Caller(principal: .root(identity.account)) }

    public nonisolated var keysFolder: String { "\(path)/kms" }
    public nonisolated var trailFolder: String { "\(path)/trail" }

    /// The home's seal: what protects its root key.
    public nonisolated var seal: HomeSeal { HomeSeal(folder: keysFolder, secrets: secrets) }

    /// The embedded KMS, unsealed at the first call.
    public func keyManagement() async throws -> KeyManagementService { try await open().keys }

    /// The users of the home. Their secrets lie under the root key, so this too unseals it.
    public func identityService() async throws -> IdentityService { try await open().identities }

    /// The AWS-owned key of EBS: under the root key too.
    func ownedVolumeKey() async throws -> AWSOwnedKey { try await open().ownedVolumeKey }

    /// Whether the root key is there, or comes without asking anybody for a secret.
    func opensByItself() throws -> Bool {
        if opened != nil { return true }
        return try seal.state().map { $0.kind == .file } ?? true
    }

    /// What lies under the root key.
    private struct Opened {
        let keys: KeyManagementService
        let identities: IdentityService
        let ownedVolumeKey: AWSOwnedKey
    }

    private func open() async throws -> Opened {
        if let opened { return opened }
        let rootKey = try await seal.rootKey()
        // Another call may have opened it while this one waited for a passphrase.
        if let opened { return opened }
        let directory = try IdentityDirectory(
            catalog: catalog,
            wrappingKey: try KeyManagementService.identityKey(of: rootKey),
            account: identity.account
        )
        let ownedVolumeKey = try AWSOwnedKey(
            rootKey: rootKey,
            of: .ebs,
            account: identity.account,
            region: identity.region
        )
        let keys = try KeyManagementService(
            folder: keysFolder,
            trailFolder: trailFolder,
            account: identity.account,
            region: identity.region,
            rootKey: rootKey,
            identities: directory,
            hardware: HardwareAccess(connector: PKCS11Connector(), module: pkcs11Module),
            clock: clock
        )
        let identities = IdentityService(directory: directory, trail: keys.trail, clock: clock)
        let opened = Opened(keys: keys, identities: identities, ownedVolumeKey: ownedVolumeKey)
        self.opened = opened
        return opened
    }

    /// Who acts: the root user, or the user of this name. Throws `NoSuchEntity` for one that is not there.
    public func caller(named user: String?, region: Region?) async throws -> Caller {
        guard let user, user != "root" else {
            return Caller(principal: root.principal, region: region)
        }
        return Caller(principal: try await principal(named: user), region: region)
    }

    /// The ARN of a principal that is given by ARN, or as a user's name.
    public func principal(named text: String) async throws -> ARN {
        if let arn = ARN(text) { return arn }
        if text == "root" { return root.principal }
        return try await identityService().directory.arn(ofUser: text)
    }

    /// The volumes of this home. Their keys come from the embedded KMS, unless `kms` names another: then from there, with
    /// the access key that this process finds.
    public func volumes(
        kms: RemoteKMSSettings? = nil,
        environment: [String: String] = [:],
        daemon: @escaping @Sendable () throws -> String,
        onStep: @escaping @Sendable (AttachmentStep) -> Void = { _ in }
    ) throws -> VolumeService {
        VolumeService(
            catalog: catalog,
            keys: try volumeKeys(kms, environment),
            authoriser: HomeAuthoriser(home: self),
            identity: identity,
            paths: VolumePaths(home: path, runtimeBase: runtimeBase, daemon: daemon),
            clock: clock,
            logger: logger,
            onStep: onStep
        )
    }

    /// The databases of this home, on volumes of its own. `supervisor` finds the program that runs one instance, which is
    /// started with `supervisorArguments` beside the instance's name.
    public func databases(
        kms: RemoteKMSSettings? = nil,
        environment: [String: String] = [:],
        daemon: @escaping @Sendable () throws -> String,
        supervisor: @escaping @Sendable () throws -> String,
        supervisorArguments: [String] = []
    ) throws -> DatabaseService {
        DatabaseService(
            catalog: catalog,
            volumes: try volumes(kms: kms, environment: environment, daemon: daemon),
            keys: try volumeKeys(kms, environment),
            authoriser: HomeAuthoriser(home: self),
            identity: identity,
            paths: DatabasePaths(
                volumes: VolumePaths(home: path, runtimeBase: runtimeBase, daemon: daemon),
                supervisor: supervisor
            ),
            supervisorArguments: supervisorArguments,
            clock: clock,
            logger: logger
        )
    }

    /// Who has the keys that volumes and databases ask for.
    private func volumeKeys(_ kms: RemoteKMSSettings?, _ environment: [String: String]) throws -> VolumeKeys {
        let keys: any KeyService
        if let kms {
            let remote = try self.remote ?? RemoteKeyService(kms, environment: environment, clock: clock)
            self.remote = remote
            keys = remote
        } else {
            keys = UnsealedAtFirstUse(home: self) { try await $0.keyManagement() }
        }
        return VolumeKeys(keys: keys, owned: UnsealedAtFirstUse(home: self) { try await $0.ownedVolumeKey() })
    }

    /// Brings the trail to the medium, and closes what is open to HSMs and to a KMS elsewhere.
    public func close() async throws {
        let (opened, remote) = (opened, remote)
        (self.opened, self.remote) = (nil, nil)
        try await opened?.keys.close()
        try await remote?.shutdown()
    }

    /// Makes the folders, and gives the home's real path. Refuses a home that others can read, and one of another user:
    /// keys lie in it, and what root wrote there would lock its owner out.
    private static func prepare(_ path: String) throws -> String {
        let real = try Folder.makeReal(path, mode: 0o700)
        var status = stat()
        guard unsafe stat(real, &status) == 0 else {
            throw AWSError(.internalError, "cannot look at the home \(path): \(SystemError.text(errno))")
        }
        guard status.st_uid == geteuid() else {
            throw AWSError(
                .accessDenied,
                "the home \(path) belongs to another user, number \(status.st_uid)",
                hint: "work as that user (`sudo -u '#\(status.st_uid)'`), or choose another home with --home"
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            // Only a folder that is a home already is one to close.
            let isHome = ["kms", "catalog.sqlite"].contains { unsafe access("\(real)/\($0)", F_OK) == 0 }
            throw AWSError(
                .accessDenied,
                "the home \(path) can be read by other users",
                hint: isHome ? "close it with `chmod 700 \(path)`" : "choose a folder of its own with --home"
            )
        }
        for folder in ["kms", "trail", "volumes"] { try Folder.make("\(real)/\(folder)", mode: 0o700) }
        return real
    }
}
