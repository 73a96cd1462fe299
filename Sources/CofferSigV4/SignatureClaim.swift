public import CofferShapes

/// Which signatures a server takes.
public struct SignatureRules: Sendable {
    /// The services that the server answers for as credential scopes name them, each with its regions; a service with no
    /// region answers in every one.
    public var services: [String: Set<String>]
    /// How far a request's time may lie from the clock, seconds; nil is AWS's 5 minutes, and 15 for S3.
    public var clockSkewSeconds: Int?
    /// Whether a signature may stand in the query.
    public var allowsPresigned = true
    /// Whether a body may be left out of the signature, as of S3's it always may.
    public var allowsUnsignedPayload = false

    public init(services: [String: Set<String>], clockSkewSeconds: Int? = nil) {
        (self.services, self.clockSkewSeconds) = (services, clockSkewSeconds)
    }

    func skewSeconds(_ scope: CredentialScope) -> Int { clockSkewSeconds ?? (scope.isS3 ? 900 : 300) }
}

/// What a request says of its own signature: whose it is, for what and when. Its form, scope, time and completeness have
/// been checked; **nothing in it is true until `verify` has returned.**
public struct SignatureClaim: Sendable, Equatable {
    public let accessKeyID: String
    public let scope: CredentialScope
    /// Lower-case names in ascending order; `host` and every `x-amz-` header of the request are among them.
    public let signedHeaders: [String]
    public let time: SigningTime
    /// How long a presigned request is good for, seconds from `time`; nil where the signature is in the header.
    public let expirySeconds: Int?
    /// What a temporary access key comes with. The server compares it with the access key's, and is not to log it.
    public let sessionToken: String?
    /// Text, as it came.
    let signature: [UInt8]
    /// Whether the body may be left out, by the server's rules.
    private(set) var allowsUnsignedPayload = false

    public var isPresigned: Bool { expirySeconds != nil }

    /// Reads the signature of a request. The order of the refusals is AWS's: form, scope, day, time, signed headers.
    public init(_ request: SigV4Request, rules: SignatureRules, now: Timestamp) throws(SigV4Error) {
        let authorization = try request.single("authorization")
        let query = try PresignedQuery(request.query)
        if let authorization {
            guard query == nil else { throw .twoSignatures }
            try self.init(authorization, request)
        } else if let query {
            guard rules.allowsPresigned else { throw .presignedNotAllowed }
            try self.init(query)
        } else {
            throw .missingToken
        }
        allowsUnsignedPayload = rules.allowsUnsignedPayload
        try checkScope(rules)
        try checkTime(SigningTime(now), skewSeconds: rules.skewSeconds(scope))
        try checkSignedHeaders(request)
    }

    private init(_ text: String, _ request: SigV4Request) throws(SigV4Error) {
        let header = try AuthorizationHeader(text)
        let amzDate = try request.single("x-amz-date")
        let plainDate = try request.single("date")
        let (credential, signedHeaders, signature) = try header.parts(hasDate: (amzDate ?? plainDate) != nil)
        let source = amzDate == nil ? "date" : "x-amz-date"
        let parsed = amzDate.map { SigningTime($0) } ?? plainDate.map { SigningTime(dateHeader: $0) }
        guard let time = parsed ?? nil else { throw .malformedDate }
        self.init(
            credential: try Credential(credential),
            signedHeaders: try Self.names(signedHeaders),
            time: time,
            expirySeconds: nil,
            sessionToken: try request.single("x-amz-security-token"),
            signature: signature
        )
        // An unsigned date would let a captured request be sent again at any time.
        guard self.signedHeaders.contains(source) else { throw .headersNotSigned([source]) }
    }

    private init(_ query: PresignedQuery) throws(SigV4Error) {
        guard let time = SigningTime(query.date) else { throw .malformedDate }
        self.init(
            credential: try Credential(query.credential),
            signedHeaders: try Self.names(query.signedHeaders),
            time: time,
            expirySeconds: try query.expirySeconds,
            sessionToken: query.sessionToken,
            signature: query.signature
        )
    }

    private init(
        credential: Credential,
        signedHeaders: [String],
        time: SigningTime,
        expirySeconds: Int?,
        sessionToken: String?,
        signature: String
    ) {
        (accessKeyID, scope) = (credential.accessKeyID, credential.scope)
        (self.signedHeaders, self.time, self.expirySeconds) = (signedHeaders, time, expirySeconds)
        (self.sessionToken, self.signature) = (sessionToken, Array(signature.utf8))
    }

    // MARK: - Checks that need no key

    private func checkScope(_ rules: SignatureRules) throws(SigV4Error) {
        guard let regions = rules.services[scope.service] else {
            throw .wrongService(expected: rules.services.keys.sorted())
        }
        guard regions.isEmpty || regions.contains(scope.region) else { throw .wrongRegion(scope.region) }
        guard scope.day == time.day else { throw .wrongDay(scope: scope.day, time: time) }
    }

    private func checkTime(_ now: SigningTime, skewSeconds: Int) throws(SigV4Error) {
        let latest = now.adding(seconds: skewSeconds)
        guard time <= latest else {
            throw .notYetCurrent(time: time, latest: latest, now: now, toleranceSeconds: skewSeconds)
        }
        if let expirySeconds {
            let end = time.adding(seconds: expirySeconds)
            guard now <= end else { throw .presignedExpired(end: end, now: now) }
        } else {
            let earliest = now.adding(seconds: -skewSeconds)
            guard time >= earliest else {
                throw .expired(time: time, earliest: earliest, now: now, toleranceSeconds: skewSeconds)
            }
        }
    }

    /// Whatever decides where a request goes and what it does must be under the signature.
    private func checkSignedHeaders(_ request: SigV4Request) throws(SigV4Error) {
        guard signedHeaders.contains("host") else { throw .hostNotSigned }
        let unsigned = request.headers.lazy.map { $0.name }.filter { name in
            name.utf8.starts(with: "x-amz-".utf8) && !signedHeaders.contains(name)
        }
        guard unsigned.isEmpty else { throw .headersNotSigned(Array(unsigned)) }
    }

    /// The most headers that a request may sign.
    private static let maximumSignedHeaderCount = 100

    /// The names of `host;x-amz-date`: lower case, ascending, none twice, so that each list has one spelling.
    private static func names(_ text: String) throws(SigV4Error) -> [String] {
        let names = text.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard names.count <= maximumSignedHeaderCount,
            names.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isOfHeaderName) }),
            zip(names, names.dropFirst()).allSatisfy({ $0.lexicographicallyPrecedes($1) })
        else { throw .malformedSignedHeaders }
        return names.map { String(Substring($0)) }
    }

    /// The characters of an HTTP token (RFC 9110 §5.6.2) less the upper-case letters.
    private static func isOfHeaderName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}
