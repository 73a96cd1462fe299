public import CofferCatalog
public import CofferEBS
public import CofferKMS
public import CofferSecrets
public import CofferShapes
internal import Glibc
public import Logging

/// A home: the folder that holds the keys and what they protect, opened, with its services wired. The one place that
/// knows that the key service is the embedded one.
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
    private nonisolated let passphrase: @Sendable () async throws -> SecretBytes
    private var opened: KeyManagementService?

    /// Opens the home, and makes it (mode 0700, with a fresh account id) at first use. `region` counts only then.
    public init(
        at location: HomeLocation,
        region: Region?,
        passphrase: @escaping @Sendable () async throws -> SecretBytes,
        logger: Logger,
        clock: any WallClock = SystemClock()
    ) throws {
        path = try Self.prepare(location.path)
        runtimeBase = location.runtimeBase
        self.passphrase = passphrase
        self.logger = logger
        self.clock = clock
        catalog = try Catalog(path: "\(path)/catalog.sqlite")
        identity = try catalog.identity(
            orElse: HomeIdentity(
                account: AccountID(random: SystemByteSource().bytes(6)),
                region: region ?? .home
            )
        )
    }

    /// The account's root user: who owns the home owns the keys.
    public nonisolated var root: Caller { Caller(principal: .root(identity.account)) }

    public nonisolated var keysFolder: String { "\(path)/kms" }
    public nonisolated var trailFolder: String { "\(path)/trail" }

    /// The embedded KMS, unsealed at the first call.
    public func keyManagement() async throws -> KeyManagementService {
        if let opened { return opened }
        let rootKey = try await SealStore(folder: keysFolder).create(.file, passphrase: passphrase)
        // Another call may have opened it while this one waited for a passphrase.
        if let opened { return opened }
        let service = try KeyManagementService(
            folder: keysFolder,
            trailFolder: trailFolder,
            account: identity.account,
            region: identity.region,
            rootKey: rootKey,
            clock: clock
        )
        opened = service
        return service
    }

    /// The volumes of this home.
    public nonisolated func volumes(
        daemon: @escaping @Sendable () throws -> String,
        onStep: @escaping @Sendable (AttachmentStep) -> Void = { _ in }
    ) -> VolumeService {
        VolumeService(
            catalog: catalog,
            keys: UnsealedAtFirstUse(home: self),
            identity: identity,
            paths: VolumePaths(home: path, runtimeBase: runtimeBase, daemon: daemon),
            clock: clock,
            logger: logger,
            onStep: onStep
        )
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
