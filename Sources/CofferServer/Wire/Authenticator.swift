internal import CofferIdentity
internal import CofferShapes
internal import CofferSigV4
internal import NIOHTTP1

/// Finds out who asks: the signature's form and time, the access key, the signature itself, in AWS's order.
struct Authenticator: Sendable {
    private let identity: IdentityService
    private let clock: any WallClock
    private let cache: SigningKeyCache

    init(identity: IdentityService, clock: any WallClock, cache: SigningKeyCache = SigningKeyCache()) {
        (self.identity, self.clock, self.cache) = (identity, clock, cache)
    }

    /// Who signed a request, and for which service.
    struct Asker: Sendable {
        let caller: Caller
        /// As the credential scope names it: `kms`, `iam`, `sts` or `ec2`.
        let service: String
    }

    /// Throws what the dialect calls a signature that is not accepted. `services` are those that the request's target
    /// belongs to: one of them has to stand in the credential scope.
    func asker(
        of request: HTTPRequest,
        requestID: String,
        services: SignatureRules,
        dialect: SigV4Error.Dialect
    ) throws(AWSError) -> Asker {
        let signed = SigV4Request(
            method: request.method,
            path: String(request.path),
            query: String(request.query),
            headers: request.headers.map { SigV4Request.Header($0.name, $0.value) },
            body: .bytes(request.body.bytes)
        )
        do {
            let claim = try SignatureClaim(signed, rules: services, now: clock.now)
            guard let region = Region(claim.scope.region) else {
                throw SigV4Error.wrongRegion(claim.scope.region)
            }
            let accessKey = try accessKey(of: claim, dialect)
            try verify(signed, claim, accessKey)
            let origin = RequestOrigin(
                sourceAddress: request.peer.address,
                userAgent: request.headers.first(name: "user-agent") ?? "",
                isSecureTransport: request.peer.isSecure,
                requestID: requestID,
                accessKeyID: claim.accessKeyID
            )
            let caller = Caller(principal: accessKey.principal, region: region, origin: origin)
            return Asker(caller: caller, service: claim.scope.service)
        } catch let error as SigV4Error {
            throw error.awsError(dialect)
        } catch {
            throw AWSError(any: error)
        }
    }

    /// The access key that a claim names. Unknown and inactive keys, and session tokens, which Coffer does not issue, are
    /// refused alike.
    private func accessKey(
        of claim: SignatureClaim,
        _ dialect: SigV4Error.Dialect
    ) throws -> CofferIdentity.AccessKey {
        guard claim.sessionToken == nil, let key = try identity.directory.accessKey(claim.accessKeyID),
            key.status == .active
        else {
            switch dialect {
            case .json: throw AWSError.unknownAccessKey
            case .ec2: throw AWSError.ec2AuthFailure
            case .query, .s3: throw AWSError(.invalidClientToken, AWSError.unknownAccessKey.message)
            }
        }
        return key
    }

    private func verify(
        _ request: SigV4Request,
        _ claim: SignatureClaim,
        _ accessKey: CofferIdentity.AccessKey
    ) throws(SigV4Error) {
        if let key = cache.key(of: claim.accessKeyID, claim.scope) {
            try claim.verify(request, with: key)
        } else {
            let key = SigningKey(secretAccessKey: accessKey.secret, scope: claim.scope)
            try claim.verify(request, with: key)
            cache.insert(key, of: claim.accessKeyID)
        }
    }
}
