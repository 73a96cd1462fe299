internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferSystem
internal import Glibc
internal import Logging

/// An instance's data folder with all that works on it: what is installed, and as whom it runs.
struct PostgresCluster: Sendable {
    let site: EngineSite
    let installation: PostgresInstallation
    let user: PostgresUser
    let exchange: FileExchange

    /// The superuser, who connects over the socket as a user of the machine alone; and the database that is this one's.
    static let superuser = "rdsadmin"
    static let administration = "rdsadmin"
    /// What the master user is a member of, in a superuser's place.
    static let masterRole = "rds_superuser"

    init(_ site: EngineSite) throws {
        self.site = site
        installation = try PostgresInstallation.find()
        user = try PostgresUser.find()
        exchange = FileExchange(folder: "\(site.socketFolder)/log", user: user)
    }

    /// An address of a socket has 107 bytes and a zero (unix(7)).
    private static let socketPathBytes = 107

    /// Makes the folders ready, and has the user reach them.
    func prepareFolders() async throws {
        let socket = "\(site.socketFolder)/.s.PGSQL.\(site.record.port)"
        guard socket.utf8.count <= Self.socketPathBytes else {
            throw AWSError(
                .invalidParameterValue,
                "the path of the socket \(socket) is longer than \(Self.socketPathBytes) bytes",
                hint: "name a shorter runtime folder with XDG_RUNTIME_DIR"
            )
        }
        if geteuid() == 0, unsafe chmod(site.mount, 0o711) != 0 {
            throw AWSError(.internalError, "cannot change \(site.mount): \(SystemError.text(errno))")
        }
        try Folder.make(site.data, mode: 0o700)
        try Folder.make(site.logFolder, mode: 0o700)
        try await user.ownAll(site.data)
        guard unsafe chmod(site.data, 0o700) == 0 else {
            throw AWSError(.internalError, "cannot change \(site.data): \(SystemError.text(errno))")
        }
        try user.makeSharedFolder(site.socketFolder)
        try exchange.prepare()
    }

    func configure(_ purpose: PostgresConfiguration.Purpose) async throws {
        var configuration = PostgresConfiguration(site: site, user: user, exchange: exchange)
        configuration.purpose = purpose
        configuration.hasCertificate = try await makeCertificate()
        try configuration.write()
    }

    /// Runs a program of PostgreSQL's as its user, to its end. Throws with what it said where it fails.
    @discardableResult
    func run(_ program: String, _ arguments: [String]) async throws -> String {
        let command = try user.command(installation.path(program), arguments)
        let outcome = try await ChildProcess.run(command.program, command.arguments, limitSeconds: nil)
        guard outcome.code == 0 else {
            throw AWSError(
                .internalError,
                "\(program) failed: \((outcome.errors.isEmpty ? outcome.output : outcome.errors).suffix(500))"
            )
        }
        return outcome.output
    }

    // MARK: - TLS

    /// Makes a certificate that signs itself, where there is none; false where that cannot be done here, and connections
    /// over the loopback interface go without TLS.
    private func makeCertificate() async throws -> Bool {
        let (certificate, key) = ("\(site.data)/server.crt", "\(site.data)/server.key")
        if FolderNames.exists(certificate), FolderNames.exists(key) { return true }
        guard let openssl = ChildProcess.find("openssl") else {
            site.logger.warning("no TLS: the program openssl is not installed")
            return false
        }
        for path in [certificate, key] { unsafe unlink(path) }
        let command = try user.command(
            openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "3650",
                "-subj", "/CN=\(site.record.identifier)", "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-keyout", key, "-out", certificate,
            ]
        )
        let outcome = try await ChildProcess.run(command.program, command.arguments)
        guard outcome.code == 0, unsafe chmod(key, 0o600) == 0 else {
            site.logger.warning(
                "no TLS: no certificate can be made",
                metadata: ["error": "\(outcome.errors.suffix(200))"]
            )
            for path in [certificate, key] { unsafe unlink(path) }
            return false
        }
        return true
    }
}
