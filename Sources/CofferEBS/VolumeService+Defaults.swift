internal import CofferCatalog
public import CofferShapes

// A region's encryption by default, and the key that it is with. (EBS user guide, "Enable Amazon EBS encryption by
// default".)
extension VolumeService {
    public func enableEbsEncryptionByDefault(
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> EbsEncryptionByDefault {
        try await requirePermission("ec2:EnableEbsEncryptionByDefault", isDryRun: isDryRun, caller: caller)
        try catalog.change(encryptionDefaultsOf: region(of: caller)) { $0.isByDefault = true }
        return EbsEncryptionByDefault(isEnabled: true)
    }

    public func disableEbsEncryptionByDefault(
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> EbsEncryptionByDefault {
        try await requirePermission("ec2:DisableEbsEncryptionByDefault", isDryRun: isDryRun, caller: caller)
        try catalog.change(encryptionDefaultsOf: region(of: caller)) { $0.isByDefault = false }
        return EbsEncryptionByDefault(isEnabled: false)
    }

    public func getEbsEncryptionByDefault(
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> EbsEncryptionByDefault {
        try await requirePermission("ec2:GetEbsEncryptionByDefault", isDryRun: isDryRun, caller: caller)
        return EbsEncryptionByDefault(
            isEnabled: try catalog.encryptionDefaults(of: region(of: caller)).isByDefault
        )
    }

    /// The key of volumes whose request names none: a key ARN, or `alias/aws/ebs` where none was set.
    public func getEbsDefaultKmsKeyId(isDryRun: Bool = false, caller: Caller) async throws -> String {
        try await requirePermission("ec2:GetEbsDefaultKmsKeyId", isDryRun: isDryRun, caller: caller)
        return try catalog.encryptionDefaults(of: region(of: caller)).key?.description ?? Self.awsManagedKey
    }

    /// Gives the key's ARN. Refuses a key that is not there, and one that cannot wrap volume keys; whether it is enabled
    /// shows when a volume is made.
    public func modifyEbsDefaultKmsKeyId(
        _ key: KeyReference,
        isDryRun: Bool = false,
        caller: Caller
    ) async throws -> String {
        try await requirePermission("ec2:ModifyEbsDefaultKmsKeyId", isDryRun: isDryRun, caller: caller)
        let metadata = try await usableKey(key, caller: caller.through(orKeeping: .ebs))
        try catalog.change(encryptionDefaultsOf: region(of: caller)) { $0.key = metadata.arn }
        return metadata.arn.description
    }

    /// Back to `alias/aws/ebs`, which it gives.
    public func resetEbsDefaultKmsKeyId(isDryRun: Bool = false, caller: Caller) async throws -> String {
        try await requirePermission("ec2:ResetEbsDefaultKmsKeyId", isDryRun: isDryRun, caller: caller)
        try catalog.change(encryptionDefaultsOf: region(of: caller)) { $0.key = nil }
        return Self.awsManagedKey
    }

    private static let awsManagedKey = AliasName.awsManaged(.ebs).text
}
