import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferBlock

@Suite struct VolumeImageTests {
    // MARK: - Re-wrap

    @Test func `a re-wrap ends with the new slot alone, and the volume key stays`() throws {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let before = try image.open(HeaderSubject.volumeKey(), mark: nil)
        let pending = try image.beginRewrap(
            to: HeaderSubject.wrapped(HeaderSubject.otherARN),
            HeaderSubject.volumeKey(),
            mark: before.mark
        )
        #expect(pending.state == .rewrapping)
        #expect(pending.activeSlot?.wrapped.keyARN == HeaderSubject.keyARN)
        #expect(pending.pendingSlot?.wrapped.keyARN == HeaderSubject.otherARN)
        let after = try image.finishRewrap(
            unwrapped: HeaderSubject.volumeKey(),
            HeaderSubject.volumeKey(),
            mark: pending.mark
        )
        #expect(after.state == .ready)
        #expect(after.activeSlot?.wrapped.keyARN == HeaderSubject.otherARN)
        #expect(after.slots.compactMap { $0 }.count == 1)
        #expect((after.uuid, after.salt) == (before.uuid, before.salt))
        let old = Array("us-east-1".utf8)
        for copy in HeaderSubject.copies(store.bytes) {
            #expect(!copy.indices.dropLast(old.count).contains { Array(copy[$0..<$0 + old.count]) == old })
        }
        #expect(try image.open(HeaderSubject.volumeKey(), mark: after.mark) == after)
    }

    @Test func `a new slot with another key in it never becomes active`() throws {
        let image = HeaderSubject.image(try HeaderSubject.store())
        let pending = try image.beginRewrap(
            to: HeaderSubject.wrapped(HeaderSubject.otherARN),
            HeaderSubject.volumeKey(),
            mark: nil
        )
        #expect(throws: HeaderError.otherVolumeKey) {
            try image.finishRewrap(
                unwrapped: HeaderSubject.otherKey(),
                HeaderSubject.volumeKey(),
                mark: pending.mark
            )
        }
        #expect(try image.open(HeaderSubject.volumeKey(), mark: nil) == pending)
        let after = try image.abandonRewrap(HeaderSubject.volumeKey(), mark: pending.mark)
        #expect(after.state == .ready)
        #expect(after.activeSlot?.wrapped.keyARN == HeaderSubject.keyARN)
        #expect(after.pendingSlot == nil)
    }

    @Test func `the steps of a re-wrap out of order are refused`() throws {
        let image = HeaderSubject.image(try HeaderSubject.store())
        let wrapped = try HeaderSubject.wrapped(HeaderSubject.otherARN)
        #expect(throws: HeaderError.wrongState(.ready)) {
            try image.abandonRewrap(HeaderSubject.volumeKey(), mark: nil)
        }
        _ = try image.beginRewrap(to: wrapped, HeaderSubject.volumeKey(), mark: nil)
        #expect(throws: HeaderError.wrongState(.rewrapping)) {
            try image.beginRewrap(to: wrapped, HeaderSubject.volumeKey(), mark: nil)
        }
        // A volume whose re-wrap was cut short attaches by its active slot.
        #expect(try image.beginAttach(HeaderSubject.volumeKey(), mark: nil).header.state == .rewrapping)
        #expect(try image.check(HeaderSubject.volumeKey()).findings.map(\.code) == [.rewrapUnfinished])
    }

    @Test func `a volume whose creation was cut short cannot be attached`() throws {
        let recording = RecordingBlockStore()
        _ = try HeaderSubject.create(in: recording)
        // Size, copy A, sync, copy B, sync: then it would become ready.
        let image = HeaderSubject.image(recording.state(afterEvents: 5).store)
        #expect(throws: HeaderError.wrongState(.creating)) {
            try image.beginAttach(HeaderSubject.volumeKey(), mark: nil)
        }
        #expect(try image.check().findings.map(\.code) == [.creationUnfinished])
    }

    // MARK: - Check and repair

    @Test func `a new volume is clean, with and without its key`() throws {
        let image = HeaderSubject.image(try HeaderSubject.store())
        #expect(try image.check().isClean)
        #expect(try !image.check().wasAuthenticated)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)
    }

    @Test(arguments: HeaderCopy.allCases)
    func `a damaged copy is found and mended from the other`(place: HeaderCopy) throws {
        let store = try HeaderSubject.store()
        HeaderSubject.damage(store, place)
        let image = HeaderSubject.image(store)
        let report = try image.check()
        #expect(report.findings.map(\.code) == [.copyUnusable])
        #expect(report.findings.first?.sentence.contains("copy \(place.name)") == true)
        #expect(report.findings.first?.canBeRepaired == true)
        _ = try image.repair(HeaderSubject.volumeKey(), mark: nil)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)
        #expect(try image.read().damagedCopies.isEmpty)
    }

    @Test func `a repair needs one good, authentic copy`() throws {
        let store = try HeaderSubject.store()
        for place in HeaderCopy.allCases { HeaderSubject.damage(store, place) }
        let before = store.bytes
        let image = HeaderSubject.image(store)
        #expect(throws: HeaderError.noGoodCopy(a: .checksum, b: .checksum)) {
            try image.repair(HeaderSubject.volumeKey(), mark: nil)
        }
        let report = try image.check(HeaderSubject.volumeKey())
        #expect(report.findings.map(\.code) == [.cannotOpen, .copyUnusable, .copyUnusable])
        #expect(report.findings.allSatisfy { !$0.canBeRepaired })
        let whole = HeaderSubject.image(try HeaderSubject.store())
        #expect(throws: HeaderError.tampered) { try whole.repair(HeaderSubject.otherKey(), mark: nil) }
        #expect(store.bytes == before)
    }

    @Test func `a change that was cut short, and copies that differ, are found and mended`() throws {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let old = HeaderSubject.copies(store.bytes)[0]
        _ = try image.beginAttach(HeaderSubject.volumeKey(), mark: nil)
        store.write(old[...], at: 0)
        #expect(try image.check(HeaderSubject.volumeKey()).findings.map(\.code) == [.copyStale])
        _ = try image.repair(HeaderSubject.volumeKey(), mark: nil)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)

        HeaderSubject.forge(store, [.b]) { $0.store(littleEndian: UInt64(4), at: HeaderLayout.created) }
        #expect(try image.check().findings.map(\.code) == [.copiesDiffer])
        #expect(
            try image.check(HeaderSubject.volumeKey()).findings.map(\.code) == [.copiesDiffer, .copyTampered]
        )
        _ = try image.repair(HeaderSubject.volumeKey(), mark: nil)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)
    }

    @Test(arguments: [32768, 65535, 98304, (1 << 20) - 1])
    func `bytes in the reserved areas are found, do not hinder an attach, and are zeroed`(offset: Int) throws
    {
        let store = try HeaderSubject.store()
        store.write([1], at: offset)
        let image = HeaderSubject.image(store)
        _ = try image.beginAttach(HeaderSubject.volumeKey(), mark: nil)
        #expect(try image.check(HeaderSubject.volumeKey()).findings.map(\.code) == [.reservedNotZero])
        _ = try image.repair(HeaderSubject.volumeKey(), mark: nil)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)
        #expect(store.bytes[offset] == 0)
    }

    // MARK: - Saved headers

    @Test func `a saved header opens a volume that lost both copies, with counters above all that was seen`()
        throws
    {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let saved = try image.saveHeader()
        #expect(saved.count == 32768)
        #expect(try image.readSavedHeader(saved).activeSlot?.wrapped.keyARN == HeaderSubject.keyARN)
        let mark = try image.beginAttach(HeaderSubject.volumeKey(), mark: nil).mark
        store.write([UInt8](repeating: 0, count: 1 << 17)[...], at: 0)
        let restored = try image.restoreHeader(saved, HeaderSubject.volumeKey(), mark: mark)
        #expect(restored.sequence == mark.sequence + 1)
        #expect(restored.attachEpoch == mark.attachEpoch)
        #expect(try image.open(HeaderSubject.volumeKey(), mark: mark) == restored)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)
    }

    @Test func `a header saved before the volume grew hides nothing of what it has grown by`() throws {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let saved = try image.saveHeader()
        let before = try image.readSavedHeader(saved).geometry.volumeBytes
        let mark = try image.grow(toBytes: 2 * before, HeaderSubject.volumeKey(), mark: nil).mark
        let beside = try image.restoreHeader(saved, HeaderSubject.volumeKey(), mark: mark)
        #expect(beside.geometry.volumeBytes == 2 * before, "a good copy knows the size")

        store.write([UInt8](repeating: 0, count: 1 << 17)[...], at: 0)
        let alone = try image.restoreHeader(
            saved,
            HeaderSubject.volumeKey(),
            mark: beside.mark,
            volumeBytes: 2 * before
        )
        #expect(alone.geometry.volumeBytes == 2 * before)
        let tooLarge = try image.restoreHeader(
            saved,
            HeaderSubject.volumeKey(),
            mark: alone.mark,
            volumeBytes: 1 << 40
        )
        #expect(tooLarge.geometry.volumeBytes == 2 * before, "the store has no room for more")
    }

    @Test func `a header saved from copy B is as good`() throws {
        let store = try HeaderSubject.store()
        HeaderSubject.damage(store, .a)
        let image = HeaderSubject.image(store)
        let saved = try image.saveHeader()
        #expect(saved == HeaderSubject.copies(store.bytes)[1])
        _ = try image.restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
        #expect(try image.check(HeaderSubject.volumeKey()).isClean)
    }

    @Test func `a restore over good copies rises above them, and not above forged ones`() throws {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let saved = try image.saveHeader()
        for _ in 0..<3 { _ = try image.beginAttach(HeaderSubject.volumeKey(), mark: nil) }
        let restored = try image.restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
        #expect(restored.sequence == 6)
        #expect(restored.attachEpoch == 3)
        HeaderSubject.forge(store) { $0.store(littleEndian: UInt64(1 << 62), at: HeaderLayout.sequence) }
        #expect(try image.restoreHeader(saved, HeaderSubject.volumeKey(), mark: restored.mark).sequence == 7)
        _ = try image.open(HeaderSubject.volumeKey(), mark: restored.mark)
    }

    @Test
    func `a saved header that is damaged, forged, foreign or of an older key is refused and writes nothing`()
        throws
    {
        let store = try HeaderSubject.store()
        let image = HeaderSubject.image(store)
        let saved = try image.saveHeader()
        let before = store.bytes
        let restore = { (bytes: [UInt8], mark: RollbackMark?) in
            try image.restoreHeader(bytes, HeaderSubject.volumeKey(), mark: mark)
        }
        #expect(throws: HeaderError.notASavedHeader(.missing)) { try restore(Array(saved.dropLast()), nil) }
        #expect(throws: HeaderError.notASavedHeader(.missing)) { try restore([], nil) }
        var flipped = saved
        flipped[0x61] ^= 1
        #expect(throws: HeaderError.notASavedHeader(.checksum)) { try restore(flipped, nil) }
        flipped.store(VolumeHeader.checksum(of: flipped), at: HeaderLayout.checksum.lowerBound)
        #expect(throws: HeaderError.self) { try restore(flipped, nil) }
        let otherKey = RollbackMark(uuid: [UInt8](repeating: 9, count: 16), sequence: 1, attachEpoch: 0)
        #expect(throws: HeaderError.olderKey) { try restore(saved, otherKey) }
        #expect(throws: HeaderError.tampered) {
            try image.restoreHeader(saved, HeaderSubject.otherKey(), mark: nil)
        }
        let foreign = VolumeImage(store, volumeID: try #require(VolumeID("vol-fffffffffffffffff")))
        #expect(throws: HeaderError.self) {
            try foreign.restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
        }
        let short = HeaderSubject.image(MemoryBlockStore(Array(before.dropLast(4096))))
        #expect(throws: HeaderError.self) {
            try short.restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
        }
        #expect(store.bytes == before)
    }

    // MARK: - Files

    @Test func `a volume in a file opens again after its store was closed`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("volume.coffer")
        let mark = try HeaderSubject.create(in: FileBlockStore(path: path, .create))
            .open(HeaderSubject.volumeKey(), mark: nil).mark
        let image = HeaderSubject.image(try FileBlockStore(path: path, .readWrite))
        #expect(try image.beginAttach(HeaderSubject.volumeKey(), mark: mark).mark.attachEpoch == 1)
        let readOnly = HeaderSubject.image(try FileBlockStore(path: path, .readOnly))
        #expect(try readOnly.check(HeaderSubject.volumeKey()).isClean)
    }
}
