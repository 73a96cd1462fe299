public import CofferShapes

/// A user, as the catalogue knows it.
public struct UserRecord: Sendable, Hashable {
    /// `AIDA…`: never given twice, so that a user made again under an old name is another.
    public let id: String
    /// Unique in a home, whatever its case.
    public let name: String
    /// Begins and ends with a slash.
    public let path: String
    public let created: Timestamp

    public init(id: String, name: String, path: String, created: Timestamp) {
        (self.id, self.name, self.path, self.created) = (id, name, path, created)
    }
}

/// A policy that is part of a user.
public struct UserPolicyRecord: Sendable, Hashable {
    public let name: String
    /// As it was put: JSON, parsed again by whoever decides by it.
    public let document: String

    public init(name: String, document: String) { (self.name, self.document) = (name, document) }
}

/// An access key; its secret is wrapped by whoever made it.
public struct AccessKeyRecord: Sendable, Hashable {
    /// `AKIA…`
    public let id: String
    /// The id of the user whose key it is, nil for the root user.
    public let userID: String?
    public let wrappedSecret: [UInt8]
    public let isActive: Bool
    public let created: Timestamp

    public init(id: String, userID: String?, wrappedSecret: [UInt8], isActive: Bool, created: Timestamp) {
        (self.id, self.userID, self.wrappedSecret) = (id, userID, wrappedSecret)
        (self.isActive, self.created) = (isActive, created)
    }
}
