import CofferSecrets
import CofferShapes
import CofferTesting
import Testing

@testable import CofferBlock

/// What a power cut may leave of each change of the header: after a change was reported, that state or a
/// later one opens; before that, the volume opens or is refused in one sentence.
@Suite struct PowerCutTests {
    enum Life: String, CaseIterable, Sendable {
        case create, attach, attachOverDamage, rewrap, abandon, repair, restore
    }

    private static let tornStates = 500

    @Test(arguments: Life.allCases)
    func `every cut leaves a volume that opens at least as new as was reported`(_ life: Life) throws {
        let (store, marks) = try Self.record(life)
        #expect(!marks.isEmpty)
        for count in 0...store.events.count {
            let cut = store.state(afterEvents: count)
            Self.judge(cut, marks, "\(life) cut whole after \(count)")
        }
        var random = SeededGenerator(seed: 20)
        for round in 0..<Self.tornStates {
            let count = Int.random(in: 0...store.events.count, using: &random)
            let cut = store.tornState(afterEvents: count, random: &random)
            Self.judge(cut, marks, "\(life) torn in round \(round) after \(count)")
        }
    }

    @Test func `a writer that syncs once for both copies is caught`() throws {
        let start = try HeaderSubject.store()
        let store = RecordingBlockStore(start.bytes)
        let image = HeaderSubject.image(store)
        var header = try image.open(HeaderSubject.volumeKey(), mark: nil)
        let mark = header.mark
        store.acknowledge(0)
        for _ in 0..<4 {
            header.sequence += 1
            header.attachEpoch += 1
            let macKey = try header.macKey(from: HeaderSubject.volumeKey())
            for place in [HeaderCopy.b, .a] {
                let bytes = header.serialised(at: place, macKey: macKey)
                unsafe try store.write(bytes.span.bytes, at: place.offset)
            }
            try store.sync()
        }
        var random = SeededGenerator(seed: 20)
        var bad = 0
        for _ in 0..<Self.tornStates {
            let count = Int.random(in: 0...store.events.count, using: &random)
            let cut = store.tornState(afterEvents: count, random: &random)
            let opened = try? HeaderSubject.image(cut.store).open(HeaderSubject.volumeKey(), mark: mark)
            if opened == nil { bad += 1 }
        }
        #expect(bad > 0)
    }

    /// Opens what a cut left. `marks[n]` is what was reported as the n-th acknowledgement.
    private static func judge(
        _ cut: (store: MemoryBlockStore, acknowledged: Int?),
        _ marks: [RollbackMark],
        _ what: String
    ) {
        let image = HeaderSubject.image(cut.store)
        let mark = cut.acknowledged.map { marks[$0] }
        do throws(HeaderError) {
            let header = try image.open(HeaderSubject.volumeKey(), mark: mark)
            guard mark != nil || header.state == .creating || header.state == .ready else {
                Issue.record("\(what): opened as \(header.state)")
                return
            }
            // What opened can be carried on with.
            if header.state != .creating {
                let next = try image.beginAttach(HeaderSubject.volumeKey(), mark: mark)
                #expect(
                    try image.check(HeaderSubject.volumeKey()).findings.allSatisfy {
                        $0.code == .rewrapUnfinished
                    }
                )
                #expect(next.mark.sequence == header.sequence + 1)
            }
        } catch {
            #expect(mark == nil, "\(what): \(error.sentence)")
            #expect(!error.sentence.contains("\n"))
        }
    }

    /// Runs a change over a recording store; gives the marks that it reported, in order.
    private static func record(_ life: Life) throws -> (store: RecordingBlockStore, marks: [RollbackMark]) {
        let volume = try HeaderSubject.store()
        var marks: [RollbackMark] = []
        let start = try HeaderSubject.image(volume).open(HeaderSubject.volumeKey(), mark: nil).mark
        let saved = try HeaderSubject.image(volume).saveHeader()
        switch life {
        case .create: volume.write([][...], at: 0)
        case .attachOverDamage, .repair: HeaderSubject.damage(volume, .a)
        case .restore: for place in HeaderCopy.allCases { HeaderSubject.damage(volume, place) }
        case .attach, .rewrap, .abandon: break
        }
        let store = RecordingBlockStore(life == .create ? [] : volume.bytes)
        let image = HeaderSubject.image(store)
        let report = { (mark: RollbackMark) in
            store.acknowledge(marks.count)
            marks.append(mark)
        }
        // What was there before is reported already, but where it is lost or not made yet.
        if life != .create && life != .restore { report(start) }
        switch life {
        case .create:
            report(try HeaderSubject.create(in: store).open(HeaderSubject.volumeKey(), mark: nil).mark)
        case .attach, .attachOverDamage:
            for _ in 0..<3 { report(try image.beginAttach(HeaderSubject.volumeKey(), mark: marks.last).mark) }
            try store.sync()  // a detach
        case .rewrap, .abandon:
            let wrapped = try HeaderSubject.wrapped(HeaderSubject.otherARN)
            report(try image.beginRewrap(to: wrapped, HeaderSubject.volumeKey(), mark: marks.last).mark)
            if life == .rewrap {
                let key = HeaderSubject.volumeKey()
                report(
                    try image.finishRewrap(unwrapped: key, HeaderSubject.volumeKey(), mark: marks.last).mark
                )
            } else {
                report(try image.abandonRewrap(HeaderSubject.volumeKey(), mark: marks.last).mark)
            }
        case .repair:
            report(try image.repair(HeaderSubject.volumeKey(), mark: marks.last).mark)
        case .restore:
            report(try image.restoreHeader(saved, HeaderSubject.volumeKey(), mark: start).mark)
        }
        return (store, marks)
    }
}
