import CofferCrypto
import CofferSecrets
import CofferShapes
import CofferTesting
import Foundation
import Testing

@testable import CofferBlock

/// The format as it was on the day it was fixed. The files are never written again: a reader that cannot open
/// them, or a writer that makes other bytes of the same volume, has changed the format.
///
/// To make them once for a *new* version, beside the old ones: name them below and run
/// `COFFER_WRITE_GOLDEN=1 swift test --filter GoldenHeaderTests`.
@Suite struct GoldenHeaderTests {
    private static let names = ["header-1.0-copy-a.bin", "header-1.0-copy-b.bin"]

    private static var isWriting: Bool { ProcessInfo.processInfo.environment["COFFER_WRITE_GOLDEN"] == "1" }

    private static func golden(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Golden/" + name, withExtension: nil))
        return Array(try Data(contentsOf: url))
    }

    @Test(.enabled(if: isWriting, "writes the golden files of a new format version"))
    func `write the golden files`() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Golden"
        )
        for (name, copy) in zip(Self.names, HeaderSubject.copies(try HeaderSubject.store().bytes)) {
            let file = folder.appendingPathComponent(name)
            try #require(
                !FileManager.default.fileExists(atPath: file.path),
                "\(name) exists and stays as it is"
            )
            try Data(copy).write(to: file)
        }
    }

    @Test(.disabled(if: isWriting)) func `the same volume gives the same bytes as ever`() throws {
        let copies = HeaderSubject.copies(try HeaderSubject.store().bytes)
        for (name, copy) in zip(Self.names, copies) {
            #expect(try Self.golden(name) == copy, "\(name)")
        }
    }

    @Test(.disabled(if: isWriting)) func `the golden files open, field by field`() throws {
        let store = MemoryBlockStore()
        try store.resize(toBytes: HeaderSubject.geometry.storeBytes)
        for (name, place) in zip(Self.names, HeaderCopy.allCases) {
            store.write(try Self.golden(name)[...], at: Int(place.offset))
        }
        let image = HeaderSubject.image(store)
        let slot = try #require(try image.read().newest().activeSlot)
        let envelope = try #require(Envelope(slot.wrapped.blob))
        let backingKey = SecretBytes(copying: HeaderSubject.backingKeyBytes)
        let unwrapped = try envelope.open(backingKey: backingKey, context: slot.wrapped.context)
        guard let volumeKey = VolumeKey(unwrapped) else {
            Issue.record("the golden blob holds no volume key")
            return
        }
        let header = try image.open(volumeKey, mark: nil)
        let report = try image.check(volumeKey)
        #expect(report.isClean)
        #expect(header.volumeID.text == "vol-0123456789abcdef0")
        #expect(
            header.sequence == 2 && header.state == .ready && header.attachEpoch == 0 && header.keyEpoch == 0
        )
        #expect(header.geometry.volumeBytes == 1 << 20 && header.geometry.dataOffset == 1 << 20)
        #expect(header.geometry.dataUnitBytes == 4096 && header.geometry.cipher == .aes256XTS)
        #expect(header.created.iso8601 == "2023-11-14T22:13:20.000Z")
        #expect(header.records == [HeaderRecord(type: 1, bytes: Array("data".utf8))])
        #expect(slot.wrapped.keyARN == HeaderSubject.keyARN)
    }
}
