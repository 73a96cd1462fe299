internal import CofferBlock
internal import CofferCatalog
internal import CofferControl
internal import CofferShapes
internal import CofferSystem
internal import Glibc

// Work on a volume that nobody attaches: a daemon without a mount does it, and outlives the command.
extension VolumeService {
    /// Starts a daemon that holds the volume's lock and key, does what it is asked for next, and leaves when that is
    /// done. The caller holds the operation lock.
    func startWorker(_ volume: VolumeRecord, _ caller: Caller) async throws {
        runtime.clear(volume.id)
        let store = try openStore(volume, .readWrite)
        try lockExclusively(store, volume)
        // Nothing is written to the volume: its attach epoch stays as it is.
        let image = VolumeImage(store, volumeID: volume.id, clock: clock)
        let volumeKey = try await volumeKey(of: image, caller: caller)
        let mark = try catalog.mark(of: volume.id)
        let header = try translating("reading the header") { try image.open(volumeKey, mark: mark) }
        try followKey(of: header, volume)
        let opened = OpenedHeader(
            header: header,
            volumeKey: volumeKey,
            fill: try await openFill(of: header, caller: caller),
            previousKey: try await previousKey(of: header, caller: caller),
            notices: []
        )
        let ready = try await startDaemon(
            volume,
            store,
            opened,
            AttachOrder(
                volumeID: volume.id.text,
                exposedDirectory: nil,
                controlSocketPath: runtime.controlSocket(volume.id),
                logPath: runtime.log(volume.id),
                changedMapPath: paths.changedMap(volume.id),
                isReadOnly: false,
                leavesAtLastClose: false,
                punchesHoles: true,
                backingIO: .auto,
                threadCount: nil
            )
        )
        try runtime.store(
            AttachmentRecord(
                exposedDirectory: runtime.defaultExposedDirectory(volume.id),
                mountDirectory: nil,
                isReadOnly: false,
                daemon: ProcessIdentity(processID: ready.processID),
                fuseConnection: nil,
                mountNamespace: SystemNamespace.mount,
                attached: clock.now,
                isWorker: true
            ),
            of: volume.id
        )
    }
}
