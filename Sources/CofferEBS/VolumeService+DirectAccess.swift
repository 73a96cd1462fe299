internal import CofferBlock
internal import CofferCatalog
internal import CofferSecrets
internal import CofferShapes
internal import CofferSnapshot

// What the verbs of EBS direct share: who may, and the key. None of it is on the actor, so that blocks are written and
// read by as many threads as there are requests.
extension VolumeService {
    /// The snapshot of this id, for a caller who may do `action` with it. Who may not is not told whether it exists.
    nonisolated func permittedDirect(
        _ text: String,
        to action: String,
        on others: [ActionResource] = [],
        facts: [String: [String]] = [:],
        caller: Caller
    ) async throws -> SnapshotRecord {
        let record = try Self.directID(text).flatMap { try catalog.snapshot(id: $0) }
            .flatMap { $0.region == region(of: caller) ? $0 : nil }
        let bearer = record.map { resource($0) } ?? wildcard("snapshot", caller)
        try await authoriser.require(
            ActionRequest(action, on: [bearer] + others, facts: facts),
            caller: caller
        )
        guard let record else { throw DirectError.notFound(text) }
        return record
    }

    /// The same for one that is complete.
    nonisolated func readableDirect(
        _ text: String,
        to action: String,
        caller: Caller
    ) async throws -> SnapshotRecord {
        let record = try await permittedDirect(text, to: action, caller: caller)
        if record.stage == .completed { return record }
        guard try await describe([record])[0].state == .completed else {
            throw DirectError.validation(
                .invalidSnapshotID,
                "The snapshot '\(record.id)' is not completed."
            )
        }
        return record
    }

    /// The id that a request names, by the model's pattern; nil for one that no snapshot here can have.
    private nonisolated static func directID(_ text: String) throws(DirectError) -> SnapshotID? {
        guard text.hasPrefix("snap-"), (6...64).contains(text.utf8.count),
            text.utf8.dropFirst(5).allSatisfy(Hex.isLowerDigit)
        else {
            throw .validation(.invalidSnapshotID, "The snapshot ID '\(text.prefix(64))' is not valid.")
        }
        return SnapshotID(text)
    }

    /// The snapshot's manifest, authenticated, and its volume key, which the KMS gives the caller. **It is asked at each
    /// request**: a key that is disabled, or a leave that is withdrawn, counts in the next one, and no key lies here
    /// between two. It costs some 40 µs with this home's KMS. (docs/ebs-direct.md)
    nonisolated func openDirect(
        _ record: SnapshotRecord,
        caller: Caller
    ) async throws -> (opened: OpenedSnapshot, reader: SnapshotReader) {
        do {
            if let known = readers[record.id] {
                let manifest = known.snapshot.manifest
                let key = try await volumeKey(of: manifest.header, caller: caller)
                return (try OpenedSnapshot(manifest, key), known)
            }
            let folder = try openSnapshots()
            let manifest = try SnapshotManifest(record.id, in: folder)
            let key = try await volumeKey(of: manifest.header, caller: caller)
            let opened = try OpenedSnapshot(manifest, key)
            let reader = SnapshotReader(opened.manifest, in: folder)
            readers.insert(reader)
            return (opened, reader)
        } catch .notFound(let id) as SnapshotError {
            throw DirectError.notFound(id.text)
        } catch let error as SnapshotError { throw error.awsError }
    }

    /// The volume key of a snapshot that is being written, which the KMS gives the caller.
    nonisolated func volumeKey(of upload: SnapshotUpload, caller: Caller) async throws -> HeldVolumeKey {
        HeldVolumeKey(try await volumeKey(of: upload.content.header, caller: caller))
    }
}
