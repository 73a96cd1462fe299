internal import CofferShapes
internal import CofferSystem
internal import Foundation
internal import Glibc

/// A folder of a bench's own, and all that the bench has set up in and around it: undone in reverse, after success,
/// failure and interruption alike. What a server that died has left (its mount, a loop device above it) is looked up in
/// the kernel's tables and undone, too.
public final class Scratch {
    /// Its real path, as the mount table has it.
    public let path: String
    private var steps: [() throws -> Void] = []

    /// Makes a folder in `backing`, lends it to `body`, and takes everything away again. `complain` hears of what could
    /// not be undone.
    public static func use<Result>(
        in backing: String,
        complain: (String) -> Void,
        _ body: (Scratch) throws -> Result
    ) throws -> Result {
        let scratch = try Scratch(in: backing)
        defer { scratch.remove(complain) }
        return try body(scratch)
    }

    private init(in backing: String) throws {
        let hint = "name a folder that you may write to with --backing"
        guard let real = unsafe realpath(backing, nil) else {
            throw AWSError(
                .invalidParameterValue,
                "cannot use the folder \(backing): \(SystemError.text(errno))",
                hint: hint
            )
        }
        defer { unsafe free(real) }
        var template = Array("\(unsafe String(cString: real))/coffer-bench.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw AWSError(
                .invalidParameterValue,
                "cannot make a folder in \(backing): \(SystemError.text(errno))",
                hint: hint
            )
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path of something in the folder.
    public func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a folder in it.
    public func folder(_ name: String) throws -> String {
        guard unsafe mkdir(path(name), 0o700) == 0 else {
            throw AWSError(.internalError, "cannot make \(path(name)): \(SystemError.text(errno))")
        }
        return path(name)
    }

    /// Makes a file that is all hole.
    public func sparseFile(_ name: String, sizeBytes: Int) throws -> String {
        let descriptor = unsafe open(path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AWSError(.internalError, "cannot make \(path(name)): \(SystemError.text(errno))")
        }
        defer { close(descriptor) }
        guard ftruncate(descriptor, sizeBytes) == 0 else {
            throw AWSError(
                .invalidParameterValue,
                "cannot make a file of \(sizeBytes) bytes in \(path): \(SystemError.text(errno))",
                hint: "name a folder on another filesystem with --backing"
            )
        }
        return path(name)
    }

    /// Has `step` done at the end, before the steps that were noted earlier. It must not depend on what it undoes still
    /// being there.
    public func atEnd(_ step: @escaping () throws -> Void) { steps.append(step) }

    /// Undoes at once, where `body` fails, what `body` has noted to be done at the end. `complain` hears of what could
    /// not be undone.
    func undoingAtFailure<Result>(
        _ complain: (String) -> Void,
        _ body: () throws -> Result
    ) throws -> Result {
        let count = steps.count
        do {
            return try body()
        } catch {
            undo(downTo: count, complain)
            throw error
        }
    }

    /// Starts a server in a session of its own, so that Ctrl-C reaches the bench alone, and waits until `isReady`.
    /// Gives its process id. InternalError with its last words where it ends or is not ready in time.
    @discardableResult
    public func serve(
        _ program: String,
        _ arguments: [String],
        name: String,
        limitSeconds: Int = 20,
        environment: [String] = [],
        isReady: () throws -> Bool
    ) throws -> Int32 {
        let log = path("\(name).log")
        let output = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(output)
            close(null)
        }
        let processID = try ChildProcess.spawn(
            program,
            arguments,
            descriptors: [(0, null), (1, output), (2, output)],
            environment: ChildProcess.toolEnvironment + environment,
            newSession: true
        )
        atEnd {
            guard ChildProcess.end(processID, limitSeconds: 30) else {
                throw AWSError(.internalError, "\(name) (process \(processID)) does not end")
            }
        }
        let deadline = ContinuousClock.now + .seconds(limitSeconds)
        while try !isReady() {
            try Interruption.check()
            let state = ProcessStat.fields(of: processID)?.first
            guard let state, state != "Z", ContinuousClock.now < deadline else {
                let words = (TextFile.contents(log) ?? "").suffix(600)
                throw AWSError(.internalError, "\(name) does not serve: \(words)")
            }
            usleep(2000)
        }
        return processID
    }

    // MARK: - Undoing

    private func remove(_ complain: (String) -> Void) {
        undo(downTo: 0, complain)
        unmountRest()
        let rest = MountTable.current().filter { $0.mountPoint.hasPrefix("\(path)/") }
        guard rest.isEmpty else {
            return complain("still mounted, and left: \(rest.map(\.mountPoint).joined(separator: ", "))")
        }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            complain("cannot remove \(path): \(error)")
        }
    }

    private func undo(downTo count: Int, _ complain: (String) -> Void) {
        while steps.count > count {
            let step = steps.removeLast()
            do { try step() } catch {
                complain("cleaning up: \(error)")
            }
        }
    }

    /// Takes away mounts and loop devices that no step has, the newest first.
    private func unmountRest() {
        for mount in MountTable.current().reversed() where mount.mountPoint.hasPrefix("\(path)/") {
            Self.unmount(mount.mountPoint)
        }
        for loop in LoopDevice.all(backedBelow: path) { loop.clear() }
    }

    /// Unmounts, also what is hung or in use: nobody will miss what is in it.
    static func unmount(_ directory: String) {
        let isMounted = { MountTable.current().contains { $0.mountPoint == directory } }
        for (program, arguments) in [
            ("umount", [directory]), ("fusermount3", ["-u", directory]), ("umount", ["--lazy", directory]),
            ("fusermount3", ["-u", "-z", directory]),
        ] where isMounted() {
            // Whether it went is asked of the mount table.
            _ = try? ChildProcess.runBlocking(program, arguments, limitSeconds: 60, newSession: true)
        }
    }
}
