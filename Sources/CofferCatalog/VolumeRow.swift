internal import CofferShapes
internal import GRDB

/// A volume as its row.
struct VolumeRow: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "volume"

    let id: String
    let sizeBytes: Int64
    let dataUnitBytes: Int
    let cipherName: String
    let kmsKeyARN: String
    let created: Int64
    let region: String
    let stage: String
    let failure: String?
    let filesystem: String
    let awaitsFilesystemGrowth: Bool
    let type: String
    let iops: Int?
    let throughput: Int?
    let isEncrypted: Bool
    let snapshot: String?
    let sourceVolume: String?
    let enablesIOByItself: Bool

    init(_ volume: VolumeRecord) {
        id = volume.id.text
        sizeBytes = Int64(volume.sizeBytes)
        dataUnitBytes = volume.dataUnitBytes
        cipherName = volume.cipherName
        kmsKeyARN = volume.kmsKeyARN.description
        created = Int64(clamping: volume.created.nanoseconds)
        region = volume.region.name
        stage = volume.stage.rawValue
        failure = volume.failure
        filesystem = volume.filesystem.rawValue
        awaitsFilesystemGrowth = volume.awaitsFilesystemGrowth
        type = volume.type.rawValue
        (iops, throughput) = (volume.iops, volume.throughput)
        isEncrypted = volume.isEncrypted
        (snapshot, sourceVolume) = (volume.snapshot?.text, volume.sourceVolume?.text)
        enablesIOByItself = volume.enablesIOByItself
    }

    /// The record, every field parsed again: the file is input.
    func record(tags: [Tag]) throws -> VolumeRecord {
        guard let id = VolumeID(id), let arn = ARN(kmsKeyARN), sizeBytes > 0, created >= 0,
            let region = Region(region), let stage = VolumeRecord.Stage(rawValue: stage),
            let filesystem = VolumeRecord.Filesystem(rawValue: filesystem),
            let type = VolumeType(rawValue: type), [512, 4096].contains(dataUnitBytes)
        else { throw AWSError(.damaged, "the catalogue's entry for volume '\(id)' is damaged") }
        var record = VolumeRecord(
            id: id,
            sizeBytes: UInt64(sizeBytes),
            dataUnitBytes: dataUnitBytes,
            cipherName: cipherName,
            kmsKeyARN: arn,
            created: Timestamp(nanoseconds: UInt64(created)),
            region: region
        )
        (record.stage, record.failure) = (stage, failure)
        (record.filesystem, record.awaitsFilesystemGrowth) = (filesystem, awaitsFilesystemGrowth)
        (record.type, record.iops, record.throughput) = (type, iops, throughput)
        (record.isEncrypted, record.enablesIOByItself) = (isEncrypted, enablesIOByItself)
        record.snapshot = snapshot.flatMap(SnapshotID.init)
        record.sourceVolume = sourceVolume.flatMap(VolumeID.init)
        record.tags = tags
        return record
    }
}
