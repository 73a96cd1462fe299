internal import CofferShapes
internal import Glibc
internal import Logging

/// Lines appended to a file, each by one write(2), so that several daemons may share it. What is logged never holds a
/// key: `SecretBytes` has no description.
struct LogFile: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    private let descriptor: Int32

    /// Where lines go before the starter has said where.
    static let standardError = LogFile(descriptor: STDERR_FILENO)

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// Opens the file, or makes it with mode 0600. It stays open to the end of the process.
    init(path: String) throws {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw StartFailure("the log \(path) cannot be opened: errno \(errno)") }
    }

    func log(event: LogEvent) {
        var line = "\(SystemClock().now.iso8601) \(event.level) coffer-volumed[\(getpid())]"
        if let volume = metadata["volume"] { line += " \(volume)" }
        line += ": \(event.message)\n"
        var bytes = Array(line.utf8)
        // A log that cannot be written must not stop a disk.
        unsafe write(descriptor, &bytes, bytes.count)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
