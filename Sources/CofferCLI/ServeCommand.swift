internal import ArgumentParser
internal import Coffer
internal import CofferServer
internal import CofferShapes
internal import CofferTerminal
internal import Logging

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the AWS APIs of this home: KMS, EC2's volumes, RDS, IAM, STS, /health and /metrics.",
        discussion: """
            Who asks signs with an access key: `coffer user access-key create root` makes one.
              AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws kms list-keys
              AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws ec2 describe-volumes
              AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws rds describe-db-instances

            Prints `Listening on URL` when it answers. SIGTERM and SIGINT let requests under way finish.
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("Where to listen; port 0 picks one.", valueName: "address:port"))
    var listen = ListenAddress.standard

    @Option(help: ArgumentHelp("The certificate's chain in PEM, for TLS.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("The certificate's key in PEM.", valueName: "file"))
    var tlsKey: String?

    @Flag(
        help: "TLS with a certificate of this home's own: HOME/server/certificate.pem, for clients to trust."
    )
    var tlsSelfSigned = false

    @Flag(help: "Allow an address that other machines reach without TLS. They can then read every plaintext.")
    var insecure = false

    @Flag(help: "Have volumes be no faster than the IOPS and throughput that are provisioned for them.")
    var enforceLimits = false

    @Option(help: ArgumentHelp("The PKCS #11 module of custom key stores.", valueName: "file"))
    var pkcs11Module: String?

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key belong together")
        }
        guard tlsCert == nil || !tlsSelfSigned else {
            throw ValidationError("--tls-self-signed makes a certificate, and --tls-cert names one")
        }
        guard listen.isLoopback || tlsCert != nil || tlsSelfSigned || insecure else {
            throw ValidationError(
                "other machines reach \(listen.host), and without TLS they can read every plaintext: "
                    + "use --tls-cert and --tls-key, or say --insecure"
            )
        }
    }

    func run() async throws {
        let home = try global.openHome(pkcs11Module: pkcs11Module)
        if !listen.isLoopback, tlsCert == nil, !tlsSelfSigned {
            Terminal.error(
                "warning: other machines reach \(listen.host), and can read every plaintext on the way"
            )
        }
        var logger = Logger(label: "coffer.server") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = global.verbose ? .info : .error
        var options = ServerOptions(host: listen.host, port: listen.port, tls: tls(home))
        options.enforcesLimits = enforceLimits
        let server = try await CofferServer(
            home: home,
            volumes: try await global.volumes(of: home),
            databases: try await global.databases(of: home),
            options: options,
            logger: logger
        )
        try await server.run { url in
            print("Listening on \(url)")
            // Whoever waits for the line reads a pipe. An error here is met again at the end of the command.
            try? StandardOutput.flush()
        }
    }

    private func tls(_ home: Home) -> ServerOptions.TLS {
        if let tlsCert, let tlsKey { return .files(certificate: tlsCert, key: tlsKey) }
        return tlsSelfSigned ? .selfSigned(folder: "\(home.path)/server") : .none
    }
}

/// `127.0.0.1:4566`, `localhost:0`, `[::1]:4566`.
struct ListenAddress: ExpressibleByArgument, CustomStringConvertible {
    static let standard = ListenAddress(host: "127.0.0.1", port: 4566)

    /// IPv6 without its brackets.
    let host: String
    let port: Int

    private init(host: String, port: Int) { (self.host, self.port) = (host, port) }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"),
            let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            // An IPv6 address whose last part would pass for a port.
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    /// Whether only this machine reaches it.
    var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts.allSatisfy { $0 != nil } && parts[0] == 127
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
