internal import CofferJSON
internal import CofferShapes

// The structures that several answers share, in the model's order. (AWS KMS API reference, "Data types")
extension JSONWriter {
    mutating func keyMetadata(_ name: String, _ key: KeyMetadata) {
        object(name) { writer in
            writer.member("AWSAccountId", key.accountID.digits)
            writer.member("KeyId", key.keyID.description)
            writer.member("Arn", key.arn)
            writer.member("CreationDate", key.created)
            writer.member("Enabled", key.isEnabled)
            writer.member("Description", key.description)
            writer.member("KeyUsage", key.usage)
            writer.member("KeyState", key.state)
            writer.member("DeletionDate", key.deletionDate)
            writer.member("ValidTo", key.validTo)
            writer.member("Origin", key.origin)
            writer.member("CustomKeyStoreId", key.customKeyStoreID)
            writer.member("CloudHsmClusterId", key.cloudHSMClusterID)
            writer.member("ExpirationModel", key.expirationModel)
            writer.member("KeyManager", key.manager)
            writer.member("CustomerMasterKeySpec", key.spec)
            writer.member("KeySpec", key.spec)
            writer.member("EncryptionAlgorithms", unlessEmpty: key.encryptionAlgorithms)
            writer.member("SigningAlgorithms", unlessEmpty: key.signingAlgorithms)
            writer.member("KeyAgreementAlgorithms", unlessEmpty: key.keyAgreementAlgorithms)
            writer.member("MultiRegion", key.multiRegion != nil)
            writer.multiRegion(key.multiRegion)
            writer.member("PendingDeletionWindowInDays", key.pendingDeletionWindowInDays)
            writer.member("MacAlgorithms", unlessEmpty: key.macAlgorithms)
            writer.member("CurrentKeyMaterialId", key.currentKeyMaterialID)
        }
    }

    private mutating func multiRegion(_ configuration: MultiRegionConfiguration?) {
        guard let configuration else { return }
        object("MultiRegionConfiguration") { writer in
            writer.member("MultiRegionKeyType", configuration.kind)
            writer.object("PrimaryKey") { $0.region(configuration.primary) }
            writer.list("ReplicaKeys", configuration.replicas) { writer, replica in
                writer.beginObject()
                writer.region(replica)
                writer.endObject()
            }
        }
    }

    private mutating func region(_ member: MultiRegionConfiguration.Member) {
        self.member("Arn", member.arn)
        self.member("Region", member.region.name)
    }

    mutating func alias(_ alias: AliasEntry) {
        beginObject()
        member("AliasName", alias.name.text)
        member("AliasArn", alias.arn)
        member("TargetKeyId", alias.target?.description)
        member("CreationDate", alias.created)
        member("LastUpdatedDate", alias.updated)
        endObject()
    }

    mutating func tag(_ tag: Tag) {
        beginObject()
        member("TagKey", tag.key)
        member("TagValue", tag.value)
        endObject()
    }

    mutating func grant(_ grant: Grant) {
        beginObject()
        member("KeyId", grant.keyARN)
        member("GrantId", grant.id)
        // AWS gives an empty name where there is none.
        member("Name", grant.name ?? "")
        member("CreationDate", grant.created)
        member("GranteePrincipal", grant.grantee)
        member("RetiringPrincipal", grant.retiring)
        member("IssuingAccount", grant.issuingAccount)
        member("Operations", unlessEmpty: grant.operations)
        if let constraints = grant.constraints {
            object("Constraints") { writer in
                writer.member("EncryptionContextSubset", constraints.subset)
                writer.member("EncryptionContextEquals", constraints.equals)
            }
        }
        endObject()
    }

    mutating func rotation(_ rotation: KeyRotation) {
        beginObject()
        member("KeyId", rotation.keyARN)
        member("KeyMaterialId", rotation.materialID)
        member("KeyMaterialDescription", rotation.materialDescription)
        member("ImportState", rotation.importState)
        member("KeyMaterialState", rotation.materialState)
        member("ExpirationModel", rotation.expirationModel)
        member("ValidTo", rotation.validTo)
        member("RotationDate", rotation.rotationDate)
        member("RotationType", rotation.kind)
        endObject()
    }

    mutating func customKeyStore(_ store: CustomKeyStore) {
        beginObject()
        member("CustomKeyStoreId", store.id)
        member("CustomKeyStoreName", store.name)
        member("CloudHsmClusterId", store.tokenLabel)
        member("TrustAnchorCertificate", store.trustAnchorCertificate)
        member("ConnectionState", store.state)
        member("ConnectionErrorCode", store.connectionErrorCode)
        member("CreationDate", store.created)
        member("CustomKeyStoreType", "AWS_CLOUDHSM")
        endObject()
    }
}
