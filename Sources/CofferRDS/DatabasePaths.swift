public import CofferEBS
internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Where an instance keeps what: its archive in the home, and what lasts as long as it runs in the runtime folder.
public struct DatabasePaths: Sendable {
    let home: String
    private let runtime: String
    /// Finds the `coffer-rds` to start as supervisor; asked at a start alone.
    let supervisor: @Sendable () throws -> String

    public init(volumes: VolumePaths, supervisor: @escaping @Sendable () throws -> String) {
        home = volumes.home
        runtime = volumes.runtimeFolder
        self.supervisor = supervisor
    }

    /// The log archive, ciphertext.
    func archive(_ id: DatabaseID) -> String { "\(home)/databases/\(id)/archive" }
    func folder(_ id: DatabaseID) -> String { "\(home)/databases/\(id)" }

    /// Short: the path of a socket in it has to fit an address.
    func runtimeFolder(_ identifier: DatabaseIdentifier) -> String {
        "\(runtime)/\(RuntimeFolder.databaseFolderName(identifier))"
    }
    func mount(_ identifier: DatabaseIdentifier) -> String { "\(runtimeFolder(identifier))/mount" }
    func socketFolder(_ identifier: DatabaseIdentifier) -> String { "\(runtimeFolder(identifier))/s" }
    func status(_ identifier: DatabaseIdentifier) -> String { "\(runtimeFolder(identifier))/status.json" }
    func lock(_ identifier: DatabaseIdentifier) -> String { "\(runtimeFolder(identifier))/supervisor.lock" }
    /// What a supervisor said that ended before anybody could ask it.
    func log(_ identifier: DatabaseIdentifier) -> String { "\(runtimeFolder(identifier))/supervisor.log" }

    /// Makes the instance's runtime folder. Engines run as users of their own, who have to get through, and see nothing
    /// on the way.
    func prepareRuntime(_ identifier: DatabaseIdentifier) throws {
        try Folder.make(runtimeFolder(identifier), mode: 0o711)
        // The folder of all homes is on the way as well.
        let base = runtime.lastIndex(of: "/").map { String(runtime[..<$0]) } ?? runtime
        for folder in [base, runtime, runtimeFolder(identifier)] {
            var status = stat()
            guard unsafe lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
                status.st_uid == geteuid(), status.st_mode & 0o022 == 0, unsafe chmod(folder, 0o711) == 0
            else {
                throw AWSError(
                    .accessDenied,
                    "the runtime folder \(folder) is not this user's own, or others can write to it",
                    hint: "remove it, or name another place with XDG_RUNTIME_DIR"
                )
            }
        }
    }
}
