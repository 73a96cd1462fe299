public import CofferShapes

/// Moving a volume to another KMS key: the same volume key, wrapped anew. It changes who can open the volume;
/// it does not take the key from who had it.
///
/// Three steps, so that a cut at any moment leaves a slot that is known to open the volume:
/// 1. `beginRewrap` puts the new wrapped key into the empty slot as pending.
/// 2. The caller has the KMS decrypt the *stored* pending slot.
/// 3. `finishRewrap` compares that key with the volume's, makes the slot active and empties the other in one
///    change. `abandonRewrap` empties the pending slot instead.
///
/// A header found in state re-wrapping is one whose step 3 did not happen: either verb ends it.
extension VolumeImage {
    /// Throws `.wrongState` unless the volume is ready.
    public func beginRewrap(
        to wrapped: WrappedVolumeKey,
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        precondition(
            wrapped.context.pairs["aws:ebs:id"] == volumeID.text,
            "a wrapped key for another volume"
        )
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.state == .ready, let empty = header.slots.firstIndex(of: nil) else {
            throw .wrongState(header.state)
        }
        header.state = .rewrapping
        header.slots[empty] = KeySlot(
            state: .pending,
            created: clock.now,
            keyEpoch: header.keyEpoch,
            uuid: header.uuid,
            salt: header.salt,
            wrapped: wrapped
        )
        return try update(header, after: reading, volumeKey)
    }

    /// `unwrapped` is what the KMS made of the pending slot's blob. Throws `.otherVolumeKey`, and changes
    /// nothing, where it is not the volume's key.
    public func finishRewrap(
        unwrapped: borrowing VolumeKey,
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        guard unwrapped.constantTimeEquals(volumeKey) else { throw .otherVolumeKey }
        return try endRewrap(keeping: .pending, volumeKey, mark)
    }

    /// Goes back to the slot that was active before.
    public func abandonRewrap(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        try endRewrap(keeping: .active, volumeKey, mark)
    }

    private func endRewrap(
        keeping kept: KeySlot.State,
        _ volumeKey: borrowing VolumeKey,
        _ mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.state == .rewrapping else { throw .wrongState(header.state) }
        header.state = .ready
        header.slots = header.slots.map { slot in
            guard var slot, slot.state == kept else { return nil }
            slot.state = .active
            return slot
        }
        return try update(header, after: reading, volumeKey)
    }
}
