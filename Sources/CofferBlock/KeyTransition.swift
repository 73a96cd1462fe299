internal import CofferSecrets
internal import CofferXTS
internal import Synchronization

/// XTS key 1 ‖ key 2, for whoever makes ciphers of it.
final class DataKey: Sendable {
    let bytes: SecretBytes

    init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
}

/// Where a volume's data goes from one key to another while it is used. What lies before `boundary` is under the new
/// key, the rest under the old one. Whoever moves the boundary holds the stripes on both sides of it exclusively, so that
/// a request which holds its stripe finds it where it is.
final class KeyTransition: Sendable {
    /// nil once no data is under it.
    let old: DataKey?
    let new: DataKey
    /// Bytes from the start of the volume.
    let boundary: Atomic<UInt64>
    /// A step that is half under one key and half under the other, since the store failed: it is neither read nor written
    /// until the volume is attached again.
    let broken = Atomic<UInt64>(.max)

    init(from old: DataKey?, to new: DataKey, boundary: UInt64) {
        (self.old, self.new) = (old, new)
        self.boundary = Atomic(boundary)
    }
}

/// The keys of a volume over time: one generation for each, and one in between for each change from one to the next.
final class KeyGenerations: @unchecked Sendable {
    // Sendable: `transition` changes only while every stripe of the volume is held exclusively, and is read under one.

    /// Even while all data is under one key, odd while it goes from one to the next.
    let current = Atomic<Int>(0)
    private(set) var transition: KeyTransition?

    /// With every stripe held.
    func begin(_ transition: KeyTransition) {
        precondition(current.load(ordering: .relaxed).isMultiple(of: 2), "a change of keys is under way")
        self.transition = transition
        current.wrappingAdd(1, ordering: .relaxed)
    }

    /// With every stripe held, when all data is under the new key, which is the one to use from now on; the old one is
    /// wiped, but for the ciphers of workers that have nothing to do: each goes with its next request.
    func end() {
        precondition(!current.load(ordering: .relaxed).isMultiple(of: 2), "no change of keys is under way")
        transition = transition.map { KeyTransition(from: nil, to: $0.new, boundary: .max) }
        current.wrappingAdd(1, ordering: .relaxed)
    }
}

extension EncryptedVolumeWorker {
    /// Under a stretch's stripe: as much of it as is under one key, which `units` has from now on.
    @inline(__always)
    mutating func settled(_ stretch: Stretch) throws(BlockError) -> Stretch {
        if volume.keys.current.load(ordering: .relaxed) == generation { return stretch }
        return try settledInTransition(stretch)
    }

    @inline(never)
    private mutating func settledInTransition(_ stretch: Stretch) throws(BlockError) -> Stretch {
        let current = volume.keys.current.load(ordering: .relaxed)
        guard let transition = volume.keys.transition else { return stretch }
        guard !current.isMultiple(of: 2) else {
            units = try makeUnits(transition.new)
            other = nil
            (generation, otherGeneration) = (current, current)
            return stretch
        }
        if otherGeneration != current, let old = transition.old {
            units = try makeUnits(old)
            other = try makeUnits(transition.new)
            (hasNewKey, otherGeneration) = (false, current)
        }
        let boundary = transition.boundary.load(ordering: .relaxed)
        let isNew = stretch.offset < boundary
        if isNew != hasNewKey {
            swapUnits()
            hasNewKey = isNew
        }
        let broken = transition.broken.load(ordering: .relaxed)
        let step = UInt64(ReencryptionJournal.stepBytes)
        if stretch.offset < broken &+ step && stretch.offset + UInt64(stretch.count) > broken {
            throw .faulted
        }
        // A data unit never lies on both sides.
        return isNew ? stretch.cut(at: boundary) : stretch
    }

    private func makeUnits(_ key: DataKey) throws(BlockError) -> EncryptedUnits<Store> {
        do throws(XTSError) {
            return EncryptedUnits(
                store: volume.store,
                dataOffset: volume.geometry.dataOffset,
                unitBytes: volume.geometry.dataUnitBytes,
                cipher: try XTSCipher(key: key.bytes)
            )
        } catch { throw .cipher }
    }
}
