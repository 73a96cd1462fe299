internal import CFuse
internal import CofferSystem
internal import Glibc
internal import Synchronization

/// stat(2) of a path by a thread that may hang without holding anybody up.
final class MountProbe: Sendable {
    struct Found: Sendable {
        var errno: Int32 = 0
        var sizeBytes: UInt64 = 0
        /// The minor number of the file's device.
        var connection: UInt32 = 0
    }

    private let path: String
    private let found = Mutex<Found?>(nil)

    init(path: String) { self.path = path }

    /// nil when there was no answer in time, or no thread to ask with; one that waits is left to itself.
    func wait(timeoutMilliseconds: Int) -> Found? {
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self)
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<MountProbe>.fromOpaque(argument).takeRetainedValue().look()
                return nil
            },
            argument.toOpaque()
        )
        guard status == 0 else {
            unsafe argument.release()
            return nil
        }
        pthread_detach(thread)
        for _ in 0..<max(1, timeoutMilliseconds) {
            if let found = found.withLock({ $0 }) { return found }
            usleep(1000)
        }
        return nil
    }

    private func look() {
        var status = stat()
        let result = unsafe stat(path, &status)
        let error = result == 0 ? 0 : errno
        found.withLock {
            $0 = Found(
                errno: error,
                sizeBytes: UInt64(status.st_size),
                connection: DeviceNumber(status.st_dev).minor
            )
        }
    }
}
