/// What `CreateKey` is asked for. (AWS KMS API reference, `CreateKey`.)
public struct KeyOrder: Sendable {
    /// nil: the default key policy.
    public var policy: String?
    public var description = ""
    /// Required for all but symmetric encryption keys.
    public var usage: KeyUsage?
    public var spec: KeySpec = .symmetricDefault
    public var origin: KeyOrigin = .awsKMS
    public var customKeyStoreID: String?
    public var bypassesPolicyLockoutSafetyCheck = false
    public var tags: [Tag] = []
    public var isMultiRegion = false

    public init(description: String = "") { self.description = description }
}

/// A tag of a resource.
public struct Tag: Sendable, Hashable {
    public let key: String
    public let value: String

    public init(key: String, value: String) { (self.key, self.value) = (key, value) }
}

/// What every use of a key may carry. (`Encrypt`, "GrantTokens", "DryRun")
public struct KeyUse: Sendable {
    public var grantTokens: [String]
    /// Checks everything and does nothing: ends in DryRunOperationException where the call would have succeeded.
    public var isDryRun: Bool

    public init(grantTokens: [String] = [], isDryRun: Bool = false) {
        (self.grantTokens, self.isDryRun) = (grantTokens, isDryRun)
    }
}

/// Which part of a list is asked for. (`ListKeys`, "Limit", "Marker")
public struct Page: Sendable {
    /// nil: the operation's default.
    public var limit: Int?
    public var marker: String?

    public init(limit: Int? = nil, marker: String? = nil) { (self.limit, self.marker) = (limit, marker) }
}

/// A part of a list, and where the next begins. (`ListKeys`, "NextMarker", "Truncated")
public struct Listing<Item: Sendable>: Sendable {
    public let items: [Item]
    /// nil at the end.
    public let nextMarker: String?

    public init(items: [Item], nextMarker: String? = nil) {
        (self.items, self.nextMarker) = (items, nextMarker)
    }
}
