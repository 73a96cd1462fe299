internal import CofferJSON
internal import CofferSecrets
internal import CofferShapes
internal import Glibc
internal import NIOSSL

/// Where a home keeps the loopback's certificate and its key, for clients that are told to trust the certificate by its
/// path. Nobody vouches for it, and who can read the key, which is who owns the home, can pose as this server.
struct SelfSignedCertificate {
    let certificateFile: String
    let keyFile: String
    private let folder: String

    private static let renewalDays: UInt64 = 30

    init(folder: String) {
        self.folder = folder
        certificateFile = "\(folder)/certificate.pem"
        keyFile = "\(folder)/key.pem"
    }

    /// Makes a new pair where there is none, or the one there is will not last.
    func renewIfNeeded(now: Timestamp) throws {
        if lastsPast(now.nanoseconds / 1_000_000_000 + Self.renewalDays * 86_400) { return }
        let made = try LoopbackCertificate(now: now)
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("make", folder) }
        var key = made.privateKey.withBytes { Self.pem("PRIVATE KEY", $0) }
        defer { wipe(&key) }
        // The certificate last: with it the pair is whole.
        try write(key, to: keyFile, mode: 0o600)
        try write(
            unsafe Self.pem("CERTIFICATE", made.certificate.span.bytes),
            to: certificateFile,
            mode: 0o644
        )
    }

    private func lastsPast(_ seconds: UInt64) -> Bool {
        guard unsafe access(keyFile, R_OK) == 0,
            let certificate = try? NIOSSLCertificate.fromPEMFile(certificateFile).first
        else { return false }
        return certificate.notValidAfter > time_t(seconds)
    }

    /// RFC 7468: base64 in lines of 64 characters. A JSON string of base64 is base64 in quotes.
    private static func pem(_ label: String, _ bytes: RawSpan) -> [UInt8] {
        var writer = JSONWriter(capacity: bytes.byteCount * 2)
        writer.base64(bytes)
        var quoted = writer.finish()
        defer { wipe(&quoted) }
        var text: [UInt8] = []
        // Room for all of it: a key leaves no smaller copy behind.
        text.reserveCapacity(quoted.count * 2 + 100)
        text += "-----BEGIN \(label)-----\n".utf8
        for (index, byte) in quoted.dropFirst().dropLast().enumerated() {
            if index > 0, index % 64 == 0 { text.append(UInt8(ascii: "\n")) }
            text.append(byte)
        }
        text += "\n-----END \(label)-----\n".utf8
        return text
    }

    /// Under another name first, so that no reader meets half a file.
    private func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let unfinished = "\(path).new"
        unsafe unlink(unfinished)
        let descriptor = unsafe open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("make", unfinished) }
        defer { close(descriptor) }
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count, fchmod(descriptor, mode) == 0, fsync(descriptor) == 0,
            unsafe rename(unfinished, path) == 0
        else { throw failure("write", path) }
    }

    private func failure(_ verb: String, _ path: String) -> AWSError {
        AWSError(.internalError, "cannot \(verb) \(path): errno \(errno)")
    }
}
