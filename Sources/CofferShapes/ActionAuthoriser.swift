/// Whether a caller may do something, asked by every service but the KMS, whose keys have policies of their own.
public protocol ActionAuthoriser: Sendable {
    /// Throws the service's refusal, such as `UnauthorizedOperation` of EC2, unless the caller may do all of it: a
    /// request about several resources has to be allowed for each.
    func require(_ request: ActionRequest, caller: Caller) async throws
}

/// What a caller asks leave for, in the words of policies. (Service authorization reference, "Amazon EC2".)
public struct ActionRequest: Sendable, Hashable {
    /// Service and operation, such as `ec2:CreateVolume`.
    public let action: String
    /// Empty for an action that is about no one resource: policies know it as `*`.
    public var resources: [ActionResource]
    /// Values of condition keys of the request, such as `ec2:VolumeSize`. The case of a key does not matter.
    public var facts: [String: [String]]

    public init(_ action: String, on resources: [ActionResource] = [], facts: [String: [String]] = [:]) {
        (self.action, self.resources, self.facts) = (action, resources, facts)
    }

    /// Tells of tags that the request brings: `aws:RequestTag/KEY` and `aws:TagKeys`.
    public mutating func add(requestTags tags: [Tag]) {
        guard !tags.isEmpty else { return }
        facts["aws:TagKeys"] = tags.map(\.key)
        for tag in tags { facts["aws:RequestTag/\(tag.key)"] = [tag.value] }
    }
}

/// One resource that an action is about.
public struct ActionResource: Sendable, Hashable {
    /// As text: of a resource that is about to be made, it ends in `/*`.
    public let arn: String
    /// What conditions know as `aws:ResourceTag/KEY` and `ec2:ResourceTag/KEY`.
    public let tags: [Tag]
    /// Values of condition keys of this resource alone.
    public let facts: [String: [String]]

    public init(arn: String, tags: [Tag] = [], facts: [String: [String]] = [:]) {
        (self.arn, self.tags, self.facts) = (arn, tags, facts)
    }
}
