internal import CofferSystem

/// Another way to encrypt a file or a disk that works, as Coffer does, without a kernel module of its own.
struct Peer: Sendable {
    struct Program: Sendable {
        let name: String
        /// Of Debian.
        let package: String
    }

    let name: String
    /// What it ciphers with when it is set up as here, which is its default.
    let cipher: String
    /// All that it needs.
    let programs: [Program]
    /// Sets it up in a place of its own and has it serve until the scratch folder goes.
    let serve: @Sendable (PeerPlace) throws -> PeerFile
}

extension [Peer.Program] {
    /// Of those that are not installed, each once.
    var missingPackages: [String] {
        var packages: [String] = []
        for program in self where ChildProcess.find(program.name) == nil {
            if !packages.contains(program.package) { packages.append(program.package) }
        }
        return packages
    }
}

/// Where a peer is set up.
struct PeerPlace {
    let scratch: Scratch
    /// A name for its files and folders in the scratch folder.
    let name: String
    /// Its first line is a passphrase, which is no argument of any program: every user of the machine can read those.
    let passphraseFile: String
    let sizeBytes: Int

    func path(_ part: String) -> String { scratch.path("\(name).\(part)") }

    func folder(_ part: String) throws -> String { try scratch.folder("\(name).\(part)") }

    /// Starts a server and waits until `mountPoint` is one.
    func serve(
        _ program: String,
        _ arguments: [String],
        mountPoint: String,
        environment: [String] = []
    ) throws -> Int32 {
        try scratch.serve(
            ChildProcess.find(program) ?? program,
            arguments,
            name: name,
            limitSeconds: PeerPlace.limitSeconds,
            environment: environment
        ) { MountTable.current().contains { $0.mountPoint == mountPoint } }
    }

    /// Deriving a key from a passphrase takes some of them many seconds on a busy machine.
    private static let limitSeconds = 180
}

/// What a peer serves.
struct PeerFile {
    /// The file to load; made by who fills it where it does not exist.
    let path: String
    let serverID: Int32
}
