import CofferBlock
import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferSnapshot

@Suite struct ManifestDamageTests {
    private static let id = SnapshotSubject.id(7)

    /// A manifest of three blocks of a volume of five, as bytes.
    private static func manifest() throws -> [UInt8] {
        let storage = RecordingStorage()
        let volume = ModelVolume(volumeBytes: UInt64(4 * SnapshotBlock.bytes + 4096))
        for index in [UInt64(0), 2, 4] {
            var block = [UInt8](repeating: 0, count: volume.length(index))
            block[0] = UInt8(index + 1)
            volume.put(block, at: index)
        }
        try SnapshotSubject.snapshot(id, of: volume, in: storage)
        return try #require(storage.bytes(id.manifest))
    }

    /// Reads all of a manifest: what whoever restores a snapshot does before it is done.
    private static func readAll(_ bytes: [UInt8], key: borrowing SnapshotMACKey) throws(SnapshotError) {
        let store = MemoryBlockStore(bytes)
        let manifest = try SnapshotManifest(store, path: "manifest", kind: .stored, expected: id)
        guard manifest.snapshotID == id else {
            throw .otherSnapshot(expected: id, found: manifest.snapshotID)
        }
        _ = try manifest.authenticated(by: key)
        var cursor = manifest.cursor()
        while try cursor.next() != nil {}
    }

    /// Every byte of a manifest, in shares for the machine's cores.
    @Test(arguments: 0..<4)
    func `a change of any one byte is found as damage`(share: Int) throws {
        var bytes = try Self.manifest()
        let key = try SnapshotSubject.macKey()
        try Self.readAll(bytes, key: key)
        var read = 0
        for offset in stride(from: share, to: bytes.count, by: 4) {
            for change in [UInt8(1), 0x80] {
                bytes[offset] ^= change
                do throws(SnapshotError) {
                    try Self.readAll(bytes, key: key)
                    read += 1
                } catch {
                    switch error {
                    case .notAManifest: #expect(offset < 8)
                    case .damagedManifest(Self.id, .header): #expect(offset < ManifestLayout.headerBytes)
                    case .damagedManifest(Self.id, .page):
                        #expect(
                            (ManifestLayout.headerBytes..<ManifestLayout.headerBytes + 144).contains(offset)
                        )
                    case .damagedManifest(Self.id, .table):
                        #expect(offset >= ManifestLayout.headerBytes + 144)
                    default: Issue.record("byte \(offset): \(error)")
                    }
                    #expect(error.awsError.code == .damaged)
                }
                bytes[offset] ^= change
            }
        }
        #expect(read == 0)
    }

    /// Mends every digest above a change, as somebody without the key can.
    private static func mend(_ bytes: inout [UInt8]) {
        let page = Array(bytes[ManifestLayout.headerBytes..<ManifestLayout.headerBytes + 144])
        bytes.store(SHA256.digest(page), at: ManifestLayout.headerBytes + 144 + 8)
        let table = Array(bytes[(ManifestLayout.headerBytes + 144)...])
        bytes.store(SHA256.digest(table), at: ManifestLayout.tableDigest)
        let header = Array(bytes.prefix(ManifestLayout.headerBytes))
        bytes.store(ManifestHeader.checksum(of: header), at: ManifestLayout.checksum.lowerBound)
    }

    @Test func `a change with every digest mended is found as tampering, or as nonsense`() throws {
        let start = try Self.manifest()
        let key = try SnapshotSubject.macKey()
        var read = 0
        var offsets = Array(0x18..<0x100) + Array(0xFC0..<0xFE0)
        offsets += stride(from: 0x100, to: 0x4000, by: 61)
        offsets += 0x4000..<0x4000 + 152
        for offset in offsets {
            var bytes = start
            bytes[offset] ^= 1
            Self.mend(&bytes)
            if bytes == start { continue }  // a digest that was mended back
            do throws(SnapshotError) {
                try Self.readAll(bytes, key: key)
                read += 1
            } catch {
                switch error {
                case .tampered, .implausibleManifest, .otherSnapshot, .damagedManifest(_, .length): break
                // Another key's salt or uuid.
                case .unrelatedKey: #expect((0x0B0..<0x0C0).contains(offset))
                default: Issue.record("byte \(offset): \(error)")
                }
            }
        }
        #expect(read == 0)
    }

    @Test func `a manifest cut at any length is refused`() throws {
        let bytes = try Self.manifest()
        let key = try SnapshotSubject.macKey()
        var read = 0
        for length in 0..<bytes.count {
            do throws(SnapshotError) {
                try Self.readAll(Array(bytes.prefix(length)), key: key)
                read += 1
            } catch {
                #expect(error == .damagedManifest(Self.id, .length))
            }
        }
        #expect(throws: SnapshotError.damagedManifest(Self.id, .length)) {
            try Self.readAll(bytes + [0], key: key)
        }
        #expect(read == 0)
    }

    @Test func `a newer format is called so, and not damage`() throws {
        let start = try Self.manifest()
        let key = try SnapshotSubject.macKey()
        func error(_ change: (inout [UInt8]) -> Void) -> SnapshotError? {
            var bytes = start
            change(&bytes)
            Self.mend(&bytes)
            do throws(SnapshotError) {
                try Self.readAll(bytes, key: key)
                return nil
            } catch {
                return error
            }
        }
        #expect(error { $0[ManifestLayout.majorVersion] = 2 } == .newerVersion(Self.id, 2))
        #expect(error { $0[ManifestLayout.incompatibleFlags] = 4 } == .unsupportedFeatures(Self.id, 4))
        // A flag that may be ignored is authentic or forged like every other byte.
        #expect(error { $0[ManifestLayout.compatibleFlags] = 1 } == .tampered(Self.id))
        // A count that the file has no room for costs no memory.
        #expect(
            error { $0.store(littleEndian: UInt64(1) << 26, at: ManifestLayout.blockCount) }
                == .implausibleManifest(Self.id, .blockCount)
        )
        #expect(
            error { bytes in
                bytes.store(littleEndian: UInt64(1) << 46, at: ManifestLayout.volumeSize)
                bytes.store(littleEndian: UInt64(1) << 27, at: ManifestLayout.blockCount)
            } == .damagedManifest(Self.id, .length)
        )
    }

    /// What somebody with the key signs, such as an older program with a fault, is read no better.
    @Test func `entries out of order, out of range or in no place are refused`() throws {
        let start = try Self.manifest()
        let key = try SnapshotSubject.macKey()
        func error(_ change: (inout [UInt8]) -> Void) -> SnapshotError? {
            var bytes = start
            change(&bytes)
            Self.mend(&bytes)
            let header = Array(bytes.prefix(ManifestLayout.headerBytes))
            bytes.store(
                ManifestHeader.authenticationCode(of: header, macKey: key),
                at: ManifestLayout.mac.lowerBound
            )
            Self.mend(&bytes)
            do throws(SnapshotError) {
                try Self.readAll(bytes, key: key)
                return nil
            } catch {
                return error
            }
        }
        #expect(error { _ in } == nil)
        let (entries, table) = (ManifestLayout.headerBytes, ManifestLayout.headerBytes + 144)
        let refused = SnapshotError.implausibleManifest(Self.id, .entries)
        #expect(error { $0.store(littleEndian: UInt64(0), at: entries + 48) } == refused)
        #expect(error { $0.store(littleEndian: UInt64(4), at: entries + 48) } == refused)
        #expect(error { $0.store(littleEndian: UInt64(5), at: entries + 96) } == refused)
        #expect(error { $0.store(littleEndian: UInt64.max, at: entries + 96) } == refused)
        #expect(error { $0.store(littleEndian: UInt32(0), at: entries + 8) } == refused)
        #expect(error { $0.store(littleEndian: UInt32(1984), at: entries + 12) } == refused)
        #expect(error { $0.store(littleEndian: UInt64(1), at: table) } == refused)
    }

    @Test func `the manifest of another snapshot or of a stream does not pass for this one's`() throws {
        let storage = RecordingStorage()
        storage.put(try Self.manifest(), to: SnapshotSubject.id(8).manifest)
        #expect(throws: SnapshotError.otherSnapshot(expected: SnapshotSubject.id(8), found: Self.id)) {
            try SnapshotManifest(SnapshotSubject.id(8), in: storage)
        }
        var bytes = try Self.manifest()
        bytes[ManifestLayout.kind] = 1
        Self.mend(&bytes)
        storage.put(bytes, to: Self.id.manifest)
        #expect(throws: SnapshotError.implausibleManifest(Self.id, .kind)) {
            try SnapshotManifest(Self.id, in: storage)
        }
        #expect(throws: SnapshotError.notFound(SnapshotSubject.id(9))) {
            try SnapshotManifest(SnapshotSubject.id(9), in: storage)
        }
    }

    @Test func `another volume key opens nothing`() throws {
        let storage = RecordingStorage()
        storage.put(try Self.manifest(), to: Self.id.manifest)
        let manifest = try SnapshotManifest(Self.id, in: storage)
        #expect(throws: SnapshotError.tampered(Self.id)) {
            try manifest.authenticated(by: SnapshotSubject.volumeKey(1))
        }
        #expect(throws: SnapshotError.unrelatedKey(Self.id)) {
            try manifest.authenticated(by: SnapshotSubject.macKey(1))
        }
    }

    @Test func `a page that changes after the manifest was opened is found`() throws {
        let bytes = try Self.manifest()
        let store = MemoryBlockStore(bytes)
        let manifest = try SnapshotManifest(store, path: "manifest", kind: .stored, expected: Self.id)
        store.write([bytes[0x4000 + 8] ^ 2], at: 0x4000 + 8)
        #expect(throws: SnapshotError.damagedManifest(Self.id, .page)) { try manifest.entry(at: 0) }
    }
}
