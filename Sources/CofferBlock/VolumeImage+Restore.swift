public import CofferShapes

/// A header kept elsewhere, against the day when both copies in the store are lost. It is one copy as it lay
/// in the store, 32768 bytes: it names its own kind, version and place, and its checksum and authentication
/// code go with it.
extension VolumeImage {
    /// The newest good copy's bytes, unauthenticated as all reading is. They are not secret: they hold the
    /// wrapped key.
    ///
    /// Throws `.wrongState` while the volume is re-encrypted: it could not be put back.
    public func saveHeader() throws(HeaderError) -> [UInt8] {
        let reading = try read()
        let state = try reading.newest().state
        guard state != .reencrypting else { throw .wrongState(state) }
        // newest() has thrown where there is no source.
        return reading.source.map { reading[$0].bytes } ?? []
    }

    /// What a saved header says, unauthenticated: its slot is what the KMS is to unwrap.
    public func readSavedHeader(_ bytes: [UInt8]) throws(HeaderError) -> VolumeHeader {
        guard bytes.count == HeaderLayout.copyBytes else { throw .notASavedHeader(.missing) }
        let offset = bytes.load(UInt64.self, at: HeaderLayout.headerOffset)
        let place = HeaderCopy.allCases.first { $0.offset == offset } ?? .a
        let header: VolumeHeader
        do {
            header = try VolumeHeader(parsing: bytes, at: place)
        } catch {
            throw .notASavedHeader(error)
        }
        guard header.volumeID == volumeID else {
            throw .otherVolume(expected: volumeID, found: header.volumeID)
        }
        return header
    }

    /// Writes a saved header over both copies, authenticated under the volume key that its own slot holds.
    /// Its counters rise above all that were seen: the sequence above both copies that are authentic and
    /// above `mark`, the attach epoch to theirs. A copy of a newer format, or an authentic one with unknown
    /// features, is not written over.
    ///
    /// A saved header of a volume key that the volume no longer uses is refused, unless `acceptingRollback`:
    /// under it the data would read as noise. One from before a re-wrap is not: the KMS key it names opened
    /// it just now.
    ///
    /// One from before the volume grew, or was filled, would hide what was written since. So it takes the size of an
    /// authentic copy, and that it is filled; and the size `volumeBytes`, where somebody knows that the volume had it and
    /// the store has room for it.
    public func restoreHeader(
        _ bytes: [UInt8],
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?,
        acceptingRollback: Bool = false,
        volumeBytes: UInt64 = 0
    ) throws(HeaderError) -> VolumeHeader {
        var header = try readSavedHeader(bytes)
        guard VolumeHeader.isAuthentic(bytes, macKey: try header.macKey(from: volumeKey)) else {
            throw .tampered
        }
        try header.requireKnownFeatures()
        guard header.state == .ready || header.state == .rewrapping else { throw .wrongState(header.state) }
        let reading = try read()
        try reading.refuseNewerFormat()
        try reading.requireRoom(for: header)
        let present = HeaderCopy.allCases.compactMap { reading.header(in: $0) }
        // Its new key, and the data under it, would be lost for good.
        guard !present.contains(where: { $0.state == .reencrypting }) else {
            throw .wrongState(.reencrypting)
        }
        guard
            acceptingRollback
                || (mark.map { $0.uuid == header.uuid } ?? true
                    && present.allSatisfy { $0.keyEpoch <= header.keyEpoch })
        else { throw .olderKey }
        if let mark { Self.raise(&header, to: mark) }
        for place in HeaderCopy.allCases where try reading.isAuthentic(place, volumeKey) {
            guard let copy = reading.header(in: place) else { continue }
            try copy.requireKnownFeatures()
            Self.raise(&header, to: copy.mark)
            guard copy.uuid == header.uuid else { continue }
            Self.grow(&header, toBytes: copy.geometry.volumeBytes, reading)
            if !copy.isUnfilled { header.flags = header.flags.filled }
        }
        Self.grow(&header, toBytes: volumeBytes, reading)
        return try update(header, after: reading, volumeKey)
    }

    private static func grow(_ header: inout VolumeHeader, toBytes count: UInt64, _ reading: HeaderReading) {
        guard let grown = header.geometry.grown(toBytes: count), grown.storeBytes <= reading.storeBytes else {
            return
        }
        header.geometry = grown
    }

    /// Counters of a copy that is not authentic could be anything, and are not followed.
    private static func raise(_ header: inout VolumeHeader, to mark: RollbackMark) {
        header.sequence = max(header.sequence, mark.sequence)
        header.attachEpoch = max(header.attachEpoch, mark.attachEpoch)
    }
}
