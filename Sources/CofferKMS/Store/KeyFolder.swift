internal import CofferShapes
internal import CofferTrail
internal import Glibc

/// A home's `kms` folder.
enum KeyFolder {
    /// Runs `body` with the folder, made where it is missing, locked against every process.
    static func locked<Result: ~Copyable>(
        _ folder: String,
        _ body: () throws -> Result
    ) throws(AWSError) -> Result {
        try reporting {
            guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                throw FileError("making \(folder)")
            }
            let lock = try OpenFile(folder, .folder)
            try lock.lock()
            defer { lock.unlock() }
            return try body()
        }
    }

    /// Turns what files and libcrypto throw into what a caller may see.
    static func reporting<Result: ~Copyable>(_ body: () throws -> Result) throws(AWSError) -> Result {
        do { return try body() } catch { throw AWSError(meeting: error) }
    }
}
