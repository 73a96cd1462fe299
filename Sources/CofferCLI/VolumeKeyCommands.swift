internal import ArgumentParser
internal import Coffer
internal import CofferEBS
internal import CofferShapes
internal import CofferTerminal

struct VolumeRekey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rekey",
        abstract: "Wrap a volume's key under another KMS key.",
        discussion: """
            The volume may be in use. The volume key itself stays the same: this changes who can open the volume from now on, \
            and takes nothing from who had a copy of it; `coffer volume reencrypt` does. Snapshots stay under the key that they \
            were taken under, and are named.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Option(help: "The KMS key: id, ARN or alias.")
    var key: String

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let volume = try await service.rekeyVolume(
            volume.reference,
            to: KeyReference(key),
            caller: caller
        )
        if global.output == .json { try Terminal.json(VolumeShape(volume)) }
        await KeptSnapshots.tell(of: volume, service, caller)
    }
}

struct VolumeReencrypt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reencrypt",
        abstract: "Give a volume a new volume key, and bring all of its data under it.",
        discussion: """
            The volume may be in use. A daemon does it, and goes on when this command is ended; a detach or a crash stops it, and \
            it goes on when the volume is attached, or when this command is given again. Afterwards who has the old volume key reads nothing of the volume; \
            snapshots stay under the keys that they were taken under, and are named.
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var volume: VolumeArgument
    @Option(help: "The KMS key that wraps the new volume key: id, ARN or alias. (default: the volume's)")
    var key: String?
    @Flag(help: "Return once it has begun, and do not wait until all is done.")
    var noWait = false

    func run() async throws {
        let home = try global.openHome()
        let service = try await global.volumes(of: home)
        let caller = try await global.caller(of: home)
        let begun = try await service.reencryptVolume(
            volume.reference,
            under: key.map { KeyReference($0) },
            caller: caller
        )
        await KeptSnapshots.tell(of: begun, all: true, service, caller)
        if !noWait { try await wait(for: begun, service, caller) }
        guard global.output == .json else { return }
        try Terminal.json(
            VolumeShape(try await service.describeVolumes([begun.id.text], caller: caller)[0])
        )
    }

    private func wait(for volume: Volume, _ service: VolumeService, _ caller: Caller) async throws {
        defer { Terminal.endProgress() }
        var idle = 0
        while true {
            let now = try await service.describeVolumes([volume.id.text], caller: caller)[0]
            if let percent = now.daemon?.reencryptedPercent {
                Terminal.progress(Double(percent) / 100, "re-encrypting \(volume.name ?? volume.id.text)")
                try await Task.sleep(for: .milliseconds(100))
                continue
            }
            guard try await service.isReencrypting(volume.id.text, caller: caller) else { return }
            // A daemon that has just begun to serve has not taken it up yet.
            idle += 1
            if idle < 100, now.attachment == .attached || now.attachment == .working {
                try await Task.sleep(for: .milliseconds(100))
                continue
            }
            throw AWSError(
                .incorrectState,
                "the re-encryption of \(volume.name ?? volume.id.text) was stopped",
                hint: "go on with `coffer volume reencrypt \(volume.name ?? volume.id.text)`"
            )
        }
    }
}

/// Snapshots of a volume that are under another KMS key than the volume is now.
private enum KeptSnapshots {
    /// A sentence about them on standard error; none where there are none, or the caller may not see them. With `all` also
    /// those under the same KMS key: their volume key is another.
    static func tell(
        of volume: Volume,
        all: Bool = false,
        _ service: VolumeService,
        _ caller: Caller
    ) async {
        let query = ResourceQuery(filters: [Filter("volume-id", [volume.id.text])])
        guard let snapshots = try? await service.describeSnapshots(query, caller: caller).items else {
            return
        }
        let kept = snapshots.filter { all || $0.kmsKeyARN != volume.kmsKeyARN }
        guard !kept.isEmpty else { return }
        let names = kept.map { $0.name ?? $0.id.text }.joined(separator: ", ")
        Terminal.error("coffer: snapshots that stay under the key that they were taken under: \(names)")
    }
}
