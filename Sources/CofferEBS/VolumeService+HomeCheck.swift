internal import CofferCatalog
public import CofferShapes
internal import CofferSnapshot
internal import CofferSystem
internal import Logging

// A home as a whole: the index against the files, both ways, every header, every snapshot's manifest and blocks, and
// whatever commands and daemons that ended left behind. Others may be at work meanwhile: what they hold is busy, and is
// no finding.
extension VolumeService {
    /// Looks at everything and changes nothing. Without `readsBlocks` the ciphertext of snapshots is not read; with it
    /// `onProgress` hears how many of how many blocks were, some times a second.
    public func checkHome(
        _ scope: HomeScope = .all,
        readsBlocks: Bool = true,
        onProgress: @escaping @Sendable (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in },
        caller: Caller
    ) async throws -> HomeReport {
        try await requirePermission("ec2:DescribeVolumeStatus", caller: caller)
        let control = JobControl { onProgress($0.blocksDone, $0.blocksTotal) }
        return try await inspectHome(scope, readsBlocks: readsBlocks, control, caller)
    }

    /// Ends or removes what can be ended or removed without loss, and touches nothing that it does not know. What is left
    /// then is in the report, for which no block is read.
    public func repairHome(
        _ scope: HomeScope = .all,
        caller: Caller
    ) async throws -> HomeRepair {
        try await requirePermission("ec2:ModifyVolume", on: [wildcard("volume", caller)], caller: caller)
        var repair = HomeRepair(report: HomeReport())
        // What is mended may bring more to light: a snapshot that is removed leaves blocks that nobody names.
        for _ in 0..<5 {
            repair.report = try await inspectHome(scope, readsBlocks: false, JobControl(), caller)
            let open = repair.report.findings.filter { finding in
                finding.canBeRepaired && !repair.failed.contains { $0.finding.isSame(as: finding) }
                    && repair.mended.count(where: { $0.finding.isSame(as: finding) }) < 2
            }
            if open.isEmpty { break }
            var done: [HomeMend] = []
            for finding in open {
                guard let mend = finding.mend else { continue }
                do {
                    if !done.contains(mend) { try await perform(mend, caller) }
                    done.append(mend)
                    repair.mended.append(HomeRepair.Deed(finding: finding, words: mend.deed))
                    logger.info("mended", metadata: ["finding": "\(finding.sentence)"])
                } catch {
                    let error = (error as? SnapshotError)?.awsError ?? error
                    repair.failed.append(HomeRepair.Deed(finding: finding, words: "\(error)"))
                }
            }
        }
        // What is there still was not mended, whatever its mending said.
        let left = repair.report.findings
        repair.mended.removeAll { deed in left.contains { $0.isSame(as: deed.finding) } }
        return repair
    }

    /// Whoever checks a home asks for the keys of databases by way of their service: the AWS managed key of that one is
    /// for nobody else.
    func asOwner(of key: ARN, _ caller: Caller) -> Caller {
        let isOfDatabases =
            (try? catalog.databases().contains { $0.kmsKeyARN == key }) == true
            || (try? catalog.databaseSnapshots().contains { $0.kmsKeyARN == key }) == true
        return isOfDatabases ? caller.through(.rds) : caller
    }

    // MARK: - Steps

    private func inspectHome(
        _ scope: HomeScope,
        readsBlocks: Bool,
        _ control: JobControl,
        _ caller: Caller
    ) async throws -> HomeReport {
        var report = try await inspectPlaces(scope, caller)
        if !report.findings.isEmpty {
            // Somebody may have been between two steps: what is wrong is wrong a moment later, too.
            try await Task.sleep(for: .milliseconds(150))
            let again = try await inspectPlaces(scope, caller)
            let first = report.findings
            report = again
            report.findings = again.findings.filter { finding in first.contains { $0.isSame(as: finding) } }
        }
        try await inspectSnapshotFiles(&report, readsBlocks: readsBlocks, control, caller)
        return report
    }

    /// All but the snapshots' own files.
    private func inspectPlaces(_ scope: HomeScope, _ caller: Caller) async throws -> HomeReport {
        var report = HomeReport()
        if scope == .all {
            // Files first: a volume is on the index before it has a file, and longer.
            let names = try FolderNames.sorted(in: paths.volumesFolder)
            let volumes = try catalog.volumes()
            for volume in volumes { try await inspectVolume(volume, &report, caller) }
            try inspectFiles(names, &report)
            try inspectNotes(&report)
            try inspectEntries(&report)
        }
        try inspectSnapshotIndex(&report)
        return report
    }

    private func perform(_ mend: HomeMend, _ caller: Caller) async throws {
        switch mend {
        case .removeVolume(let id): try await removeUnfinished(id)
        case .rewriteHeader(let id): try await rewriteHeader(id, caller)
        case .settleHeader(let id): try await settleHeader(id, caller)
        case .resumeReencryption(let id): try await resumeReencryption(id, caller)
        case .settleModification(let id): try await settleModification(id)
        case .undoAttachment(let id): try await undoDeadAttachment(id)
        case .endAttachment: try endDeadAttachments()
        case .retireGrants(let id): try await retireLeftGrants(id)
        case .clearNotes(let id): try clearNotes(id)
        case .removeNotes(let id): try removeNotes(id)
        case .unlock(let id): runtime.removeLock(id)
        case .removeMaps(let id): try await removeMaps(id)
        case .removeTags(let resource): try catalog.removeAllTags(from: resource)
        case .removePermissions(let snapshot): try catalog.removePermissions(of: snapshot)
        case .removeModifications(let id): try catalog.removeModifications(of: id)
        case .removeSnapshot(let id): try removeUnfinished(id)
        case .discardSnapshot(let id, let volume): try discard(id, of: volume)
        case .removeSnapshotFolder(let id): try removeFolder(id)
        case .listSnapshot(let id): try listSnapshot(id)
        case .releaseRetired: releaseRetiredSnapshots()
        case .cleanSnapshots: try await cleanSnapshots()
        }
    }
}
