internal import CofferEBS
internal import CofferShapes

// Encryption by default in a region, and the key that is taken where a request names none.
extension EC2Call {
    func enableEbsEncryptionByDefault(_ writer: inout XMLWriter) async throws {
        let setting = try await volumes.enableEbsEncryptionByDefault(isDryRun: isDryRun, caller: caller)
        writer.element("ebsEncryptionByDefault", setting.isEnabled)
    }

    func disableEbsEncryptionByDefault(_ writer: inout XMLWriter) async throws {
        let setting = try await volumes.disableEbsEncryptionByDefault(isDryRun: isDryRun, caller: caller)
        writer.element("ebsEncryptionByDefault", setting.isEnabled)
    }

    func getEbsEncryptionByDefault(_ writer: inout XMLWriter) async throws {
        let setting = try await volumes.getEbsEncryptionByDefault(isDryRun: isDryRun, caller: caller)
        writer.element("ebsEncryptionByDefault", setting.isEnabled)
        writer.element("sseType", setting.sseType)
    }

    func getEbsDefaultKmsKeyId(_ writer: inout XMLWriter) async throws {
        writer.element(
            "kmsKeyId",
            try await volumes.getEbsDefaultKmsKeyId(isDryRun: isDryRun, caller: caller)
        )
    }

    func modifyEbsDefaultKmsKeyId(_ writer: inout XMLWriter) async throws {
        let key = KeyReference(try arguments.requiredText("KmsKeyId"))
        writer.element(
            "kmsKeyId",
            try await volumes.modifyEbsDefaultKmsKeyId(key, isDryRun: isDryRun, caller: caller)
        )
    }

    func resetEbsDefaultKmsKeyId(_ writer: inout XMLWriter) async throws {
        writer.element(
            "kmsKeyId",
            try await volumes.resetEbsDefaultKmsKeyId(isDryRun: isDryRun, caller: caller)
        )
    }
}
