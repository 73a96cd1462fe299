internal import ArgumentParser
internal import CLinux
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferSystem
internal import CofferTerminal
internal import Foundation

/// mount(8)'s helper for `mount -t coffer VOLUME DIR` and lines of fstab(5) with the type coffer: this program under the
/// name mount.coffer. It mounts as `coffer volume mount` does and says the same words; its exit codes are mount(8)'s.
enum MountHelper {
    static let name = "mount.coffer"

    /// Whether this process was started as the helper.
    static var isMeant: Bool { CommandLine.arguments.first?.split(separator: "/").last ?? "" == name }

    /// Where mount(8) finds it; nil where it is not installed.
    static var installed: String? {
        ["/sbin/\(name)", "/usr/sbin/\(name)"].first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// The path of this program.
    static var program: String { (try? OwnProgram.path()) ?? "/usr/bin/coffer" }

    /// How it ends. (mount(8), "EXIT STATUS".)
    private enum Status: Int32 {
        case done = 0
        case usage = 1
        /// The machine lacks something.
        case system = 2
        /// A mistake of this program's.
        case mistake = 4
        case interrupted = 8
        case failed = 32
    }

    /// Does what `arguments` ask for; gives the exit code.
    static func run(_ arguments: [String]) async -> Int32 {
        // What is built is held by this process alone until it is mounted, and goes with it.
        for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(Status.interrupted.rawValue) } }
        if ["-h", "--help"].contains(arguments.first ?? "") {
            print(MountArguments.help)
            return Status.done.rawValue
        }
        var status = Status.done
        do {
            try await mount(MountArguments(arguments))
        } catch {
            status = report(error)
        }
        do { try await OpenHomes.close() } catch { if status == .done { status = report(error) } }
        return status.rawValue
    }

    private static func mount(_ arguments: MountArguments) async throws {
        let order = try MountOrder(arguments.options, isSloppy: arguments.isSloppy)
        if let space = arguments.namespace { try restart(in: space, arguments.withoutNamespace) }
        let directory = URL(fileURLWithPath: arguments.directory).path
        if order.isRemount {
            if arguments.isFake { return }
            return try await remount(directory, order)
        }
        let volume = try volume(arguments.source)
        guard isFolder(directory) else {
            throw AWSError(
                .invalidParameterValue,
                "the mount point \(directory) does not exist",
                hint: "make it with `mkdir`, or have mount(8) do so with the option X-mount.mkdir"
            )
        }
        if arguments.isFake { return }
        let global = try GlobalOptions.parse(order.globalArguments)
        try requireHome(order.home)
        let home = try global.openHome()
        let attachment = try await global.volumes(of: home).mountVolume(
            volume,
            on: directory,
            options: order.mountOptions(arguments.filesystem),
            caller: try await global.caller(of: home)
        )
        attachment.notices.forEach { Terminal.error("\(name): \($0)") }
        if arguments.isVerbose { Terminal.error("\(name): \(volume) mounted on \(directory)") }
    }

    /// The volume that the first argument names. mount(8) makes a path of what is the name of a file in its folder.
    private static func volume(_ source: String) throws -> String {
        let name = source.hasPrefix("coffer:") ? String(source.dropFirst(7)) : source
        guard name.hasPrefix("/") else { return name }
        let last = name.split(separator: "/").last.map(String.init) ?? "VOLUME"
        throw AWSError(
            .invalidParameterValue,
            "\(name) is a path, and no volume's name",
            hint:
                "mount(8) takes a name for a file where its folder holds one of that name: write coffer:\(last)"
        )
    }

    /// A typing error in a path makes no home.
    private static func requireHome(_ path: String?) throws {
        let location = try HomeLocation(
            option: path,
            environment: ProcessInfo.processInfo.environment,
            isRoot: geteuid() == 0
        )
        guard FileManager.default.fileExists(atPath: "\(location.path)/catalog.sqlite") else {
            throw AWSError(
                .invalidParameterValue,
                "there is no home at \(location.path)",
                hint: "name it with the option home=FOLDER"
            )
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            && isFolder.boolValue
    }

    /// A filesystem that is mounted is the kernel's: plain mount(8) changes its options. It calls this program where fstab
    /// has the folder as one of coffer's.
    private static func remount(_ directory: String, _ order: MountOrder) async throws {
        guard let mounted = MountTable.current().last(where: { $0.mountPoint == directory }) else {
            throw AWSError(.incorrectState, "nothing is mounted on \(directory)")
        }
        let options = ["remount", order.isReadOnly ? "ro" : "rw"] + order.passed
        let outcome = try await ChildProcess.run(
            "mount",
            [
                "--internal-only", "--types", mounted.filesystemType, "--options",
                options.joined(separator: ","),
                "--", mounted.source, directory,
            ]
        )
        guard outcome.code == 0 else {
            throw AWSError(.internalError, "cannot mount \(directory) anew: \(outcome.errors)")
        }
    }

    /// Begins anew where `mount --namespace` wants the mount: a process, or a file of one. The program may have another path
    /// there, or none.
    private static func restart(in space: String, _ arguments: [String]) throws {
        let path = space.allSatisfy { $0.isASCII && $0.isNumber } ? "/proc/\(space)/ns/mnt" : space
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        let program = unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        var words = unsafe ([name] + arguments).map { unsafe strdup($0) } + [nil]
        _ = unsafe clinux_restart_in_mounts(descriptor, program, &words)
        throw AWSError(
            .missingRequirement,
            "cannot mount in the mount namespace \(path): \(SystemError.text(errno))"
        )
    }

    /// Says what failed, why, and what to do next.
    private static func report(_ error: any Error) -> Status {
        if let error = error as? MountUsage {
            Terminal.error("\(name): \(error.sentence)")
            return .usage
        }
        guard let error = error as? AWSError else {
            Terminal.error("\(name): \(error)")
            return .mistake
        }
        Terminal.error("\(name): \(error)")
        if let hint = error.hint { Terminal.error("hint: \(hint)") }
        return [.missingRequirement, .storageFull].contains(error.code) ? .system : .failed
    }
}
