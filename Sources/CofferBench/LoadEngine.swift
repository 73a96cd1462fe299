internal import Glibc

/// A file under load, such as a volume's exposed one: it exists, and holds data all over.
public struct LoadTarget: Sendable {
    public var path: String
    /// How much of it is used.
    public var sizeBytes: Int

    public init(path: String, sizeBytes: Int) { (self.path, self.sizeBytes) = (path, sizeBytes) }

    /// Whether it can be loaded past the page cache. Asked as fio asks: a server of files may refuse at open(2) what
    /// the kernel grants a file that is open.
    var takesDirect: Bool {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | Self.directFlag)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    // O_DIRECT, which glibc shows only under _GNU_SOURCE.
    #if arch(arm64)
    static let directFlag: Int32 = 0o200000
    #else
    static let directFlag: Int32 = 0o40000
    #endif
}

/// How long a run lasts.
public struct RunTime: Sendable {
    public var milliseconds: Int
    /// Loaded before and not counted; a load that is durable, or one pass, has none.
    public var warmUpMilliseconds: Int

    public init(milliseconds: Int, warmUpMilliseconds: Int = 500) {
        (self.milliseconds, self.warmUpMilliseconds) = (milliseconds, warmUpMilliseconds)
    }

    func warmUpMilliseconds(of load: Load) -> Int {
        load.isOnePass || load.durability != .never ? 0 : warmUpMilliseconds
    }
}

/// What a run reached.
public struct LoadResult: Sendable {
    /// Both above 0.
    public var bytesPerSecond: Double
    public var operationsPerSecond: Double
    public var byteCount: UInt64
    public var operationCount: UInt64
    /// Empty where single operations were not timed.
    public var latency: LatencyHistogram

    /// In the load's unit.
    public func rate(of load: Load) -> Double {
        load.pattern == .sequential ? bytesPerSecond / 1_048_576 : operationsPerSecond
    }
}

/// What puts a load on a file.
public protocol LoadEngine: Sendable {
    /// Its name and version.
    var title: String { get }

    /// Runs a load. InternalError where it fails or moves nothing; `Interrupted` where the bench was asked to stop.
    func run(_ load: Load, on target: LoadTarget, for time: RunTime) throws -> LoadResult
}

/// The engines there are.
public enum LoadEngines {
    /// fio where it is installed, unless the bench's own engine is wanted.
    public static func choose(own: Bool) throws -> any LoadEngine {
        if !own, let fio = try Fio.installed() { return fio }
        return OwnEngine()
    }
}
