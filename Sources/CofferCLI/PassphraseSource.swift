internal import CofferSecrets
internal import CofferShapes
internal import Glibc

/// Where a passphrase comes from: a file, or the terminal with its echo off. Never an argument or the environment.
struct PassphraseSource: Sendable {
    let file: String?

    /// The longest passphrase, bytes.
    static let maximumBytes = 1024

    /// The passphrase, without the line's end. Throws `Coffer.Sealed` where there is none to be had.
    func read(prompt: String = "Passphrase of the home: ") throws -> SecretBytes {
        if let file {
            let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw AWSError(
                    .sealed,
                    "cannot read the passphrase file \(file): \(unsafe String(cString: strerror(errno)))"
                )
            }
            defer { close(descriptor) }
            return try Self.line(from: descriptor)
        }
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw AWSError(
                .sealed,
                "the home is sealed under a passphrase, and there is no terminal to ask for it",
                hint: "give a file with --passphrase-file"
            )
        }
        defer { close(terminal) }
        return try Self.withoutEcho(terminal) {
            _ = unsafe write(terminal, prompt, prompt.utf8.count)
            defer { _ = unsafe write(terminal, "\n", 1) }
            return try Self.line(from: terminal)
        }
    }

    /// A new passphrase: from the file, or typed twice alike.
    func readTwice() throws -> SecretBytes {
        let first = try read(prompt: "New passphrase: ")
        guard file == nil else { return first }
        guard first.constantTimeEquals(try read(prompt: "The same again: ")) else {
            throw AWSError(.validation, "the two passphrases differ")
        }
        return first
    }

    /// Reads up to the end of the first line, straight into locked memory.
    private static func line(from descriptor: Int32) throws -> SecretBytes {
        var count = 0
        let room = SecretBytes(count: maximumBytes + 1) { span in
            unsafe span.withUnsafeMutableBytes { buffer in
                while count < buffer.count {
                    // The buffer is not empty.
                    let got = unsafe Glibc.read(descriptor, buffer.baseAddress! + count, 1)
                    if got < 0 && errno == EINTR { continue }
                    guard got == 1, unsafe buffer[count] != UInt8(ascii: "\n") else { break }
                    count += 1
                }
            }
        }
        guard (1...maximumBytes).contains(count) else {
            throw AWSError(.sealed, "a passphrase has 1 to \(maximumBytes) bytes")
        }
        return room.part(at: 0, count: count)
    }

    private static func withoutEcho(
        _ terminal: Int32,
        _ body: () throws -> SecretBytes
    ) throws -> SecretBytes {
        var before = termios()
        guard unsafe tcgetattr(terminal, &before) == 0 else { return try body() }
        // Ctrl-C and Ctrl-Z wait until the echo is back: a terminal that stays silent is worse.
        var held = sigset_t()
        unsafe sigemptyset(&held)
        for signal in [SIGINT, SIGTERM, SIGQUIT, SIGTSTP, SIGHUP] { unsafe sigaddset(&held, signal) }
        var mask = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, &held, &mask)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &mask, nil) }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        unsafe tcsetattr(terminal, TCSAFLUSH, &silent)
        defer { unsafe tcsetattr(terminal, TCSAFLUSH, &before) }
        return try body()
    }
}
