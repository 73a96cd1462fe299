internal import CLinux
internal import CofferBlock
internal import Glibc

extension FileBlockStore {
    /// Where the file next holds data, at or after `offset`; nil where nothing but holes follows. A filesystem that
    /// cannot tell says `offset`.
    func nextData(from offset: UInt64) throws(BlockError) -> UInt64? {
        let found = lseek(descriptor, off_t(offset), Int32(CLINUX_SEEK_DATA))
        if found >= 0 { return max(offset, UInt64(found)) }
        switch errno {
        case ENXIO: return nil
        case EINVAL, EOPNOTSUPP: return offset
        default: throw .system(errno: errno, call: .seek)
        }
    }
}
