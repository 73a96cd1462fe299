internal import CofferJSON

/// A policy in the language of IAM (IAM user guide, "IAM JSON policy elements reference" and "Grammar of the IAM JSON
/// policy language"), parsed once and compiled to be evaluated often.
///
/// Everything that AWS would refuse, or take in a sense that the author did not mean, is refused with its place:
/// unknown elements and operators, wrong types, empty lists, both halves of a pair, principals that are none.
public struct PolicyDocument: Sendable {
    /// Where a policy is attached.
    public enum Kind: Sendable {
        /// To a user or role: its statements name no principal.
        case identity
        /// To a resource, such as a KMS key or a bucket: its statements name principals.
        case resource
    }

    /// The version of the language.
    public enum Version: String, Sendable {
        case v2008 = "2008-10-17"
        /// The one that knows policy variables.
        case v2012 = "2012-10-17"
    }

    /// A service has lower limits of its own (a key policy: 32 KiB).
    public static let maximumBytes = 128 << 10

    public let kind: Kind
    public let version: Version
    public let id: String?
    let statements: [Statement]

    /// Reads UTF-8 JSON.
    public init(_ json: [UInt8], kind: Kind) throws(PolicyError) {
        let document: JSONDocument
        do {
            document = try JSONDocument(json, limits: JSONLimits(bytes: Self.maximumBytes, depth: 8))
        } catch {
            throw PolicyError(error.sentence, at: error.place, path: "")
        }
        let parser = PolicyParser(document: document, kind: kind)
        (version, id, statements) = try parser.parse()
        self.kind = kind
    }

    public init(_ json: String, kind: Kind) throws(PolicyError) {
        try self.init(Array(json.utf8), kind: kind)
    }

    /// The condition keys that the policy reads, those of its variables too, each once and as it is first spelled.
    public var conditionKeys: [String] {
        var seen = Set<String>()
        return statements.flatMap { $0.conditions.flatMap(\.keys) + $0.resources.flatMap(\.keys) }
            .filter { seen.insert($0.lowercased()).inserted }
    }

    /// The principals that the policy names, in `Principal` and `NotPrincipal`, each once.
    public var principals: [PolicyPrincipalName] {
        var seen = Set<PolicyPrincipalName>()
        return statements.flatMap { $0.principals?.names ?? [] }.filter { seen.insert($0).inserted }
    }
}
