public import CofferSecrets
public import CofferShapes

/// Giving a volume a new volume key, under which all of its data is brought step by step: see `Reencryption`.
///
/// 1. `beginReencryption` notes in the journal that nothing is done yet, then puts the new key into the empty slot. Both
///    slots are active from then on, and the header is authenticated under the new key.
/// 2. The steps.
/// 3. `endReencryption` empties the old slot, and then the journal. Who has the old volume key alone reads nothing any
///    more, of what is on the store.
extension VolumeImage {
    /// Throws `.wrongState` unless the volume is ready and all under its own key.
    public func beginReencryption(
        to wrapped: WrappedVolumeKey,
        _ newKey: borrowing VolumeKey,
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?,
        random: some ByteSource = SystemByteSource()
    ) throws(HeaderError) -> VolumeHeader {
        precondition(
            wrapped.context.pairs["aws:ebs:id"] == volumeID.text,
            "a wrapped key for another volume"
        )
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.state == .ready, !header.isUnfilled, let empty = header.slots.firstIndex(of: nil) else {
            throw .wrongState(header.state)
        }
        guard header.keyEpoch + 1 < HeaderLayout.counterLimit else { throw .counterExhausted }
        header.state = .reencrypting
        header.keyEpoch += 1
        header.uuid = random.bytes(HeaderLayout.uuidBytes)
        header.salt = random.bytes(HeaderLayout.saltBytes)
        header.slots[empty] = KeySlot(
            active: wrapped,
            created: clock.now,
            keyEpoch: header.keyEpoch,
            uuid: header.uuid,
            salt: header.salt
        )
        let journal = try ReencryptionJournal(header, in: store, newKey)
        try onStore { () throws(BlockError) in
            try journal.allocate()
            try journal.record(step: 0)
        }
        return try update(header, after: reading, newKey)
    }

    /// All of the data is under the newest key. Throws `.wrongState` where no re-encryption is under way.
    public func endReencryption(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.state == .reencrypting else { throw .wrongState(header.state) }
        let journal = try ReencryptionJournal(header, in: store, volumeKey)
        header.state = .ready
        let uuid = header.uuid
        header.slots = header.slots.map { $0?.uuid == uuid ? $0 : nil }
        header = try update(header, after: reading, volumeKey)
        try onStore { () throws(BlockError) in try journal.erase() }
        return header
    }
}
