import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferBlock

@Suite struct HeaderRoundTripTests {
    @Test func `a new volume is ready, and both copies say the same in their own place`() throws {
        let store = try HeaderSubject.store()
        let reading = try HeaderSubject.image(store).read()
        let header = try reading.authenticate(HeaderSubject.volumeKey())
        #expect(header.state == .ready)
        #expect(header.sequence == 2)
        #expect(header.geometry == HeaderSubject.geometry)
        #expect(header.volumeID == HeaderSubject.volumeID)
        #expect(header.activeSlot?.wrapped == (try HeaderSubject.wrapped()))
        #expect(header.records == HeaderSubject.records)
        #expect(reading.header(in: .a) == reading.header(in: .b))
        #expect(try store.sizeBytes() == HeaderSubject.geometry.storeBytes)
        let copies = HeaderSubject.copies(store.bytes)
        #expect(copies[0] != copies[1])
    }

    @Test(arguments: [512, 4096], Geometry.Cipher.allCases)
    func `each data unit and cipher comes back as it was written`(unit: Int, cipher: Geometry.Cipher) throws {
        let geometry = try #require(
            Geometry(volumeBytes: 3 << 20, dataOffset: 5 << 20, dataUnitBytes: unit, cipher: cipher)
        )
        let store = MemoryBlockStore()
        _ = try HeaderSubject.create(in: store, geometry: geometry)
        let header = try HeaderSubject.image(store).open(HeaderSubject.volumeKey(), mark: nil)
        #expect(header.geometry == geometry)
        let xtsKey = try header.xtsKey(from: HeaderSubject.volumeKey())
        #expect(xtsKey.count == cipher.keyBytes)
    }

    @Test func `the longest ARN, blob and context, and a full extension, come back as they were written`()
        throws
    {
        let arn = try #require(
            ARN("arn:aws:kms:us-east-1:111122223333:key/" + String(repeating: "k", count: 2009))
        )
        #expect(arn.description.utf8.count == 2048)
        let context = EncryptionContext([
            "aws:ebs:id": HeaderSubject.volumeID.text, "x": String(repeating: "y", count: 4000 - 52),
        ])
        #expect(context.canonicalBytes.count == 4000)
        let blob = CiphertextBlob([UInt8](repeating: 0xFF, count: 6144))
        let wrapped = try #require(WrappedVolumeKey(keyARN: arn, blob: blob, context: context))
        let records = [
            try #require(HeaderRecord(type: 7, bytes: [])),
            try #require(HeaderRecord(type: 8, bytes: [UInt8](repeating: 1, count: 4088))),
        ]
        let plan = VolumePlan(
            volumeID: HeaderSubject.volumeID,
            geometry: HeaderSubject.geometry,
            wrapped: wrapped,
            parentSnapshot: SnapshotID("snap-0123456789abcdef0"),
            records: records
        )
        let store = MemoryBlockStore()
        let made = try VolumeImage.create(in: store, plan, volumeKey: HeaderSubject.volumeKey())
        let header = try made.image.open(HeaderSubject.volumeKey(), mark: made.header.mark)
        #expect(header == made.header)
        #expect(header.activeSlot?.wrapped == wrapped)
        #expect(header.records == records)
        #expect(header.parentSnapshot?.text == "snap-0123456789abcdef0")
    }

    @Test func `what a slot or the extension has no room for is refused before it is written`() throws {
        let context = EncryptionContext.volume(HeaderSubject.volumeID)
        let blob = CiphertextBlob([1])
        let long = EncryptionContext([
            "aws:ebs:id": HeaderSubject.volumeID.text, "x": String(repeating: "y", count: 3949),
        ])
        let notKMS = try #require(ARN("arn:aws:iam::111122223333:root"))
        #expect(
            WrappedVolumeKey(keyARN: HeaderSubject.keyARN, blob: CiphertextBlob([]), context: context) == nil
        )
        let large = CiphertextBlob([UInt8](repeating: 0, count: 6145))
        #expect(WrappedVolumeKey(keyARN: HeaderSubject.keyARN, blob: large, context: context) == nil)
        #expect(WrappedVolumeKey(keyARN: HeaderSubject.keyARN, blob: blob, context: long) == nil)
        #expect(WrappedVolumeKey(keyARN: notKMS, blob: blob, context: context) == nil)
        #expect(HeaderRecord(type: 0x8000, bytes: []) == nil)
        #expect(HeaderRecord(type: 1, bytes: [UInt8](repeating: 0, count: 4093)) == nil)
    }

    @Test func `a store that holds something where a header would go is refused and left alone`() throws {
        for offset in [0, 32767, 65536, 98303] {
            let store = MemoryBlockStore()
            store.write([1], at: offset)
            let before = store.bytes
            #expect(throws: HeaderError.notEmpty) { try HeaderSubject.create(in: store) }
            #expect(store.bytes == before)
        }
        let volume = try HeaderSubject.store()
        #expect(throws: HeaderError.notEmpty) { try HeaderSubject.create(in: volume) }
    }

    @Test func `each change raises the sequence and leaves two equal copies`() throws {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        var mark = try image.open(HeaderSubject.volumeKey(), mark: nil).mark
        for round in 1...3 {
            let start = try image.beginAttach(HeaderSubject.volumeKey(), mark: mark)
            #expect(start.mark.sequence == mark.sequence + 1)
            #expect(start.mark.attachEpoch == UInt64(round))
            #expect(!start.mended && start.damagedCopies.isEmpty)
            mark = start.mark
        }
        let before = store.bytes
        let readOnly = try image.beginAttach(HeaderSubject.volumeKey(), mark: mark, readOnly: true)
        #expect(readOnly.mark == mark)
        #expect(store.bytes == before)
    }

    @Test func `a sync that fails is reported, and the volume still opens`() throws {
        let subject = try HeaderSubject.store().bytes
        for changes in 0..<4 {
            let store = MemoryBlockStore(subject)
            let failure = BlockError.system(errno: 5, call: .sync)
            let faulting = FaultingBlockStore(store, failingAfter: changes, with: failure)
            #expect(throws: HeaderError.store(failure)) {
                try HeaderSubject.image(faulting).beginAttach(HeaderSubject.volumeKey(), mark: nil)
            }
            _ = try HeaderSubject.image(store).beginAttach(HeaderSubject.volumeKey(), mark: nil)
        }
    }
}
