internal import CofferShapes

/// The name under which an instance sees a volume: `/dev/sdf`, `xvdba`, `/dev/sda1`. It becomes the name of a link, and
/// so nothing but these forms passes. (EC2 user guide, "Device names for volumes")
struct DeviceName: Hashable, Sendable {
    /// As the client gave it.
    let text: String
    /// Without `/dev/`: two names that differ in it alone are one device.
    let name: String

    /// Throws InvalidParameterValue in AWS's words.
    init(_ text: String) throws(AWSError) {
        let name = text.hasPrefix("/dev/") ? text.dropFirst(5) : Substring(text)
        guard Self.isDevice(name) else {
            throw .invalidParameter("device", text, "\(text.prefix(40)) is not a valid EBS device name.")
        }
        (self.text, self.name) = (text, String(name))
    }

    /// `sd`, `xvd` or `hd`, one or two letters, and at most two digits.
    private static func isDevice(_ name: Substring) -> Bool {
        guard let prefix = ["sd", "xvd", "hd"].first(where: { name.hasPrefix($0) }) else { return false }
        var rest = name.utf8.dropFirst(prefix.utf8.count)
        let letters = rest.prefix { (0x61...0x7A).contains($0) }
        rest = rest.dropFirst(letters.count)
        return (1...2).contains(letters.count) && rest.count <= 2
            && rest.allSatisfy { (0x30...0x39).contains($0) }
    }
}
