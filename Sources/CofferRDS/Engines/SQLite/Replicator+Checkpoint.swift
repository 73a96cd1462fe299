internal import CofferShapes
internal import Logging

extension Replicator {
    /// Copies the log into the database file when it has grown long, and lets it begin anew.
    ///
    /// First most of it, with nobody kept waiting: `reader` moves to the log's end, and up to there all may be copied. Then
    /// the rest, with the writers' lock held. Clients' own checkpoints can do no more than `reader` lets them.
    func checkpointIfDue() throws {
        guard failure == nil, let position, position.frame >= parts.checkpointFrames, position != settled,
            ContinuousClock.now >= nextCheckpoint
        else { return }
        guard try movingReader({}) else { return }
        _ = try parts.writer.checkpoint()
        var result: (frames: Int, copied: Int)?
        guard try movingReader({ result = try parts.reader.checkpoint() }) else { return }
        // Where a client was at a checkpoint itself, ours comes with the next look.
        guard let result else { return }
        if result.frames == result.copied {
            settled = self.position
            // Also where a client's old transaction keeps the log from beginning anew.
            nextCheckpoint = ContinuousClock.now + .milliseconds(250)
        } else {
            // A client reads what is older: it is waited for.
            nextCheckpoint = ContinuousClock.now + .seconds(1)
        }
    }

    /// Ends the reader's transaction and begins another, with `body` between, while nobody commits and all is archived.
    /// False where it is not the moment.
    private func movingReader(_ body: () throws -> Void) throws -> Bool {
        guard try parts.writer.lockWriters(limit: patience) else { return false }
        defer { parts.writer.end() }
        guard try shipLocked() else { return false }
        parts.reader.end()
        do {
            defer { beginReading() }
            try body()
        }
        return failure == nil
    }

    /// Nothing holds the log where this fails, and what happens then may be missed.
    private func beginReading() {
        do {
            try parts.reader.beginReading()
        } catch {
            fail("its write-ahead log cannot be held: \(error)")
        }
    }

    /// How long clients' transactions are waited for: the longer the more the log has grown.
    private var patience: Duration {
        switch (position?.frame ?? 0) / max(parts.checkpointFrames, 1) {
        case 0...3: .milliseconds(50)
        case 4...15: .milliseconds(500)
        default: .seconds(5)
        }
    }
}
