public import CofferShapes

/// One thing that a check found.
public struct SnapshotFinding: Sendable, Equatable {
    /// For programs; the sentence is for people.
    public enum Code: String, Sendable {
        /// A snapshot is lost, in whole or in part.
        case manifestUnusable, manifestTampered, blockDamaged, blockMissing
        /// A pack does not tell of itself what it should; its blocks are proved by manifests all the same.
        case packUnusable, descriptorWrong
        /// A snapshot that is `pending` and whose maker is gone.
        case makerGone
        /// Something is left over, and takes room at most.
        case orphanPack, unnamedBlocks, leftoverFile, leftoverFolder
        /// A name that is none of Coffer's.
        case foreignFile
    }

    public let code: Code
    public let sentence: String
    public let snapshotID: SnapshotID?
    public let lineage: LineageID?
    /// Of `snapshotID`'s volume.
    public let block: UInt64?
    /// Whether `repair` mends it.
    public let canBeRepaired: Bool

    init(
        _ code: Code,
        _ sentence: String,
        snapshotID: SnapshotID? = nil,
        lineage: LineageID? = nil,
        block: UInt64? = nil
    ) {
        (self.code, self.sentence, self.block) = (code, sentence, block)
        (self.snapshotID, self.lineage) = (snapshotID, lineage)
        switch code {
        case .makerGone, .orphanPack, .unnamedBlocks, .leftoverFile, .leftoverFolder: canBeRepaired = true
        case .manifestUnusable, .manifestTampered, .blockDamaged, .blockMissing, .packUnusable,
            .descriptorWrong,
            .foreignFile:
            canBeRepaired = false
        }
    }
}

/// What a check found.
public struct SnapshotReport: Sendable {
    public internal(set) var findings: [SnapshotFinding] = []
    /// Snapshots whose manifest's code was checked; without the key forged bytes look like honest ones.
    public internal(set) var authenticated: Set<SnapshotID> = []
    /// Blocks whose ciphertext was read and found right, each once however many snapshots name it.
    public internal(set) var blocksProved: UInt64 = 0
    /// Lineages in which something was being written, so that nothing can be said about leftovers.
    public internal(set) var busyLineages: [LineageID] = []

    public var isClean: Bool { findings.isEmpty }
}
