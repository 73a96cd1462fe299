public import CofferShapes

extension VolumeImage {
    /// Makes the volume larger: `count` bytes, a whole number of data units, at most 64 TiB. What is new reads as zeroes.
    ///
    /// The store grows first, so that a cut between leaves a store with room to spare and never a header that promises
    /// what is not there. Throws `.wrongState` unless the volume is ready, and `.size` for a size that is smaller, or that
    /// the format does not allow; the size that it has already is fine.
    public func grow(
        toBytes count: UInt64,
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.state == .ready || header.state == .rewrapping else { throw .wrongState(header.state) }
        guard let geometry = header.geometry.grown(toBytes: count) else {
            throw .size(wanted: count, present: header.geometry.volumeBytes)
        }
        guard geometry != header.geometry else { return header }
        try onStore { () throws(BlockError) in
            if try store.sizeBytes() < geometry.storeBytes { try store.resize(toBytes: geometry.storeBytes) }
            try store.sync()
        }
        header.geometry = geometry
        return try update(header, after: reading, volumeKey)
    }
}
