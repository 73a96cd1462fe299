internal import CofferShapes
internal import CofferSystem
internal import Foundation
internal import Glibc

/// What the kernel tells of the cost of a process, or of all together (proc(5)).
enum ProcessFigures {
    /// Processor seconds that the process has used, for itself and in the kernel.
    static func processorSeconds(of processID: Int32) throws -> Double {
        guard let fields = ProcessStat.fields(of: processID), fields.count > 12,
            let user = Double(fields[11]),
            let system = Double(fields[12])
        else {
            throw gone(processID)
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The process and all that it has started, and they in turn.
    static func family(of processID: Int32) throws -> [Int32] {
        var parents: [Int32: Int32] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            // One that has ended meanwhile is nobody's.
            guard let member = Int32(name), let fields = ProcessStat.fields(of: member), fields.count > 1
            else {
                continue
            }
            parents[member] = Int32(fields[1])
        }
        var family = [processID]
        var index = 0
        while index < family.count {
            family += parents.filter { $0.value == family[index] }.map(\.key).sorted()
            index += 1
        }
        return family
    }

    /// Processor seconds that the machine's processors were not idle for since its start.
    static func busySeconds() -> Double { busySeconds(TextFile.contents("/proc/stat") ?? "") }

    static func busySeconds(_ text: String) -> Double {
        let line = text.split(separator: "\n").first { $0.hasPrefix("cpu ") } ?? ""
        let ticks = line.split(separator: " ").dropFirst().compactMap { Double($0) }
        // user nice system idle iowait irq softirq steal; the guests' are in user and nice already.
        let busy = ticks.prefix(8).enumerated().filter { $0.offset != 3 && $0.offset != 4 }
        return busy.map(\.element).reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Memory that the process has in RAM, MiB.
    static func residentMebibytes(of processID: Int32) throws -> Double {
        guard let text = TextFile.contents("/proc/\(processID)/status"),
            let value = Measurement.Machine.value(of: "VmRSS", in: text),
            let kibibytes = Double(value.prefix { $0.isNumber })
        else { throw gone(processID) }
        return kibibytes / 1024
    }

    private static func gone(_ processID: Int32) -> AWSError {
        AWSError(.internalError, "process \(processID) has ended while it was measured")
    }
}
