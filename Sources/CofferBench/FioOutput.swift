internal import CofferShapes
internal import Foundation

/// The part of fio's JSON that is read here ("json+", which has the whole histogram of completion latencies).
struct FioOutput: Decodable {
    private struct Job: Decodable {
        let error: Int
        let read: Direction
        let write: Direction
    }

    private struct Direction: Decodable {
        let bytes: UInt64
        let operations: UInt64
        let bytesPerSecond: Double
        let operationsPerSecond: Double
        let latency: Latency?

        private enum CodingKeys: String, CodingKey {
            case bytes = "io_bytes"
            case operations = "total_ios"
            case bytesPerSecond = "bw_bytes"
            case operationsPerSecond = "iops"
            case latency = "clat_ns"
        }
    }

    private struct Latency: Decodable {
        let bins: [String: UInt64]?
    }

    private let jobs: [Job]

    /// What the run of a load reached. InternalError where the output is not fio's, or the run failed or moved nothing:
    /// a hole in a table would pass for a result.
    static func result(of load: Load, in text: String) throws -> LoadResult {
        // fio may warn before it begins.
        let json = text.drop { $0 != "{" }
        guard let output = try? JSONDecoder().decode(FioOutput.self, from: Data(json.utf8)),
            output.jobs.count == 1
        else { throw unfit("fio wrote no result that can be read: \(text.prefix(300))") }
        let job = output.jobs[0]
        guard job.error == 0 else { throw unfit("the run failed with error \(job.error)") }
        let moved = load.direction == .read ? job.read : job.write
        guard moved.bytes > 0, moved.operations > 0, moved.bytesPerSecond > 0, moved.operationsPerSecond > 0,
            moved.bytesPerSecond.isFinite, moved.operationsPerSecond.isFinite
        else { throw unfit("the run moved nothing") }
        var histogram = LatencyHistogram()
        // With a sync after each write fio times the write alone, which ends in the page cache.
        let bins = load.durability == .eachWrite ? [:] : moved.latency?.bins ?? [:]
        guard bins.count <= 1 << 13 else { throw unfit("fio's latencies cannot be read") }
        for (nanoseconds, times) in bins {
            // Neither a count nor their sum overflows.
            guard let nanoseconds = UInt64(nanoseconds), times < 1 << 48 else {
                throw unfit("fio's latencies cannot be read")
            }
            histogram.record(nanoseconds, times: times)
        }
        return LoadResult(
            bytesPerSecond: moved.bytesPerSecond,
            operationsPerSecond: moved.operationsPerSecond,
            byteCount: moved.bytes,
            operationCount: moved.operations,
            latency: histogram
        )
    }

    private static func unfit(_ reason: String) -> AWSError {
        AWSError(.internalError, reason, hint: "run it again, or with --own-engine")
    }
}
