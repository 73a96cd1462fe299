internal import CofferSecrets
internal import CofferXTS
internal import Synchronization

/// Brings all data of a volume under a new key, while the volume is used.
///
/// It goes through the volume by stripes, each held exclusively while its four steps of 256 KiB are done: the old
/// ciphertext of a step goes into the journal, durably, then the new one in its place, durably; a record without ciphertext
/// ends the stripe before anybody may use it. So each step can be done again after a crash, and nothing that a user wrote
/// into it is undone by that. What was never written is passed over in one record.
public final class Reencryption<Store: BlockStore>: @unchecked Sendable {
    // Sendable: one thread runs it; others look at the boundary, which is atomic.

    private let volume: EncryptedVolume<Store>
    private let journal: ReencryptionJournal
    private let transition: KeyTransition
    private let old: XTSCipher
    private let new: XTSCipher
    private var memory = PageBuffer(count: ReencryptionJournal.stepBytes)

    /// Takes up a re-encryption where it has come to: puts the step back that was under way, and has requests choose their
    /// key. The header is in the state re-encrypting; `headerStore` is the volume's store through the page cache.
    public init(
        of volume: EncryptedVolume<Store>,
        _ header: VolumeHeader,
        headerStore: any BlockStore,
        oldKey: borrowing VolumeKey,
        newKey: borrowing VolumeKey
    ) throws(HeaderError) {
        guard header.state == .reencrypting else { throw .wrongState(header.state) }
        self.volume = volume
        journal = try ReencryptionJournal(header, in: headerStore, newKey)
        let journal = journal
        let position: ReencryptionJournal.Position?
        do throws(BlockError) {
            position = try journal.position()
            if let position, !position.oldCiphertext.isEmpty {
                let offset = position.step * UInt64(ReencryptionJournal.stepBytes)
                let place = header.geometry.dataOffset + offset
                unsafe try headerStore.write(position.oldCiphertext.span.bytes, at: place)
                try headerStore.sync()
                // From here on its users may write to the step, and nothing may put it back once more.
                try journal.record(step: position.step)
            }
        } catch { throw .store(error) }
        guard let position else { throw .noJournal }
        do {
            let geometry = header.geometry
            let oldXTS = try header.previousXTSKey(from: oldKey)
            let newXTS = try header.xtsKey(from: newKey)
            old = try XTSCipher(key: oldXTS)
            new = try XTSCipher(key: newXTS)
            transition = KeyTransition(
                from: DataKey(oldXTS),
                to: DataKey(newXTS),
                boundary: min(
                    position.step * UInt64(ReencryptionJournal.stepBytes),
                    geometry.volumeBytes
                )
            )
        } catch { throw .crypto }
        volume.begin(transition)
    }

    /// How much of the volume is under the new key, bytes.
    public var doneBytes: UInt64 { transition.boundary.load(ordering: .relaxed) }

    /// Goes on until all is under the new key, or `isStopped`, which is asked between stripes; gives whether all is. What
    /// follows then is `VolumeImage.endReencryption`, and `EncryptedVolume.endReencryption`.
    ///
    /// An error is the end of all writing until the volume is attached again: which record of the journal is on the store is
    /// not known then, and it decides what the data behind the boundary is under.
    public func run(isStopped: () -> Bool) throws(BlockError) -> Bool {
        do throws(BlockError) {
            let end = volume.volumeBytes
            while doneBytes < end {
                if isStopped() { return false }
                try skipHoles(until: end)
                if doneBytes < end { try convertStripe(until: end) }
            }
            return true
        } catch {
            volume.fault.latch()
            throw error
        }
    }

    /// Passes over what holds no data. No request may put data there meanwhile.
    private func skipHoles(until end: UInt64) throws(BlockError) {
        guard try nextStep(until: end) > doneBytes else { return }
        volume.locks.lockAllExclusively()
        defer { volume.locks.unlockAll() }
        let next = try nextStep(until: end)
        guard next > doneBytes else { return }
        try journal.record(step: Self.step(at: next))
        transition.boundary.store(next, ordering: .relaxed)
    }

    /// Where the first step with data begins, from the boundary on.
    private func nextStep(until end: UInt64) throws(BlockError) -> UInt64 {
        let start = volume.geometry.dataOffset
        guard let data = try volume.store.nextData(from: start + doneBytes) else { return end }
        let bytes = UInt64(ReencryptionJournal.stepBytes)
        return min(end, max(doneBytes, (data - start) / bytes * bytes))
    }

    private static func step(at offset: UInt64) -> UInt64 {
        let bytes = UInt64(ReencryptionJournal.stepBytes)
        return (offset + bytes - 1) / bytes
    }

    /// Brings what is left of a stripe under the new key.
    private func convertStripe(until end: UInt64) throws(BlockError) {
        var position = doneBytes
        let stripeBytes = UInt64(StripeLocks.stripeBytes)
        let stripeEnd = min(end, (position / stripeBytes + 1) * stripeBytes)
        let stripe = StripeLocks.index(of: position)
        volume.locks.lockExclusively(stripe)
        defer { volume.locks.unlock(stripe) }
        var recorded: UInt64?
        do throws(BlockError) {
            while position < stripeEnd {
                let count = Int(min(UInt64(ReencryptionJournal.stepBytes), stripeEnd - position))
                let hasData = try load(position, count)
                if hasData.contains(true) {
                    recorded = position
                    try memory.withBytes(at: 0, count: count) { (bytes) throws(BlockError) in
                        try journal.record(step: Self.step(at: position), bytes)
                    }
                    try convert(position, hasData)
                    try volume.sync()
                }
                position += UInt64(count)
            }
            try journal.record(step: Self.step(at: position))
        } catch {
            // It may be half under the one key and half under the other.
            if let recorded {
                transition.boundary.store(recorded, ordering: .relaxed)
                transition.broken.store(recorded, ordering: .relaxed)
            }
            throw error
        }
        transition.boundary.store(position, ordering: .relaxed)
    }

    /// Reads a step's ciphertext, and gives which of its data units are no holes.
    private func load(_ offset: UInt64, _ count: Int) throws(BlockError) -> [Bool] {
        let place = volume.geometry.dataOffset + offset
        let store = volume.store
        let unit = volume.geometry.dataUnitBytes
        return try memory.withMutableBytes(at: 0, count: count) { (bytes) throws(BlockError) in
            try store.readPadded(into: &bytes, at: place)
            return bytes.zeroUnits(of: unit).map { !$0 }
        }
    }

    /// Writes what was read under the new key, but for holes, which stay.
    private func convert(_ offset: UInt64, _ hasData: [Bool]) throws(BlockError) {
        let unit = volume.geometry.dataUnitBytes
        try hasData.forEachRun { (units) throws(BlockError) in
            var start = units.lowerBound * unit
            let end = units.upperBound * unit
            while start < end {
                let length = min(EncryptedUnits<Store>.pieceBytes, end - start)
                try convert(offset + UInt64(start), at: start, length)
                start += length
            }
        }
    }

    private func convert(_ offset: UInt64, at start: Int, _ length: Int) throws(BlockError) {
        let unit = volume.geometry.dataUnitBytes
        let first = offset / UInt64(unit)
        let place = volume.geometry.dataOffset + offset
        let store = volume.store
        try memory.withMutableBytes(at: start, count: length) { (bytes) throws(BlockError) in
            do throws(XTSError) {
                try old.decrypt(&bytes, first: first, unitBytes: unit)
                try new.encrypt(&bytes, first: first, unitBytes: unit)
            } catch { throw .cipher }
            try store.write(bytes.bytes, at: place)
        }
    }
}

extension EncryptedVolume {
    fileprivate func begin(_ transition: KeyTransition) {
        locks.lockAllExclusively()
        defer { locks.unlockAll() }
        keys.begin(transition)
    }

    /// All of the data is under the new key, and the header says so.
    public func endReencryption() {
        locks.lockAllExclusively()
        defer { locks.unlockAll() }
        keys.end()
    }
}
