internal import CofferShapes
internal import CofferSystem
internal import Glibc

/// Two ext4 on one disk: on a Coffer volume, as `coffer volume mount` makes and mounts it, and on a loop device over a
/// bare file, made and mounted the same way. Both loop devices use direct I/O.
struct FilesystemPair {
    static let subjects = ["Coffer volume", "plain loop device"]

    /// The kernel else writes empty inode tables in the background, for minutes after the first mount.
    private static let mountOption = "noinit_itable"

    /// Where they are mounted, in the order of the subjects.
    let folders: [String]

    /// Each of `sizeBytes`, and gone with the scratch folder. Needs root, as mount(8) does.
    init(sizeBytes: Int, program: String, scratch: Scratch) throws {
        guard geteuid() == 0 else {
            throw AWSError(
                .missingRequirement,
                "cannot mount ext4 on a loop device: only root can",
                hint: "run it with sudo"
            )
        }
        folders = try ["volume", "plain"].map { try scratch.folder($0) }
        try Self.mountPlain(on: folders[1], sizeBytes: sizeBytes, scratch)
        let home = ScratchHome(program: program, scratch: scratch)
        try home.create("bench", sizeBytes: sizeBytes)
        try home.mount("bench", on: folders[0], options: Self.mountOption)
    }

    private static func mountPlain(on folder: String, sizeBytes: Int, _ scratch: Scratch) throws {
        let path = try scratch.sparseFile("plain.backing", sizeBytes: sizeBytes)
        let file = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            throw AWSError(.internalError, "cannot open \(path): \(SystemError.text(errno))")
        }
        defer { close(file) }
        scratch.atEnd { Scratch.unmount(folder) }
        let (loop, descriptor) = try LoopDevice.attach(file, name: path, blockBytes: 4096, isReadOnly: false)
        // Mounted by then; where it is not, the device goes with its last descriptor.
        defer { close(descriptor) }
        try Tool.run("mkfs.ext4", ["-q", "-F", "-E", "nodiscard", loop.path])
        try Tool.run(
            "mount",
            ["-t", "ext4", "-o", "errors=remount-ro,\(mountOption)", "--", loop.path, folder]
        )
    }
}
