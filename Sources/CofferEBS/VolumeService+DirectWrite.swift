internal import CofferBlock
internal import CofferCatalog
internal import CofferSecrets
public import CofferShapes
internal import CofferSnapshot
internal import CofferXTS
internal import Logging

extension VolumeService {
    // MARK: - Blocks

    /// Writes a block of 512 KiB to a snapshot that is pending; of two writes the later counts. Nothing is stored whose
    /// checksum is wrong. Any number of callers write at once. (`PutSnapshotBlock`)
    public nonisolated func putSnapshotBlock(
        _ id: String,
        _ block: DirectBlockUpload,
        caller: Caller
    ) async throws {
        let record = try await permittedDirect(id, to: "ebs:PutSnapshotBlock", caller: caller)
        let upload = try await pending(record.id)
        let header = upload.content.header
        guard block.index >= 0,
            UInt64(block.index) < SnapshotBlock.count(ofVolume: header.geometry.volumeBytes)
        else { throw DirectError.validation(.invalidBlock, "The volume has no block \(block.index).") }
        guard block.data.count == SnapshotBlock.bytes else {
            throw DirectError.validation(
                .invalidParameterValue,
                "A block has \(SnapshotBlock.bytes) bytes, not \(block.data.count)."
            )
        }
        let checksum = unsafe BlockChecksum(of: block.data.span.bytes)
        guard checksum.bytes == block.checksum else {
            throw DirectError.validation(
                .invalidParameterValue,
                "The checksum is not that of the block's data."
            )
        }
        try upload.beginPut()
        defer { upload.endPut(progress: block.progress, now: clock.now) }
        let key = try await volumeKey(of: upload, caller: caller)
        do {
            try Self.put(block, checksum, upload, key)
        } catch {
            // What a writer has met once it meets always.
            await giveUp(upload, "a block could not be stored: \(error.sentence)")
            throw error.awsError
        }
    }

    private static func put(
        _ block: DirectBlockUpload,
        _ checksum: BlockChecksum,
        _ upload: SnapshotUpload,
        _ key: HeldVolumeKey
    ) throws(SnapshotError) {
        let header = upload.content.header
        let unitBytes = header.geometry.dataUnitBytes
        let offset = SnapshotBlock.offset(of: UInt64(block.index))
        var ciphertext = [UInt8](repeating: 0, count: block.data.count)
        do {
            let cipher = try XTSCipher(key: header.xtsKey(from: key.value))
            var elements = ciphertext.mutableSpan
            var target = unsafe elements.mutableBytes
            unsafe try cipher.encrypt(
                block.data.span.bytes,
                to: &target,
                first: XTSNumber(low: offset / UInt64(unitBytes)),
                unitBytes: unitBytes
            )
        } catch { throw .crypto }
        unsafe try upload.content.put(ciphertext.span.bytes, at: UInt64(block.index), checksum: checksum)
    }

    /// The upload of a snapshot that this process writes. The actor, which may wait for something else, is not asked where
    /// there is one.
    private nonisolated func pending(_ id: SnapshotID) async throws -> SnapshotUpload {
        if let upload = uploads[id] {
            if !upload.isExpired(clock.now) { return upload }
            await expireUploads()
        } else if await copying.contains(id) {
            throw DirectError(.throttled(.resource), "The snapshot '\(id)' is being begun.")
        }
        throw DirectError.validation(
            .invalidSnapshotID,
            "The snapshot '\(id)' is not pending: no blocks can be written to it."
        )
    }

    // MARK: - The end

    /// How long a caller waits for a snapshot's end before it is told that it is `pending` still.
    private static let patience = Duration.seconds(5)

    /// Completes a snapshot of which so many blocks were written; `checksum` is SHA-256 over the SHA-256 of each, in the
    /// order of the blocks. It is durable when it is told to be completed. (`CompleteSnapshot`)
    public nonisolated func completeSnapshot(
        _ id: String,
        blockCount: Int,
        checksum: [UInt8]? = nil,
        caller: Caller
    ) async throws -> Snapshot.State {
        let record = try await permittedDirect(id, to: "ebs:CompleteSnapshot", caller: caller)
        // The answer to the same request, which the client may not have had.
        if uploads.hasCompleted(record.id, count: blockCount) { return .completed }
        let upload = try await pending(record.id)
        var sum: BlockChecksum?
        if let checksum {
            sum = BlockChecksum(checksum)
            guard sum != nil else {
                throw DirectError.validation(.invalidParameterValue, "A SHA-256 checksum has 32 bytes.")
            }
        }
        let key = try await volumeKey(of: upload, caller: caller)
        try upload.seal(blockCount: blockCount, checksum: sum)
        return try await end(upload, key)
    }

    private func end(_ upload: SnapshotUpload, _ key: HeldVolumeKey) async throws -> Snapshot.State {
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        afterwards {
            await self.commit(upload, key)
            end.finish()
        }
        Task {
            try? await Task.sleep(for: Self.patience)
            end.finish()
        }
        for await _ in ended {}
        guard let record = try catalog.snapshot(id: upload.id) else {
            throw DirectError.notFound(upload.id.text)
        }
        return try describe([record])[0].state
    }

    private func commit(_ upload: SnapshotUpload, _ key: HeldVolumeKey) async {
        let id = upload.id
        do {
            try await Self.offTheActor {
                let header = upload.content.header
                _ = try upload.content.commit(header.macKey(from: key.value))
            }
            try catalog.change(id) {
                ($0.stage, $0.failure, $0.completed) = (.completed, nil, clock.now)
            }
            uploads.complete(upload)
            releaseRetiredSnapshots()
            note(resource: id.text, upload.region, "createSnapshot", "succeeded", cause: "")
            logger.info("completed snapshot", metadata: ["snapshot": "\(id)"])
        } catch {
            uploads.remove(id)
            fail(upload, (error as? SnapshotError)?.sentence ?? "\(error)")
        }
    }

    // MARK: - Uploads that end otherwise

    /// Gives up what nobody has written to for as long as its timeout.
    func expireUploads() {
        for upload in uploads.takeExpired(clock.now) {
            let reason = "no block was written to it for \(upload.timeoutMinutes) minutes"
            abandon(upload, reason)
        }
    }

    /// Looks for them as long as there is any upload.
    func keepExpiringUploads() {
        guard !isExpiringUploads else { return }
        isExpiringUploads = true
        Task { [weak self] in
            repeat { try? await Task.sleep(for: .seconds(10)) } while await self?.expiresUploads() ?? false
        }
    }

    private func expiresUploads() -> Bool {
        expireUploads()
        isExpiringUploads = !uploads.isEmpty
        return isExpiringUploads
    }

    /// Gives up all snapshots that clients are writing: for a process that ends. What is sealed goes on to its end.
    public func giveUpUploads() {
        for upload in uploads.takeOpen() {
            let reason = "the server was stopped before it was complete"
            abandon(upload, reason)
        }
    }

    /// Gives up the one that is to be deleted.
    func giveUpUpload(_ id: SnapshotID) {
        if let upload = uploads[id] { giveUp(upload, "it was deleted") }
    }

    private func giveUp(_ upload: SnapshotUpload, _ reason: String) {
        guard upload.end() else { return }
        uploads.remove(upload.id)
        abandon(upload, reason)
    }

    private func abandon(_ upload: SnapshotUpload, _ reason: String) {
        upload.content.fail(.givenUp(reason))
        fail(upload, reason)
    }

    private func fail(_ upload: SnapshotUpload, _ reason: String) {
        do {
            try catalog.change(upload.id) { ($0.stage, $0.failure) = (.failed, reason) }
        } catch {
            // Its folder says it too.
            logger.error("a snapshot's end was not noted", metadata: ["error": "\(error)"])
        }
        releaseRetiredSnapshots()
        note(resource: upload.id.text, upload.region, "createSnapshot", "failed", cause: reason)
    }
}
