internal import ArgumentParser
internal import CofferRDS
internal import CofferSecrets
internal import CofferShapes
internal import CofferTerminal
internal import Glibc

struct SuperviseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise",
        abstract:
            "Run one instance in the foreground until it is stopped: what `create` and `start` have running.",
        discussion: "For process managers. SIGTERM stops the instance, SIGUSR1 restarts its engine."
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var instance: InstanceArgument
    @Flag(name: .customLong("password-on-descriptor-3"), help: .hidden)
    var passwordOnDescriptor3 = false

    func run() async throws {
        let password = passwordOnDescriptor3 ? try MasterPassword(try Self.secret(from: 3)) : nil
        let desk = try await global.openDatabases()
        guard
            let supervisor = try await desk.databases.supervisor(
                of: instance.name,
                password: password,
                caller: desk.caller
            )
        else {
            throw AWSError(.invalidDatabaseState, "DB instance \(instance.name) has a supervisor already")
        }
        try await supervisor.run()
    }

    /// All that stands in a pipe, which is closed then.
    private static func secret(from descriptor: Int32) throws -> SecretBytes {
        defer { close(descriptor) }
        var count = 0
        let room = SecretBytes(count: 256) { span in
            unsafe span.withUnsafeMutableBytes { buffer in
                while count < buffer.count {
                    // The buffer is not empty.
                    let got = unsafe read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                    if got < 0 && errno == EINTR { continue }
                    guard got > 0 else { break }
                    count += got
                }
            }
        }
        guard count > 0 else {
            throw AWSError(.invalidParameterValue, "no master password comes on descriptor \(descriptor)")
        }
        return room.part(at: 0, count: count)
    }
}
