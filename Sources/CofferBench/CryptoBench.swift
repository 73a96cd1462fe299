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

    /// What one combination reached. Speeds are GB/s (10^9 bytes of plaintext a second, all threads together).
    public struct Row: Sendable {
        public let kernel: String
        public let unitBytes: Int
        public let threadCount: Int
        public let encrypts: Bool
        public var speed: Spread { Spread(speeds) }
        /// One speed for each round.
        public let speeds: [Double]
        /// The speed against libcrypto's, in the same rounds.
        public let ratioToLibcrypto: Spread
        /// The share of what the AES units can do (`CipherLimit`), in the same rounds; nil without AES instructions.
        public let shareOfLimit: Spread?
        /// Clock cycles of one thread for a byte; nil where the clock cannot be measured.
        public let cyclesPerByte: Double?
    }

    /// Runs all combinations; `progress` hears of each before it starts, with the share done (0 to 1).
    ///
    /// In each round the kernels of a combination follow each other, libcrypto and the limit among them, and another
    /// goes first in each: what else happens on the machine then falls on all alike.
    public func run(progress: (_ share: Double, _ combination: String) -> Void) throws(XTSError) -> [Row] {
        var rows: [Row] = []
        let total = Double(unitBytes.count * threadCounts.count * 2)
        var done = 0.0
        for unit in unitBytes {
            for threads in threadCounts {
                for encrypts in [true, false] {
                    progress(done / total, "\(unit)-byte units, \(threads) threads")
                    rows += try measure(unit, threads, encrypts: encrypts)
                    done += 1
                }
            }
        }
        return rows
    }

    private func measure(_ unitBytes: Int, _ threads: Int, encrypts: Bool) throws(XTSError) -> [Row] {
        let libcrypto = XTSKernel.all[XTSKernel.all.count - 1]
        var measured = kernels
        if !measured.contains(where: { $0.name == libcrypto.name }) { measured.append(libcrypto) }
        for kernel in measured { try kernel.selfTest() }
        var speeds = measured.map { _ in [Double]() }
        var (limits, clocks): ([Double], [Double]) = ([], [])
        for round in 0...rounds {
            let limit = CipherLimit.measure(threadCount: threads, milliseconds: roundMilliseconds / 4 + 1)
            var results = measured.map { _ in 0.0 }
            for turn in measured.indices {
                let index = (turn + round) % measured.count
                results[index] = try speed(measured[index], unitBytes, threads, encrypts: encrypts)
            }
            // The first warms up.
            guard round > 0 else { continue }
            limits.append(limit.speed)
            clocks.append(limit.clock)
            for index in measured.indices { speeds[index].append(results[index]) }
        }
        let reference = speeds[measured.firstIndex { $0.name == libcrypto.name } ?? 0]
        return kernels.indices.map { index in
            let own = speeds[index]
            let cycles = zip(own, clocks).map { $1 * Double(threads) / $0 }
            return Row(
                kernel: kernels[index].name,
                unitBytes: unitBytes,
                threadCount: threads,
                encrypts: encrypts,
                speeds: own,
                ratioToLibcrypto: Spread(zip(own, reference).map { $0 / $1 }),
                shareOfLimit: CipherLimit.isKnown ? Spread(zip(own, limits).map { $0 / $1 }) : nil,
                cyclesPerByte: CipherLimit.isKnown ? Spread(cycles).median : nil
            )
        }
    }

    /// GB/s of one round.
    private func speed(
        _ kernel: XTSKernel,
        _ unitBytes: Int,
        _ threads: Int,
        encrypts: Bool
    ) throws(XTSError) -> Double {
        let clock = ContinuousClock()
        let counts = SharedCounts(threads)
        let start = clock.now
        let deadline = start + .milliseconds(roundMilliseconds)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            counts.set(thread, Self.runs(kernel, unitBytes, encrypts: encrypts, until: deadline))
        }
        let seconds = (clock.now - start) / .seconds(1)
        guard let runs = counts.total else { throw .kernel }
        return Double(runs) * Double(Self.runBytes) / seconds / 1e9
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
