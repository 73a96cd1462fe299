internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes

/// Proves that every block of every manifest is there and right, and names whatever is left over. Reads only. Snapshots
/// may be made and removed meanwhile: what is removed is not missed, and leftovers are looked for only where nobody is
/// at work.
public struct SnapshotCheck: Sendable {
    let store: SnapshotStore
    let control: JobControl

    public init(_ store: SnapshotStore, control: JobControl = JobControl()) {
        (self.store, self.control) = (store, control)
    }

    /// Checks everything. `keys` gives the key that authenticates a manifest, or nil where it cannot be had; a header is
    /// whole when it is asked about, and unauthenticated. With `readsBlocks` false manifests and packs are looked at, and
    /// no ciphertext is read.
    public func run(
        readsBlocks: Bool = true,
        keys: (ManifestHeader) -> SnapshotMACKey?
    ) throws(SnapshotError) -> SnapshotReport {
        var report = SnapshotReport()
        var manifests: [LineageID: [ManifestReference]] = [:]
        var total: UInt64 = 0
        for reference in try store.manifestReferences() {
            try control.check()
            guard let header = try check(reference, keys, &report) else { continue }
            manifests[header.lineage, default: []].append(reference)
            total += header.blockCount
        }
        let lineages = Set(try store.lineages()).union(manifests.keys)
        for lineage in lineages.sorted(by: { $0.description < $1.description }) {
            let check = LineageCheck(store, lineage, manifests[lineage] ?? [], control, blocksTotal: total)
            try check.run(readsBlocks: readsBlocks, &report)
        }
        try findLeftovers(&report)
        return report
    }

    /// Reads a manifest to its end; nil where it is gone, or something is wrong with it, which goes into the report.
    private func check(
        _ reference: ManifestReference,
        _ keys: (ManifestHeader) -> SnapshotMACKey?,
        _ report: inout SnapshotReport
    ) throws(SnapshotError) -> ManifestHeader? {
        let id = reference.id
        do throws(SnapshotError) {
            let manifest = try reference.open(in: store.storage)
            if let key = keys(manifest.header) {
                _ = try manifest.authenticated(by: key)
                report.authenticated.insert(id)
            }
            for page in manifest.table.indices { _ = try manifest.loadPage(page) }
            return manifest.header
        } catch {
            let code: SnapshotFinding.Code
            switch error {
            case .notFound: return nil
            case .tampered, .unrelatedKey: code = .manifestTampered
            default: code = .manifestUnusable
            }
            report.findings.append(SnapshotFinding(code, error.sentence, snapshotID: id))
            return nil
        }
    }

    /// Looks through the snapshots' folders for what a crash left.
    private func findLeftovers(_ report: inout SnapshotReport) throws(SnapshotError) {
        for name in try store.storage.names(in: nil) ?? [] {
            if let id = SnapshotID(name) {
                try findLeftovers(of: id, &report)
            } else if LineageID(folder: name) == nil {
                let sentence = "\(name) is neither a snapshot nor a lineage"
                report.findings.append(SnapshotFinding(.foreignFile, sentence))
            }
        }
    }

    private func findLeftovers(
        of id: SnapshotID,
        _ report: inout SnapshotReport
    ) throws(SnapshotError) {
        guard let names = try store.storage.names(in: id.folder) else { return }
        let isNamed = names.contains(id.manifest.name) || names.contains(id.retiredManifest.name)
        let state = try store.state(id)
        // While the lineage's lock is held, what is in the folder may be on its way.
        if let state, try store.isBusy(state.lineage) {
            if !report.busyLineages.contains(state.lineage) { report.busyLineages.append(state.lineage) }
            return
        }
        // Complete, or removed, since we looked.
        guard try store.storage.names(in: id.folder) == names else { return }
        for name in names {
            let path = StoragePath(name, in: id.folder)
            switch path {
            case id.manifest, id.retiredManifest: break
            case id.state where !isNamed && state != nil: break
            case id.state, id.newState, id.newManifest:
                let sentence = "\(path) is left over from work that ended"
                report.findings.append(SnapshotFinding(.leftoverFile, sentence, snapshotID: id))
            default:
                let sentence = "\(path) is no part of a snapshot"
                report.findings.append(SnapshotFinding(.foreignFile, sentence, snapshotID: id))
            }
        }
        guard !isNamed else { return }
        if let state, state.phase == .pending {
            let sentence = "\(id) was being made when its maker went away: it will not be complete"
            report.findings.append(SnapshotFinding(.makerGone, sentence, snapshotID: id))
        } else if state == nil {
            let sentence = "the folder of \(id) holds no snapshot"
            report.findings.append(SnapshotFinding(.leftoverFolder, sentence, snapshotID: id))
        }
    }
}
