// To C stdout is a variable; nothing here changes it.
@unsafe @preconcurrency internal import Glibc

/// Standard output as a place where results can get lost.
enum StandardOutput {
    /// Hands over all that was printed so far, and throws where any of it was lost: a full disk shows only here.
    static func flush() throws(OutputLost) {
        guard unsafe fflush(stdout) == 0 && ferror(stdout) == 0 else { throw OutputLost() }
    }
}

/// A result that reached nobody is no success: who relies on it may delete what it was made from.
struct OutputLost: Error, CustomStringConvertible {
    var description: String { "the result could not be written to standard output" }
}
