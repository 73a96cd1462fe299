internal import CofferBlock
internal import CofferCatalog
internal import CofferSecrets
internal import CofferShapes
internal import CofferSnapshot
internal import Glibc

// Snapshots: the index against their folders, and then what is in these.
extension VolumeService {
    func inspectSnapshotIndex(_ report: inout HomeReport) throws {
        let store = try existingSnapshots()
        do {
            // Folders first: a snapshot is on the index before it has one, and longer.
            let folders = try store?.snapshotIDs() ?? []
            let records = try catalog.snapshots()
            for record in records { try inspect(record, store, &report) }
            guard let store else { return }
            for id in Set(folders).subtracting(records.map(\.id)).sorted(by: { $0.text < $1.text }) {
                try inspectUnlisted(id, store, &report)
            }
        } catch let error as SnapshotError { throw error.awsError }
    }

    func existingSnapshots() throws -> SnapshotStore? {
        guard unsafe access(paths.snapshotsFolder, F_OK) == 0 else { return nil }
        do {
            return SnapshotStore(try SnapshotFolder(path: paths.snapshotsFolder))
        } catch { throw error.awsError }
    }

    /// Whether somebody makes or removes a snapshot now.
    func isBusy(_ record: SnapshotRecord, _ store: SnapshotStore?) throws -> Bool {
        if copying.contains(record.id) || runtime.isLocked(record.id) { return true }
        guard record.stage == .pending else { return false }
        if let store, case .pending? = try? store.status(record.id) { return true }
        guard let volume = record.volume else { return false }
        return runtime.isLocked(volume) || runtime.inspect(volume, file: paths.file(volume)).state == .working
    }

    private func inspect(
        _ record: SnapshotRecord,
        _ store: SnapshotStore?,
        _ report: inout HomeReport
    ) throws {
        let (id, label) = (record.id, record.label)
        if try isBusy(record, store) {
            report.busy.insert(id.text)
            return
        }
        let isComplete = try store?.isComplete(id) ?? false
        switch record.stage {
        case .pending where isComplete: break  // Whoever looks at it next notes that.
        case .pending:
            let sentence = "the making of snapshot \(label) was interrupted"
            report.findings.append(HomeFinding(.snapshotInterrupted, id.text, sentence, .removeSnapshot(id)))
        case .failed:
            let sentence = "snapshot \(label) came to nothing: \(record.failure ?? "")"
            report.findings.append(HomeFinding(.snapshotFailed, id.text, sentence, .removeSnapshot(id)))
        case .completed:
            guard !isComplete else { break }
            let sentence = "snapshot \(label) is not in \(paths.snapshotsFolder)"
            report.findings.append(HomeFinding(.snapshotMissing, id.text, sentence))
        }
    }

    private func inspectUnlisted(
        _ id: SnapshotID,
        _ store: SnapshotStore,
        _ report: inout HomeReport
    ) throws {
        if runtime.isLocked(id) {
            report.busy.insert(id.text)
        } else if try store.isComplete(id) {
            let sentence = "the index does not have snapshot \(id)"
            // One that cannot be read is said by the check of its files.
            let isReadable = (try? store.manifest(id)) != nil
            report.findings.append(
                HomeFinding(.snapshotUnlisted, id.text, sentence, isReadable ? .listSnapshot(id) : nil)
            )
        } else if try store.retiredIDs().contains(id) {
            guard try !isBeingRead(id) else { return }
            let sentence = "snapshot \(id) was removed, and no volume needs it any more"
            report.findings.append(HomeFinding(.snapshotRetired, id.text, sentence, .releaseRetired))
        } else if let state = try store.state(id) {
            if try store.isBusy(state.lineage) {
                report.busy.insert(id.text)
                return
            }
            let sentence =
                "the folder of snapshot \(id) is left over: it came to nothing, and the index does not have it"
            report.findings.append(
                HomeFinding(.snapshotLeft, id.text, sentence, .removeSnapshotFolder(id))
            )
        }
        // A folder with nothing in it is found by the check of the files.
    }

    // MARK: - Manifests and blocks

    func inspectSnapshotFiles(
        _ report: inout HomeReport,
        readsBlocks: Bool,
        _ control: JobControl,
        _ caller: Caller
    ) async throws {
        guard let store = try existingSnapshots() else { return }
        let keys = try await manifestKeys(store, &report, caller)
        let found: SnapshotReport
        do {
            found = try await Task.detached {
                try SnapshotCheck(store, control: control).run(readsBlocks: readsBlocks) { keys.key(of: $0) }
            }.value
        } catch let error as SnapshotError { throw error.awsError }
        let passing = try await passingFindings(found, store, control)
        report.blocksRead = found.blocksProved
        report.busy.formUnion(found.busyLineages.map { "lineage-\($0)" })
        for finding in found.findings where !passing.contains(finding) {
            let resource = finding.snapshotID?.text ?? finding.lineage.map { "lineage-\($0)" } ?? "snapshots"
            // The index tells of the same with more words.
            if report.findings.contains(where: {
                $0.resource == resource && $0.mend != nil && finding.canBeRepaired
            }) {
                continue
            }
            report.findings.append(
                HomeFinding(
                    finding.code.rawValue,
                    resource,
                    finding.sentence,
                    finding.canBeRepaired ? .cleanSnapshots : nil
                )
            )
        }
    }

    /// What was left over and is no more a moment later: somebody was between two steps.
    private func passingFindings(
        _ report: SnapshotReport,
        _ store: SnapshotStore,
        _ control: JobControl
    ) async throws -> [SnapshotFinding] {
        let open = report.findings.filter(\.canBeRepaired)
        if open.isEmpty { return [] }
        try await Task.sleep(for: .milliseconds(150))
        do {
            let again = try await Task.detached {
                try SnapshotCheck(store, control: control).run(readsBlocks: false) { _ in nil }
            }.value
            return open.filter { !again.findings.contains($0) }
        } catch let error as SnapshotError { throw error.awsError }
    }

    /// The keys that authenticate manifests, of those whose wrapped key KMS opens for the caller.
    private func manifestKeys(
        _ store: SnapshotStore,
        _ report: inout HomeReport,
        _ caller: Caller
    ) async throws -> ManifestKeys {
        let keys = ManifestKeys()
        let ids: [SnapshotID]
        do { ids = try store.snapshotIDs() } catch { throw error.awsError }
        for id in ids {
            // What cannot be read is said by the check.
            guard let header = try? SnapshotManifest.kept(id, in: store.storage).header else { continue }
            report.snapshotsChecked += 1
            do {
                let owner = asOwner(of: header.keySlot.wrapped.keyARN, caller)
                try keys.insert(try await unwrapped(header, id, owner), of: header)
            } catch let error as AWSError where error.code == .tampered {
                report.findings.append(
                    HomeFinding("manifestTampered", id.text, "snapshot \(id): \(error.message)")
                )
            } catch {
                report.unauthenticated.append(
                    HomeReport.Unauthenticated(resource: id.text, why: "\(error)")
                )
            }
        }
        return keys
    }

    private func unwrapped(
        _ header: ManifestHeader,
        _ id: SnapshotID,
        _ caller: Caller
    ) async throws -> VolumeKey {
        let unwrapped = try await unwrapped(
            header.keySlot.wrapped,
            context: header.keySlot.wrapped.context,
            ifTampered: "its wrapped volume key does not open under its context",
            caller: caller
        )
        return unwrapped.takeVolumeKey()
    }
}

/// What authenticates the manifests of snapshots, and decrypts nothing.
private final class ManifestKeys: @unchecked Sendable {
    // Sendable: it is filled before another thread sees it.
    private final class Kept: Sendable {
        let key: SnapshotMACKey

        init(_ key: consuming SnapshotMACKey) { self.key = key }
    }

    private var keys: [SnapshotID: Kept] = [:]

    func insert(_ volumeKey: borrowing VolumeKey, of header: ManifestHeader) throws(SnapshotError) {
        keys[header.snapshotID] = Kept(try header.macKey(from: volumeKey))
    }

    func key(of header: ManifestHeader) -> SnapshotMACKey? {
        guard let kept = keys[header.snapshotID] else { return nil }
        return kept.key.duplicate()
    }
}
