internal import CofferSecrets
internal import CofferTrail
internal import Glibc

/// Files that are there whole or not at all, whatever a crash interrupts; mode 0600.
enum AtomicFile {
    /// Puts `bytes` in the place of `name` in `folder`: a temporary file beside it, fsync, rename, fsync of
    /// the folder. Callers hold the folder's lock, so that the temporary name has one user.
    static func store(_ bytes: RawSpan, as name: String, in folder: String) throws(FileError) {
        let temporary = "\(folder)/\(temporaryName(name))"
        // Left by a crash; half of it may be missing.
        guard unsafe unlink(temporary) == 0 || errno == ENOENT else {
            throw FileError("removing \(temporary)")
        }
        let file = try OpenFile(temporary, .create)
        try file.write(bytes)
        try file.sync()
        let path = "\(folder)/\(name)"
        guard unsafe rename(temporary, path) == 0 else { throw FileError("renaming to \(path)") }
        try syncFolder(folder)
    }

    /// What a file is called until it is whole.
    static func temporaryName(_ name: String) -> String { "\(name).new" }

    /// Overwrites a file that held a secret and removes it. This reaches the file's own blocks where the
    /// filesystem writes in place; copies made by snapshots, journals or a flash drive stay.
    static func destroy(_ name: String, in folder: String) throws(FileError) {
        let path = "\(folder)/\(name)"
        do {
            let file = try OpenFile(path, .overwrite)
            try file.write([UInt8](repeating: 0, count: try file.status().sizeBytes))
            try file.sync()
        } catch let error where error.code == ENOENT {
            return
        }
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError("removing \(path)") }
        try syncFolder(folder)
    }

    static func exists(_ name: String, in folder: String) -> Bool {
        unsafe access("\(folder)/\(name)", F_OK) == 0
    }

    private static func syncFolder(_ folder: String) throws(FileError) {
        try OpenFile(folder, .folder).sync()
    }
}
