/// An Amazon Resource Name, `arn:aws:service:region:account:resource`. (IAM user guide, "IAM ARNs".)
public struct ARN: Hashable, Sendable, Codable, CustomStringConvertible {
    public let service: String
    public let region: String
    public let account: String
    public let resource: String

    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(
            String.init
        )
        guard parts.count == 6, parts[0] == "arn", parts[1] == "aws", !parts[2].isEmpty, !parts[5].isEmpty,
            text.utf8.count <= 2048
        else { return nil }
        (service, region, account, resource) = (parts[2], parts[3], parts[4], parts[5])
    }

    private init(service: String, region: String, account: String, resource: String) {
        (self.service, self.region, self.account, self.resource) = (service, region, account, resource)
    }

    public static func key(_ id: KeyID, region: Region, account: AccountID) -> ARN {
        ARN(service: "kms", region: region.name, account: account.digits, resource: "key/\(id)")
    }

    /// A key of AWS's own, which no account has: in the account's place stands `aws`.
    public static func awsOwnedKey(_ id: KeyID, region: Region) -> ARN {
        ARN(service: "kms", region: region.name, account: awsAccount, resource: "key/\(id)")
    }

    private static let awsAccount = "aws"

    /// Whether this is the ARN of an AWS-owned key.
    public var isAWSOwnedKey: Bool { service == "kms" && account == Self.awsAccount }

    public static func alias(_ name: AliasName, region: Region, account: AccountID) -> ARN {
        ARN(service: "kms", region: region.name, account: account.digits, resource: name.text)
    }

    public static func root(_ account: AccountID) -> ARN {
        ARN(service: "iam", region: "", account: account.digits, resource: "root")
    }

    /// An IAM user; `path` begins and ends with a slash.
    public static func user(_ name: String, path: String = "/", account: AccountID) -> ARN {
        ARN(service: "iam", region: "", account: account.digits, resource: "user\(path)\(name)")
    }

    /// A resource of EC2, such as `volume/vol-…`; nil where it would be too long.
    public static func ec2(_ resource: String, region: Region, account: AccountID) -> ARN? {
        ARN("arn:aws:ec2:\(region):\(account):\(resource)")
    }

    /// It names no account. (Service authorization reference, "Resource types defined by Amazon EC2".)
    public static func snapshot(_ id: SnapshotID, region: Region) -> ARN {
        ARN(service: "ec2", region: region.name, account: "", resource: "snapshot/\(id)")
    }

    public static func volume(_ id: VolumeID, region: Region, account: AccountID) -> ARN {
        ARN(service: "ec2", region: region.name, account: account.digits, resource: "volume/\(id)")
    }

    /// The principal that EBS acts as for an instance: the grantee of the grants that an attachment holds. (AWS KMS
    /// developer guide, "Examining grants".)
    public static func ec2Infrastructure(_ instance: InstanceID, account: AccountID) -> ARN {
        ARN(
            service: "sts",
            region: "",
            account: account.digits,
            resource: "assumed-role/aws:ec2-infrastructure/\(instance)"
        )
    }

    /// A resource of RDS, such as `db:app` or `snapshot:before`.
    public static func database(
        _ kind: String,
        _ identifier: String,
        region: Region,
        account: AccountID
    ) -> ARN {
        ARN(
            service: "rds",
            region: region.name,
            account: account.digits,
            resource: "\(kind):\(identifier)"
        )
    }

    /// The principal that RDS acts as for an instance.
    public static func rdsInfrastructure(_ database: DatabaseID, account: AccountID) -> ARN {
        ARN(
            service: "sts",
            region: "",
            account: account.digits,
            resource: "assumed-role/aws:rds-infrastructure/\(database)"
        )
    }

    /// Whether this is an account's root user.
    public var isRoot: Bool { service == "iam" && resource == "root" }

    /// The name of an IAM user, without its path; nil for any other.
    public var iamUserName: String? {
        guard service == "iam", resource.hasPrefix("user/") else { return nil }
        return resource.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init)
    }

    /// The key id of a KMS key's ARN, nil for any other.
    public var keyID: KeyID? {
        guard service == "kms", resource.hasPrefix("key/") else { return nil }
        return KeyID(String(resource.dropFirst(4)))
    }

    public var description: String { "arn:aws:\(service):\(region):\(account):\(resource)" }
}

/// What a caller may name a KMS key by. (AWS KMS developer guide, "Key identifiers".)
public enum KeyReference: Hashable, Sendable, CustomStringConvertible {
    case id(KeyID)
    case keyARN(ARN, KeyID)
    case alias(AliasName)
    case aliasARN(ARN, AliasName)
    /// None of the four forms: there is no such key.
    case other(String)

    public init(_ text: String) {
        if text.hasPrefix("arn:") {
            guard let arn = ARN(text), arn.service == "kms" else {
                self = .other(text)
                return
            }
            if let id = arn.keyID {
                self = .keyARN(arn, id)
            } else if let name = AliasName(parsing: arn.resource) {
                self = .aliasARN(arn, name)
            } else {
                self = .other(text)
            }
        } else if let name = AliasName(parsing: text) {
            self = .alias(name)
        } else {
            self = KeyID(text).map { .id($0) } ?? .other(text)
        }
    }

    public var description: String {
        switch self {
        case .id(let id): id.description
        case .keyARN(let arn, _), .aliasARN(let arn, _): arn.description
        case .alias(let name): name.text
        case .other(let text): text
        }
    }
}
