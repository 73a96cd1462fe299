import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferBlock

/// What somebody can do who writes to the store and has no key: change fields and mend the checksum.
@Suite struct HeaderForgeryTests {
    struct Forgery: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout [UInt8]) -> Void

        init(_ name: String, _ change: @escaping @Sendable (inout [UInt8]) -> Void) {
            (testDescription, self.change) = (name, change)
        }
    }

    static let forgeries = [
        Forgery("volume size") { $0.store(littleEndian: UInt64(4096), at: HeaderLayout.volumeSize) },
        Forgery("size past the end of 64 bits") {
            $0.store(littleEndian: UInt64.max - 4095, at: HeaderLayout.volumeSize)
        },
        Forgery("KMS key ARN") { $0[HeaderLayout.slotOffsets[0] + 0x60 + 40] ^= 1 },
        Forgery("blob") { $0[HeaderLayout.slotOffsets[0] + 0x860 + 115] ^= 1 },
        Forgery("null cipher") { $0.store(littleEndian: UInt32(0), at: HeaderLayout.cipher) },
        Forgery("another cipher") { $0.store(littleEndian: UInt32(2), at: HeaderLayout.cipher) },
        Forgery("data unit size") { $0.store(littleEndian: UInt32(512), at: HeaderLayout.dataUnitSize) },
        Forgery("data offset past all bounds") {
            $0.store(littleEndian: UInt64.max << 20, at: HeaderLayout.dataOffset)
        },
        Forgery("state erased") { $0.store(littleEndian: UInt32(4), at: HeaderLayout.state) },
        Forgery("state creating") { $0.store(littleEndian: UInt32(0), at: HeaderLayout.state) },
        Forgery("incompatible flags") {
            $0.store(littleEndian: UInt32(1 << 31), at: HeaderLayout.incompatibleFlags)
        },
        Forgery("read-only flags") {
            $0.store(littleEndian: UInt32(1), at: HeaderLayout.readOnlyCompatibleFlags)
        },
        Forgery("compatible flags") { $0.store(littleEndian: UInt32(1), at: HeaderLayout.compatibleFlags) },
        Forgery("sequence") { $0.store(littleEndian: UInt64(99), at: HeaderLayout.sequence) },
        Forgery("sequence past its end") { $0.store(littleEndian: UInt64.max, at: HeaderLayout.sequence) },
        Forgery("attach epoch") { $0.store(littleEndian: UInt64(99), at: HeaderLayout.attachEpoch) },
        Forgery("uuid") { $0[HeaderLayout.uuid] ^= 1 },
        Forgery("uuid of header and slot") {
            $0[HeaderLayout.uuid] ^= 1
            $0[HeaderLayout.slotOffsets[0] + 0x20] ^= 1
        },
        Forgery("volume id alone") { $0[HeaderLayout.volumeID + 5] ^= 1 },
        Forgery("volume id with its context") { bytes in
            let id = VolumeID("vol-1123456789abcdef0")!
            bytes.store(id.text.utf8, at: HeaderLayout.volumeID)
            bytes.store(EncryptionContext.volume(id).canonicalBytes, at: HeaderLayout.slotOffsets[0] + 0x2060)
        },
        Forgery("a record to be understood") { $0.store(littleEndian: UInt16(0x8009), at: 0x7000) },
        Forgery("reserved bytes") { $0[HeaderLayout.reserved.lowerBound + 5] = 1 },
        Forgery("a tag area") { $0[HeaderLayout.tagArea.lowerBound] = 1 },
        Forgery("the code itself") { $0[HeaderLayout.mac.lowerBound] ^= 1 },
    ]

    @Test(arguments: forgeries)
    func `a forged field with a mended checksum is refused as tampered`(_ forgery: Forgery) throws {
        let store = try HeaderSubject.store()
        HeaderSubject.forge(store) { forgery.change(&$0) }
        let error = #expect(throws: HeaderError.self) {
            try HeaderSubject.image(store).beginAttach(HeaderSubject.volumeKey(), mark: nil)
        }
        #expect(error?.awsError.code == .tampered, "\(String(describing: error))")
    }

    @Test func `a data offset moved within a larger store is refused as tampered`() throws {
        let store = try HeaderSubject.store()
        try store.resize(toBytes: 4 << 20)
        HeaderSubject.forge(store) { $0.store(littleEndian: UInt64(2 << 20), at: HeaderLayout.dataOffset) }
        #expect(throws: HeaderError.tampered) {
            try HeaderSubject.image(store).open(HeaderSubject.volumeKey(), mark: nil)
        }
    }

    @Test func `a forgery in the newer copy is refused though the older is whole`() throws {
        let store = try HeaderSubject.store()
        HeaderSubject.forge(store, [.b]) { $0.store(littleEndian: UInt64(3), at: HeaderLayout.sequence) }
        #expect(throws: HeaderError.tampered) {
            try HeaderSubject.image(store).open(HeaderSubject.volumeKey(), mark: nil)
        }
    }

    /// All fields with the reserved bytes and the code, and what slot 0 and the extension use; then every 101st byte
    /// of the slots and the extension, most of them padding.
    static let meaningful: [Int] =
        Array(0..<0xFE0) + Array(0x1000..<0x1060) + Array(0x1060..<0x1060 + 80)
        + Array(0x1860..<0x1860 + 192) + Array(0x3060..<0x3060 + 48) + Array(0x4000..<0x4060)
        + Array(0x7000..<0x7010)
        + Array(stride(from: 0x1000, to: 0x8000, by: 101))

    @Test func `a flip of any meaningful bit with a mended checksum is refused`() throws {
        let store = try HeaderSubject.store()
        var bytes = HeaderSubject.copies(store.bytes)[0]
        let header = try HeaderSubject.image(store).open(HeaderSubject.volumeKey(), mark: nil)
        let macKey = try header.macKey(from: HeaderSubject.volumeKey())
        let checksum = Array(bytes[HeaderLayout.checksum])
        var (byParser, byCode, opened) = (0, 0, 0)
        for offset in Self.meaningful {
            for bit in 0..<8 {
                bytes[offset] ^= 1 << UInt8(bit)
                bytes.store(VolumeHeader.checksum(of: bytes), at: HeaderLayout.checksum.lowerBound)
                // The code catches every flip, those that the parser refuses first included.
                if VolumeHeader.isAuthentic(bytes, macKey: macKey) { opened += 1 }
                if (try? VolumeHeader(parsing: bytes, at: .a)) == nil { byParser += 1 } else { byCode += 1 }
                bytes[offset] ^= 1 << UInt8(bit)
            }
        }
        bytes.store(checksum, at: HeaderLayout.checksum.lowerBound)
        #expect(opened == 0)
        #expect(byParser > 0 && byCode > 0)
        let whole = VolumeHeader.isAuthentic(bytes, macKey: macKey)
        #expect(whole)
    }

    @Test func `another volume key does not authenticate the header`() throws {
        let store = try HeaderSubject.store()
        #expect(throws: HeaderError.tampered) {
            try HeaderSubject.image(store).open(HeaderSubject.otherKey(), mark: nil)
        }
    }

    @Test func `the header of another volume is refused`() throws {
        let store = try HeaderSubject.store()
        let other = try #require(VolumeID("vol-fffffffffffffffff"))
        let image = VolumeImage(store, volumeID: other)
        let error = #expect(throws: HeaderError.otherVolume(expected: other, found: HeaderSubject.volumeID)) {
            try image.open(HeaderSubject.volumeKey(), mark: nil)
        }
        #expect(error?.awsError.code == .tampered)
    }

    @Test func `an authentic header with features of a later version is refused, or read only`() throws {
        let store = try HeaderSubject.store()
        try HeaderSubject.sign(store) {
            $0.store(littleEndian: UInt32(1), at: HeaderLayout.incompatibleFlags)
        }
        let image = HeaderSubject.image(store)
        #expect(throws: HeaderError.unsupportedFeatures) {
            try image.open(HeaderSubject.volumeKey(), mark: nil)
        }

        try HeaderSubject.sign(store) { $0.store(littleEndian: UInt16(0x8009), at: 0x7000) }
        #expect(throws: HeaderError.unsupportedFeatures) {
            try image.open(HeaderSubject.volumeKey(), mark: nil)
        }

        let readOnly = try HeaderSubject.store()
        try HeaderSubject.sign(readOnly) {
            $0.store(littleEndian: UInt32(1), at: HeaderLayout.readOnlyCompatibleFlags)
        }
        #expect(throws: HeaderError.readOnlyFeatures) {
            try HeaderSubject.image(readOnly).beginAttach(HeaderSubject.volumeKey(), mark: nil)
        }
        _ = try HeaderSubject.image(readOnly).beginAttach(
            HeaderSubject.volumeKey(),
            mark: nil,
            readOnly: true
        )

        let compatible = try HeaderSubject.store()
        try HeaderSubject.sign(compatible) { bytes in
            bytes.store(littleEndian: UInt32(6), at: HeaderLayout.compatibleFlags)
            bytes.store(littleEndian: UInt16(3), at: HeaderLayout.minorVersion)
        }
        let start = try HeaderSubject.image(compatible).beginAttach(HeaderSubject.volumeKey(), mark: nil)
        #expect(start.header.flags.compatible == 6)
        #expect(start.header.minorVersion == 3)
    }

    @Test func `an old pair of copies put back is a rollback, unless accepted`() throws {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let old = store.bytes
        let mark = try image.beginAttach(HeaderSubject.volumeKey(), mark: nil).mark
        store.write(old[...], at: 0)
        let error = #expect(throws: HeaderError.self) {
            try image.open(HeaderSubject.volumeKey(), mark: mark)
        }
        #expect(error?.awsError.code == .rollback)
        _ = try image.open(HeaderSubject.volumeKey(), mark: mark, acceptingRollback: true)
    }

    @Test func `a mark allows only what may follow it`() {
        let mark = RollbackMark(uuid: [1], sequence: 5, attachEpoch: 3)
        #expect(mark.allows(mark))
        #expect(mark.allows(RollbackMark(uuid: [1], sequence: 6, attachEpoch: 3)))
        #expect(mark.allows(RollbackMark(uuid: [2], sequence: 6, attachEpoch: 3)))
        #expect(!mark.allows(RollbackMark(uuid: [2], sequence: 5, attachEpoch: 3)))
        #expect(!mark.allows(RollbackMark(uuid: [1], sequence: 4, attachEpoch: 3)))
        #expect(!mark.allows(RollbackMark(uuid: [1], sequence: 9, attachEpoch: 2)))
    }

    @Test
    func
        `a saved header is not written over one with features of a later version, unless that is forged`()
        throws
    {
        let features = { (copy: inout [UInt8]) in
            copy.store(littleEndian: UInt32(1), at: HeaderLayout.incompatibleFlags)
        }
        // With the flag the rest of the header may mean something else, and need not parse.
        let unreadable = try HeaderSubject.store()
        let saved = try HeaderSubject.image(unreadable).saveHeader()
        HeaderSubject.forge(unreadable, [.b]) { copy in
            features(&copy)
            copy.store(littleEndian: UInt32(1024), at: HeaderLayout.dataUnitSize)
        }
        let authentic = try HeaderSubject.store()
        try HeaderSubject.sign(authentic, features)
        let record = try HeaderSubject.store()
        try HeaderSubject.sign(record) { $0.store(littleEndian: UInt16(0x8009), at: 0x7000) }
        for store in [unreadable, authentic, record] {
            let before = store.bytes
            #expect(throws: HeaderError.unsupportedFeatures) {
                try HeaderSubject.image(store).restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
            }
            #expect(store.bytes == before)
        }
        let forged = try HeaderSubject.store()
        HeaderSubject.forge(forged, HeaderCopy.allCases, features)
        _ = try HeaderSubject.image(forged).restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
        #expect(try HeaderSubject.image(forged).check(HeaderSubject.volumeKey()).isClean)
    }
}
