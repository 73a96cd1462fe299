internal import CofferJSON
internal import CofferKMS
internal import CofferShapes

// Key material: rotation and import.
extension KMSCall {
    // MARK: - Rotation

    func enableKeyRotation() async throws -> [UInt8] {
        try await kms.enableKeyRotation(
            try arguments.key(),
            periodInDays: arguments.integer("RotationPeriodInDays"),
            caller: caller
        )
        return Self.nothing
    }

    func disableKeyRotation() async throws -> [UInt8] {
        try await kms.disableKeyRotation(try arguments.key(), caller: caller)
        return Self.nothing
    }

    func getKeyRotationStatus() async throws -> [UInt8] {
        let status = try await kms.getKeyRotationStatus(try arguments.key(), caller: caller)
        return JSONWriter.object { writer in
            writer.member("KeyRotationEnabled", status.isEnabled)
            writer.member("KeyId", status.keyARN)
            writer.member("RotationPeriodInDays", status.periodInDays)
            writer.member("NextRotationDate", status.nextRotation)
        }
    }

    func rotateKeyOnDemand() async throws -> [UInt8] {
        let arn = try await kms.rotateKeyOnDemand(try arguments.key(), caller: caller)
        return JSONWriter.object { $0.member("KeyId", arn) }
    }

    func listKeyRotations() async throws -> [UInt8] {
        let rotations = try await kms.listKeyRotations(
            try arguments.key(),
            includesAllMaterial: arguments.text("IncludeKeyMaterial") == "ALL_KEY_MATERIAL",
            page: arguments.page,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.listing("Rotations", rotations) { writer, rotation in writer.rotation(rotation) }
        }
    }

    // MARK: - Import

    func getParametersForImport() async throws -> [UInt8] {
        let parameters = try await kms.getParametersForImport(
            try arguments.key(),
            algorithm: try arguments.requiredChoice("WrappingAlgorithm"),
            spec: try arguments.requiredChoice("WrappingKeySpec"),
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.member("KeyId", parameters.keyARN)
            writer.member("ImportToken", base64: parameters.importToken)
            writer.member("PublicKey", base64: parameters.publicKey)
            writer.member("ParametersValidTo", parameters.validTo)
        }
    }

    func importKeyMaterial() async throws -> [UInt8] {
        var material = MaterialImport(
            importToken: try arguments.requiredBytes("ImportToken"),
            encryptedKeyMaterial: try arguments.requiredBytes("EncryptedKeyMaterial")
        )
        material.validTo = try arguments.time("ValidTo")
        material.expirationModel = arguments.choice("ExpirationModel")
        material.importType = arguments.choice("ImportType")
        material.materialDescription = arguments.text("KeyMaterialDescription")
        material.materialID = arguments.text("KeyMaterialId")
        return Self.answer(
            of: try await kms.importKeyMaterial(material, into: try arguments.key(), caller: caller)
        )
    }

    func deleteImportedKeyMaterial() async throws -> [UInt8] {
        Self.answer(
            of: try await kms.deleteImportedKeyMaterial(
                try arguments.key(),
                materialID: arguments.text("KeyMaterialId"),
                caller: caller
            )
        )
    }

    private static func answer(of response: MaterialResponse) -> [UInt8] {
        JSONWriter.object { writer in
            writer.member("KeyId", response.keyARN)
            writer.member("KeyMaterialId", response.materialID)
        }
    }
}
