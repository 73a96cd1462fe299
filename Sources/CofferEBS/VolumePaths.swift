internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Where volumes lie, and where their daemons leave their traces.
public struct VolumePaths: Sendable {
    /// The home's real path: also an argument of each daemon, for whoever lists processes.
    public let home: String
    public let runtime: RuntimeFolder
    /// Finds the `coffer-volumed` to start; asked at an attach alone.
    public let daemon: @Sendable () throws -> String

    public init(home: String, runtimeBase: String, daemon: @escaping @Sendable () throws -> String) {
        self.home = home
        self.daemon = daemon
        runtime = RuntimeFolder(homePath: home, base: runtimeBase)
    }

    /// What lasts as long as attachments of this home do.
    package var runtimeFolder: String { runtime.path }

    var volumesFolder: String { "\(home)/volumes" }
    var snapshotsFolder: String { "\(home)/snapshots" }

    func file(_ id: VolumeID) -> String { "\(volumesFolder)/\(id).coffer" }

    /// The fill map of a volume that is not all under its own key.
    func fillMap(_ id: VolumeID) -> String { "\(volumesFolder)/\(id).fill" }

    /// The volume's changed-block map, beside its file.
    func changedMap(_ id: VolumeID) -> String { "\(volumesFolder)/\(id).changed" }

    /// Makes names in the volumes' folder durable.
    func syncVolumesFolder() throws {
        let descriptor = unsafe open(volumesFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot open \(volumesFolder): \(SystemError.text(errno))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw AWSError(.internalError, "cannot sync \(volumesFolder): \(SystemError.text(errno))")
        }
    }
}

/// Facts about the process's namespaces.
enum SystemNamespace {
    /// Inode of this process's mount namespace.
    static let mount: UInt64 = {
        var status = stat()
        return unsafe stat("/proc/self/ns/mnt", &status) == 0 ? UInt64(status.st_ino) : 0
    }()
}
