public import CofferSecrets
public import CofferShapes

/// What a new volume is to be.
public struct VolumePlan: Sendable {
    public var volumeID: VolumeID
    public var geometry: Geometry
    /// The volume key as the KMS wrapped it, with the context `aws:ebs:id` = the volume's id.
    public var wrapped: WrappedVolumeKey
    public var parentSnapshot: SnapshotID?
    /// Whether the data is the parent snapshot's at first.
    public var isUnfilled: Bool
    public var records: [HeaderRecord]

    public init(
        volumeID: VolumeID,
        geometry: Geometry,
        wrapped: WrappedVolumeKey,
        parentSnapshot: SnapshotID? = nil,
        isUnfilled: Bool = false,
        records: [HeaderRecord] = []
    ) {
        precondition(HeaderRecord.fit(records), "more records than a header holds")
        precondition(!isUnfilled || parentSnapshot != nil, "nothing to fill the volume from")
        self.isUnfilled = isUnfilled
        (self.volumeID, self.geometry, self.wrapped) = (volumeID, geometry, wrapped)
        (self.parentSnapshot, self.records) = (parentSnapshot, records)
    }
}

extension VolumeImage {
    /// Makes a volume of an empty store: sets its size, writes both copies as `creating` and syncs, then
    /// makes them `ready`. When it returns, the volume is durable, but for the folder's entry, which the
    /// caller syncs. After a cut before that, the header is missing or says `creating`: there is no data to
    /// lose, and the caller begins anew.
    ///
    /// The data area must be all zero, as a new file is. Throws `.notEmpty` where a header would overwrite
    /// something.
    public static func create(
        in store: any BlockStore,
        _ plan: VolumePlan,
        volumeKey: borrowing VolumeKey,
        clock: any WallClock = SystemClock(),
        random: some ByteSource = SystemByteSource()
    ) throws(HeaderError) -> (image: VolumeImage, header: VolumeHeader) {
        precondition(
            plan.wrapped.context.pairs["aws:ebs:id"] == plan.volumeID.text,
            "a wrapped key for another volume"
        )
        let image = VolumeImage(store, volumeID: plan.volumeID, clock: clock)
        for copy in try image.read().copies {
            guard copy.bytes.isZero(in: copy.bytes.indices) else { throw .notEmpty }
        }
        var header = firstHeader(plan, now: clock.now, random: random)
        try image.onStore { () throws(BlockError) in try store.resize(toBytes: plan.geometry.storeBytes) }
        try image.write(header, to: [.a, .b], volumeKey)
        header.state = .ready
        return (image, try image.update(header, after: image.read(), volumeKey))
    }

    private static func firstHeader(
        _ plan: VolumePlan,
        now: Timestamp,
        random: some ByteSource
    ) -> VolumeHeader {
        let uuid = random.bytes(HeaderLayout.uuidBytes)
        let salt = random.bytes(HeaderLayout.saltBytes)
        let slot = KeySlot(
            state: .active,
            created: now,
            keyEpoch: 0,
            uuid: uuid,
            salt: salt,
            wrapped: plan.wrapped
        )
        return VolumeHeader(
            minorVersion: HeaderLayout.minor,
            sequence: 1,
            flags: plan.isUnfilled ? .unfilled : .none,
            state: .creating,
            uuid: uuid,
            salt: salt,
            volumeID: plan.volumeID,
            geometry: plan.geometry,
            created: now,
            modified: now,
            slots: [slot, nil],
            attachEpoch: 0,
            keyEpoch: 0,
            parentSnapshot: plan.parentSnapshot,
            records: plan.records
        )
    }
}
