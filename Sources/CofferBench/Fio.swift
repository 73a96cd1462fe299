internal import CofferShapes
internal import CofferSystem

/// Loads made by fio(1).
public struct Fio: LoadEngine {
    public let title: String
    private let path: String

    /// nil where fio is not installed.
    static func installed() throws -> Fio? {
        guard let path = ChildProcess.find("fio") else { return nil }
        return Fio(title: try Tool.run(path, ["--version"]), path: path)
    }

    public func run(_ load: Load, on target: LoadTarget, for time: RunTime) throws -> LoadResult {
        // Past its time a one-pass load still syncs what it has written.
        let limit = (time.milliseconds + time.warmUpMilliseconds) / 1000 + 300
        let output = try Tool.run(path, Self.arguments(load, target, time), limitSeconds: limit)
        return try FioOutput.result(of: load, in: output)
    }

    static func arguments(_ load: Load, _ target: LoadTarget, _ time: RunTime) -> [String] {
        let isRandom = load.pattern == .random
        let direction = load.direction == .read ? "read" : "write"
        let parts = isRandom ? 1 : load.clients
        let size = target.sizeBytes / parts / load.blockBytes * load.blockBytes
        var arguments = [
            "--name=load", "--filename=\(target.path)", "--allow_file_create=0",
            "--rw=\(isRandom ? "rand" : "")\(direction)", "--bs=\(load.blockBytes)", "--size=\(size)",
            // Through the page cache libaio waits for each request all the same.
            "--ioengine=\(load.isDirect ? "libaio" : "psync")", "--iodepth=\(load.isDirect ? load.depth : 1)",
            "--direct=\(load.isDirect ? 1 : 0)", "--numjobs=\(load.clients)", "--group_reporting",
            "--runtime=\(time.milliseconds)ms", "--output-format=json+",
        ]
        if parts > 1 { arguments.append("--offset_increment=\(size)") }
        if !load.isOnePass { arguments.append("--time_based") }
        let warmUp = time.warmUpMilliseconds(of: load)
        if warmUp > 0 { arguments.append("--ramp_time=\(warmUp)ms") }
        switch load.durability {
        case .never: break
        case .atEnd: arguments.append("--end_fsync=1")
        case .eachWrite: arguments.append("--fsync=1")
        }
        return arguments
    }
}
