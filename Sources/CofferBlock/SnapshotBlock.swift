/// How a volume is cut into snapshot blocks: 512 KiB each, counted from 0, the last as short as the volume's size
/// makes it. All arithmetic of blocks is here.
public enum SnapshotBlock {
    /// Length of every block but a volume's last, bytes.
    public static let bytes = 512 << 10

    /// How many blocks a volume of `volumeBytes` has.
    public static func count(ofVolume volumeBytes: UInt64) -> UInt64 {
        let whole = volumeBytes / UInt64(bytes)
        return volumeBytes.isMultiple(of: UInt64(bytes)) ? whole : whole + 1
    }

    /// Where a block starts in its volume, bytes.
    public static func offset(of index: UInt64) -> UInt64 { index * UInt64(bytes) }

    /// Length of a block that lies within a volume of `volumeBytes`, bytes; at least one data unit.
    public static func length(of index: UInt64, inVolume volumeBytes: UInt64) -> Int {
        let start = offset(of: index)
        precondition(start < volumeBytes, "a block past the end of its volume")
        return Int(min(UInt64(bytes), volumeBytes - start))
    }
}
