package import CofferSecrets
internal import CofferShapes
internal import Glibc

/// Where a passphrase or a PIN comes from: a file, or the terminal with its echo off. Never an argument or the
/// environment.
package struct PassphraseSource: Sendable {
    package let file: String?
    /// What it is called, and the option that names its file: for messages.
    package let name: String
    package let option: String

    package init(file: String?, name: String = "passphrase", option: String = "--passphrase-file") {
        (self.file, self.name, self.option) = (file, name, option)
    }

    /// The longest that is taken, bytes.
    package static let maximumBytes = 1024

    /// The secret, without the line's end. Throws `Coffer.Sealed` where there is none to be had.
    package func read(prompt: String = "Passphrase of the home: ") throws -> SecretBytes {
        if let file {
            let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw AWSError(
                    .sealed,
                    "cannot read the \(name) file \(file): \(unsafe String(cString: strerror(errno)))"
                )
            }
            defer { close(descriptor) }
            return try line(from: descriptor)
        }
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw AWSError(
                .sealed,
                "a \(name) is needed, and there is no terminal to ask for it",
                hint: "give a file with \(option)"
            )
        }
        defer { close(terminal) }
        do {
            return try Self.withoutEcho(terminal) { interrupt in
                _ = unsafe write(terminal, prompt, prompt.utf8.count)
                defer { _ = unsafe write(terminal, "\n", 1) }
                return try line(from: terminal, interrupt: interrupt)
            }
        } catch is Interrupted {
            // The echo is back: end as Ctrl-C ends a program.
            raise(SIGINT)
            throw AWSError(.sealed, "no \(name) was given")
        }
    }

    /// A new passphrase: from the file, or typed twice alike.
    package func readTwice() throws -> SecretBytes {
        let first = try read(prompt: "New passphrase: ")
        guard file == nil else { return first }
        guard first.constantTimeEquals(try read(prompt: "The same again: ")) else {
            throw AWSError(.validation, "the two passphrases differ")
        }
        return first
    }

    /// Somebody typed Ctrl-C in place of a secret.
    private struct Interrupted: Error {}

    /// Reads up to the end of the first line, straight into locked memory. Throws `Interrupted` at the byte `interrupt`.
    private func line(from descriptor: Int32, interrupt: UInt8? = nil) throws -> SecretBytes {
        var count = 0
        var isInterrupted = false
        let room = SecretBytes(count: Self.maximumBytes + 1) { span in
            unsafe span.withUnsafeMutableBytes { buffer in
                while count < buffer.count {
                    // The buffer is not empty.
                    let got = unsafe Glibc.read(descriptor, buffer.baseAddress! + count, 1)
                    if got < 0 && errno == EINTR { continue }
                    guard got == 1, unsafe buffer[count] != UInt8(ascii: "\n") else { break }
                    if unsafe buffer[count] == interrupt {
                        isInterrupted = true
                        break
                    }
                    count += 1
                }
            }
        }
        if isInterrupted { throw Interrupted() }
        guard (1...Self.maximumBytes).contains(count) else {
            throw AWSError(.sealed, "a \(name) has 1 to \(Self.maximumBytes) bytes")
        }
        return room.part(at: 0, count: count)
    }

    /// Turns the echo off while `body` reads, and with it the keys that send signals: one of those would end or stop this
    /// process and leave the terminal silent. A signal mask would not do, as it holds for one thread of several. In their
    /// place the key for SIGINT ends the line, and `body` is told its byte.
    private static func withoutEcho(
        _ terminal: Int32,
        _ body: (_ interrupt: UInt8?) throws -> SecretBytes
    ) throws -> SecretBytes {
        var before = termios()
        guard unsafe tcgetattr(terminal, &before) == 0 else { return try body(nil) }
        let interrupt = before.c_cc.0  // VINTR; 0 where the terminal has no such key
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        silent.c_cc.11 = interrupt  // VEOL
        unsafe tcsetattr(terminal, TCSAFLUSH, &silent)
        defer { unsafe tcsetattr(terminal, TCSAFLUSH, &before) }
        return try body(interrupt == 0 ? nil : interrupt)
    }
}
