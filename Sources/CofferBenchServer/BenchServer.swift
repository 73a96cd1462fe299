internal import CLinux
internal import CofferBlock
internal import CofferCrypto
internal import CofferFuse
internal import CofferSecrets
internal import CofferXTS
internal import Glibc

/// Serves a file as coffer-volumed would serve a volume's, by the same session, request loop and data path, under a key
/// made on the spot and with or without the cipher. No header, no KMS: what it serves cannot be read again.
struct BenchServer {
    let backingPath: String
    let directory: String
    let encrypts: Bool
    let threadCount: Int

    private static let dataUnitBytes = 4096
    private static let verifyTimeoutMilliseconds = 10_000
    private static let stopTimeoutMilliseconds = 20_000

    /// nil for anything but `BACKING DIR --cipher on|off --threads N`.
    init?(_ arguments: [String]) {
        guard arguments.count == 6, arguments[2] == "--cipher", arguments[4] == "--threads",
            ["on", "off"].contains(arguments[3]), let threads = Int(arguments[5]), (1...256).contains(threads)
        else { return nil }
        (backingPath, directory) = (arguments[0], arguments[1])
        (encrypts, threadCount) = (arguments[3] == "on", threads)
    }

    /// Serves until SIGTERM or SIGINT, then takes the mount away.
    func serve() throws {
        // Before any thread starts, so that all inherit the mask and only `sigwait` sees the two signals.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigaddset(&signals, SIGINT)
        unsafe pthread_sigmask(SIG_SETMASK, &signals, nil)
        // As the daemon does: key schedules lie where the daemon's do. The second is refused to some.
        try LibcryptoMemory.install()
        _ = clinux_set_io_flusher()

        let volume = try openVolume()
        let file = ExposedFile(volume: volume, isReadOnly: false, leavesAtLastClose: false)
        let session = try FuseSession(
            mounting: file,
            on: directory,
            source: "coffer-bench:cipher-\(encrypts ? "on" : "off")"
        )
        var connection: UInt32?
        defer {
            if !session.stop(timeoutMilliseconds: Self.stopTimeoutMilliseconds) {
                BenchServerMain.complain("a request to the store does not end")
            }
            session.unmount(connection: connection)
        }
        let key = SecretBytes(random: volume.geometry.cipher.keyBytes)
        try session.start(
            threadCount: threadCount,
            standbyCount: FuseSession.standbyCount(besides: threadCount)
        ) { () throws(XTSError) in
            volume.makeWorker(
                cipher: encrypts
                    ? try XTSCipher(key: key)
                    : unsafe try XTSCipher(measuring: IdentityKernel.table, key: key)
            )
        }
        connection = try session.verify(timeoutMilliseconds: Self.verifyTimeoutMilliseconds)
        var signal: Int32 = 0
        unsafe sigwait(&signals, &signal)
    }

    /// The volume that fills the file, from where a volume's data begins.
    private func openVolume() throws -> EncryptedVolume<FileBlockStore> {
        let store = try FileBlockStore(path: backingPath, .readWrite)
        let room = try store.sizeBytes()
        guard room > Geometry.dataOffsetAlignment,
            let geometry = Geometry(
                volumeBytes: room - Geometry.dataOffsetAlignment,
                dataUnitBytes: Self.dataUnitBytes,
                cipher: .aes256XTS
            )
        else { throw UnfitBacking(path: backingPath) }
        return EncryptedVolume(store: store, geometry: geometry, punchesHoles: true)
    }
}

/// A file that no volume fills.
struct UnfitBacking: Error, CustomStringConvertible {
    let path: String

    var description: String { "\(path) is no whole number of data units, or not over 1 MiB" }
}
