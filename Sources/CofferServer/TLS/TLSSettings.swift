internal import CofferShapes
internal import NIOSSL

extension ServerOptions.TLS {
    /// nil for plain HTTP. TLS 1.2 and 1.3; clients show no certificate, as the signature says who they are.
    func context(clock: any WallClock) throws -> NIOSSLContext? {
        let (certificate, key): (String, String)
        switch self {
        case .none: return nil
        case .files(let certificateFile, let keyFile): (certificate, key) = (certificateFile, keyFile)
        case .selfSigned(let folder):
            let pair = SelfSignedCertificate(folder: folder)
            try pair.renewIfNeeded(now: clock.now)
            (certificate, key) = (pair.certificateFile, pair.keyFile)
        }
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            )
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw AWSError(
                .invalidParameterValue,
                "cannot use the certificate \(certificate) with the key \(key): \(error)",
                hint: "both are files in PEM, and the key has no passphrase"
            )
        }
    }
}
