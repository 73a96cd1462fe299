internal import CLinux
internal import CofferControl
internal import CofferShapes
internal import Glibc
internal import Logging

/// The process around one attachment: what it was started with, and how it ends.
enum Volumed {
    /// What the starter handed down.
    private static let starterSocket: Int32 = 3
    private static let backingFile: Int32 = 4

    static func main() -> Never {
        guard let volumeID = Self.volumeID(CommandLine.arguments) else {
            end(2, "usage: coffer-volumed --home PATH --volume vol-… (started by `coffer volume attach`)")
        }
        for descriptor in [starterSocket, backingFile] {
            // Neither may reach the helper that mounts.
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
                end(
                    2,
                    "coffer-volumed is started by `coffer volume attach`, which hands it descriptor \(descriptor)"
                )
            }
        }
        let starter = ControlChannel(adopting: starterSocket)
        var log = Logger(label: "coffer-volumed") { _ in LogFile.standardError }
        do {
            try Attachment.serve(volumeID, backingFile: backingFile, starter: starter, log: &log)
            exit(0)
        } catch {
            let failure = StartFailure(error)
            log.error("\(failure.message)")
            // The starter may be gone: that is what failed then.
            let error = AWSError(.internalError, failure.message, hint: failure.hint)
            try? starter.send(AttachAnswer.failed(DaemonFailure(error)))
            exit(1)
        }
    }

    /// `--home PATH --volume ID`, in this order.
    private static func volumeID(_ arguments: [String]) -> VolumeID? {
        guard arguments.count == 5, arguments[1] == "--home", arguments[3] == "--volume" else { return nil }
        return VolumeID(arguments[4])
    }

    private static func end(_ status: Int32, _ sentence: String) -> Never {
        var line = Array((sentence + "\n").utf8)
        unsafe write(STDERR_FILENO, &line, line.count)
        exit(status)
    }
}
