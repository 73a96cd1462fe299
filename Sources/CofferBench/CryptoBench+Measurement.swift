public import Foundation

extension CryptoBench {
    /// The rows of one run as a measurement: kernels as subjects, in the order of the rows.
    public func measurement(_ rows: [Row], date: Date, machine: Measurement.Machine) -> Measurement {
        Measurement(
            bench: "crypto",
            date: date,
            machine: machine,
            settings: [
                .init("cipher", "AES-256-XTS"),
                .init("run", "\(Self.runBytes >> 20) MiB in memory, in place"),
                .init("rounds", "\(rounds) of \(roundMilliseconds) ms, after one that warms up"),
            ],
            tables: [true, false].map { encrypts in
                Self.table(rows.filter { $0.encrypts == encrypts }, encrypts: encrypts)
            }
        )
    }

    private static func table(_ rows: [Row], encrypts: Bool) -> Measurement.Table {
        var (kernels, combinations): ([String], [Combination]) = ([], [])
        for row in rows {
            if !kernels.contains(row.kernel) { kernels.append(row.kernel) }
            if !combinations.contains(Combination(row)) { combinations.append(Combination(row)) }
        }
        return Measurement.Table(
            title: encrypts ? "Encryption" : "Decryption",
            subjects: kernels,
            rows: combinations.map { combination in
                Measurement.Row(
                    load: combination.title,
                    unit: "GB/s",
                    higherIsBetter: true,
                    cells: kernels.map { kernel in
                        rows.first { $0.kernel == kernel && Combination($0) == combination }.map(cell)
                    }
                )
            }
        )
    }

    private static func cell(_ row: Row) -> Measurement.Cell {
        var details: [Measurement.Labelled] = []
        if let share = row.shareOfLimit {
            details.append(
                .init("share of the AES units' limit", String(format: "%.0f %%", share.median * 100))
            )
        }
        if let cycles = row.cyclesPerByte {
            details.append(.init("cycles a byte", String(format: "%.3f", cycles)))
        }
        return Measurement.Cell(values: row.speeds, details: details)
    }

    private struct Combination: Equatable {
        let unitBytes: Int
        let threadCount: Int

        init(_ row: Row) { (unitBytes, threadCount) = (row.unitBytes, row.threadCount) }

        var title: String {
            "\(unitBytes)-byte units, \(threadCount == 1 ? "1 thread" : "\(threadCount) threads")"
        }
    }
}
