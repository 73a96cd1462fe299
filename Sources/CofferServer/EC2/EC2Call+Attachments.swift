internal import CofferEBS
internal import CofferShapes

// Attaching and detaching: both answer at once, and `describeVolumes` tells how far they are.
extension EC2Call {
    func attachVolume(_ writer: inout XMLWriter) async throws {
        if arguments.integer("EbsCardIndex") ?? 0 != 0 {
            throw AWSError(.ec2UnsupportedOperation, "The instance has one EBS card: leave EbsCardIndex out.")
        }
        let id = try volumeID()
        var options = AttachOptions()
        options.instance = try arguments.requiredText("InstanceId")
        options.enforcesLimits = host.enforcesLimits
        options.device = try arguments.requiredText("Device")
        let attachment = try await volumes.beginAttachVolume(
            id.text,
            options: options,
            isDryRun: isDryRun,
            caller: caller
        )
        writer.attachment(attachment)
    }

    func detachVolume(_ writer: inout XMLWriter) async throws {
        let id = try volumeID()
        let attachment = try await volumes.beginDetachVolume(
            id.text,
            claim: AttachmentClaim(
                instance: arguments.text("InstanceId"),
                device: arguments.text("Device")
            ),
            force: arguments.flag("Force") ?? false,
            isDryRun: isDryRun,
            caller: caller
        )
        writer.attachment(attachment)
    }
}
