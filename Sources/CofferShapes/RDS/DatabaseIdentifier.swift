public import CofferSecrets

/// The name of a database instance, a snapshot or a parameter group: 1 to 255 letters, digits and hyphens that begin with
/// a letter, end with no hyphen and have no two in a row; kept in lower case. (RDS API reference, `CreateDBInstance` and
/// `CreateDBSnapshot`.)
public struct DatabaseIdentifier: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    /// What an instance's identifier may be long.
    public static let instanceCharacters = 63
    public static let snapshotCharacters = 255

    public init?(_ text: String, limit: Int = Self.snapshotCharacters) {
        let lower = text.lowercased()
        guard (1...limit).contains(lower.utf8.count),
            lower.utf8.first.map({ (0x61...0x7A).contains($0) }) == true, lower.utf8.last != 0x2D,
            !lower.contains("--"),
            lower.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { return nil }
        self.text = lower
    }

    /// The identifier of what `kind` calls; InvalidParameterValue in RDS's words.
    public static func parse(_ text: String, limit: Int, of kind: String) throws -> DatabaseIdentifier {
        guard let identifier = DatabaseIdentifier(text, limit: limit) else {
            throw AWSError(
                .invalidParameterValue,
                "The parameter \(kind) is not a valid identifier. Identifiers must begin with a letter; must contain only "
                    + "ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
            )
        }
        return identifier
    }

    /// What automated snapshots' names begin with, and nobody else's do.
    public static let automatedPrefix = "rds:"

    /// A snapshot's, which for an automated one has its prefix.
    public init?(snapshot text: String) {
        let lower = text.lowercased()
        let isAutomated = lower.hasPrefix(Self.automatedPrefix)
        let name = isAutomated ? String(lower.dropFirst(Self.automatedPrefix.count)) : lower
        guard DatabaseIdentifier(name) != nil else { return nil }
        self.text = lower
    }

    public var description: String { text }
}

/// The id that a database instance keeps for life, whatever it is called: `db-` and 26 capitals and digits.
/// (`DbiResourceId`)
public struct DatabaseID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    public init?(_ text: String) {
        guard text.hasPrefix("db-"), text.utf8.count == 29,
            text.utf8.dropFirst(3).allSatisfy(Self.alphabet.contains)
        else { return nil }
        self.text = text
    }

    public init(random source: some ByteSource) {
        let letters = source.bytes(26).map { Self.alphabet[Int($0 & 31)] }
        text = "db-" + String(decoding: letters, as: UTF8.self)
    }

    public var description: String { text }
}
