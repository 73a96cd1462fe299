/// Who asks, how the question came, and which region it is for.
public struct Caller: Sendable, Hashable {
    /// The principal's ARN; `arn:aws:iam::ACCOUNT:root` on the command line.
    public let principal: ARN
    /// The service that calls on the principal's behalf (`kms:ViaService`), nil for a direct call.
    public var via: AWSService?
    /// The region whose keys are meant: a request's, from its signature. nil means the home's.
    public var region: Region?
    /// How the request came; of nothing but a direct call within this machine there is none.
    public var origin: RequestOrigin?

    public init(
        principal: ARN,
        via: AWSService? = nil,
        region: Region? = nil,
        origin: RequestOrigin? = nil
    ) {
        (self.principal, self.via, self.region, self.origin) = (principal, via, region, origin)
    }

    public func through(_ service: AWSService) -> Caller {
        var caller = self
        caller.via = service
        return caller
    }

    /// The same by way of `service`, unless a service above it calls already: that one stays the one that is named.
    public func through(orKeeping service: AWSService) -> Caller { via == nil ? through(service) : self }
}

/// Where a request over the network came from: for policies (`aws:SourceIp` and its like) and the trail.
public struct RequestOrigin: Sendable, Hashable {
    /// IPv4 or IPv6, without a port.
    public let sourceAddress: String
    public let userAgent: String
    public let isSecureTransport: Bool
    /// The id that the answer carries too.
    public let requestID: String
    public let accessKeyID: String

    public init(
        sourceAddress: String,
        userAgent: String,
        isSecureTransport: Bool,
        requestID: String,
        accessKeyID: String
    ) {
        (self.sourceAddress, self.userAgent) = (sourceAddress, userAgent)
        (self.isSecureTransport, self.requestID) = (isSecureTransport, requestID)
        self.accessKeyID = accessKeyID
    }
}
