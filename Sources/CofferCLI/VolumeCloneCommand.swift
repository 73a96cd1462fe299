internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct VolumeClone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Make a copy of a volume as it is at this moment; prints the copy's id.",
        discussion: """
            The volume may be in use. The copy is under the same KMS key, with a volume key of its own. It can be attached when \
            the command ends, and brings its data under its own key in the background while it is attached.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Option(help: "A name to call the copy by: its Name tag.")
    var name: String?
    @Option(help: "Its size, such as 20GiB. (default: the volume's)")
    var size: ByteCount?
    @OptionGroup var provision: NewVolumeOptions

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        var request = CopyVolumeRequest(source: volume.reference, name: name)
        request.sizeBytes = size?.bytes
        (request.type, request.iops) = (provision.type, provision.iops)
        request.throughput = provision.throughput
        request.tags = provision.tags.map(\.tag)
        let id = try await service.copyVolume(request, caller: caller).id.text
        let copy: Volume
        do {
            copy = try await end(of: id, service, caller)
        } catch {
            // Who may not look has a copy all the same.
            await service.finishBegunWork()
            throw error
        }
        // The copy's snapshot is removed last.
        await service.finishBegunWork()
        try VolumeShape.show(made: copy, global.output)
    }

    /// The copy once it can be attached; throws why it failed, and leaves nothing then.
    private func end(of id: String, _ service: VolumeService, _ caller: Caller) async throws -> Volume {
        defer { Terminal.endProgress() }
        while true {
            let now = try await service.describeVolumes([id], caller: caller)[0]
            switch now.state {
            case .creating:
                if let snapshot = now.snapshotID {
                    let making = try? await service.describeSnapshots([snapshot.text], caller: caller).first
                    Terminal.progress(Double(making?.progress ?? 100) / 100, id)
                }
                try await Task.sleep(for: .milliseconds(20))
            case .error:
                await service.finishBegunWork()
                try? await service.deleteVolume(id, caller: caller)
                throw AWSError(.internalError, "the copy came to nothing: \(now.stateReason ?? "")")
            default: return now
            }
        }
    }
}
