internal import Glibc

/// The kernel's cache of files, emptied before a run so that reads miss it.
enum PageCache {
    /// Writes back what is dirty, and drops all that is clean: of every layer, where root asks for it, or else of the
    /// file alone. Gives whether all was dropped.
    @discardableResult
    static func drop(_ path: String) -> Bool {
        sync()
        let control = unsafe open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC)
        if control >= 0 {
            defer { close(control) }
            if unsafe write(control, "3", 1) == 1 { return true }
        }
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
        return false
    }
}
