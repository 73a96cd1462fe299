internal import CofferEBS
internal import CofferShapes

// The structures that several answers share. (EC2 API reference, "Data types")
extension XMLWriter {
    /// A volume's members, in the element that the caller has begun.
    mutating func volume(_ volume: Volume, zone: String) {
        element("volumeId", volume.id.text)
        element("size", volume.sizeGiB)
        element("snapshotId", "")
        element("availabilityZone", zone)
        element("status", volume.state.rawValue)
        element("createTime", volume.created.iso8601)
        element("encrypted", true)
        element("kmsKeyId", volume.kmsKeyARN.description)
    }
}

extension Volume {
    /// GiB, as EBS counts; a part of one counts whole.
    var sizeGiB: Int { Int(clamping: (sizeBytes + (1 << 30) - 1) >> 30) }
}
