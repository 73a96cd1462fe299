internal import CofferCatalog
internal import CofferShapes

// What only the daemon of an attached volume can do, as it is then the one writer of the volume's file. These are the
// places where its verbs are asked for; until it has them they refuse.
extension VolumeService {
    /// Grows the file and the header of an attached volume, with no call to KMS, and then what is above it.
    func growAttached(_ record: VolumeRecord, toBytes bytes: UInt64) async throws {
        throw AWSError(
            .ec2UnsupportedOperation,
            "volume \(record.label) is attached, and an attached volume cannot grow yet",
            hint: "detach it with `coffer volume unmount \(record.label)`, then try again"
        )
    }

    /// Tells the daemon what is provisioned now. Nothing is limited yet, so that there is nothing to tell.
    func applyLimits(_ record: VolumeRecord, _ target: ModificationRecord.Shape) async throws {}
}
