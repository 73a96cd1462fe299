/// Where a server listens, and how.
public struct ServerOptions: Sendable {
    /// How connections are protected.
    public enum TLS: Sendable, Equatable {
        /// Plain HTTP: signatures protect requests from change, and nothing protects plaintext from a listener.
        case none
        /// A chain of certificates and its key, in PEM.
        case files(certificate: String, key: String)
        /// A certificate for the loopback that this server makes itself and keeps in `folder` (`certificate.pem`).
        case selfSigned(folder: String)
    }

    /// A name or an address, IPv6 without brackets.
    public var host: String
    /// 0 picks one that is free.
    public var port: Int
    public var tls: TLS
    /// Has volumes that clients attach be no faster than what is provisioned for them.
    public var enforcesLimits = false

    public init(host: String = "127.0.0.1", port: Int = 4566, tls: TLS = .none) {
        (self.host, self.port, self.tls) = (host, port, tls)
    }
}
