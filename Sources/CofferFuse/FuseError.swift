/// Why a volume cannot be exposed: one sentence for people, and what they may do about it.
public struct FuseError: Error, Equatable, Sendable, CustomStringConvertible {
    public let message: String
    public let hint: String?

    init(_ message: String, hint: String? = nil) {
        (self.message, self.hint) = (message, hint)
    }

    public var description: String { message }

    static let noDevice = FuseError(
        "there is no /dev/fuse on this machine",
        hint: "load the kernel's fuse module, or start the container with --device /dev/fuse"
    )
    static let deviceDenied = FuseError(
        "/dev/fuse may not be opened by this user",
        hint: "let the user read and write /dev/fuse, or run as root"
    )
    static let noHelper = FuseError(
        "fusermount3, which mounts for users other than root, is not installed",
        hint: "apt-get install fuse3"
    )
    static let noAnswer = FuseError("the mount does not answer")
}
