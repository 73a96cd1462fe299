internal import CofferShapes

extension KMSAnswer {
    /// The `KeyMetadata` of the API. A value that is newer than Coffer is taken for absent, a state for `Unavailable`.
    func keyMetadata() throws(AWSError) -> KeyMetadata {
        guard let account = AccountID(try text("AWSAccountId")) else { throw missing("AWSAccountId") }
        guard let keyID = KeyID(try text("KeyId")) else { throw missing("KeyId") }
        guard let created = time("CreationDate") else { throw missing("CreationDate") }
        var metadata = KeyMetadata(
            accountID: account,
            keyID: keyID,
            arn: try arn("Arn"),
            created: created,
            description: optionalText("Description") ?? "",
            state: KeyState(rawValue: try text("KeyState")) ?? .unavailable,
            manager: optionalText("KeyManager").flatMap(KeyManager.init) ?? .customer,
            currentKeyMaterialID: optionalText("CurrentKeyMaterialId")
        )
        guard let spec = KeySpec(rawValue: optionalText("KeySpec") ?? KeySpec.symmetricDefault.rawValue)
        else {
            throw missing("KeySpec")
        }
        metadata.spec = spec
        metadata.usage = optionalText("KeyUsage").flatMap(KeyUsage.init) ?? .encryptDecrypt
        metadata.origin = optionalText("Origin").flatMap(KeyOrigin.init) ?? .awsKMS
        metadata.deletionDate = time("DeletionDate")
        metadata.pendingDeletionWindowInDays = integer("PendingDeletionWindowInDays")
        metadata.validTo = time("ValidTo")
        metadata.expirationModel = optionalText("ExpirationModel").flatMap(ExpirationModel.init)
        metadata.customKeyStoreID = optionalText("CustomKeyStoreId")
        metadata.cloudHSMClusterID = optionalText("CloudHsmClusterId")
        metadata.multiRegion = try? answer("MultiRegionConfiguration").multiRegion()
        return metadata
    }

    private func multiRegion() throws(AWSError) -> MultiRegionConfiguration {
        guard let kind = MultiRegionConfiguration.Kind(rawValue: try text("MultiRegionKeyType")) else {
            throw missing("MultiRegionKeyType")
        }
        var replicas: [MultiRegionConfiguration.Member] = []
        for answer in answers("ReplicaKeys") { replicas.append(try answer.member()) }
        return MultiRegionConfiguration(
            kind: kind,
            primary: try answer("PrimaryKey").member(),
            replicas: replicas.sorted { $0.region.name < $1.region.name }
        )
    }

    private func member() throws(AWSError) -> MultiRegionConfiguration.Member {
        guard let region = Region(try text("Region")) else { throw missing("Region") }
        return MultiRegionConfiguration.Member(arn: try arn("Arn"), region: region)
    }
}
