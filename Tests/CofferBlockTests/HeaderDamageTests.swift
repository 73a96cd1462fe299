import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferBlock

@Suite struct HeaderDamageTests {
    /// Every bit of a copy, in shares for the machine's cores.
    private static let shares = (0..<4).map { share in (share * 8192)..<((share + 1) * 8192) }

    @Test(arguments: HeaderCopy.allCases, shares)
    func `a flip of any one bit of a copy is found without a key`(place: HeaderCopy, share: Range<Int>) throws
    {
        var bytes = HeaderSubject.copies(try HeaderSubject.store().bytes)[place.rawValue]
        var opened = 0
        for offset in share {
            for bit in 0..<8 {
                bytes[offset] ^= 1 << UInt8(bit)
                do throws(CopyFault) {
                    _ = try VolumeHeader(parsing: bytes, at: place)
                    opened += 1
                } catch {
                    #expect(error == .checksum || error == .magic && offset < 8)
                }
                bytes[offset] ^= 1 << UInt8(bit)
            }
        }
        #expect(opened == 0)
        _ = try VolumeHeader(parsing: bytes, at: place)
    }

    @Test func `a flip in both copies alike is refused in one sentence, a flip in one opens from the other`()
        throws
    {
        let image = try HeaderSubject.store().bytes
        for offset in stride(from: 0, to: HeaderLayout.copyBytes, by: 997) {
            let both = MemoryBlockStore(image)
            for place in HeaderCopy.allCases { HeaderSubject.damage(both, place, at: offset) }
            let error = #expect(throws: HeaderError.self) {
                try HeaderSubject.image(both).open(HeaderSubject.volumeKey(), mark: nil)
            }
            #expect(error?.awsError.code == .damaged)
            #expect(error?.sentence.contains("\n") == false)
            for place in HeaderCopy.allCases {
                let one = MemoryBlockStore(image)
                HeaderSubject.damage(one, place, at: offset)
                let start = try HeaderSubject.image(one).beginAttach(HeaderSubject.volumeKey(), mark: nil)
                #expect(start.damagedCopies == [place] && start.mended)
                #expect(try HeaderSubject.image(one).check(HeaderSubject.volumeKey()).isClean)
            }
        }
    }

    @Test func `a truncated store is refused, or opens from copy A, and never traps`() throws {
        let image = try HeaderSubject.store().bytes
        let lengths =
            [0, 1, 511, 512, 4095, 32767, 65536, 98303, image.count - 1]
            + Array(stride(from: 0, to: 1 << 17, by: 512))
            + Array(stride(from: 1 << 17, to: image.count, by: 1 << 16))
        for length in lengths {
            let store = MemoryBlockStore(Array(image.prefix(length)))
            let error = #expect(throws: HeaderError.self) {
                try HeaderSubject.image(store).open(HeaderSubject.volumeKey(), mark: nil)
            }
            if length >= 32768 {
                let whole = HeaderSubject.geometry.storeBytes
                #expect(error == .storeTooSmall(needed: whole, present: UInt64(length)))
            } else {
                guard case .noGoodCopy(_, .missing)? = error else {
                    Issue.record("a store of \(length) bytes: \(String(describing: error))")
                    continue
                }
            }
            #expect(error?.awsError.code == .damaged)
        }
    }

    @Test func `a read-only attach reports damage and writes nothing`() throws {
        let store = try HeaderSubject.store()
        HeaderSubject.damage(store, .a)
        let before = store.bytes
        let start = try HeaderSubject.image(store).beginAttach(
            HeaderSubject.volumeKey(),
            mark: nil,
            readOnly: true
        )
        #expect(start.damagedCopies == [.a] && !start.mended)
        #expect(store.bytes == before)
    }

    @Test func `a copy in the other's place is bad`() throws {
        let store = try HeaderSubject.store()
        store.write(HeaderSubject.copies(store.bytes)[0][...], at: Int(HeaderCopy.b.offset))
        let reading = try HeaderSubject.image(store).read()
        #expect(reading.fault(of: .a) == nil)
        #expect(reading.fault(of: .b) == .place)
    }

    @Test func `a file that is no volume is called that`() throws {
        let zeroes = HeaderSubject.image(MemoryBlockStore([UInt8](repeating: 0, count: 1 << 18)))
        let error = #expect(throws: HeaderError.noGoodCopy(a: .magic, b: .magic)) { try zeroes.saveHeader() }
        #expect(error?.sentence.hasPrefix("this is no volume") == true)
    }

    @Test func `a whole copy of a newer format version forbids the older one beside it`() throws {
        let store = try HeaderSubject.store()
        let saved = try HeaderSubject.image(store).saveHeader()
        HeaderSubject.forge(store, [.b]) { $0.store(littleEndian: UInt16(2), at: HeaderLayout.majorVersion) }
        #expect(throws: HeaderError.newerVersion(2)) {
            try HeaderSubject.image(store).open(HeaderSubject.volumeKey(), mark: nil)
        }
        #expect(throws: HeaderError.newerVersion(2), "nor is it written over") {
            try HeaderSubject.image(store).restoreHeader(saved, HeaderSubject.volumeKey(), mark: nil)
        }
    }
}
