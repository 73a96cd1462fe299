public import CofferShapes

/// What an attach found and did.
public struct AttachStart: Sendable {
    /// The header as it is now: geometry, salt and uuid to serve the data with.
    public let header: VolumeHeader
    /// Copies that could not be used.
    public let damagedCopies: [HeaderCopy]
    /// Whether they have been written anew; a read-only attach writes nothing.
    public let mended: Bool

    /// What the catalogue remembers from now on.
    public var mark: RollbackMark { header.mark }
}

extension VolumeImage {
    /// Opens the header for serving, and takes note of it in the header itself: the attach epoch rises by
    /// one, which also mends a damaged copy. A read-only attach changes nothing.
    ///
    /// The header is written before the caller stores the new mark, so that a cut between the two leaves a
    /// header above its mark, which is honest, and never one below.
    public func beginAttach(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?,
        acceptingRollback: Bool = false,
        readOnly: Bool = false
    ) throws(HeaderError) -> AttachStart {
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: acceptingRollback)
        switch header.state {
        case .ready, .rewrapping: break
        // The step that was cut short has to be written again.
        case .reencrypting where !readOnly: break
        // These have no data to serve.
        case .reencrypting, .creating, .erased: throw .wrongState(header.state)
        }
        if !readOnly {
            header.attachEpoch += 1
            header = try update(header, after: reading, volumeKey)
        }
        let damaged = reading.damagedCopies
        return AttachStart(header: header, damagedCopies: damaged, mended: !readOnly && !damaged.isEmpty)
    }
}
