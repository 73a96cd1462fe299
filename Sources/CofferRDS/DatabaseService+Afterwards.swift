internal import CofferCatalog
internal import CofferEBS
public import CofferShapes
internal import Logging

// What goes on after a verb has answered, in a process that goes on too.
extension DatabaseService {
    /// Has `finishDeletion` done while others are served; an error of it is among the instance's events, and the next who
    /// finishes deletions tries again.
    public func finishDeletionAfterwards(of id: DatabaseID) {
        guard work[id] == nil else { return }
        work[id] = Task {
            do {
                try await self.finishDeletion(of: id)
            } catch {
                await self.noteUnfinished(id, error)
            }
            self.workEnded(id)
        }
    }

    /// Goes on with deletions that a process has begun which is no more.
    public func finishDeletionsAfterwards() throws {
        for record in try catalog.databases() where record.stage == .deleting {
            finishDeletionAfterwards(of: record.id)
        }
    }

    /// Waits for what verbs have begun and not ended: who ends the process asks for it.
    public func finishBegunWork() async {
        while let task = work.first?.value { await task.value }
        await volumes.finishBegunWork()
    }

    private func workEnded(_ id: DatabaseID) { work[id] = nil }

    private func noteUnfinished(_ id: DatabaseID, _ error: any Error) async {
        logger.error("a deletion was not finished", metadata: ["database": "\(id)", "error": "\(error)"])
        guard let record = try? catalog.database(id: id) else { return }
        note(record, "failure", "The deletion of the DB instance has not ended: \(error)")
    }
}
