internal import COpenSSL
internal import CofferSystem
internal import CofferXTS
internal import Foundation
internal import Glibc

extension Measurement.Machine {
    /// This machine, with the versions of what always takes part and of the programs named.
    public static func current(versions: [Measurement.Labelled] = []) -> Self {
        var always = [
            Measurement.Labelled("OpenSSL", unsafe String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)))
        ]
        if let kernel = try? XTSKernel.preferred { always.append(.init("cipher kernel", kernel.name)) }
        return Self(
            processor: value(of: "model name", in: TextFile.contents("/proc/cpuinfo") ?? "") ?? "unknown",
            processorCount: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: UInt64(sysconf(Int32(_SC_PHYS_PAGES))) * UInt64(sysconf(Int32(_SC_PAGESIZE))),
            kernel:
                "Linux \((TextFile.contents("/proc/sys/kernel/osrelease") ?? "").filter { !$0.isWhitespace })",
            versions: always + versions
        )
    }

    /// The value of the first line "label : value".
    static func value(of label: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == label {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}
