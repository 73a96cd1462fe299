internal import CofferBlock
internal import CofferSecrets
internal import CofferShapes
internal import Synchronization

/// The check of one lineage: its packs, pack by pack and front to back, so that each block is read once however many
/// manifests name it; then its manifests against what the packs were found to hold.
struct LineageCheck {
    private let store: SnapshotStore
    private let lineage: LineageID
    private let manifests: [ManifestReference]
    private let control: JobControl
    private let blocksTotal: UInt64

    init(
        _ store: SnapshotStore,
        _ lineage: LineageID,
        _ manifests: [ManifestReference],
        _ control: JobControl,
        blocksTotal: UInt64
    ) {
        (self.store, self.lineage, self.manifests) = (store, lineage, manifests)
        (self.control, self.blocksTotal) = (control, blocksTotal)
    }

    func run(readsBlocks: Bool, _ report: inout SnapshotReport) throws(SnapshotError) {
        var live = LiveSlots()
        for reference in manifests {
            if let manifest = try open(reference) { try live.insert(manifest) }
        }
        try findLeftovers(&report)
        var packs: [UInt32: CheckedPack] = [:]
        for number in live.packNumbers {
            guard let slots = live.slots(number) else { continue }
            packs[number] = try check(number, slots, readsBlocks: readsBlocks, &report)
        }
        for reference in manifests { try check(reference, packs, &report) }
    }

    /// nil where it was removed since the check began.
    private func open(_ reference: ManifestReference) throws(SnapshotError) -> SnapshotManifest? {
        do throws(SnapshotError) {
            return try reference.open(in: store.storage)
        } catch .notFound {
            return nil
        }
    }

    /// What nobody names, where nobody is at work. Takes no lock: that would make its file anew where a collector has just
    /// removed it, and keep a collector from its work.
    private func findLeftovers(_ report: inout SnapshotReport) throws(SnapshotError) {
        guard let names = try store.storage.names(in: lineage.folder) else { return }
        for name in names where LineageID.packNumber(name) == nil && name != lineage.lockFile.name {
            let sentence = "\(lineage.folder)/\(name) is no part of a lineage"
            report.findings.append(SnapshotFinding(.foreignFile, sentence, lineage: lineage))
        }
        guard try !store.isBusy(lineage) else {
            report.busyLineages.append(lineage)
            return
        }
        let found = try leftovers()
        // Whoever came meanwhile may have been seen half-way.
        if try store.isBusy(lineage) { report.busyLineages.append(lineage) } else { report.findings += found }
    }

    private func leftovers() throws(SnapshotError) -> [SnapshotFinding] {
        // Packs first: one that a snapshot which is complete by now has made is named by it.
        guard let packs = try store.storage.names(in: lineage.folder)?.compactMap(LineageID.packNumber) else {
            return []
        }
        let live: LiveSlots
        do {
            live = try store.liveSlots(of: lineage)
        } catch {
            return []  // which is a finding already; what it names is not known
        }
        if packs.isEmpty, live.packNumbers.isEmpty {
            // A snapshot of nothing but holes names no pack.
            guard manifests.isEmpty else { return [] }
            let sentence = "lineage \(lineage) holds nothing"
            return [SnapshotFinding(.leftoverFolder, sentence, lineage: lineage)]
        }
        var found: [SnapshotFinding] = []
        for number in packs {
            guard let slots = live.slots(number) else {
                let sentence = "no snapshot names anything of pack \(number) of lineage \(lineage)"
                found.append(SnapshotFinding(.orphanPack, sentence, lineage: lineage))
                continue
            }
            let dead = try usedSlots(number).filter { !slots.contains($0) }.count
            if dead > 0 {
                let sentence =
                    "no snapshot names \(dead) of the blocks in pack \(number) of lineage \(lineage)"
                found.append(SnapshotFinding(.unnamedBlocks, sentence, lineage: lineage))
            }
        }
        return found
    }

    /// The slots of a pack that hold something; none where a collector has removed it.
    private func usedSlots(_ number: UInt32) throws(SnapshotError) -> [Int] {
        let path = lineage.pack(number)
        do throws(SnapshotError) {
            return try PackContents(store.storage.open(path, .read), path: path.description).used
        } catch .files(2, _, _) {  // ENOENT
            return []
        }
    }

    /// Reads the named slots of a pack and compares them with what the pack says of them. nil where it is gone.
    private func check(
        _ number: UInt32,
        _ slots: SlotSet,
        readsBlocks: Bool,
        _ report: inout SnapshotReport
    ) throws(SnapshotError) -> CheckedPack? {
        let path = lineage.pack(number)
        let pack: any BlockStore
        do throws(SnapshotError) {
            pack = try store.storage.open(path, .read)
        } catch .files(2, _, _) {  // ENOENT: each block of it will be missed
            return nil
        }
        let contents = try PackContents(pack, path: path.description)
        if !PackLayout.isHeader(contents.header, of: lineage, number) {
            let error = SnapshotError.damagedPack(lineage, number)
            report.findings.append(SnapshotFinding(.packUnusable, error.sentence, lineage: lineage))
        }
        let checked = CheckedPack()
        let named = slots.members
        let buffers = (0..<ParallelRun.threadCount).map { _ in BlockBuffer() }
        try ParallelRun.forEach(named.count, workers: buffers.count) {
            [lineage, control] (worker, item) throws(SnapshotError) in
            try control.check()
            let slot = named[item]
            guard let descriptor = contents.descriptor(slot, lineage, number) else { return }
            guard readsBlocks else {
                checked.insert(slot)
                return
            }
            let isRight = try buffers[worker].memory.withMutableBytes(at: 0, count: descriptor.length) {
                (span) throws(SnapshotError) in
                do throws(BlockError) {
                    let got = try pack.read(into: &span, at: PackLayout.offset(ofSlot: slot))
                    return got == span.byteCount && BlockDigest(of: span.bytes) == descriptor.digest
                } catch {
                    return false  // a medium that cannot read it: asked again, and said, with the manifest
                }
            }
            if isRight { checked.insert(slot) }
        }
        if readsBlocks {
            report.blocksProved += UInt64(checked.count)
            control.report(
                SnapshotProgress(blocksDone: report.blocksProved, blocksTotal: blocksTotal, bytesStored: 0)
            )
        }
        return checked
    }

    /// Compares what a manifest names with what the packs were found to hold; where they differ, the block is read, and
    /// the manifest decides.
    private func check(
        _ reference: ManifestReference,
        _ packs: [UInt32: CheckedPack],
        _ report: inout SnapshotReport
    ) throws(SnapshotError) {
        guard let manifest = try open(reference) else { return }
        let id = manifest.snapshotID
        let reader = LineageReader(lineage, in: store.storage)
        let buffer = BlockBuffer()
        var cursor = manifest.cursor()
        while let entry = try cursor.next() {
            let length = manifest.header.length(of: entry.index)
            let expected = PackDescriptor(index: entry.index, length: length, digest: entry.digest)
            let isProved = packs[entry.place.pack]?.contains(Int(entry.place.slot)) ?? false
            if isProved, try reader.descriptor(of: entry) == expected { continue }
            try control.check()
            do throws(SnapshotError) {
                try buffer.memory.withMutableBytes(at: 0, count: length) { (span) throws(SnapshotError) in
                    try reader.read(entry, of: id, into: &span)
                }
                report.blocksProved += 1
                let sentence =
                    "pack \(entry.place.pack) of lineage \(lineage) does not say what its slot \(entry.place.slot) holds, "
                    + "which is block \(entry.index) of \(id) and right"
                report.findings.append(
                    SnapshotFinding(.descriptorWrong, sentence, snapshotID: id, lineage: lineage)
                )
            } catch {
                // A snapshot that was removed since may have no blocks.
                guard try reference.exists(in: store.storage) else { return }
                var code = SnapshotFinding.Code.blockDamaged
                if case .missingBlock = error { code = .blockMissing }
                report.findings.append(
                    SnapshotFinding(
                        code,
                        error.sentence,
                        snapshotID: id,
                        lineage: lineage,
                        block: entry.index
                    )
                )
            }
        }
    }
}

/// The slots of a pack that hold what the pack says of them.
private final class CheckedPack: Sendable {
    private let slots = Mutex<SlotSet>(SlotSet())

    func insert(_ slot: Int) { slots.withLock { $0.insert(slot) } }

    func contains(_ slot: Int) -> Bool { slots.withLock { $0.contains(slot) } }

    var count: Int { slots.withLock { $0.members.count } }
}
