internal import CofferSecrets
public import CofferShapes
internal import CofferTrail

extension KeyManagementService {
    /// Makes a symmetric KMS key for encryption, enabled. `description` is at most 8192 characters (UTF-16).
    /// (`CreateKey`)
    public func createKey(description: String = "", caller: Caller) throws -> KeyMetadata {
        try perform("CreateKey", ["description": .text(description)], caller) { records, record in
            guard description.utf16.count <= Limits.descriptionCharacters else {
                record.requestParameters = nil
                throw Refusal.tooLong("description", limit: Limits.descriptionCharacters)
            }
            let key = try makeKey(description: description, service: nil, records)
            record.resources = [TrailResource(key: arn(of: key.id))]
            return metadata(of: key)
        }
    }

    public func describeKey(_ key: KeyReference, caller: Caller) throws -> KeyMetadata {
        try perform("DescribeKey", ["keyId": .text("\(key)")], caller) { records, record in
            metadata(of: try self.key(key, for: .read, action: "DescribeKey", caller, records, &record))
        }
    }

    /// The AWS managed key of a service; of two first uses at once, in any processes, both get the same key.
    public func awsManagedKey(of service: AWSService, caller: Caller) throws -> KeyMetadata {
        try describeKey(.alias(.awsManaged(service)), caller: caller)
    }

    /// The metadata of all KMS keys, oldest first. (`ListKeys`, with what `DescribeKey` tells of each.)
    public func listKeys(caller: Caller) throws -> [KeyMetadata] {
        try perform("ListKeys", [:], caller) { records, _ in try records.keys().map(metadata) }
    }

    /// Lets a key be used again. Takes a key id or key ARN; does nothing to an enabled key. (`EnableKey`)
    public func enableKey(_ key: KeyReference, caller: Caller) throws {
        try setState(.enabled, of: key, "EnableKey", caller)
    }

    /// Stops every use of a key, in all processes, from the next call on. What was decrypted before stays
    /// decrypted: attached volumes go on. Takes a key id or key ARN; does nothing to a disabled key.
    /// (`DisableKey`)
    public func disableKey(_ key: KeyReference, caller: Caller) throws {
        try setState(.disabled, of: key, "DisableKey", caller)
    }

    private func setState(_ state: KeyState, of key: KeyReference, _ action: String, _ caller: Caller) throws
    {
        try perform(action, ["keyId": .text("\(key)")], caller) { records, record in
            let key = try self.key(key, for: .manage, action: action, caller, records, &record)
            try records.setState(state, of: key.id)
        }
    }

    /// Makes the AWS managed key of a service and its alias. The transaction around this is exclusive, so
    /// that there is one for each service and region.
    func makeAWSManagedKey(of service: AWSService, _ records: KeyRecords) throws -> StoredKey {
        let protected =
            switch service {
            case .ebs: "EBS volumes"
            case .rds: "RDS database volumes"
            case .s3: "S3 objects"
            }
        let description = "Default key that protects my \(protected) when no other key is defined"
        let key = try makeKey(description: description, service: service, records)
        try records.add(StoredAlias(name: .awsManaged(service), target: key.id, created: key.created))
        return key
    }

    private func makeKey(description: String, service: AWSService?, _ records: KeyRecords) throws -> StoredKey
    {
        let key = StoredKey(
            id: KeyID(random: random),
            created: clock.now,
            description: description,
            state: .enabled,
            service: service,
            currentMaterialID: random.bytes(32)
        )
        let secrets = try hierarchy.makeKey(key.id, materialID: key.currentMaterialID)
        try records.add(
            key,
            wrappedWrappingKey: secrets.wrappedWrappingKey,
            wrappedBackingKey: secrets.wrappedBackingKey
        )
        return key
    }

    private func metadata(of key: StoredKey) -> KeyMetadata {
        KeyMetadata(
            accountID: account,
            keyID: key.id,
            arn: arn(of: key.id),
            created: key.created,
            description: key.description,
            state: key.state,
            manager: key.service == nil ? .customer : .aws,
            currentKeyMaterialID: Hex.lower(key.currentMaterialID)
        )
    }
}
