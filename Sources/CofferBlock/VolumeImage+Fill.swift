public import CofferShapes

extension VolumeImage {
    /// Notes that all of the volume's data is under its own key, as its fill map says: the parent snapshot is not asked
    /// any more.
    public func endFilling(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        var (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.isUnfilled else { return header }
        header.flags = header.flags.filled
        return try update(header, after: reading, volumeKey)
    }
}
