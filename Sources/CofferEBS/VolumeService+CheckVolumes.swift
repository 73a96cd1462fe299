internal import CofferBlock
internal import CofferCatalog
internal import CofferShapes
internal import CofferSnapshot
internal import CofferSystem
internal import Glibc

// The volumes of the index: where each is in its life, its attachment, its header.
extension VolumeService {
    func inspectVolume(_ volume: VolumeRecord, _ report: inout HomeReport, _ caller: Caller) async throws {
        let id = volume.id
        guard try !runtime.isLocked(id) && !awaitsSnapshot(volume) else {
            report.busy.insert(id.text)
            return
        }
        var findings: [HomeFinding] = []
        report.volumesChecked += 1
        if volume.stage == .ready {
            let view = inspect(volume)
            if let finding = Self.finding(of: view, volume) { findings.append(finding) }
            if view.state == .working || view.state == .elsewhere { report.busy.insert(id.text) }
            if let finding = try modificationFinding(volume) { findings.append(finding) }
            if volume.sourceVolume != nil, let id = volume.snapshot, try catalog.snapshot(id: id) != nil {
                let sentence =
                    "snapshot \(id) is left over: it was made for volume \(volume.label), a copy, which is there"
                findings.append(
                    HomeFinding(.snapshotLeft, id.text, sentence, .discardSnapshot(id, of: volume.id))
                )
            }
            if unsafe access(paths.file(id), F_OK) == 0 {
                findings += try await headerFindings(volume, view, &report, caller)
            } else {
                let sentence = "the file \(paths.file(id)) of volume \(volume.label) is missing"
                findings.append(HomeFinding(.fileMissing, id.text, sentence))
            }
        } else {
            findings.append(Self.unfinished(volume))
        }
        // Whoever has changed it meanwhile may have been in the middle of it.
        guard !runtime.isLocked(id), try catalog.volume(id: id) == volume else {
            report.busy.insert(id.text)
            return
        }
        report.findings += findings
    }

    /// Whether a daemon still makes the snapshot of which the volume was to be a copy: it goes with the volume.
    private func awaitsSnapshot(_ volume: VolumeRecord) throws -> Bool {
        guard volume.stage != .ready, volume.sourceVolume != nil, let id = volume.snapshot,
            let snapshot = try catalog.snapshot(id: id)
        else { return false }
        return try isBusy(snapshot, try existingSnapshots())
    }

    private static func unfinished(_ volume: VolumeRecord) -> HomeFinding {
        let (label, id) = (volume.label, volume.id)
        return switch volume.stage {
        case .deleting:
            HomeFinding(
                .deletionInterrupted,
                id.text,
                "the deletion of volume \(label) was interrupted",
                .removeVolume(id)
            )
        case .failed:
            HomeFinding(
                .creationFailed,
                id.text,
                "the creation of volume \(label) failed: \(volume.failure ?? "")",
                .removeVolume(id)
            )
        case .creating, .ready:
            HomeFinding(
                .creationInterrupted,
                id.text,
                "the creation of volume \(label) was interrupted",
                .removeVolume(id)
            )
        }
    }

    private static func finding(of view: AttachmentView, _ volume: VolumeRecord) -> HomeFinding? {
        let (label, id) = (volume.label, volume.id)
        return switch view.state {
        case .crashed:
            HomeFinding(
                .daemonDied,
                id.text,
                "the daemon of volume \(label) died and left mounts behind",
                .undoAttachment(id)
            )
        case .hung where !view.isLeaving:
            HomeFinding(
                .daemonHangs,
                id.text,
                "the daemon of volume \(label) does not answer: `coffer volume unmount \(label) --force` gives up what it "
                    + "has not written"
            )
        case .faulted:
            HomeFinding(
                .daemonFaulted,
                id.text,
                "a sync of volume \(label) failed, so that it takes no writes: `coffer volume unmount \(label)`, then mount "
                    + "it again"
            )
        case .detached, .working, .attached, .elsewhere, .hung: nil
        }
    }

    private func modificationFinding(_ volume: VolumeRecord) throws -> HomeFinding? {
        guard let newest = try catalog.newestModification(of: volume.id), newest.state.isRunning else {
            return nil
        }
        return HomeFinding(
            .modificationInterrupted,
            volume.id.text,
            "the modification of volume \(volume.label) was interrupted",
            .settleModification(volume.id)
        )
    }

    // MARK: - The header

    private func headerFindings(
        _ volume: VolumeRecord,
        _ view: AttachmentView,
        _ report: inout HomeReport,
        _ caller: Caller
    ) async throws -> [HomeFinding] {
        let id = volume.id
        let check: VolumeCheck
        do {
            check = try await checkHeader(volume, caller: asOwner(of: volume.kmsKeyARN, caller))
        } catch let error as AWSError {
            return [HomeFinding("cannotOpen", id.text, "volume \(volume.label): \(error.message)")]
        }
        let reencrypts = HeaderFinding.Code.reencryptionUnfinished.rawValue
        // While a daemon is at it, it is no finding; one that was stopped goes on at the next attachment.
        let isAtWork = view.state != .detached && check.findings.contains { $0.code == reencrypts }
        if isAtWork { report.busy.insert(id.text) }
        var findings = check.findings.filter { !isAtWork || $0.code != reencrypts }.map { finding in
            // What was cut short in the middle of a change of key is settled with the key.
            let mend: HomeMend? =
                finding.code == HeaderFinding.Code.rewrapUnfinished.rawValue
                ? .settleHeader(id)
                : finding.code == reencrypts
                    ? .resumeReencryption(id) : finding.canBeRepaired ? .rewriteHeader(id) : nil
            return HomeFinding(
                finding.code,
                id.text,
                "volume \(volume.label): \(finding.sentence)",
                view.state == .detached ? mend : nil
            )
        }
        if let why = check.whyNotAuthenticated {
            report.unauthenticated.append(HomeReport.Unauthenticated(resource: id.text, why: why))
        }
        let image = VolumeImage(try openStore(volume, .readOnly), volumeID: id, clock: clock)
        // One that is re-encrypted has two keys for a while: which of them the index names is settled at its end.
        guard let header = try? image.read().newest(), header.state != .reencrypting else { return findings }
        let key = header.activeSlot?.wrapped.keyARN ?? volume.kmsKeyARN
        if header.geometry.volumeBytes != volume.sizeBytes || key != volume.kmsKeyARN {
            let sentence =
                "the index does not have what the header of volume \(volume.label) says: \(header.geometry.volumeBytes) "
                + "bytes under the key \(key)"
            findings.append(HomeFinding(.indexStale, id.text, sentence, .settleHeader(id)))
        }
        return findings + fillFindings(volume, header, view)
    }

    private func fillFindings(
        _ volume: VolumeRecord,
        _ header: VolumeHeader,
        _ view: AttachmentView
    ) -> [HomeFinding] {
        let (id, map) = (volume.id, paths.fillMap(volume.id))
        guard header.isUnfilled, let snapshot = header.parentSnapshot else {
            guard view.state == .detached, FolderNames.exists(map) else { return [] }
            let sentence = "\(map) is left over: all of volume \(volume.label) is under its own key"
            return [HomeFinding(.leftoverFile, map, sentence, .removeMaps(id))]
        }
        var findings: [HomeFinding] = []
        if !FolderNames.exists(map) {
            let sentence =
                "the fill map \(map) is missing, so that what is snapshot \(snapshot)'s and what is volume "
                + "\(volume.label)'s own cannot be told apart"
            findings.append(HomeFinding(.fillMapMissing, id.text, sentence))
        }
        let folder = try? SnapshotFolder(path: paths.snapshotsFolder)
        if folder.map({ (try? SnapshotManifest.kept(snapshot, in: $0)) == nil }) ?? true {
            let sentence = "snapshot \(snapshot) is gone, of which volume \(volume.label) still has a part"
            findings.append(HomeFinding(.fillSnapshotMissing, id.text, sentence))
        }
        return findings
    }
}
