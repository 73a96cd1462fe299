internal import CofferShapes
internal import FoundationEssentials

/// What there is to tell of this host as an instance. Its id is the volume service's.
struct HostFacts: Sendable {
    let account: String
    /// Whether volumes that are attached here are no faster than what is provisioned for them.
    let enforcesLimits: Bool
    /// What the host calls itself.
    let name: String
    /// As EC2 names architectures.
    let architecture: String
    /// When the kernel started, to the second.
    let booted: Timestamp

    init(account: String, enforcesLimits: Bool = false) {
        (self.account, self.enforcesLimits) = (account, enforcesLimits)
        name = ProcessInfo.processInfo.hostName
        #if arch(arm64)
        architecture = "arm64"
        #else
        architecture = "x86_64"
        #endif
        booted = Self.bootTime
    }

    static let filterNames: Set<String> = [
        "architecture", "availability-zone", "block-device-mapping.attach-time",
        "block-device-mapping.delete-on-termination", "block-device-mapping.device-name",
        "block-device-mapping.status", "block-device-mapping.volume-id", "instance-id",
        "instance-state-code", "instance-state-name", "launch-time", "owner-id", "private-dns-name",
        "reservation-id", "root-device-type", "tag:", "tag-key", "tag-value",
    ]

    static let statusFilterNames: Set<String> = [
        "availability-zone", "instance-state-code", "instance-state-name", "instance-status.reachability",
        "instance-status.status", "system-status.reachability", "system-status.status",
    ]

    /// `btime` of /proc/stat. (proc(5))
    private static var bootTime: Timestamp {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        let seconds = line.flatMap { UInt64($0.dropFirst(6)) } ?? 0
        return Timestamp(nanoseconds: seconds * 1_000_000_000)
    }
}
