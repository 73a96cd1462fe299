/// Where threads of this process that append at once meet: one of them, the leader, writes what all have
/// brought, and the others wait for it to say how that went (a group commit).
///
/// Turns are taken in the order of asking. A turn alone, for a call whose effect and whose record belong
/// together, ends the batch before it and holds up what comes after it.
final class AppendQueue: Sendable {
    private typealias Ticket = UInt64

    private enum Work {
        case line(EncodedRecord)
        case alone

        var isLine: Bool {
            if case .line = self { true } else { false }
        }
    }

    private enum Turn {
        case over(Result<UInt64, any Error>)
        case lead([(ticket: Ticket, line: EncodedRecord)])
    }

    private struct State: Sendable {
        var nextTicket: Ticket = 0
        var waiting: [(ticket: Ticket, work: Work)] = []
        /// Some thread writes, or has a turn alone.
        var isLed = false
        var outcomes: [Ticket: Result<UInt64, any Error>] = [:]

        mutating func enter(_ work: Work) -> Ticket {
            defer { nextTicket += 1 }
            waiting.append((nextTicket, work))
            return nextTicket
        }

        /// nil while there is nothing to do but wait.
        mutating func turn(of ticket: Ticket) -> Turn? {
            if let outcome = outcomes.removeValue(forKey: ticket) { return .over(outcome) }
            guard !isLed else { return nil }
            var batch: [(ticket: Ticket, line: EncodedRecord)] = []
            for case (let ticket, .line(let line)) in waiting.prefix(while: { $0.work.isLine }) {
                batch.append((ticket, line))
            }
            guard !batch.isEmpty else { return nil }
            waiting.removeFirst(batch.count)
            isLed = true
            return .lead(batch)
        }
    }

    private let monitor = Monitor(State())

    /// Has `line` written by this thread or another, and gives its number. `write` writes lines in order and
    /// gives the number of the first; when it throws, every line of the batch fails with its error.
    func append(
        _ line: EncodedRecord,
        write: ([EncodedRecord]) throws -> UInt64
    ) throws -> UInt64 {
        let ticket = monitor.withLock { $0.enter(.line(line)) }
        while true {
            switch monitor.when({ $0.turn(of: ticket) }) {
            case .over(let outcome): return try outcome.get()
            case .lead(let batch):
                let first = Result { try write(batch.map(\.line)) }
                monitor.update { state in
                    for (index, member) in batch.enumerated() {
                        state.outcomes[member.ticket] = first.map { $0 + UInt64(index) }
                    }
                    state.isLed = false
                }
            }
        }
    }

    /// Runs `body` while no other thread of this process writes.
    func alone<Result: ~Copyable>(_ body: () throws -> Result) rethrows -> Result {
        let ticket = monitor.withLock { $0.enter(.alone) }
        monitor.when { state -> Void? in
            guard !state.isLed, state.waiting.first?.ticket == ticket else { return nil }
            state.waiting.removeFirst()
            state.isLed = true
            return ()
        }
        defer { monitor.update { $0.isLed = false } }
        return try body()
    }
}
