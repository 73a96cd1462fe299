internal import CofferBlock
internal import CofferControl
internal import CofferSystem
internal import Glibc
internal import Logging

/// How this daemon reaches the volume's file, chosen once.
///
/// Through the page cache is the faster way: the cache answers reads, and writes go to the medium in the background. But
/// it takes pages, and where the daemon shares a memory-limited group with those who write to the volume, reclaim may
/// wait for their writeback, which waits for the daemon. So the daemon leaves such a group if it can, and otherwise
/// passes the page cache by.
struct Backing {
    let store: FileBlockStore
    /// The same file through the page cache, for its headers; nil where it is only read.
    let headerStore: FileBlockStore?
    /// `.cached` or `.direct`.
    let kind: BackingIO
    /// How many threads serve best: one for each processor where they work in memory, more where each waits for the
    /// medium.
    let threadCount: Int
    /// Sentences for the user.
    let notices: [String]

    /// Takes over the open file. Throws StartFailure where direct I/O is wanted and cannot be had.
    init(
        _ descriptor: Int32,
        _ wanted: BackingIO,
        isReadOnly: Bool,
        unitBytes: Int,
        _ log: Logger
    ) throws {
        headerStore = isReadOnly ? nil : try FileBlockStore(reopening: descriptor, .readWrite)
        let group = Self.groupThatStays(log)
        let direct: FileBlockStore?
        do throws(BlockError) {
            let isDirect = wanted == .direct || wanted == .auto && group != nil
            direct =
                isDirect ? try FileBlockStore(adoptingForDirectIO: descriptor, unitBytes: unitBytes) : nil
        } catch {
            guard wanted == .auto else {
                throw StartFailure(
                    "the volume's file offers no direct I/O in units of \(unitBytes) bytes (errno \(error.code))",
                    hint: "attach with --backing-io cached"
                )
            }
            direct = nil
        }
        store = direct ?? FileBlockStore(adopting: descriptor)
        kind = direct == nil ? .cached : .direct
        let processors = max(2, min(16, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
        threadCount = kind == .direct ? 16 : processors
        if let group, let notice = Self.notice(group, kind, wanted) {
            log.notice("\(notice)")
            notices = [notice]
        } else {
            notices = []
        }
    }

    /// Leaves the memory group whose limit applies here; gives it where that cannot be done.
    private static func groupThatStays(_ log: Logger) -> MemoryGroup? {
        guard let group = MemoryGroup.limiting() else { return nil }
        guard group.leave(), MemoryGroup.limiting() == nil else { return group }
        log.info("left the memory group \(group.name), whose limit is \(group.limitBytes >> 20) MiB")
        return nil
    }

    private static func notice(_ group: MemoryGroup, _ kind: BackingIO, _ wanted: BackingIO) -> String? {
        let place =
            "the daemon cannot leave the memory group \(group.name), whose limit is \(group.limitBytes >> 20) MiB"
        return switch (kind, wanted) {
        case (.direct, .direct): nil
        case (.direct, _): "\(place): it uses direct I/O to the volume's file"
        default:
            "\(place): when memory runs out there, the volume and its users may wait for each other for good; attach from "
                + "outside of that group, or with --backing-io direct"
        }
    }
}
