internal import CofferBlock
internal import CofferShapes
internal import CofferSnapshot
internal import CofferXTS
internal import Synchronization

/// A snapshot as the source of a volume that is made from it.
final class SnapshotFillSource: FillSource {
    private let worker: Mutex<SnapshotReaderWorker>
    private let snapshotBytes: UInt64
    private let unitBytes: Int

    init(_ reader: SnapshotReader, cipher: consuming XTSCipher) {
        snapshotBytes = reader.header.geometry.volumeBytes
        unitBytes = reader.header.geometry.dataUnitBytes
        worker = Mutex(reader.makeWorker(cipher: cipher))
    }

    func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) -> [Bool] {
        let count = bytes.byteCount
        var hasData = [Bool](repeating: false, count: count / unitBytes)
        // A volume may be larger than its snapshot.
        let inside = offset < snapshotBytes ? Int(min(UInt64(count), snapshotBytes - offset)) : 0
        if inside < count { bytes.zero(inside..<count) }
        guard inside > 0 else { return hasData }
        do {
            try bytes.withPart(0..<inside) { part in
                let holes = try worker.withLock { worker in try worker.readUnits(into: &part, at: offset) }
                for unit in 0..<holes.unitCount { hasData[unit] = !holes.contains(unit) }
            }
            return hasData
        } catch {
            throw .system(errno: 5, call: .read)  // EIO
        }
    }
}
