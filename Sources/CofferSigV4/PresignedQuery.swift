/// The parameters of a query that carries its signature. (S3 API reference, "Authenticating Requests: Using Query
/// Parameters")
struct PresignedQuery {
    let credential: String
    let date: String
    let signedHeaders: String
    let signature: String
    let sessionToken: String?
    private let expires: String

    /// Seven days.
    static let maximumExpirySeconds = 604_800

    /// nil where the query names no part of a signature.
    init?(_ query: String) throws(SigV4Error) {
        guard !query.isEmpty else { return nil }
        var found: [String: String] = [:]
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            let mark = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = URIEncoding.decoded(part[..<mark]), Self.names.contains(name) else { continue }
            guard let value = URIEncoding.decoded(part[mark...].dropFirst()),
                found.updateValue(value, forKey: name) == nil
            else { throw .repeated(name) }
        }
        guard found[Self.algorithm] != nil || found[CanonicalRequest.signatureParameter] != nil else {
            return nil
        }
        let missing = Self.required.filter { found[$0]?.isEmpty ?? true }
        guard missing.isEmpty else { throw .missingParameters(missing) }
        guard found[Self.algorithm] == CanonicalRequest.algorithm else { throw .unsupportedAlgorithm }
        credential = found["X-Amz-Credential", default: ""]
        date = found["X-Amz-Date", default: ""]
        signedHeaders = found["X-Amz-SignedHeaders", default: ""]
        signature = found[CanonicalRequest.signatureParameter, default: ""]
        expires = found["X-Amz-Expires", default: ""]
        sessionToken = found[Self.token]
    }

    var expirySeconds: Int {
        get throws(SigV4Error) {
            guard expires.utf8.count <= 6, expires.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let seconds = Int(expires), (1...Self.maximumExpirySeconds).contains(seconds)
            else { throw .malformedExpiry }
            return seconds
        }
    }

    private static let algorithm = "X-Amz-Algorithm"
    private static let token = "X-Amz-Security-Token"
    private static let required = [
        algorithm, "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", CanonicalRequest.signatureParameter,
        "X-Amz-SignedHeaders",
    ]
    private static let names = Set(required + [token])
}
