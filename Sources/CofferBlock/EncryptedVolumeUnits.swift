internal import CofferXTS

/// Whole data units between plaintext in memory and ciphertext in the store, for one thread. Locks are the caller's.
struct EncryptedUnits<Store: BlockStore>: ~Copyable, Sendable {
    /// The largest single write to a store in the page cache. ext4 caches a larger one in folios that make later small
    /// writes two to three times slower; at this size sequential writes lose nothing that shows.
    static var pieceBytes: Int { 128 << 10 }

    let store: Store
    /// The store's: 1 where the page cache lies between.
    let alignment: Int
    private let largestWrite: Int
    let dataOffset: UInt64
    let unitBytes: Int
    private let cipher: XTSCipher

    init(store: Store, dataOffset: UInt64, unitBytes: Int, cipher: consuming XTSCipher) {
        (self.store, self.dataOffset, self.unitBytes) = (store, dataOffset, unitBytes)
        self.cipher = cipher
        alignment = store.alignment
        // Without the page cache a medium waits for each write by itself.
        largestWrite = store.alignment == 1 ? Self.pieceBytes : .max
    }

    /// Reads and decrypts units, and gives how many of them are holes. A unit that is all zero on the store is a hole
    /// and stays zeroes: a real ciphertext is all zero with probability 2^-4096 or less. Runs between holes are
    /// decrypted in one call.
    @inline(__always)
    borrowing func read(
        _ bytes: inout MutableRawSpan,
        at offset: UInt64,
        waits: Bool
    ) throws(BlockError) -> Int {
        let count = bytes.byteCount
        let got = try store.read(into: &bytes, at: dataOffset + offset, waits: waits)
        // Past the store's end nothing was ever written.
        if got < count { bytes.zero(got..<count) }
        var (start, holes) = (0, 0)
        while start < count {
            if bytes.isZero(start..<start + unitBytes) {
                holes += 1
                start += unitBytes
                continue
            }
            var end = start + unitBytes
            while end < count && !bytes.isZero(end..<end + unitBytes) { end += unitBytes }
            try bytes.withPart(start..<end) { (run) throws(BlockError) in
                try decrypt(&run, at: offset + UInt64(start))
            }
            start = end
        }
        return holes
    }

    /// Encrypts units in place and writes them, a piece at a time: each is still in the cache when it is written.
    @inline(__always)
    borrowing func write(_ bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) {
        var done = 0
        while done < bytes.byteCount {
            let count = min(largestWrite, bytes.byteCount - done)
            let position = offset + UInt64(done)
            try bytes.withPart(done..<done + count) { (piece) throws(BlockError) in
                try encrypt(&piece, at: position)
                try Self.put(piece.bytes, to: store, at: dataOffset + position)
            }
            done += count
        }
    }

    /// The store is borrowed, so that no reference to it is counted: threads would take its count from each other.
    @inline(never)
    private static func put(_ piece: RawSpan, to store: borrowing Store, at offset: UInt64) throws(BlockError)
    {
        try store.write(piece, at: offset)
    }

    /// Has the store begin to write back what was written.
    @inline(__always)
    borrowing func startWriteback(at offset: UInt64, count: Int) throws(BlockError) {
        try store.startWriteback(at: dataOffset + offset, count: count)
    }

    // A data unit's number is its index from the start of the volume's data.

    @inline(__always)
    private borrowing func encrypt(_ bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) {
        do throws(XTSError) {
            try cipher.encrypt(&bytes, first: offset / UInt64(unitBytes), unitBytes: unitBytes)
        } catch { throw .cipher }
    }

    @inline(__always)
    private borrowing func decrypt(_ bytes: inout MutableRawSpan, at offset: UInt64) throws(BlockError) {
        do throws(XTSError) {
            try cipher.decrypt(&bytes, first: offset / UInt64(unitBytes), unitBytes: unitBytes)
        } catch { throw .cipher }
    }
}
