internal import CLinux
internal import CofferShapes
internal import FoundationEssentials
internal import Glibc

/// A loop device over a file, such as a volume's exposed one: direct I/O, and its logical block is the data unit, so
/// that no request is smaller than one. Autoclear is set from the start: the kernel detaches it at its last close, so
/// neither a crash nor a plain umount(8) leaves one behind.
package struct LoopDevice: Sendable, Equatable {
    package let path: String
    package let deviceMajor: UInt32
    package let deviceMinor: UInt32

    /// Attaches a free loop device to an open file. Gives the device and the descriptor that holds it until a mount
    /// does; the caller closes it.
    package static func attach(
        _ backing: Int32,
        name: String,
        blockBytes: Int,
        isReadOnly: Bool
    ) throws -> (device: LoopDevice, descriptor: Int32) {
        let control = unsafe open("/dev/loop-control", O_RDWR | O_CLOEXEC)
        guard control >= 0 else {
            throw AWSError(
                .missingRequirement,
                "cannot open /dev/loop-control: \(SystemError.text(errno))",
                hint: "load the loop module (`modprobe loop`), or run as root"
            )
        }
        defer { close(control) }
        // Another process may take the free device between the two calls: ask again then.
        for _ in 0..<64 {
            let index = clinux_loop_free_index(control)
            guard index >= 0 else {
                throw AWSError(.missingRequirement, "no loop device is free: \(SystemError.text(errno))")
            }
            let path = "/dev/loop\(index)"
            let descriptor = unsafe open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw AWSError(.missingRequirement, "cannot open \(path): \(SystemError.text(errno))")
            }
            if unsafe clinux_loop_configure(descriptor, backing, UInt32(blockBytes), isReadOnly ? 1 : 0, name)
                == 0
            {
                guard let device = LoopDevice(name: "loop\(index)") else { break }
                return (device, descriptor)
            }
            let code = errno
            close(descriptor)
            guard code == EBUSY else {
                throw AWSError(.internalError, "cannot attach \(path): \(SystemError.text(code))")
            }
        }
        throw AWSError(.internalError, "no loop device stayed free long enough to be attached")
    }

    /// The loop devices whose backing file has this path.
    package static func all(backedBy path: String) -> [LoopDevice] { all { $0 == path } }

    /// The loop devices whose backing file is somewhere in this folder.
    package static func all(backedBelow folder: String) -> [LoopDevice] { all { $0.hasPrefix("\(folder)/") } }

    private static func all(where isMeant: (String) -> Bool) -> [LoopDevice] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/block")) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("loop"), let file = firstLine("/sys/block/\(name)/loop/backing_file"),
                isMeant(file)
            else {
                return nil
            }
            return LoopDevice(name: name)
        }
    }

    /// Asks the kernel to detach the device now; harmless where it is gone.
    package func clear() {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = clinux_loop_clear(descriptor)
    }

    /// Has the device take its size from its backing file anew, which has grown.
    package func takeSize() throws {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot open \(path): \(SystemError.text(errno))")
        }
        defer { close(descriptor) }
        guard clinux_loop_set_capacity(descriptor) == 0 else {
            throw AWSError(.internalError, "cannot grow \(path): \(SystemError.text(errno))")
        }
    }

    /// nil where the kernel does not know the device. Its minor number is no part of its name.
    private init?(name: String) {
        let numbers =
            Self.firstLine("/sys/block/\(name)/dev")?.split(separator: ":").compactMap { UInt32($0) } ?? []
        guard numbers.count == 2 else { return nil }
        path = "/dev/\(name)"
        (deviceMajor, deviceMinor) = (numbers[0], numbers[1])
    }

    private static func firstLine(_ path: String) -> String? {
        TextFile.contents(path)?.split(separator: "\n").first.map(String.init)
    }
}
