internal import CofferKMS
internal import CofferPolicy
internal import CofferSecrets
internal import CofferShapes

/// How long the embedded KMS takes for one call through `KeyService`, its line on the trail included.
public struct KMSBench: Sendable {
    /// One operation's times, microseconds.
    public struct Result: Sendable {
        public let operation: String
        public let callCount: Int
        public let median: Double
        public let percentile99: Double
    }

    private let service: KeyManagementService
    private let root: Caller
    private let callCount: Int

    /// A KMS of its own in `folder`, under a fresh root key.
    public init(folder: String, callCount: Int) throws {
        guard let account = AccountID("123456789012") else {
            preconditionFailure("an account id has 12 digits")
        }
        service = try KeyManagementService(
            folder: "\(folder)/kms",
            trailFolder: "\(folder)/trail",
            account: account,
            region: .home,
            rootKey: SecretBytes(random: 32),
            identities: RootAlone()
        )
        root = Caller(principal: .root(account))
        self.callCount = callCount
    }

    public func run() async throws -> [Result] {
        let keys: any KeyService = service
        let root = root
        let key = KeyReference.id(try await service.createKey(KeyOrder(), caller: root).keyID)
        let context: EncryptionContext = ["tenant": "t1"]
        let blob = try await keys.encrypt(SecretBytes(random: 32), key: key, context: context, caller: root)
            .blob
        let results = [
            try await measure("Decrypt") {
                _ = try await keys.decrypt(blob, key: nil, context: context, caller: root)
            },
            try await measure("Encrypt") {
                _ = try await keys.encrypt(SecretBytes(random: 32), key: key, context: context, caller: root)
            },
            try await measure("GenerateDataKey") {
                _ = try await keys.generateDataKey(count: 32, key: key, context: context, caller: root)
            },
        ]
        try await service.close()
        return results
    }

    private func measure(_ operation: String, _ call: () async throws -> Void) async throws -> Result {
        let clock = ContinuousClock()
        for _ in 0..<callCount / 10 { try await call() }
        var times: [Double] = []
        times.reserveCapacity(callCount)
        for _ in 0..<callCount {
            let duration = try await clock.measure { try await call() }
            times.append(Double(duration.components.attoseconds) / 1e12)
        }
        times.sort()
        return Result(
            operation: operation,
            callCount: callCount,
            median: times[callCount / 2],
            percentile99: times[callCount * 99 / 100]
        )
    }
}

/// An account with nobody but its root user.
private struct RootAlone: IdentityPolicies {
    func policies(of principal: ARN) -> [NamedPolicy] { [] }
    func exists(_ principal: ARN) -> Bool { principal.isRoot }
}
