internal import Foundation
internal import Glibc

/// A folder of its own for one test, gone with its owner.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        var template = Array("/tmp/coffer-test-XXXXXX".utf8CString)
        guard let made = unsafe mkdtemp(&template) else { throw CannotMakeFolder(errno: errno) }
        path = unsafe String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func path(_ name: String) -> String { path + "/" + name }

    public struct CannotMakeFolder: Error { public let errno: Int32 }
}
