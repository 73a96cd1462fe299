public import ArgumentParser
internal import Coffer
internal import CofferRDS
internal import CofferSecrets
public import CofferShapes
internal import CofferTerminal

/// The databases of a home, and who asks.
struct DatabaseDesk {
    let home: Home
    let databases: DatabaseService
    let caller: Caller
}

extension GlobalOptions {
    func openDatabases() async throws -> DatabaseDesk {
        let home = try openHome()
        return DatabaseDesk(
            home: home,
            databases: try await databases(of: home),
            caller: try await caller(of: home)
        )
    }
}

/// The instance that a command is about.
struct InstanceArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The instance's name.", valueName: "name"))
    var name: String
}

/// Whether a command waits.
struct WaitOptions: ParsableArguments {
    @Flag(name: .customLong("no-wait"), help: "Return at once, and let it go on.")
    var doesNotWait = false
}

/// A parameter of an engine, `name=value`.
struct ParameterPair: ExpressibleByArgument {
    let name: String
    let value: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        (name, value) = (String(parts[0]), String(parts[1]))
    }
}

extension [ParameterPair] {
    func dictionary() throws -> [String: String] {
        var result: [String: String] = [:]
        for pair in self where result.updateValue(pair.value, forKey: pair.name) != nil {
            throw AWSError(.invalidParameterValue, "the parameter \(pair.name) is given twice")
        }
        return result
    }
}

extension DatabaseEngineKind: ExpressibleByArgument {}

/// Where a master password comes from: a file, the terminal, or chance.
struct PasswordOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file whose first line is the master password.",
            discussion: "Without it one is chosen at random and shown once.",
            valueName: "file"
        )
    )
    var masterPasswordFile: String?
    @Flag(help: "Ask for the master password at the terminal.")
    var askMasterPassword = false

    var isGiven: Bool { masterPasswordFile != nil || askMasterPassword }

    /// The password, and its text where it was chosen here and has to be shown.
    func password() throws -> (password: MasterPassword, shown: String?) {
        let source = PassphraseSource(
            file: masterPasswordFile,
            name: "master password",
            option: "--master-password-file"
        )
        if masterPasswordFile != nil { return (try MasterPassword(source.read()), nil) }
        if askMasterPassword { return (try MasterPassword(source.readTwice()), nil) }
        // 24 of 64 characters: 144 bits.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        let letters = SystemByteSource().bytes(24).map { alphabet[Int($0 & 63)] }
        return (try MasterPassword(SecretBytes(copying: letters)), String(decoding: letters, as: UTF8.self))
    }
}
