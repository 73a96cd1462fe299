internal import CofferCatalog
internal import CofferShapes

/// When an instance's KMS key is to be tried, as RDS does for itself: EBS never looks at a key again that it has.
struct KeyWatcher {
    private let period: Duration
    private var next = ContinuousClock.now

    init(period seconds: Int) { period = .seconds(seconds) }

    /// Whether it is time; then the next time is a period later.
    mutating func isDue() -> Bool {
        guard ContinuousClock.now >= next else { return false }
        next = ContinuousClock.now + period
        return true
    }
}

extension DatabaseService {
    /// Why an instance's key cannot be used any more; nil where it can, and where KMS does not answer: a network that is
    /// away takes no permission away.
    func keyLoss(of record: DatabaseRecord) async -> AWSError? {
        do {
            try await tryKey(record.kmsKeyARN, of: record.id, caller: infrastructure(record))
            return nil
        } catch let error as AWSError where error.code.kind != .internalFailure {
            return error
        } catch {
            return nil
        }
    }
}
