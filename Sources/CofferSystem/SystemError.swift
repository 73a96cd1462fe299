internal import Glibc

/// What an errno means, in words.
package enum SystemError {
    package static func text(_ code: Int32) -> String {
        guard let words = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: words)
    }
}
