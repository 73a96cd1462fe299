public import CofferShapes

/// A volume's header over its store, from creation on. Each verb reads the header anew, so it must be the
/// only one at work: the caller holds the store's lock, or is the daemon that does.
///
/// The rule for every change: the whole copy with the next sequence number goes over the copy that is *not*
/// the newest good one, and is synced; then the other is written and synced; only then is the change
/// reported. So there is one whole copy at any moment, and a cut shows the old header or the new one, never a
/// mixture.
public struct VolumeImage: Sendable {
    public let store: any BlockStore
    public let volumeID: VolumeID
    let clock: any WallClock

    public init(_ store: any BlockStore, volumeID: VolumeID, clock: any WallClock = SystemClock()) {
        (self.store, self.volumeID, self.clock) = (store, volumeID, clock)
    }

    /// Both copies as they are. Throws only where the store fails: what is wrong with a copy is part of the
    /// reading.
    public func read() throws(HeaderError) -> HeaderReading {
        let storeBytes = try onStore { () throws(BlockError) in try store.sizeBytes() }
        var copies: [HeaderReading.Copy] = []
        for place in HeaderCopy.allCases {
            let bytes = try readBytes(at: place.offset, count: HeaderLayout.copyBytes)
            copies.append(HeaderReading.Copy(bytes, at: place))
        }
        return HeaderReading(copies: copies, expectedID: volumeID, storeBytes: storeBytes)
    }

    /// Reads and authenticates the header, and refuses one older than `mark`, unless `acceptingRollback`.
    /// Changes nothing.
    public func open(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?,
        acceptingRollback: Bool = false
    ) throws(HeaderError) -> VolumeHeader {
        try openReading(volumeKey, mark: mark, acceptingRollback: acceptingRollback).header
    }

    /// `open`, with the reading that the header came from.
    func openReading(
        _ volumeKey: borrowing VolumeKey,
        mark: RollbackMark?,
        acceptingRollback: Bool
    ) throws(HeaderError) -> (reading: HeaderReading, header: VolumeHeader) {
        let reading = try read()
        let header = try reading.authenticate(volumeKey)
        if let mark, !acceptingRollback, !mark.allows(header.mark) {
            throw .rollback(seen: mark, found: header.mark)
        }
        return (reading, header)
    }

    /// Writes `header` as the successor of what was read, by the rule above; gives it back as it was written.
    func update(
        _ header: VolumeHeader,
        after reading: HeaderReading,
        _ volumeKey: borrowing VolumeKey
    ) throws(HeaderError) -> VolumeHeader {
        guard header.flags.readOnlyCompatible == 0 else { throw .readOnlyFeatures }
        guard header.sequence + 1 < HeaderLayout.counterLimit, header.attachEpoch < HeaderLayout.counterLimit
        else { throw .counterExhausted }
        var next = header
        next.sequence += 1
        next.modified = clock.now
        let first = reading.source?.other ?? .a
        try write(next, to: [first, first.other], volumeKey)
        return next
    }

    /// Writes whole copies in turn, each synced before the next is begun.
    func write(
        _ header: VolumeHeader,
        to places: [HeaderCopy],
        _ volumeKey: borrowing VolumeKey
    ) throws(HeaderError) {
        let macKey = try header.macKey(from: volumeKey)
        for place in places {
            let bytes = header.serialised(at: place, macKey: macKey)
            precondition(
                (try? VolumeHeader(parsing: bytes, at: place)) == header,
                "a header that does not read back"
            )
            try onStore { () throws(BlockError) in
                unsafe try store.write(bytes.span.bytes, at: place.offset)
                try store.sync()
            }
        }
    }

    /// As many bytes as the store holds, up to `count`.
    func readBytes(at offset: UInt64, count: Int) throws(HeaderError) -> [UInt8] {
        try onStore { () throws(BlockError) in try store.bytes(at: offset, count: count) }
    }

    func onStore<Result>(_ body: () throws(BlockError) -> Result) throws(HeaderError) -> Result {
        do {
            return try body()
        } catch {
            throw .store(error)
        }
    }
}
