internal import Synchronization

/// Counts what the server does: for each operation its answers by result and their times, and connections. A count of
/// a request that went well is a few uncontended atomic additions; no lock, no allocation.
final class Metrics: Sendable {
    /// Operations that have no counts of their own: those of IAM and STS together (the names are the client's to invent, and a label
    /// is not), and what is counted with no operation at all.
    enum Other: Int, CaseIterable {
        case iam, sts, none

        var name: String {
            switch self {
            case .iam: "iam"
            case .sts: "sts"
            case .none: "none"
            }
        }
    }

    let operations: [OperationMetrics]
    private let open = Atomic<Int>(0)
    private let opened = Atomic<Int>(0)

    init() {
        operations =
            KMSOperation.allCases.map { OperationMetrics(service: "kms", name: $0.name) }
            + EC2Operation.allCases.map { OperationMetrics(service: "ec2", name: $0.name) }
            + EBSOperation.allCases.map { OperationMetrics(service: "ebs", name: $0.name) }
            + RDSOperation.allCases.map { OperationMetrics(service: "rds", name: $0.name) }
            + Other.allCases.map { OperationMetrics(service: $0.name, name: $0.name) }
    }

    func of(_ operation: KMSOperation) -> OperationMetrics { operations[operation.rawValue] }
    func of(_ operation: EC2Operation) -> OperationMetrics { operations[Self.ec2Start + operation.rawValue] }
    func of(_ operation: EBSOperation) -> OperationMetrics { operations[Self.ebsStart + operation.rawValue] }
    func of(_ operation: RDSOperation) -> OperationMetrics { operations[Self.rdsStart + operation.rawValue] }
    func of(_ other: Other) -> OperationMetrics { operations[Self.otherStart + other.rawValue] }

    private static let ec2Start = KMSOperation.allCases.count
    private static let ebsStart = ec2Start + EC2Operation.allCases.count
    private static let rdsStart = ebsStart + EBSOperation.allCases.count
    private static let otherStart = rdsStart + RDSOperation.allCases.count

    func connectionOpened() {
        open.add(1, ordering: .relaxed)
        opened.add(1, ordering: .relaxed)
    }

    func connectionClosed() { open.subtract(1, ordering: .relaxed) }

    var openConnectionCount: Int { open.load(ordering: .relaxed) }
    var connectionCount: Int { opened.load(ordering: .relaxed) }
}

/// The counts of one operation.
final class OperationMetrics: Sendable {
    /// The upper bounds of the histogram's buckets, microseconds; above the last comes one more.
    static let boundsMicroseconds = [
        50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000,
    ]

    let service: String
    let name: String
    private let succeeded = Atomic<Int>(0)
    private let totalNanoseconds = Atomic<Int>(0)
    private let buckets: InlineArray<14, Atomic<Int>> = InlineArray { _ in Atomic(0) }
    /// By error code. Codes are the server's own, so that there are only so many.
    private let failed = Mutex<[String: Int]>([:])

    init(service: String, name: String) { (self.service, self.name) = (service, name) }

    /// `code` is nil for success.
    func count(_ code: String?, nanoseconds: Int) {
        if let code {
            failed.withLock { $0[code, default: 0] += 1 }
        } else {
            succeeded.add(1, ordering: .relaxed)
        }
        totalNanoseconds.add(nanoseconds, ordering: .relaxed)
        var bucket = 0
        while bucket < Self.boundsMicroseconds.count, nanoseconds > Self.boundsMicroseconds[bucket] * 1000 {
            bucket += 1
        }
        buckets[bucket].add(1, ordering: .relaxed)
    }

    /// Answers by result, `OK` for success, in the order of the names; results that never were are left out.
    var results: [(code: String, count: Int)] {
        let ok = succeeded.load(ordering: .relaxed)
        let failures = failed.withLock { $0 }.sorted { $0.key < $1.key }.map {
            (code: $0.key, count: $0.value)
        }
        return (ok > 0 ? [(code: "OK", count: ok)] : []) + failures
    }

    /// How many answers took at most each bound, and at last how many there were.
    var cumulativeCounts: [Int] {
        var sum = 0
        return buckets.indices.map { index in
            sum += buckets[index].load(ordering: .relaxed)
            return sum
        }
    }

    var totalSeconds: Double { Double(totalNanoseconds.load(ordering: .relaxed)) / 1e9 }
}
