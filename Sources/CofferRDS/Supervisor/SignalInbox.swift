internal import Dispatch
internal import Glibc
internal import Synchronization

/// Signals of this process, kept until somebody takes them.
final class SignalInbox: @unchecked Sendable {  // The sources are made at the beginning, and only held.
    private let arrived = Arrived()
    private let sources: [any DispatchSourceSignal]

    private final class Arrived: Sendable {
        let numbers = Mutex<[Int32]>([])
    }

    init(_ numbers: [Int32]) {
        sources = numbers.map { [arrived] number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { arrived.numbers.withLock { $0.append(number) } }
            source.activate()
            return source
        }
    }

    func take() -> [Int32] {
        arrived.numbers.withLock { numbers in
            defer { numbers = [] }
            return numbers
        }
    }
}
