internal import Glibc

/// A folder that goes with its owner.
public final class TemporaryFolder: Sendable {
    public let path: String

    public init() throws {
        var template = Array("/tmp/coffer-test-XXXXXX".utf8CString)
        guard let made = unsafe mkdtemp(&template) else { throw CannotMakeFolder(errno: errno) }
        path = unsafe String(cString: made)
    }

    deinit {
        // Tests make files, not folders, in it; what cannot be removed is left to the system's own cleaning.
        if let folder = unsafe opendir(path) {
            while let entry = unsafe readdir(folder) {
                let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { unsafe unlink(self.path(name)) }
            }
            unsafe closedir(folder)
        }
        unsafe rmdir(path)
    }

    public func path(_ name: String) -> String { path + "/" + name }

    public struct CannotMakeFolder: Error { public let errno: Int32 }
}
