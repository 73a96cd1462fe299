public import CofferShapes

extension VolumeImage {
    /// Makes a volume larger while nothing serves it: first the store, durably, and then the header by the rule for every
    /// change. A cut between leaves a store with more room than the header tells of, which harms nothing. What is new is
    /// a hole, and reads as zeroes.
    ///
    /// `geometry` is the header's with more bytes. Throws `.wrongState` unless the volume is ready.
    public func grow(
        to geometry: Geometry,
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?
    ) throws(HeaderError) -> VolumeHeader {
        let (reading, header) = try openReading(volumeKey, mark: mark, acceptingRollback: false)
        guard header.state == .ready else { throw .wrongState(header.state) }
        let old = header.geometry
        precondition(
            geometry.volumeBytes >= old.volumeBytes && geometry.dataOffset == old.dataOffset
                && geometry.dataUnitBytes == old.dataUnitBytes && geometry.cipher == old.cipher,
            "a volume grows, and nothing else about it changes"
        )
        let hasRoom = try onStore { () throws(BlockError) in try store.sizeBytes() >= geometry.storeBytes }
        if !hasRoom {
            try onStore { () throws(BlockError) in
                try store.resize(toBytes: geometry.storeBytes)
                try store.sync()
            }
        }
        guard geometry != old else { return header }
        return try update(header.with(geometry), after: reading, volumeKey)
    }
}

extension VolumeHeader {
    fileprivate func with(_ geometry: Geometry) -> VolumeHeader {
        VolumeHeader(
            minorVersion: minorVersion,
            sequence: sequence,
            flags: flags,
            state: state,
            uuid: uuid,
            salt: salt,
            volumeID: volumeID,
            geometry: geometry,
            created: created,
            modified: modified,
            slots: slots,
            attachEpoch: attachEpoch,
            keyEpoch: keyEpoch,
            parentSnapshot: parentSnapshot,
            records: records
        )
    }
}
