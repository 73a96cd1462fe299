internal import CofferControl
internal import Glibc

/// What is left in the runtime folder when a filesystem was unmounted by hand: no command comes to clean up.
enum Leavings {
    /// Takes it away, unless a command is at work on the volume, which does so itself. The lock stays until this process
    /// ends, as that of the volume's file does: whoever waits for the one finds the other free.
    static func remove(_ leavings: AttachmentLeavings) {
        let lock = unsafe open(leavings.operationLock, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard lock >= 0 else { return }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            return
        }
        for file in leavings.files { unsafe unlink(file) }
        unsafe rmdir(leavings.folder)
    }
}
