public import CofferSecrets

/// A 12-digit AWS account id.
public struct AccountID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let digits: String

    public init?(_ text: String) {
        guard text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        digits = text
    }

    /// A fresh id for a new home, from 6 random bytes.
    public init(random bytes: [UInt8]) {
        let number = bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 900_000_000_000
        digits = String(number + 100_000_000_000)
    }

    public var description: String { digits }
}

/// A region's name, such as `us-east-1`: lower-case letters, digits and dashes, at most 32.
public struct Region: Hashable, Sendable, Codable, CustomStringConvertible {
    public let name: String

    public init?(_ text: String) {
        guard (1...32).contains(text.utf8.count), text.utf8.first.map({ (0x61...0x7A).contains($0) }) == true,
            text.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { return nil }
        name = text
    }

    public static let home = Region(unchecked: "us-east-1")

    private init(unchecked name: String) { self.name = name }

    /// The one availability zone of a region here.
    public var zone: String { name + "a" }

    public var description: String { name }
}

/// The id of a KMS key: a lower-case UUID or, of a multi-Region key, `mrk-` and 32 lower-case hex digits. (AWS KMS
/// developer guide, "Key identifiers".)
public struct KeyID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 16 bytes, in the order of the digits.
    public let bytes: [UInt8]
    /// Whether keys of this id may stand in several regions, with the same material.
    public let isMultiRegion: Bool

    private static let multiRegionPrefix = "mrk-"

    public init?(_ text: String) {
        isMultiRegion = text.hasPrefix(Self.multiRegionPrefix)
        if isMultiRegion {
            let digits = text.dropFirst(Self.multiRegionPrefix.count)
            guard digits.utf8.count == 32, digits.utf8.allSatisfy(Hex.isLowerDigit),
                let bytes = Hex.bytes(String(digits))
            else { return nil }
            self.bytes = bytes
        } else {
            guard let bytes = UUIDText.parse(text) else { return nil }
            self.bytes = bytes
        }
    }

    public init(random source: some ByteSource, isMultiRegion: Bool = false) {
        bytes = isMultiRegion ? source.bytes(16) : UUIDText.version4(source.bytes(16))
        self.isMultiRegion = isMultiRegion
    }

    /// Traps unless there are 16 bytes: callers have checked the length of what they parse.
    public init(bytes: [UInt8], isMultiRegion: Bool = false) {
        precondition(bytes.count == 16, "a key id has 16 bytes")
        self.bytes = bytes
        self.isMultiRegion = isMultiRegion
    }

    public var description: String {
        isMultiRegion ? Self.multiRegionPrefix + Hex.lower(bytes) : UUIDText.text(bytes)
    }
}

/// The id of a volume: `vol-` and 17 lower-case hex digits.
public struct VolumeID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    public init?(_ text: String) {
        guard text.hasPrefix("vol-"), text.utf8.count == 21,
            text.utf8.dropFirst(4).allSatisfy(Hex.isLowerDigit)
        else { return nil }
        self.text = text
    }

    public init(random source: some ByteSource) {
        text = "vol-" + Hex.lower(source.bytes(9)).prefix(17)
    }

    public var description: String { text }
}

/// The name of an alias: `alias/` and 1 to 250 letters, digits, `/`, `_` and `-`. (AWS KMS API, `CreateAlias`.)
public struct AliasName: Hashable, Sendable, Codable, CustomStringConvertible {
    public static let prefix = "alias/"
    public let text: String

    /// Throws ValidationException in AWS's words.
    public init(_ text: String) throws(AWSError) {
        guard text.hasPrefix(Self.prefix) else {
            throw AWSError(
                .validation,
                "Alias must start with the prefix \"alias/\". Please see "
                    + "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
            )
        }
        let name = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard (1...250).contains(name.count), name.allSatisfy(Self.isAllowed) else {
            throw AWSError(
                .validation,
                "1 validation error detected: Value '\(text)' at 'aliasName' failed to satisfy constraint: Member must "
                    + "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
            )
        }
        self.text = text
    }

    /// nil for what is no alias's name, where that is no error of its own: in a key's place.
    init?(parsing text: String) {
        guard let name = try? AliasName(text) else { return nil }
        self = name
    }

    private init(unchecked text: String) { self.text = text }

    /// The alias of the AWS managed key of a service, such as `alias/aws/ebs`.
    public static func awsManaged(_ service: AWSService) -> AliasName {
        AliasName(unchecked: "alias/aws/\(service.rawValue)")
    }

    /// Whether the name is reserved for AWS managed keys.
    public var isReserved: Bool { text.hasPrefix("alias/aws/") }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2F, 0x5F, 0x2D: true
        default: false
        }
    }

    public var description: String { text }
}

/// The services that have an AWS managed key.
public enum AWSService: String, Sendable, Codable, CaseIterable {
    case ebs, rds, s3

    /// The endpoint's prefix in `kms:ViaService`.
    public var endpointPrefix: String { self == .ebs ? "ec2" : rawValue }
}
