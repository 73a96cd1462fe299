internal import CofferSecrets
public import CofferXTS
internal import Dispatch

/// How fast the sector cipher runs, with nothing around it: runs of data units in memory, in place.
public struct CryptoBench: Sendable {
    public var kernels: [XTSKernel]
    public var unitBytes: [Int]
    public var threadCounts: [Int]
    /// Measured rounds of each combination, at least 1; one more warms up.
    public var rounds: Int
    /// How long a round lasts.
    public var roundMilliseconds: Int

    /// One run of data units, bytes: a FUSE request's size.
    public static let runBytes = 1 << 20

    public init(
        kernels: [XTSKernel],
        unitBytes: [Int],
        threadCounts: [Int],
        rounds: Int,
        roundMilliseconds: Int
    ) {
        (self.kernels, self.unitBytes, self.threadCounts) = (kernels, unitBytes, threadCounts)
        (self.rounds, self.roundMilliseconds) = (rounds, roundMilliseconds)
    }

    /// What one combination reached, GB/s (10^9 bytes of plaintext a second, all threads together).
    public struct Row: Sendable {
        public let kernel: String
        public let unitBytes: Int
        public let threadCount: Int
        public let encrypts: Bool
        public let minimum: Double
        public let median: Double
        public let maximum: Double
    }

    /// Runs all combinations; `progress` hears of each before it starts, with the share done (0 to 1).
    public func run(progress: (_ share: Double, _ combination: String) -> Void) throws(XTSError) -> [Row] {
        var rows: [Row] = []
        let total = Double(kernels.count * unitBytes.count * threadCounts.count * 2)
        for kernel in kernels {
            for unit in unitBytes {
                for threads in threadCounts {
                    for encrypts in [true, false] {
                        progress(
                            Double(rows.count) / total,
                            "\(kernel.name), \(unit)-byte units, \(threads) threads"
                        )
                        rows.append(try measure(kernel, unit, threads, encrypts: encrypts))
                    }
                }
            }
        }
        return rows
    }

    private func measure(
        _ kernel: XTSKernel,
        _ unitBytes: Int,
        _ threads: Int,
        encrypts: Bool
    ) throws(XTSError) -> Row {
        try kernel.selfTest()
        let duration = Duration.milliseconds(roundMilliseconds)
        var speeds: [Double] = []
        for round in 0...rounds {
            let clock = ContinuousClock()
            let counts = SharedCounts(threads)
            let start = clock.now
            let deadline = start + duration
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                counts.set(thread, Self.runs(kernel, unitBytes, encrypts: encrypts, until: deadline))
            }
            let seconds = (clock.now - start) / .seconds(1)
            guard let runs = counts.total else { throw .kernel }
            if round > 0 { speeds.append(Double(runs) * Double(Self.runBytes) / seconds / 1e9) }
        }
        speeds.sort()
        return Row(
            kernel: kernel.name,
            unitBytes: unitBytes,
            threadCount: threads,
            encrypts: encrypts,
            minimum: speeds[0],
            median: speeds[speeds.count / 2],
            maximum: speeds[speeds.count - 1]
        )
    }

    /// How many runs one thread does until the deadline; nil when the cipher fails.
    private static func runs(
        _ kernel: XTSKernel,
        _ unitBytes: Int,
        encrypts: Bool,
        until deadline: ContinuousClock.Instant
    ) -> Int? {
        let key = SecretBytes(random: 64)
        guard let cipher = try? XTSCipher(key: key, kernel: kernel) else { return nil }
        var run = [UInt8](repeating: 0x5A, count: runBytes)
        var elements = run.mutableSpan
        var span = unsafe elements.mutableBytes
        var count = 0
        while ContinuousClock.now < deadline {
            let first = UInt64(count) * UInt64(runBytes / unitBytes)
            do {
                if encrypts {
                    try cipher.encrypt(&span, first: first, unitBytes: unitBytes)
                } else {
                    try cipher.decrypt(&span, first: first, unitBytes: unitBytes)
                }
            } catch {
                return nil
            }
            count += 1
        }
        return count
    }
}

/// One count for each thread, put together when all have ended.
private final class SharedCounts: @unchecked Sendable {
    // Each thread writes its own element under the lock of the queue; read after concurrentPerform returns.
    private let queue = DispatchQueue(label: "coffer.bench.counts")
    private var counts: [Int?]

    init(_ threads: Int) { counts = Array(repeating: nil, count: threads) }

    func set(_ thread: Int, _ count: Int?) { queue.sync { counts[thread] = count } }

    /// The sum, nil when a thread failed.
    var total: Int? {
        var sum = 0
        for count in counts {
            guard let count else { return nil }
            sum += count
        }
        return sum
    }
}
