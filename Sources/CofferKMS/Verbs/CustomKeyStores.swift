internal import CofferSecrets
public import CofferShapes
internal import CofferTrail

// Custom key stores: tokens behind PKCS #11 modules, whose keys never leave them. A store's name for its token
// is what AWS calls the cluster's id.
extension KeyManagementService {
    /// Makes a store over a token that is there, disconnected at first; its PIN is kept under the root key, and tried
    /// only when the store is connected. (`CreateCustomKeyStore`)
    public func createCustomKeyStore(
        _ order: consuming CustomKeyStoreOrder,
        caller: Caller
    ) async throws -> String {
        let parameters: [String: TrailValue?] = [
            "customKeyStoreName": .text(order.name), "cloudHsmClusterId": .text(order.tokenLabel),
        ]
        let id = "cks-" + String(Hex.lower(random.bytes(9)).prefix(17))
        let (name, tokenLabel, certificate) = (order.name, order.tokenLabel, order.trustAnchorCertificate)
        let module = order.module ?? keyStores.hardware.module
        let wrappedPIN = try KeyFolder.reporting { try hierarchy.wrapPIN(order.pin, ofStore: id) }
        // The device may take its time: before the lock. A module is code, loaded only for who may make a store.
        var missing: HardwareTokenError?
        if let module, may("CreateCustomKeyStore", caller) {
            missing = await findToken(tokenLabel, module: module)
        }
        let refusal = missing?.refusal(makingStoreOver: tokenLabel)
        return try await change("CreateCustomKeyStore", caller, parameters) { [self] records, call in
            try authorise(Permission("CreateCustomKeyStore"), &call)
            guard let module else {
                throw AWSError(
                    .cloudHSMClusterNotFound,
                    "no PKCS #11 module is named for the token \(tokenLabel)",
                    hint: "name one with --module, or start the server with --pkcs11-module"
                )
            }
            let stores = try records.keyStores(in: call.region)
            guard !stores.contains(where: { $0.name == name }) else {
                throw AWSError(.customKeyStoreNameInUse, "A custom key store named \(name) already exists.")
            }
            guard !stores.contains(where: { $0.tokenLabel == tokenLabel && $0.module == module }) else {
                throw Self.tokenInUse(tokenLabel)
            }
            if let refusal { throw refusal }
            let store = StoredKeyStore(
                id: id,
                name: name,
                tokenLabel: tokenLabel,
                module: module,
                certificate: certificate,
                wrappedPIN: wrappedPIN,
                created: clock.now,
                state: .disconnected
            )
            try records.add(store, in: call.region)
            call.record.responseElements = ["customKeyStoreId": .text(id)]
            return id
        }
    }

    /// (`DescribeCustomKeyStores`)
    public func describeCustomKeyStores(
        id: String? = nil,
        name: String? = nil,
        page: Page = Page(),
        caller: Caller
    ) async throws -> Listing<CustomKeyStore> {
        let parameters: [String: TrailValue?] = [
            "customKeyStoreId": id.map { .text($0) }, "customKeyStoreName": name.map { .text($0) },
        ]
        return try await use("DescribeCustomKeyStores", caller, parameters) { call in
            try authorise(Permission("DescribeCustomKeyStores"), &call)
            guard id == nil || name == nil else {
                throw Refusal.validation("Only one of CustomKeyStoreId and CustomKeyStoreName may be given.")
            }
            let region = call.region
            let stores = try cache.read { try $0.keyStores(in: region) }.filter { store in
                (id == nil || store.id == id) && (name == nil || store.name == name)
            }
            if stores.isEmpty, let wanted = id ?? name { throw Self.noSuchStore(wanted) }
            return try Pagination.keys.part(stores.map(CustomKeyStore.init), page) { $0.id }
        }
    }

    /// Logs in to the token; its keys can be used then, by every process. As in AWS, a login that fails is no error of
    /// the call: the store's state tells of it. (`ConnectCustomKeyStore`)
    public func connectCustomKeyStore(_ id: String, caller: Caller) async throws {
        let parameters: [String: TrailValue?] = ["customKeyStoreId": .text(id)]
        // The device may take its time: before the lock. Only for who may connect, as a token counts wrong PINs.
        let attempt = may("ConnectCustomKeyStore", caller) ? await tryToConnect(id, caller) : .success(nil)
        try await change("ConnectCustomKeyStore", caller, parameters) { [self] records, call in
            try authorise(Permission("ConnectCustomKeyStore"), &call)
            var store = try existingStore(id, records, call)
            guard store.state != .connected else { return }
            guard store.state == .disconnected else {
                throw Self.wrongState(store, "has to be disconnected first")
            }
            let failure = try attempt.get()
            store.errorCode = failure?.connectionErrorCode
            store.state = failure == nil ? .connected : .failed
            try records.update(store, in: call.region)
            call.record.additionalEventData = failure.map {
                ["connectionErrorCode": .text($0.connectionErrorCode)]
            }
        }
    }

    /// Logs out; the store's keys are unavailable until it is connected again. (`DisconnectCustomKeyStore`)
    public func disconnectCustomKeyStore(_ id: String, caller: Caller) async throws {
        try await change("DisconnectCustomKeyStore", caller, ["customKeyStoreId": .text(id)]) {
            [self] records, call in
            try authorise(Permission("DisconnectCustomKeyStore"), &call)
            var store = try existingStore(id, records, call)
            guard store.state == .connected || store.state == .failed else {
                throw Self.wrongState(store, "is not connected")
            }
            (store.state, store.errorCode) = (.disconnected, nil)
            try records.update(store, in: call.region)
        }
        keyStores.close(id)
    }

    /// Changes the name, the token's label or the PIN of a store. (`UpdateCustomKeyStore`)
    public func updateCustomKeyStore(
        _ id: String,
        _ change: consuming CustomKeyStoreChange,
        caller: Caller
    ) async throws {
        let wrappedPIN: [UInt8]? = try KeyFolder.reporting {
            switch change.pin {
            case .some(let pin): try hierarchy.wrapPIN(pin, ofStore: id)
            case .none: nil
            }
        }
        let (newName, tokenLabel) = (change.newName, change.tokenLabel)
        try await self.change("UpdateCustomKeyStore", caller, ["customKeyStoreId": .text(id)]) {
            [self] records, call in
            try authorise(Permission("UpdateCustomKeyStore"), &call)
            var store = try existingStore(id, records, call)
            if wrappedPIN != nil || tokenLabel != nil, store.state != .disconnected {
                throw Self.wrongState(store, "has to be disconnected first")
            }
            if let newName {
                let others = try records.keyStores(in: call.region).filter { $0.id != id }
                guard !others.contains(where: { $0.name == newName }) else {
                    throw AWSError(
                        .customKeyStoreNameInUse,
                        "A custom key store named \(newName) already exists."
                    )
                }
                store.name = newName
            }
            if let tokenLabel {
                let others = try records.keyStores(in: call.region).filter { $0.id != id }
                guard !others.contains(where: { $0.tokenLabel == tokenLabel && $0.module == store.module })
                else {
                    throw Self.tokenInUse(tokenLabel)
                }
                store.tokenLabel = tokenLabel
            }
            if let wrappedPIN { store.wrappedPIN = wrappedPIN }
            try records.update(store, in: call.region)
        }
        keyStores.close(id)
    }

    /// Forgets a store that is disconnected and has no keys. (`DeleteCustomKeyStore`)
    public func deleteCustomKeyStore(_ id: String, caller: Caller) async throws {
        try await change("DeleteCustomKeyStore", caller, ["customKeyStoreId": .text(id)]) {
            [self] records, call in
            try authorise(Permission("DeleteCustomKeyStore"), &call)
            let store = try existingStore(id, records, call)
            guard try records.keyCount(in: id, region: call.region) == 0 else {
                throw AWSError(
                    .customKeyStoreHasCMKs,
                    "The custom key store \(store.name) holds KMS keys.",
                    hint: "delete them first, or leave it disconnected"
                )
            }
            guard store.state == .disconnected else {
                throw Self.wrongState(store, "has to be disconnected first")
            }
            try records.removeKeyStore(id, in: call.region)
        }
        keyStores.close(id)
    }

    // MARK: - Parts

    /// How the token answered, nil being well; or why it could not be asked. A store that is not there, or not disconnected,
    /// is left to the change to refuse.
    private func tryToConnect(
        _ id: String,
        _ caller: Caller
    ) async -> Result<HardwareTokenError?, any Error> {
        let (region, keyStores) = (caller.region ?? region, keyStores)
        do {
            guard let store = try cache.read({ try $0.keyStore(id, in: region) }),
                store.state == .disconnected
            else { return .success(nil) }
            let pin = SecretBox(try pin(of: store))
            keyStores.close(id)
            try await heavy { try keyStores.token(of: store, pin: pin.secret).check() }
            return .success(nil)
        } catch let error as HardwareTokenError {
            return .success(error)
        } catch {
            return .failure(error)
        }
    }

    /// Whether the caller has leave; what refuses it, with its line on the trail, is the change.
    private func may(_ operation: String, _ caller: Caller) -> Bool {
        var probe = call(operation, caller, [:])
        return (try? authorise(Permission(operation), &probe)) != nil
    }

    private func findToken(_ label: String, module: String) async -> HardwareTokenError? {
        let keyStores = keyStores
        do {
            try await heavy { try keyStores.find(module: module, tokenLabel: label) }
            return nil
        } catch {
            return error as? HardwareTokenError ?? .gone
        }
    }

    func pin(of store: StoredKeyStore) throws -> SecretBytes {
        try KeyFolder.reporting { try hierarchy.unwrapPIN(store.wrappedPIN, ofStore: store.id) }
    }

    func existingStore(_ id: String, _ records: KeyRecords, _ call: Call) throws -> StoredKeyStore {
        guard let store = try records.keyStore(id, in: call.region) else { throw Self.noSuchStore(id) }
        return store
    }

    static func noSuchStore(_ id: String) -> AWSError {
        AWSError(.customKeyStoreNotFound, "Custom key store \(id) is not found.")
    }

    private static func tokenInUse(_ label: String) -> AWSError {
        AWSError(.cloudHSMClusterInUse, "The token \(label) belongs to another custom key store.")
    }

    static func wrongState(_ store: StoredKeyStore, _ words: String) -> AWSError {
        AWSError(
            .customKeyStoreInvalidState,
            "The custom key store \(store.name) is \(store.state.rawValue) and \(words)."
        )
    }
}

extension CustomKeyStore {
    fileprivate init(_ store: StoredKeyStore) {
        self.init(
            id: store.id,
            name: store.name,
            tokenLabel: store.tokenLabel,
            module: store.module,
            trustAnchorCertificate: store.certificate,
            created: store.created,
            state: store.state,
            connectionErrorCode: store.errorCode
        )
    }
}
