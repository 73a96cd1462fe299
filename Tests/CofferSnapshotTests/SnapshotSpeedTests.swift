import CofferBlock
import CofferSecrets
import CofferTesting
import CofferXTS
import Foundation
import Testing

@testable import CofferSnapshot

/// What the engine is worth beside `cp` of the same bytes, each made durable. For people who ask:
/// `COFFER_MEASURE_SNAPSHOT=FOLDER swift test --filter SnapshotSpeedTests`, with 8 GiB of room in the folder.
@Suite(.serialized) struct SnapshotSpeedTests {
    private static let folder = ProcessInfo.processInfo.environment["COFFER_MEASURE_SNAPSHOT"]
    private static let dataBytes: UInt64 = 2 << 30

    @Test(.enabled(if: folder != nil, "measures, and takes minutes"))
    func `measure`() throws {
        let folder = try #require(Self.folder) + "/coffer-snapshot-speed"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(
            atPath: folder + "/snapshots",
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let geometry = Geometry(volumeBytes: Self.dataBytes, dataUnitBytes: 4096, cipher: .aes256XTS)!
        try fill(folder + "/volume", geometry)
        let storage = try SnapshotFolder(path: folder + "/snapshots")
        let store = SnapshotStore(storage)
        for round in 0..<3 {
            let copy = try seconds { try self.copy(folder + "/volume", folder + "/copy") }
            let first = SnapshotSubject.id(round * 2)
            let snapshot = try seconds {
                let source = VolumeSource(
                    try FileBlockStore(path: folder + "/volume", .readOnly),
                    geometry
                )
                let writer = try LineageWriter(SnapshotSubject.lineage(), in: storage)
                let job = try SnapshotJob(
                    try SnapshotSubject.header(first, volumeBytes: Self.dataBytes),
                    after: nil,
                    changed: .all,
                    from: source,
                    to: writer,
                    in: store
                )
                _ = try job.run(SnapshotSubject.macKey())
            }
            let reader = SnapshotReader(try SnapshotSubject.open(first, in: storage), in: storage)
            let second = SnapshotSubject.id(round * 2 + 1)
            let reencryption = try seconds {
                let writer = try LineageWriter(SnapshotSubject.lineage(1), in: storage)
                let header = try SnapshotSubject.header(second, volumeBytes: Self.dataBytes, key: 1)
                _ = try store.reencrypt(
                    reader,
                    SnapshotSubject.volumeKey(),
                    as: header,
                    SnapshotSubject.volumeKey(1),
                    to: writer
                )
            }
            let read = try seconds {
                var worker = reader.makeWorker(
                    cipher: try XTSCipher(key: reader.header.xtsKey(from: SnapshotSubject.volumeKey()))
                )
                var buffer = PageBuffer(count: 1 << 20)
                for offset in stride(from: 0, to: Self.dataBytes, by: 1 << 20) {
                    _ = try buffer.withMutableBytes(at: 0, count: buffer.count) { span in
                        try worker.read(into: &span, at: offset)
                    }
                }
            }
            let check = try seconds {
                _ = try SnapshotCheck(store).run { _ in nil }
            }
            for id in [first, second] { try store.remove(id) }
            for key in 0...1 { _ = try SnapshotCollector(store).collect(SnapshotSubject.lineage(key)) }
            let rate = { (time: Double) in
                String(format: "%.2f s, %.2f of cp", time, copy / time)
            }
            print(
                "round \(round): cp \(String(format: "%.2f s", copy)); snapshot \(rate(snapshot)); "
                    + "re-encrypting copy \(rate(reencryption)); "
                    + "read by one thread \(rate(read)); check of both \(rate(check / 2))"
            )
        }
    }

    /// A full volume of 2 TiB: what grows with a volume's size and not with its changes.
    @Test(.enabled(if: folder != nil, "measures"))
    func `measure a manifest of four million blocks`() throws {
        let folder = try #require(Self.folder) + "/coffer-manifest-speed"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let storage = try SnapshotFolder(path: folder)
        let count = UInt64(4 << 20)
        for number in 1...2 {
            let id = SnapshotSubject.id(number)
            let header = try SnapshotSubject.header(id, volumeBytes: count * UInt64(SnapshotBlock.bytes))
            _ = try storage.makeFolder(id.folder)
            print("writing:")
            _ = try seconds {
                var manifest = try ManifestWriter(header, in: storage)
                try Self.append(count, number, to: &manifest)
                _ = try manifest.commit(SnapshotSubject.macKey())
            }
        }
        print("opening, 1000 look-ups:")
        let time = try seconds {
            let snapshot = try SnapshotSubject.open(SnapshotSubject.id(1), in: storage)
            for index in 0..<UInt64(1000) {
                #expect(try snapshot.manifest.entry(at: index * 4001) != nil)
            }
        }
        print(time)
        print("difference of two:")
        let difference = try seconds {
            var difference = try SnapshotDifference(
                from: SnapshotManifest(SnapshotSubject.id(1), in: storage),
                to: SnapshotManifest(SnapshotSubject.id(2), in: storage)
            )
            var found = 0
            while try difference.next() != nil { found += 1 }
            #expect(found == 4)
        }
        print(difference)
    }

    private static func append(_ count: UInt64, _ number: Int, to manifest: inout ManifestWriter) throws {
        let digests = [UInt64(0), 1].map { unsafe BlockDigest(of: ModelVolume.noise(512, $0).span.bytes) }
        for index in 0..<count {
            let isChanged = number == 2 && index % (1 << 20) == 7
            try manifest.append(
                BlockEntry(
                    index: index,
                    place: ExportStream.place(index),
                    digest: digests[isChanged ? 1 : 0]
                )
            )
        }
    }

    /// What a step took: by the wall clock, and of processors.
    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let (start, before) = (ContinuousClock.now, Self.processorSeconds)
        try body()
        let time = start.duration(to: .now)
        print(String(format: "  %.2f s of processors", Self.processorSeconds - before))
        return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }

    private static var processorSeconds: Double {
        var (own, children) = (rusage(), rusage())
        // RUSAGE_SELF and RUSAGE_CHILDREN, which differ in type from what the call takes.
        _ = unsafe (getrusage(0, &own), getrusage(-1, &children))
        return [own.ru_utime, own.ru_stime, children.ru_utime, children.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
        }
    }

    /// `cp`, and what makes its copy durable.
    private func copy(_ source: String, _ target: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "rm -f \(target) && cp --reflink=never \(source) \(target) && sync -d \(target)",
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    private func fill(_ path: String, _ geometry: Geometry) throws {
        let store = try FileBlockStore(path: path, .create)
        try store.resize(toBytes: geometry.storeBytes)
        for index in 0..<SnapshotBlock.count(ofVolume: geometry.volumeBytes) {
            let bytes = ModelVolume.noise(SnapshotBlock.bytes, index)
            unsafe try store.write(
                bytes.span.bytes,
                at: geometry.dataOffset + SnapshotBlock.offset(of: index)
            )
        }
        try store.sync()
    }
}
