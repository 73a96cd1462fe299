internal import Dispatch

extension VolumeService {
    /// Has work that waits for files done by a thread that may wait: others are answered meanwhile.
    static func offTheActor<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }
}
