internal import Foundation

/// What fio found, as a Markdown table. `folder` holds one file of fio's JSON for each run, named ROUND.LOAD.CIPHER.json
/// where LOAD is fio's word for it and CIPHER is on or off.
///
/// The ratio is taken within a round, where both runs follow each other: what slows the machine down for a while slows
/// down both.
struct BenchReport {
    /// A load that is measured, and what its rate is counted in.
    enum Load: String, CaseIterable {
        case read, write, randread, randwrite

        var title: String {
            switch self {
            case .read: "sequential read, 1 MiB, depth 4 (MiB/s)"
            case .write: "sequential write, 1 MiB, depth 4 (MiB/s)"
            case .randread: "random read, 4 KiB, depth 16 (IOPS)"
            case .randwrite: "random write, 4 KiB, depth 16 (IOPS)"
            }
        }

        fileprivate func rate(_ job: FioOutput.Job) -> Double {
            switch self {
            case .read: Double(job.read.bytesPerSecond) / 1_048_576
            case .write: Double(job.write.bytesPerSecond) / 1_048_576
            case .randread: job.read.operationsPerSecond
            case .randwrite: job.write.operationsPerSecond
            }
        }
    }

    /// The rates of one round.
    private struct Pair {
        let on: Double
        let off: Double

        var ratio: Double { on / off }
    }

    private let folder: String
    private let pairs: [Load: [Pair]]

    /// Throws when a run is missing, failed, or moved nothing: a hole in the table would pass for a result.
    init(folder: String) throws {
        self.folder = folder
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let rounds = Set(names.filter { $0.hasSuffix(".json") }.compactMap { $0.split(separator: ".").first })
        guard !rounds.isEmpty else { throw UnfitRun(path: folder, reason: "no run is here") }
        var pairs: [Load: [Pair]] = [:]
        for load in Load.allCases {
            pairs[load] = try rounds.sorted().map { round in
                Pair(
                    on: try Self.rate("\(folder)/\(round).\(load).on.json", load),
                    off: try Self.rate("\(folder)/\(round).\(load).off.json", load)
                )
            }
        }
        self.pairs = pairs
    }

    private static func rate(_ path: String, _ load: Load) throws -> Double {
        let output = try JSONDecoder().decode(
            FioOutput.self,
            from: Data(contentsOf: URL(fileURLWithPath: path))
        )
        guard output.jobs.count == 1, output.jobs[0].error == 0 else {
            throw UnfitRun(path: path, reason: "the run failed")
        }
        let rate = load.rate(output.jobs[0])
        guard rate > 0 else { throw UnfitRun(path: path, reason: "the run moved nothing") }
        return rate
    }

    var table: String {
        var lines = [
            "| load | cipher on | cipher off | on / off | range of on / off | n |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for load in Load.allCases {
            let pairs = pairs[load] ?? []
            let ratios = pairs.map(\.ratio).sorted()
            lines.append(
                String(
                    format: "| %@ | %.0f | %.0f | %.3f | %.3f-%.3f | %d |",
                    load.title,
                    Self.median(pairs.map(\.on)),
                    Self.median(pairs.map(\.off)),
                    Self.median(ratios),
                    ratios[0],
                    ratios[ratios.count - 1],
                    ratios.count
                )
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

/// The part of fio's JSON that is read here.
private struct FioOutput: Decodable {
    struct Job: Decodable {
        let error: Int
        let read: Direction
        let write: Direction
    }

    struct Direction: Decodable {
        let bytesPerSecond: Int
        let operationsPerSecond: Double

        private enum CodingKeys: String, CodingKey {
            case bytesPerSecond = "bw_bytes"
            case operationsPerSecond = "iops"
        }
    }

    let jobs: [Job]
}

/// A run that says nothing.
private struct UnfitRun: Error, CustomStringConvertible {
    let path: String
    let reason: String

    var description: String { "\(path): \(reason)" }
}
