/// What a signing key is good for: one day, one region, one service. (`20150830/us-east-1/kms/aws4_request`)
public struct CredentialScope: Hashable, Sendable, CustomStringConvertible {
    /// Eight digits, such as `20150830`.
    public let day: String
    public let region: String
    public let service: String

    static let terminator = "aws4_request"

    public init(day: String, region: String, service: String) {
        (self.day, self.region, self.service) = (day, region, service)
    }

    public var description: String { "\(day)/\(region)/\(service)/\(Self.terminator)" }

    /// S3 signs paths as they are, and bodies that need not be known.
    var isS3: Bool { service == "s3" }
}

/// `AKID/20150830/us-east-1/kms/aws4_request`: whose key, and its scope.
struct Credential {
    let accessKeyID: String
    let scope: CredentialScope

    /// Long enough for every access key id and service name there is.
    private static let maximumPartCount = 128

    init(_ text: String) throws(SigV4Error) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 5, parts.allSatisfy({ (1...Self.maximumPartCount).contains($0.count) }) else {
            throw .malformedCredential(text)
        }
        guard parts[0].allSatisfy(Self.isOfKeyID), parts[1].count == 8,
            parts[1].allSatisfy({ (0x30...0x39).contains($0) }), parts[2].allSatisfy(Self.isOfName),
            parts[3].allSatisfy(Self.isOfName)
        else { throw .malformedCredential(text) }
        let words = parts.map { String(Substring($0)) }
        guard words[4] == CredentialScope.terminator else { throw .wrongTerminator(words[4]) }
        accessKeyID = words[0]
        scope = CredentialScope(day: words[1], region: words[2], service: words[3])
    }

    /// Letters, digits and the underline. (IAM API, `AccessKey`: pattern `[\w]+`)
    private static func isOfKeyID(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
        default: false
        }
    }

    private static func isOfName(_ byte: UInt8) -> Bool { isOfKeyID(byte) || byte == UInt8(ascii: "-") }
}
