internal import CofferShapes
internal import Glibc

/// This boot of the machine.
public enum Boot {
    /// Its 16 bytes, the same until the machine starts anew (random(4), `boot_id`); nil where the kernel does not tell.
    public static let id: [UInt8]? = {
        guard let text = TextFile.contents("/proc/sys/kernel/random/boot_id") else { return nil }
        let digits = text.filter { $0 != "-" && $0 != "\n" }
        guard let bytes = Hex.bytes(digits), bytes.count == 16 else { return nil }
        return bytes
    }()
}
