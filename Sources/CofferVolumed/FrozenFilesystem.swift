internal import CLinux
internal import CofferControl
internal import CofferSystem
internal import Glibc
internal import Logging

/// A filesystem on a volume that is held still, so that what lies on the volume is clean.
enum FrozenFilesystem {
    /// Runs `body` while the filesystem at a place holds still, which it does once it has written all that it
    /// held back. One that cannot be frozen is left alone: then what lies on the volume is what a power cut would leave,
    /// which its journal mends.
    static func run<Failure: Error>(
        _ place: FilesystemPlace,
        _ log: Logger,
        _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        let folder = unsafe open(place.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(folder) }
        // It may have been unmounted meanwhile: the folder below is another filesystem's, which nobody asked to freeze.
        guard folder >= 0, isOn(place, folder), clinux_freeze(folder) == 0 else {
            log.notice("the filesystem at \(place.directory) is not frozen for the snapshot: errno \(errno)")
            return try body()
        }
        // Never left frozen: whoever writes to it could not be killed.
        defer { clinux_thaw(folder) }
        try body()
    }

    private static func isOn(_ place: FilesystemPlace, _ folder: Int32) -> Bool {
        var status = stat()
        guard unsafe fstat(folder, &status) == 0 else { return false }
        return DeviceNumber(status.st_dev)
            == DeviceNumber(major: place.deviceMajor, minor: place.deviceMinor)
    }
}
