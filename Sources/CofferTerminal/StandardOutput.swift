// To C stdout is a variable; nothing here changes it.
@unsafe @preconcurrency internal import Glibc

/// Standard output as a place where results can get lost.
package enum StandardOutput {
    /// Hands over all that was printed so far, and throws where any of it was lost: a full disk shows only here.
    package static func flush() throws(OutputLost) {
        guard unsafe fflush(stdout) == 0 && ferror(stdout) == 0 else { throw OutputLost() }
    }
}

/// A result that reached nobody is no success: who relies on it may delete what it was made from.
package struct OutputLost: Error, CustomStringConvertible {
    package var description: String { "the result could not be written to standard output" }
}
