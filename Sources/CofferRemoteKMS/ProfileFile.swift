internal import CofferSecrets
internal import CofferShapes
internal import Glibc

/// What a shared file says of one profile: text, and apart from it the secret access key.
struct ProfileSection: ~Copyable {
    /// Whether the file has it; if not, there is nothing in it.
    var isPresent = false
    var values: [String: String] = [:]
    var secretAccessKey: SecretBytes?
}

/// The shared files of the AWS SDKs, `~/.aws/credentials` and `~/.aws/config`: sections in brackets, and lines of
/// `name = value` below them. (AWS SDKs and Tools reference guide, "Format of the config file")
///
/// The file is read into locked memory and taken apart there. An indented line belongs to a nested setting, of which we
/// know none, and is skipped; so is a line that is none of this, as the SDKs do.
enum ProfileFile {
    /// Longer files are refused, bytes.
    static let maximumCount = 256 << 10

    /// The section of the name given. A setting that stands twice counts where it stands last.
    static func read(_ path: String, section name: String) throws(AWSError) -> ProfileSection {
        guard let file = try contents(path) else { return ProfileSection() }
        return file.withBytes { find(name, in: $0) }
    }

    private static func find(_ name: String, in bytes: RawSpan) -> ProfileSection {
        var section = ProfileSection()
        var isInside = false
        var start = 0
        while start < bytes.byteCount {
            var end = start
            while end < bytes.byteCount, bytes.byte(at: end) != UInt8(ascii: "\n") { end += 1 }
            let isIndented = isBlank(bytes.byte(at: start))
            let line = trimmed(start..<end, of: bytes)
            start = end + 1
            guard !line.isEmpty, !isIndented else { continue }
            switch bytes.byte(at: line.lowerBound) {
            case UInt8(ascii: "#"), UInt8(ascii: ";"): continue
            case UInt8(ascii: "["):
                isInside = sectionName(text(line, of: bytes)) == name
                if isInside { section.isPresent = true }
            default:
                if isInside { take(line, of: bytes, into: &section) }
            }
        }
        return section
    }

    /// `[profile "a name"]` as `profile a name`.
    private static func sectionName(_ line: String) -> String {
        let inside = line.dropFirst().prefix { $0 != "]" }
        return inside.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ").filter {
            $0 != "\"" && $0 != "'"
        }
    }

    private static func take(_ line: Range<Int>, of bytes: RawSpan, into section: inout ProfileSection) {
        guard let mark = line.first(where: { bytes.byte(at: $0) == UInt8(ascii: "=") }) else { return }
        let name = text(trimmed(line.lowerBound..<mark, of: bytes), of: bytes).lowercased()
        let value = trimmed(mark + 1..<line.upperBound, of: bytes)
        if name == "aws_secret_access_key" {
            section.secretAccessKey = value.isEmpty ? nil : SecretBytes(copying: bytes.extracting(value))
        } else {
            section.values[name] = text(value, of: bytes)
        }
    }

    private static func text(_ range: Range<Int>, of bytes: RawSpan) -> String {
        String(decoding: bytes.extracting(range).array(), as: UTF8.self)
    }

    private static func trimmed(_ range: Range<Int>, of bytes: RawSpan) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(bytes.byte(at: start)) { start += 1 }
        while end > start, isBlank(bytes.byte(at: end - 1)) { end -= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    /// The file in locked memory; nil where there is none, or nothing in it.
    private static func contents(_ path: String) throws(AWSError) -> SecretBytes? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw unreadable(path, errno)
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= maximumCount else {
            throw AWSError(.invalidConfiguration, "\(path) is no file of at most \(maximumCount) bytes")
        }
        guard status.st_size > 0 else { return nil }
        return try SecretBytes(count: status.st_size) { (span) throws(AWSError) in
            // A file that shrinks meanwhile leaves zeroes, which are no line of it.
            var (done, failure): (Int, Int32) = (0, 0)
            unsafe span.withUnsafeMutableBytes { buffer in
                while done < buffer.count {
                    // Not empty: its count is above `done`.
                    let got = unsafe Glibc.read(file, buffer.baseAddress! + done, buffer.count - done)
                    if got < 0 && errno == EINTR { continue }
                    if got < 0 { failure = errno }
                    guard got > 0 else { break }
                    done += got
                }
            }
            guard failure == 0 else { throw unreadable(path, failure) }
        }
    }

    private static func unreadable(_ path: String, _ code: Int32) -> AWSError {
        AWSError(.invalidConfiguration, "cannot read \(path): \(errorText(code))")
    }
}

/// What an errno means, in words.
func errorText(_ code: Int32) -> String {
    guard let words = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: words)
}
