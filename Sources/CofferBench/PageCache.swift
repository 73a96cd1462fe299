internal import Glibc

/// The kernel's cache of files, emptied before a run so that reads miss it.
final class PageCache {
    private let notice: (_ words: String) -> Void
    private var hasTold = false

    /// `notice` hears, once, that not all could be dropped.
    init(notice: @escaping (_ words: String) -> Void) { self.notice = notice }

    /// Writes back what is dirty, and drops all that is clean: of every layer, where root asks for it, or else of the
    /// file alone.
    func drop(_ path: String) {
        sync()
        let control = unsafe open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC)
        if control >= 0 {
            defer { close(control) }
            if unsafe write(control, "3", 1) == 1 { return }
        }
        if !hasTold {
            notice(
                "only root can drop all caches: reads may find in memory what lies below the file under load"
            )
            hasTold = true
        }
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
        close(file)
    }
}
