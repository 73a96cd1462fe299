import CofferTesting
import Foundation
import Glibc
import Testing

/// Volumes of one home under the KMS of another, over HTTP: the built commands on both sides.
@Suite(.serialized, .mounts, .mountable)
struct RemoteKMSTests {
    let host: CofferProgram
    let server: ServeProcess
    let root: AccessKeyText

    init() throws {
        host = try CofferProgram()
        root = try AccessKeyText(of: "root", host)
        _ = try host.succeed("key", "create", "--alias", "app")
        server = try ServeProcess(over: host)
    }

    /// A command that has nothing but an endpoint and an access key.
    private func run(
        _ coffer: CofferProgram,
        _ arguments: [String],
        as key: AccessKeyText? = nil,
        endpoint: String? = nil
    ) throws -> CofferProgram.Outcome {
        try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            arguments + ["--home", coffer.home, "--kms-endpoint", endpoint ?? server.url],
            environment: (key ?? root).environment
        )
    }

    private func create(in coffer: CofferProgram) throws -> String {
        let made = try run(coffer, ["volume", "create", "--size", "1MiB", "--key", "alias/app"])
        try #require(made.code == 0, "\(made.errors)")
        return made.line
    }

    @Test
    func `a volume made against a server is attached from a second home with an endpoint and an access key`()
        throws
    {
        let (first, second) = (try CofferProgram(), try CofferProgram())
        let id = try create(in: first)
        let attached = try run(first, ["volume", "attach", id])
        try #require(attached.code == 0, "\(attached.errors)")
        try RawFile(attached.line).write(Array("kept by both".utf8), at: 4096)
        #expect(try run(first, ["volume", "detach", id]).code == 0)

        _ = try second.succeed("volume", "adopt", "\(first.home)/volumes/\(id).coffer", "--name", "shared")
        let elsewhere = try run(second, ["volume", "attach", "shared"])
        try #require(elsewhere.code == 0, "\(elsewhere.errors)")
        #expect(try RawFile(elsewhere.line).read(12, at: 4096) == Array("kept by both".utf8))
        #expect(try run(second, ["volume", "detach", "shared"]).code == 0)
        let calls = try host.succeed("trail", "ls", "--event", "Decrypt")
        #expect(calls.contains("\tok"), "the server's own trail tells of it")
    }

    @Test func `without the server's leave there is no attaching, and no key to be had in the second home`()
        throws
    {
        let guest = try CofferProgram()
        let id = try create(in: guest)
        _ = try host.succeed("user", "create", "bob")
        let bob = try AccessKeyText(of: "bob", host)
        let refused = try run(guest, ["volume", "attach", id], as: bob)
        #expect(refused.code == 3)
        #expect(refused.errors.contains("AccessDeniedException"))
        #expect(refused.errors.contains("user/bob"))

        _ = try host.succeed("key", "disable", "alias/app")
        let disabled = try run(guest, ["volume", "attach", id])
        #expect(disabled.code == 5)
        #expect(disabled.errors.contains("DisabledException"))

        let own = try guest.run("volume", "attach", id)
        #expect(own.code != 0, "the guest's own KMS has no such key")
    }

    @Test
    func `an attached volume does not care that the KMS went away, and the next attach says so at once`()
        throws
    {
        let guest = try CofferProgram()
        let id = try create(in: guest)
        let attached = try run(guest, ["volume", "attach", id])
        try #require(attached.code == 0, "\(attached.errors)")
        #expect(server.stop() == 0)
        try RawFile(attached.line).write(Array(repeating: 9, count: 4096), at: 0)
        #expect(try RawFile(attached.line).read(4096, at: 0) == Array(repeating: 9, count: 4096))
        #expect(try run(guest, ["volume", "detach", id]).code == 0)
        let refused = try run(guest, ["volume", "attach", id])
        #expect(refused.code == 1)
        #expect(refused.errors.contains(server.url), "\(refused.errors)")
    }

    @Test func `a KMS that hangs gives a clear error within 15 seconds`() throws {
        let guest = try CofferProgram()
        let id = try create(in: guest)
        // Takes connections, and never says a word.
        let listener = try SilentListener()
        let start = ContinuousClock.now
        let refused = try run(guest, ["volume", "attach", id], endpoint: "http://127.0.0.1:\(listener.port)")
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(refused.code == 1)
        #expect(refused.errors.contains("did not answer"), "\(refused.errors)")
    }

    @Test func `a root key under another host's KMS opens the home, and stays shut while that KMS refuses`()
        throws
    {
        let guest = try CofferProgram()
        _ = try guest.succeed("key", "create", "--alias", "own")
        let moved = try run(guest, ["seal", "migrate", "--to", "aws-kms", "--key", "alias/app"])
        try #require(moved.code == 0, "\(moved.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(guest.home)/kms/root.key"))
        let opened = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["key", "show", "alias/own", "--home", guest.home],
            environment: root.environment
        )
        #expect(opened.code == 0, "\(opened.errors)")
        _ = try host.succeed("key", "disable", "alias/app")
        let shut = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["key", "show", "alias/own", "--home", guest.home],
            environment: root.environment
        )
        #expect(shut.code == 3)
        #expect(shut.errors.contains("DisabledException"), "\(shut.errors)")
    }
}

/// A socket that listens on the loopback and accepts nobody.
private final class SilentListener {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, length)
            }
        }
        guard bound == 0, listen(descriptor, 8) == 0 else { throw CocoaError(.fileReadUnknown) }
        var got = sockaddr_in()
        var gotLength = length
        let named = unsafe withUnsafeMutablePointer(to: &got) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &gotLength)
            }
        }
        guard named == 0 else { throw CocoaError(.fileReadUnknown) }
        port = UInt16(bigEndian: got.sin_port)
    }

    deinit { close(descriptor) }
}
