internal import CofferCrypto
internal import CofferShapes
internal import CofferSystem

/// This host as the one instance there is: an id that stays the same for a home on a host.
enum HostInstance {
    static func id(home: String) -> InstanceID {
        // machine-id(5); a host without one is known by its name.
        let host = TextFile.contents("/etc/machine-id") ?? TextFile.contents("/etc/hostname") ?? ""
        return InstanceID(bytes: SHA256.digest(Array("coffer/instance/1 \(host) \(home)".utf8)))
    }
}
