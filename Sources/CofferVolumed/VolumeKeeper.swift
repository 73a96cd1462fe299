internal import CofferBlock
internal import CofferControl
internal import CofferFuse
internal import CofferShapes
internal import Logging
internal import Synchronization

/// What is done to a volume while it is served, besides its users' requests: this process is the only writer of its file.
///
/// It holds the volume key, in locked memory: the header that it writes is authenticated under a key derived from it.
final class VolumeKeeper: Sendable {
    private let volume: EncryptedVolume<FileBlockStore>
    private let sizeNotice: FuseSession.SizeNotice
    private let image: VolumeImage
    private let volumeKey: VolumeKey
    /// The header as this process wrote it last, or was told of it.
    private let mark: Mutex<RollbackMark>
    private let log: Logger

    /// `headerStore` is the volume's file, through the page cache.
    init(
        _ volumeID: VolumeID,
        _ volume: EncryptedVolume<FileBlockStore>,
        headerStore: FileBlockStore,
        volumeKey: consuming VolumeKey,
        mark: RollbackMark,
        sizeNotice: FuseSession.SizeNotice,
        log: Logger
    ) {
        image = VolumeImage(headerStore, volumeID: volumeID)
        (self.volume, self.sizeNotice, self.log) = (volume, sizeNotice, log)
        self.volumeKey = volumeKey
        self.mark = Mutex(mark)
    }

    /// Makes the volume larger: its file, its header, and then what its users see.
    func grow(toBytes count: UInt64) throws(HeaderError) -> RollbackMark {
        let newest = try changeHeader { (mark) throws(HeaderError) in
            try image.grow(toBytes: count, volumeKey, mark: mark)
        }
        volume.grow(toBytes: count)
        sizeNotice.send()
        log.info("grown to \(count) bytes")
        return newest
    }

    private func changeHeader(
        _ change: (RollbackMark) throws(HeaderError) -> VolumeHeader
    ) throws(HeaderError) -> RollbackMark {
        try mark.withLock { (mark) throws(HeaderError) in
            mark = try change(mark).mark
            return mark
        }
    }
}
