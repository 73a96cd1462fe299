import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferServer

@Suite struct TLSTests {
    @Test func `a client that trusts the certificate by its path is served`() async throws {
        let subject = try await ServerSubject()
        let folder = subject.path("tls")
        let server = try await RunningServer(subject, tls: .selfSigned(folder: folder))
        #expect(server.url.hasPrefix("https://"))
        for host in ["127.0.0.1", "localhost"] {
            let got = try await Python.run(
                """
                import ssl, sys, urllib.request
                context = ssl.create_default_context(cafile=sys.argv[1])
                print(urllib.request.urlopen(sys.argv[2], context=context).read().decode())
                """,
                ["\(folder)/certificate.pem", "https://\(host):\(server.port)/health"]
            )
            #expect(got == "{\"status\":\"ok\"}\n")
        }
        let refused = try await Python.run(
            """
            import ssl, sys, urllib.request
            try:
                urllib.request.urlopen(sys.argv[1])
                print("accepted")
            except Exception as error:
                print(type(error.reason).__name__)
            """,
            ["https://127.0.0.1:\(server.port)/health"]
        )
        #expect(refused == "SSLCertVerificationError\n")
        try await server.stop()
    }

    @Test func `the key is the owner's alone, and the pair is kept`() throws {
        let folder = try TemporaryFolder()
        let pair = SelfSignedCertificate(folder: folder.path("tls"))
        try pair.renewIfNeeded(now: SystemClock().now)
        let attributes = try FileManager.default.attributesOfItem(atPath: pair.keyFile)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let first = try folder.bytes("tls/certificate.pem")
        try pair.renewIfNeeded(now: SystemClock().now)
        #expect(try folder.bytes("tls/certificate.pem") == first)
    }

    @Test func `a certificate that will not last is made anew`() throws {
        let folder = try TemporaryFolder()
        let pair = SelfSignedCertificate(folder: folder.path("tls"))
        let now = SystemClock().now
        try pair.renewIfNeeded(now: now)
        let first = try folder.bytes("tls/certificate.pem")
        let day: UInt64 = 86_400_000_000_000
        try pair.renewIfNeeded(now: Timestamp(nanoseconds: now.nanoseconds + 794 * day))
        #expect(try folder.bytes("tls/certificate.pem") == first)
        try pair.renewIfNeeded(now: Timestamp(nanoseconds: now.nanoseconds + 796 * day))
        #expect(try folder.bytes("tls/certificate.pem") != first)
    }

    @Test func `files that are no certificate are refused by name`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("nonsense".utf8), to: "a.pem")
        let tls = ServerOptions.TLS.files(certificate: folder.path("a.pem"), key: folder.path("missing.pem"))
        do {
            _ = try tls.context(clock: SystemClock())
            Issue.record("nonsense was accepted")
        } catch let error as AWSError {
            #expect(error.message.contains(folder.path("a.pem")))
            #expect(error.message.contains("missing.pem"))
        }
    }
}
