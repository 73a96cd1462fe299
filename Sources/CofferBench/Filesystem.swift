internal import CofferSystem
internal import Glibc

/// What a folder lies on.
enum Filesystem {
    enum Kind: Equatable {
        case ext4
        case tmpfs
        case other(String)
    }

    /// By its mount's type.
    static func kind(of folder: String) -> Kind {
        switch mount(of: folder)?.filesystemType {
        case "ext4": .ext4
        case "tmpfs": .tmpfs
        case let type: .other(type ?? "unknown")
        }
    }

    /// Such as "ext4 on vda": what it is, without where it is.
    static func title(of folder: String) -> String {
        guard let mount = mount(of: folder) else { return "unknown" }
        guard let disk = Disk(under: folder) else { return mount.filesystemType }
        return "\(mount.filesystemType) on \(disk.name)"
    }

    static func mount(of folder: String) -> MountEntry? {
        guard let real = unsafe realpath(folder, nil) else { return nil }
        defer { unsafe free(real) }
        let path = unsafe String(cString: real)
        // The last of those mounted on the longest path lies on top.
        return MountTable.current()
            .filter { $0.mountPoint == "/" || path == $0.mountPoint || path.hasPrefix("\($0.mountPoint)/") }
            .enumerated()
            .max { ($0.element.mountPoint.count, $0.offset) < ($1.element.mountPoint.count, $1.offset) }?
            .element
    }
}
