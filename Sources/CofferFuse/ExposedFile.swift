public import CofferBlock
internal import Glibc
internal import Synchronization

/// The one file of a mount, `volume`: what every thread of it may look at, and who has it open.
public final class ExposedFile: Sendable {
    public static let name = "volume"

    public let volume: EncryptedVolume<FileBlockStore>
    public let isReadOnly: Bool
    /// Leave when the last user closes the file.
    let leavesAtLastClose: Bool
    public let departure = Departure()

    let owner: (user: uid_t, group: gid_t) = (geteuid(), getegid())
    private let opens = Atomic<Int>(0)
    private let leaving = Atomic<Bool>(false)

    public init(volume: EncryptedVolume<FileBlockStore>, isReadOnly: Bool, leavesAtLastClose: Bool) {
        self.volume = volume
        self.isReadOnly = isReadOnly
        self.leavesAtLastClose = leavesAtLastClose
    }

    /// How many times the file is open now.
    public var openCount: Int { opens.load(ordering: .acquiring) }

    /// Set once: the threads stop at their next request, or when they are woken.
    public internal(set) var isLeaving: Bool {
        get { leaving.load(ordering: .acquiring) }
        set { leaving.store(newValue, ordering: .releasing) }
    }

    /// Size, bytes.
    var sizeBytes: UInt64 { volume.volumeBytes }

    func noteOpen() { opens.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    /// The open that was noted did not come about: the caller was interrupted, and no close will follow.
    func takeBackOpen() { opens.wrappingSubtract(1, ordering: .acquiringAndReleasing) }

    func noteClose() {
        let left = opens.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if left == 0 && leavesAtLastClose { departure.ask(.lastClose) }
    }
}
