internal import CofferShapes
internal import CofferSystem
internal import Dispatch
internal import Foundation
internal import Glibc
internal import Synchronization

/// Loads made by plain threads with pread(2) and pwrite(2): one thread for each request under way.
public struct OwnEngine: LoadEngine {
    public let title = "own engine (threads with pread and pwrite)"

    public init() {}

    public func run(_ load: Load, on target: LoadTarget, for time: RunTime) throws -> LoadResult {
        let threadsPerClient = load.isDirect ? load.depth : 1
        let blocks = target.sizeBytes / load.blockBytes
        let isRandom = load.pattern == .random
        let blocksPerClient = isRandom ? blocks : blocks / load.clients
        guard blocksPerClient > 0 else {
            throw AWSError(
                .internalError,
                "\(target.path) is smaller than one request of each client",
                hint: "name a larger --size"
            )
        }
        let files = try (0..<load.clients * threadsPerClient).map { _ in
            try LoadFile(target.path, load)
        }
        let cursors = (0..<load.clients).map { client in
            BlockCursor(
                first: isRandom ? 0 : client * blocksPerClient,
                count: blocksPerClient,
                isRandom: isRandom,
                repeats: !load.isOnePass
            )
        }
        let clock = ContinuousClock()
        let start = clock.now
        let counting = start + .milliseconds(time.warmUpMilliseconds(of: load))
        let deadline = counting + .milliseconds(time.milliseconds)
        PlainThreads.run(count: files.count) { index in
            files[index].work(cursors[index / threadsPerClient], from: counting, until: deadline)
        }
        // What they wrote is durable before the clock stops.
        if load.durability == .atEnd { files[0].sync() }
        let end = clock.now
        try Interruption.check()
        return try result(load, files, seconds: (end - min(counting, end)) / .seconds(1))
    }

    private func result(_ load: Load, _ files: [LoadFile], seconds: Double) throws -> LoadResult {
        var histogram = LatencyHistogram()
        for file in files {
            if let code = file.failure {
                throw AWSError(
                    .internalError,
                    "the run failed: \(SystemError.text(code))"
                )
            }
            histogram.add(file.latency)
        }
        guard histogram.count > 0, seconds > 0 else {
            throw AWSError(
                .internalError,
                "the run moved nothing",
                hint: "name more --seconds"
            )
        }
        let bytes = histogram.count * UInt64(load.blockBytes)
        return LoadResult(
            bytesPerSecond: Double(bytes) / seconds,
            operationsPerSecond: Double(histogram.count) / seconds,
            byteCount: bytes,
            operationCount: histogram.count,
            latency: histogram
        )
    }
}

/// One thread's descriptor, buffer and counts.
@safe
private final class LoadFile: @unchecked Sendable {
    // Touched by its thread alone until all have ended.
    private let descriptor: Int32
    private let load: Load
    private let buffer: UnsafeMutableRawPointer
    private(set) var latency = LatencyHistogram()
    private(set) var failure: Int32?

    init(_ path: String, _ load: Load) throws {
        self.load = load
        let access = load.direction == .read ? O_RDONLY : O_RDWR
        let direct = load.isDirect ? LoadTarget.directFlag : 0
        descriptor = unsafe open(path, access | O_CLOEXEC | direct)
        guard descriptor >= 0 else {
            let code = errno
            throw load.isDirect && code == EINVAL
                ? AWSError(
                    .internalError,
                    "cannot pass the page cache to \(path): \(SystemError.text(code))",
                    hint: "name another folder with --backing"
                )
                : AWSError(.internalError, "cannot open \(path): \(SystemError.text(code))")
        }
        // Direct I/O wants its buffer on a page.
        unsafe buffer = .allocate(byteCount: load.blockBytes, alignment: 4096)
        var random = Noise()
        unsafe UnsafeMutableRawBufferPointer(start: buffer, count: load.blockBytes).fill(from: &random)
    }

    deinit {
        close(descriptor)
        unsafe buffer.deallocate()
    }

    func work(
        _ cursor: BlockCursor,
        from counting: ContinuousClock.Instant,
        until deadline: ContinuousClock.Instant
    ) {
        let clock = ContinuousClock()
        var before = clock.now
        // One request at least: on a busy machine a thread may start late.
        repeat {
            guard !Interruption.isAsked, let block = cursor.next() else { return }
            if let code = move(at: block * load.blockBytes) {
                failure = code
                return
            }
            let after = clock.now
            if before >= counting {
                let parts = (after - before).components
                latency.record(UInt64(parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000))
            }
            before = after
        } while before < deadline
    }

    func sync() { if fsync(descriptor) != 0 { failure = errno } }

    /// The errno of a request that failed.
    private func move(at offset: Int) -> Int32? {
        let moved =
            unsafe load.direction == .read
            ? pread(descriptor, buffer, load.blockBytes, offset)
            : pwrite(descriptor, buffer, load.blockBytes, offset)
        if moved != load.blockBytes { return moved < 0 ? errno : EIO }
        if load.durability == .eachWrite, fsync(descriptor) != 0 { return errno }
        return nil
    }
}

/// Which block is next, for the threads of a client together. At random each block comes once before any comes again,
/// as fio has it: so a read finds what no read before it has brought into the page cache.
final class BlockCursor: Sendable {
    private let first: Int
    private let count: Int
    private let stride: Int
    private let offset: Int
    private let repeats: Bool
    private let taken = Atomic<Int>(0)

    init(first: Int, count: Int, isRandom: Bool, repeats: Bool) {
        (self.first, self.count, self.repeats) = (first, count, repeats)
        // Steps of about the golden section of the whole, and prime to it, come by every block, near ones long after
        // each other.
        var stride = isRandom ? max(1, Int(Double(count) * 0.618)) : 1
        while Self.commonDivisor(stride, count) > 1 { stride += 1 }
        self.stride = stride
        offset = isRandom ? Int.random(in: 0..<count) : 0
    }

    /// nil where all have come and none comes again.
    func next() -> Int? {
        let turn = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        guard repeats || turn < count else { return nil }
        // Below 2^62 for files below 2^31 blocks.
        return first + (offset + turn % count * stride) % count
    }

    private static func commonDivisor(_ one: Int, _ other: Int) -> Int {
        other == 0 ? one : commonDivisor(other, one % other)
    }
}

/// Threads that block, and so are none of Swift's.
enum PlainThreads {
    /// Runs `body` on `count` threads, and returns when all have ended.
    static func run(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            Thread {
                body(index)
                group.leave()
            }.start()
        }
        group.wait()
    }
}
