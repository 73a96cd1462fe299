internal import CofferShapes

/// A KMS's address: scheme, host and port, and nothing behind them.
struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    let isSecure: Bool
    /// A name, an IPv4 address, or an IPv6 address in brackets; lower case.
    let host: String
    /// nil where it is the scheme's own.
    let port: Int?

    /// AWS's endpoint of a region.
    init(of region: Region) {
        (isSecure, host, port) = (true, "kms.\(region.name).amazonaws.com", nil)
    }

    init(_ text: String, allowsPlainHTTP: Bool) throws(AWSError) {
        let wrong = AWSError(
            .invalidConfiguration,
            "the KMS endpoint \"\(text)\" is no URL of the form https://host or https://host:port"
        )
        let lowercased = text.lowercased()
        let schemes = [("https://", true, 443), ("http://", false, 80)]
        guard text.utf8.count <= 512,
            let (scheme, isSecure, defaultPort) = schemes.first(where: { lowercased.hasPrefix($0.0) })
        else { throw wrong }
        var rest = lowercased.dropFirst(scheme.count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let digits: Substring?
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw wrong }
            host = String(rest[...end])
            let behind = rest[rest.index(after: end)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { throw wrong }
            digits = behind.isEmpty ? nil : behind.dropFirst()
            guard host.utf8.dropFirst().dropLast().allSatisfy(Self.isOfIPv6), host.utf8.count > 3 else {
                throw wrong
            }
        } else {
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = String(parts[0])
            digits = parts.count > 1 ? parts[1] : nil
            guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy(Self.isOfName) else {
                throw wrong
            }
        }
        let number = digits.map { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int($0) ?? 0 : 0 }
        guard number.map({ (1...65_535).contains($0) }) ?? true else { throw wrong }
        port = number == defaultPort ? nil : number
        self.isSecure = isSecure
        guard isSecure || isLoopback || allowsPlainHTTP else {
            throw AWSError(
                .invalidConfiguration,
                "the KMS endpoint \(self) would send plaintext keys unencrypted over the network",
                hint: "use https://, or http:// on this machine's loopback alone"
            )
        }
    }

    /// What the Host header says.
    var authority: String { port.map { "\(host):\($0)" } ?? host }

    var description: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// Whether the host is this machine by its spelling.
    private var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts.first == 127 && !parts.contains(nil)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }

    private static func isOfIPv6(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x66, 0x3A, 0x2E: true
        default: false
        }
    }
}
