internal import CofferCrypto
internal import CofferShapes
internal import FoundationEssentials
internal import Glibc

/// The one instance that there is: it stands for this host, and volumes are attached to it.
struct HostInstance: Sendable {
    /// `i-` and 17 lower-case hex digits, the same at every start of this home on this host.
    let id: String
    /// What the host calls itself.
    let hostName: String
    let architecture: String
    let launched: Timestamp

    /// The state that it is always in. (EC2 API reference, `InstanceState`)
    static let stateCode = 16
    static let stateName = "running"

    init(homePath: String) {
        hostName = ProcessInfo.processInfo.hostName
        let machine = Self.firstLine(of: "/etc/machine-id") ?? hostName
        let digest = SHA256.digest(Array("coffer instance\0\(machine)\0\(homePath)".utf8))
        id = "i-" + Hex.lower(digest.prefix(9)).prefix(17)
        #if arch(arm64)
        architecture = "arm64"
        #else
        architecture = "x86_64"
        #endif
        launched = Self.bootTime
    }

    /// Throws what AWS says of an instance that is another, or none.
    func check(_ instanceID: String) throws(AWSError) {
        guard instanceID != id else { return }
        guard ResourceIDForm.isMet(by: instanceID, prefix: "i") else {
            throw AWSError(
                AWSError.Code("InvalidInstanceID.Malformed", .usage),
                "Invalid id: \"\(instanceID.prefix(40))\""
            )
        }
        throw AWSError(
            AWSError.Code("InvalidInstanceID.NotFound", .notFound),
            "The instance ID '\(instanceID)' does not exist"
        )
    }

    private static func firstLine(of path: String) -> String? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let line = text.split(separator: "\n").first
        else { return nil }
        return String(line)
    }

    /// When the kernel started, to the second: `btime` of /proc/stat.
    private static var bootTime: Timestamp {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        let seconds = line.flatMap { UInt64($0.dropFirst(6)) } ?? 0
        return Timestamp(nanoseconds: seconds * 1_000_000_000)
    }
}
