internal import CofferShapes

/// The names that a volume is attached under: `/dev/sdf`, `xvdba`, `/dev/nvme1n1` and the like. (EC2 user guide,
/// "Device names for volumes".)
enum DeviceName {
    /// Refuses what is none: it becomes a file's name.
    static func check(_ name: String) throws {
        let device = name.hasPrefix("/dev/") ? name.dropFirst(5) : name[...]
        guard
            device.wholeMatch(of: #/(sd[a-z][0-9]{0,2}|xvd[a-z]{1,2}[0-9]{0,2}|hd[a-z]|nvme[0-9]{1,3}n1)/#)
                != nil
        else {
            throw AWSError(
                .invalidParameterValue,
                "Value (\(name.prefix(64))) for parameter device is invalid. \(name.prefix(64)) is not a valid EBS "
                    + "device name.",
                hint: "name it as /dev/sdf to /dev/sdp, or let it be chosen"
            )
        }
    }

    /// The next that is free: as EC2 recommends them, then all others.
    static func next(taken: Set<String>) -> String {
        let taken = Set(taken.map { "/dev/\(fileName($0))" })
        let letters = "abcdefghijklmnopqrstuvwxyz"
        let first = letters.dropFirst(5).map { "/dev/sd\($0)" }
        let more = letters.dropFirst().flatMap { head in letters.map { "/dev/xvd\(head)\($0)" } }
        let numbers = (1...999).lazy.map { "/dev/nvme\($0)n1" }
        return first.first { !taken.contains($0) } ?? more.first { !taken.contains($0) }
            ?? numbers.first { !taken.contains($0) } ?? "/dev/nvme0n1"
    }

    /// `/dev/sdf` and `sdf` are one.
    static func same(_ one: String, _ other: String) -> Bool { fileName(one) == fileName(other) }

    /// What it is called among links.
    static func fileName(_ device: String) -> String {
        device.hasPrefix("/dev/") ? String(device.dropFirst(5)) : device
    }
}
