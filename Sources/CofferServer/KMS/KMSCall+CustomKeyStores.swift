internal import CofferJSON
internal import CofferKMS
internal import CofferShapes

// Custom key stores. AWS's words have no place for a PKCS #11 module: `CloudHsmClusterId` is the token's label,
// `KeyStorePassword` its user PIN, and the module is the home's.
extension KMSCall {
    func createCustomKeyStore() async throws -> [UInt8] {
        guard arguments.text("CustomKeyStoreType") ?? "AWS_CLOUDHSM" == "AWS_CLOUDHSM" else {
            throw AWSError(
                .unsupportedOperation,
                "external key stores are not supported; use a PKCS #11 token"
            )
        }
        guard let pin = try arguments.secretText("KeyStorePassword"),
            let label = arguments.text("CloudHsmClusterId"),
            let certificate = arguments.text("TrustAnchorCertificate")
        else {
            throw AWSError(
                .validation,
                "CloudHsmClusterId, KeyStorePassword and TrustAnchorCertificate are required for custom key stores "
                    + "of type AWS_CLOUDHSM."
            )
        }
        let order = CustomKeyStoreOrder(
            name: try arguments.requiredText("CustomKeyStoreName"),
            tokenLabel: label,
            module: nil,
            trustAnchorCertificate: certificate,
            pin: pin
        )
        let id = try await kms.createCustomKeyStore(order, caller: caller)
        return JSONWriter.object { $0.member("CustomKeyStoreId", id) }
    }

    func describeCustomKeyStores() async throws -> [UInt8] {
        let stores = try await kms.describeCustomKeyStores(
            id: arguments.text("CustomKeyStoreId"),
            name: arguments.text("CustomKeyStoreName"),
            page: arguments.page,
            caller: caller
        )
        return JSONWriter.object { writer in
            writer.listing("CustomKeyStores", stores) { writer, store in writer.customKeyStore(store) }
        }
    }

    func connectCustomKeyStore() async throws -> [UInt8] {
        try await kms.connectCustomKeyStore(try arguments.requiredText("CustomKeyStoreId"), caller: caller)
        return Self.emptyObject
    }

    func disconnectCustomKeyStore() async throws -> [UInt8] {
        try await kms.disconnectCustomKeyStore(try arguments.requiredText("CustomKeyStoreId"), caller: caller)
        return Self.emptyObject
    }

    func updateCustomKeyStore() async throws -> [UInt8] {
        let change = CustomKeyStoreChange(
            newName: arguments.text("NewCustomKeyStoreName"),
            tokenLabel: arguments.text("CloudHsmClusterId"),
            pin: try arguments.secretText("KeyStorePassword")
        )
        try await kms.updateCustomKeyStore(
            try arguments.requiredText("CustomKeyStoreId"),
            change,
            caller: caller
        )
        return Self.emptyObject
    }

    func deleteCustomKeyStore() async throws -> [UInt8] {
        try await kms.deleteCustomKeyStore(try arguments.requiredText("CustomKeyStoreId"), caller: caller)
        return Self.emptyObject
    }
}
