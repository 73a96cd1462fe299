internal import CofferBlock
internal import CofferCatalog
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import CofferXTS

extension VolumeService {
    /// The blocks that a snapshot has: those that were written, zeroes or not, and not the holes.
    /// (`ListSnapshotBlocks`)
    public nonisolated func listSnapshotBlocks(
        _ id: String,
        _ query: DirectBlockQuery = DirectBlockQuery(),
        caller: Caller
    ) async throws -> DirectBlockList<DirectBlock> {
        let record = try await readableDirect(id, to: "ebs:ListSnapshotBlocks", caller: caller)
        let opened = try await openDirect(record, caller: caller).opened
        return try list(opened, after: nil, query) { tokens, block in
            DirectBlock(index: block.index, token: tokens.block(record.id, block.index, block.second?.digest))
        }
    }

    /// The blocks in which two snapshots of one lineage differ; without a first one, all of the second. A block that the
    /// second has no more reads as zeroes. (`ListChangedBlocks`)
    public nonisolated func listChangedBlocks(
        _ secondID: String,
        since firstID: String? = nil,
        _ query: DirectBlockQuery = DirectBlockQuery(),
        caller: Caller
    ) async throws -> DirectBlockList<DirectChangedBlock> {
        let action = "ebs:ListChangedBlocks"
        let second = try await readableDirect(secondID, to: action, caller: caller)
        guard let firstID else {
            let opened = try await openDirect(second, caller: caller).opened
            return try list(opened, after: nil, query) { tokens, block in
                DirectChangedBlock(
                    index: block.index,
                    firstToken: nil,
                    secondToken: tokens.block(second.id, block.index, block.second?.digest)
                )
            }
        }
        let first = try await readableDirect(firstID, to: action, caller: caller)
        let opened = try await openDirect(second, caller: caller).opened
        let earlier = try await openDirect(first, caller: caller).opened
        return try list(opened, after: earlier, query) { tokens, block in
            DirectChangedBlock(
                index: block.index,
                firstToken: block.first.map { tokens.block(first.id, block.index, $0.digest) },
                secondToken: tokens.block(second.id, block.index, block.second?.digest)
            )
        }
    }

    /// The plaintext of a block that a list told of, by the list's token for it. (`GetSnapshotBlock`)
    public nonisolated func getSnapshotBlock(
        _ id: String,
        _ index: Int,
        token: String,
        caller: Caller
    ) async throws -> DirectBlockData {
        let record = try await readableDirect(id, to: "ebs:GetSnapshotBlock", caller: caller)
        let (opened, reader) = try await openDirect(record, caller: caller)
        do {
            return try Self.block(index, token: token, of: opened, reader, now: clock.now)
        } catch let error as SnapshotError { throw error.awsError }
    }

    private static func block(
        _ index: Int,
        token: String,
        of opened: OpenedSnapshot,
        _ reader: SnapshotReader,
        now: Timestamp
    ) throws -> DirectBlockData {
        let header = opened.manifest.header
        guard index >= 0, UInt64(index) < SnapshotBlock.count(ofVolume: header.geometry.volumeBytes) else {
            throw DirectError.validation(.invalidBlock, "The volume has no block \(index).")
        }
        let digest = try reader.digest(of: UInt64(index))
        let tokens = try DirectTokens(opened, now: now)
        guard tokens.isValid(token, header.snapshotID, UInt64(index), digest) else {
            throw DirectError.validation(
                .invalidBlockToken,
                "The block token is not valid for this block, or has expired."
            )
        }
        var data = [UInt8](repeating: 0, count: SnapshotBlock.bytes)
        do {
            var elements = data.mutableSpan
            var span = unsafe elements.mutableBytes
            let cipher = try XTSCipher(key: header.xtsKey(from: opened.volumeKey))
            try reader.readBlock(UInt64(index), decryptedBy: cipher, into: &span)
        } catch {
            // Part of it may be plaintext.
            wipe(&data)
            throw error as? SnapshotError ?? .crypto
        }
        return unsafe DirectBlockData(data: data, checksum: BlockChecksum(of: data.span.bytes).bytes)
    }

    // MARK: - Lists

    private static let limits = 100...10_000
    /// So many blocks are compared for one part of a list, at most: 24 MiB of manifests or so.
    private static let comparedBlocks = 500_000

    private nonisolated func list<Item>(
        _ second: OpenedSnapshot,
        after first: OpenedSnapshot?,
        _ query: DirectBlockQuery,
        item: (borrowing DirectTokens, ChangedBlock) -> Item
    ) throws -> DirectBlockList<Item> {
        let limit = query.limit ?? Self.limits.upperBound
        guard Self.limits.contains(limit) else {
            throw DirectError.validation(
                .invalidParameterValue,
                "MaxResults is \(Self.limits.lowerBound) to \(Self.limits.upperBound), not \(limit)."
            )
        }
        let header = second.manifest.header
        let name = "\(header.snapshotID) \(first?.manifest.snapshotID.text ?? "")"
        do {
            let tokens = try DirectTokens(second, now: clock.now)
            let start = try Self.start(query, tokens, of: name)
            var difference = try SnapshotDifference(
                from: first?.manifest.manifest,
                to: second.manifest.manifest,
                startingAt: start
            )
            var (items, budget): ([Item], Int) = ([], Self.comparedBlocks)
            var next: UInt64?
            look: while true {
                switch try difference.step(&budget) {
                case .end: break look
                case .paused(let index):
                    next = index
                    break look
                case .changed(let block):
                    guard items.count < limit else {
                        next = block.index
                        break look
                    }
                    items.append(item(tokens, block))
                }
            }
            return DirectBlockList(
                items: items,
                expiry: tokens.blockExpiry,
                volumeSizeGiB: VolumeLimits.gibibytes(header.geometry.volumeBytes),
                nextToken: next.map { tokens.page(of: name, from: $0) }
            )
        } catch .unrelated(let one, let other) as SnapshotError {
            throw DirectError.validation(
                .unrelatedSnapshots,
                "The snapshots '\(one)' and '\(other)' are not of one lineage."
            )
        } catch let error as SnapshotError { throw error.awsError }
    }

    /// The first block that is wanted. With a page's token the starting block of the request is of no account.
    private static func start(
        _ query: DirectBlockQuery,
        _ tokens: borrowing DirectTokens,
        of list: String
    ) throws(DirectError) -> UInt64 {
        guard let token = query.pageToken else {
            guard query.startingIndex >= 0 else {
                throw .validation(.invalidParameterValue, "StartingBlockIndex is not less than 0.")
            }
            return UInt64(query.startingIndex)
        }
        guard let start = tokens.start(token, of: list) else {
            throw .validation(
                .invalidPageToken,
                "The page token is not valid for this list, or has expired."
            )
        }
        return start
    }
}
