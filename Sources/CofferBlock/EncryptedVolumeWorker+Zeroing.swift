internal import CofferSecrets
internal import Glibc

/// Discard and write-zeroes: a range reads as zeroes afterwards.
extension EncryptedVolumeWorker {
    /// How much goes to the store in one call, so that a discard of terabytes does not hold the locks for its length.
    private static var discardBytes: UInt64 { 64 << 20 }

    /// How whole units are made to read as zeroes.
    private enum Method {
        case punch, zero, encrypt
    }

    /// Makes a range read as zeroes and gives its room back, unless the volume hides which units hold data: then, and
    /// where the store cannot punch, zeroes are encrypted over it. What lies past the volume's end is ignored.
    @specialized(where Store == FileBlockStore)
    public mutating func discard(at offset: UInt64, count: UInt64) throws(BlockError) {
        try clear(at: offset, count: count, volume.punchesHoles ? .punch : .encrypt)
    }

    /// Makes a range read as zeroes and keeps its room.
    @specialized(where Store == FileBlockStore)
    public mutating func zeroRange(at offset: UInt64, count: UInt64) throws(BlockError) {
        try clear(at: offset, count: count, volume.punchesHoles ? .zero : .encrypt)
    }

    @inline(__always)
    private mutating func clear(at offset: UInt64, count: UInt64, _ preferred: Method) throws(BlockError) {
        try fault.check()
        let volumeBytes = volume.volumeBytes
        guard offset < volumeBytes else { return }
        let end = offset + min(count, volumeBytes - offset)
        try requireFilled(at: offset, count: end - offset, isCleared: true)
        var method = preferred
        var position = offset
        while position < end {
            let rest = end - position
            if method != .encrypt, position.isMultiple(of: UInt64(units.unitBytes)),
                rest >= UInt64(units.unitBytes)
            {
                let whole = min(rest - rest % UInt64(units.unitBytes), Self.discardBytes)
                if try clearOnStore(at: position, count: whole, method) {
                    position += whole
                } else {
                    method = .encrypt
                }
                continue
            }
            let most = Int(min(rest, UInt64(EncryptedUnits<Store>.pieceBytes)))
            let stretch = Stretch(from: position, count: most, unitBytes: units.unitBytes)
            position += UInt64(try stretch.isWhole ? writeZeroes(stretch) : clearPart(stretch))
        }
    }

    /// Whole units by a call to the store; false when it has no such call. All stripes are shared meanwhile: a partial
    /// write that is under way must not put back what it read before.
    @inline(__always)
    private func clearOnStore(at offset: UInt64, count: UInt64, _ method: Method) throws(BlockError) -> Bool {
        locks.lockAllShared()
        defer { locks.unlockAll() }
        try willChange(at: offset, count: count)
        do throws(BlockError) {
            if method == .punch {
                try units.store.punchHole(at: units.dataOffset + offset, count: count)
            } else {
                try units.store.zeroRange(at: units.dataOffset + offset, count: count)
            }
            return true
        } catch {
            guard case .system(EOPNOTSUPP, _) = error else { throw error }
            return false
        }
    }

    /// Whole units as encrypted zeroes. Gives how many bytes it cleared, as the next does.
    @inline(__always)
    private mutating func writeZeroes(_ stretch: Stretch) throws(BlockError) -> Int {
        locks.lockShared(stretch.stripe)
        defer { locks.unlock(stretch.stripe) }
        let stretch = try settled(stretch)
        try willChange(at: stretch.offset, count: UInt64(stretch.count))
        try scratch.withMutableBytes(at: 0, count: stretch.count) { (zeroes) throws(BlockError) in
            zeroes.zero(0..<stretch.count)
            try units.write(&zeroes, at: stretch.offset)
        }
        return stretch.count
    }

    /// A part of a unit by read-modify-write; a hole is zeroes already.
    @inline(__always)
    private mutating func clearPart(_ stretch: Stretch) throws(BlockError) -> Int {
        locks.lockExclusively(stretch.stripe)
        defer { locks.unlock(stretch.stripe) }
        let stretch = try settled(stretch)
        let (start, isHole) = try loadUnit(of: stretch, waits: true)
        if isHole { return stretch.count }
        try willChange(at: stretch.offset, count: UInt64(stretch.count))
        scratch.withMutableBytes(at: 0, count: units.unitBytes) { $0.zero(start..<start + stretch.count) }
        try storeUnit(of: stretch)
        return stretch.count
    }
}
