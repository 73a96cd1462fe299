public import CofferShapes

/// The keys that wrap volume keys: KMS keys, and the AWS-owned key of this home for volumes that nobody asked to have
/// encrypted, which asks nobody for permission.
public struct VolumeKeys: Sendable {
    package let kms: any KeyService
    package let owned: any KeyService

    public init(keys: any KeyService, owned: any KeyService) { (kms, self.owned) = (keys, owned) }

    /// Who has the key of an ARN.
    package func service(of key: ARN) -> any KeyService { key.isAWSOwnedKey ? owned : kms }
}
