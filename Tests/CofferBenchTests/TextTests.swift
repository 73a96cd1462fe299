import CofferShapes
import Foundation
import Testing

@testable import CofferBench

/// What is read out of the kernel's tables and of programs' words.
struct TextTests {
    @Test func `a disk's flushes are field 16 of its line`() {
        let text = """
               7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
             254       0 vda 91002 22403 3671378 16627 19650 33375 3297008 9962 0 8516 27090 2541 0 518736 373 2935 127
             254       1 vda1 1 2 3
            """
        #expect(Disk.flushCount(of: "vda", in: text) == 2935)
        #expect(Disk.flushCount(of: "vda1", in: text) == nil)
        #expect(Disk.flushCount(of: "vdb", in: text) == nil)
        #expect(Disk.flushCount(of: "vda", in: "") == nil)
    }

    @Test func `flushes are told for a commit, and not at all where they are not counted`() {
        #expect(FlushCounts(before: 10, after: 25).details(each: 10).first?.value == 1.5)
        for counts in [
            FlushCounts(before: nil, after: 3), .init(before: 3, after: nil), .init(before: 3, after: 2),
        ] {
            #expect(counts.details(each: 10).isEmpty)
        }
        #expect(FlushCounts(before: 0, after: 3).details(each: 0).isEmpty)
    }

    @Test func `pgbench's rate is read, and anything else is an error`() throws {
        let outcome = try PostgreSQLSubject.outcome(
            "number of transactions actually processed: 2190\nlatency average = 0.9 ms\ntps = 2190.5 (without)"
        )
        #expect(outcome.rate == 2190.5 && outcome.transactionCount == 2190)
        for text in ["", "tps = 5", "tps = x\nnumber of transactions actually processed: 3", "tps = 1.2.3"] {
            #expect(throws: AWSError.self) { try PostgreSQLSubject.outcome(text) }
        }
    }

    @Test func `idle time and waiting for disks are not busy`() {
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        #expect(
            ProcessFigures.busySeconds("cpu  100 2 30 4000 500 6 7 8 90 0\ncpu0 1 1 1 1\n") * ticks == 153
        )
        #expect(ProcessFigures.busySeconds("") == 0)
    }

    @Test func `a measurement comes back from its JSON as it was`() throws {
        let measurement = CofferBench.Measurement(
            bench: "volume",
            date: Date(timeIntervalSince1970: 1_700_000_000),
            machine: .current(versions: [.init("load", "fio")]),
            settings: [.init("rounds", "2")],
            tables: [
                .init(
                    title: "t",
                    subjects: ["a", "b"],
                    rows: [
                        .init(
                            load: "l",
                            unit: "IOPS",
                            higherIsBetter: true,
                            cells: [.init(values: [1, 2]), nil]
                        )
                    ]
                )
            ]
        )
        let again = try SavedMeasurements.decode(SavedMeasurements.encode([measurement]), name: "f")[0]
        #expect(again.date == measurement.date && again.machine == measurement.machine)
        #expect(again.tables[0].rows[0].cells == measurement.tables[0].rows[0].cells)
    }
}
