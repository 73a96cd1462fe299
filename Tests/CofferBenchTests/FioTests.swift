import CofferShapes
import Testing

@testable import CofferBench

/// fio's words, in and out.
struct FioTests {
    private let read = Load(.random, .read, blockBytes: 4096, depth: 16)

    private func output(
        error: String = "0",
        bytes: String = "8192",
        rate: String = "4096",
        operations: String = "2",
        bins: String = #"{ "1000": 1, "3000": 1 }"#
    ) -> String {
        let still = #"{ "io_bytes": 0, "bw_bytes": 0, "iops": 0.0, "total_ios": 0 }"#
        let moved = """
            { "io_bytes": \(bytes), "bw_bytes": \(rate), "iops": 1.0, "total_ios": \(operations), \
            "clat_ns": { "bins": \(bins) } }
            """
        return #"{ "jobs": [ { "error": \#(error), "read": \#(moved), "write": \#(still) } ] }"#
    }

    @Test func `a run's rate and latencies are read on the side that moved data`() throws {
        let result = try FioOutput.result(of: read, in: "fio: a warning\n" + output())
        #expect(result.rate(of: read) == 1 && result.byteCount == 8192 && result.operationCount == 2)
        #expect(result.latency.count == 2 && result.latency.maximumNanoseconds == 3000)
        let sequential = Load(.sequential, .read, blockBytes: 1 << 20, depth: 4)
        let mebibytes = try FioOutput.result(of: sequential, in: output(rate: "\(3 << 20)"))
        #expect(mebibytes.rate(of: sequential) == 3)
        let write = Load(.random, .write, blockBytes: 4096, depth: 16)
        #expect(throws: AWSError.self) { try FioOutput.result(of: write, in: output()) }
    }

    @Test func `a load that syncs each write has no latency, as fio times the write alone`() throws {
        var write = Load(.random, .write, blockBytes: 4096, depth: 1, isDirect: false, durability: .eachWrite)
        let text = output().replacing(#""read""#, with: #""was""#)
            .replacing(#""write""#, with: #""read""#).replacing(#""was""#, with: #""write""#)
        let result = try FioOutput.result(of: write, in: text)
        #expect(result.operationCount == 2 && result.latency.count == 0 && result.latency.latency == nil)
        write.durability = .never
        #expect(try FioOutput.result(of: write, in: text).latency.count == 2)
    }

    @Test func `a run that failed, moved nothing or cannot be read is an error that says so`() throws {
        let cases: [(String, String)] = [
            (output(error: "5"), "the run failed"),
            (output(bytes: "0"), "moved nothing"),
            (output(rate: "0"), "moved nothing"),
            (output(operations: "0"), "moved nothing"),
            (output(rate: "-1"), "moved nothing"),
            (output(bytes: "-1"), "no result"),
            (output(bytes: "99999999999999999999"), "no result"),
            (output(bins: #"{ "soon": 1 }"#), "latencies"),
            (output(bins: #"{ "1": 18446744073709551615, "2": 18446744073709551615 }"#), "latencies"),
            (output(bins: "[]"), "no result"),
            (#"{ "jobs": [] }"#, "no result"),
            ("", "no result"),
            ("fio: unknown option", "no result"),
            (String(output().dropLast(3)), "no result"),
        ]
        for (text, words) in cases {
            let error = #expect(throws: AWSError.self) { try FioOutput.result(of: read, in: text) }
            #expect(error?.message.contains(words) == true, "\(text): \(error?.message ?? "")")
            #expect(error?.hint != nil)
        }
    }

    @Test func `sequential clients have a part each, and a pass over the file has no time to fill`() {
        let target = LoadTarget(path: "/f", sizeBytes: 64 << 20)
        let time = RunTime(milliseconds: 2000)
        let two = Fio.arguments(
            Load(.sequential, .write, blockBytes: 1 << 20, depth: 4, clients: 2),
            target,
            time
        )
        #expect(two.contains("--offset_increment=\(32 << 20)") && two.contains("--size=\(32 << 20)"))
        #expect(two.contains("--time_based") && two.contains("--ramp_time=500ms"))
        #expect(two.contains("--allow_file_create=0") && two.contains("--runtime=2000ms"))
        let pass = Fio.arguments(
            Load(.random, .write, blockBytes: 4096, depth: 16, durability: .atEnd, isOnePass: true),
            target,
            time
        )
        #expect(pass.contains("--end_fsync=1") && !pass.contains("--time_based"))
        #expect(!pass.contains { $0.hasPrefix("--ramp_time") || $0.hasPrefix("--offset") })
    }
}
