internal import CofferCatalog

/// What a home does where no option says otherwise.
public struct HomeSettings: Sendable, Equatable {
    /// The KMS that protects volumes, as a URL; nil for the home's own.
    public var kmsEndpoint: String?

    private static let kmsEndpointName = "kms-endpoint"

    init(from catalog: Catalog) throws {
        kmsEndpoint = try catalog.setting(Self.kmsEndpointName)
    }

    func store(in catalog: Catalog) throws {
        try catalog.setSetting(Self.kmsEndpointName, to: kmsEndpoint)
    }
}

extension Home {
    public nonisolated func settings() throws -> HomeSettings { try HomeSettings(from: catalog) }

    public nonisolated func change(_ settings: HomeSettings) throws { try settings.store(in: catalog) }
}
