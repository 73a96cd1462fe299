internal import CofferBlock
internal import CofferSecrets
public import CofferXTS

extension SnapshotReader {
    /// Fills the span, which is as long as a block, with a block's plaintext; holes, and what lies past the end of a volume
    /// that ends within the block, are zeroes. `cipher` is under the snapshot's XTS key. Throws as `readBlock(_:into:)` does.
    public func readBlock(
        _ index: UInt64,
        decryptedBy cipher: borrowing XTSCipher,
        into span: inout MutableRawSpan
    ) throws(SnapshotError) {
        guard span.byteCount == SnapshotBlock.bytes else { throw .outOfRange }
        guard case .ciphertext(let count) = try readBlock(index, into: &span) else {
            span.zero(0..<span.byteCount)
            return
        }
        span.zero(count..<span.byteCount)
        let unitBytes = header.geometry.dataUnitBytes
        let firstUnit = SnapshotBlock.offset(of: index) / UInt64(unitBytes)
        // What follows the volume's end is all zero, and so no run.
        _ = try span.forEachRun(unitBytes: unitBytes) { (run, start) throws(SnapshotError) in
            do throws(XTSError) {
                try cipher.decrypt(&run, first: firstUnit + UInt64(start / unitBytes), unitBytes: unitBytes)
            } catch { throw .crypto }
        }
    }
}
