internal import CofferCrypto
internal import CofferSecrets

/// What a verified signature says of the request's body.
public enum SignedPayload: Sendable, Equatable {
    /// The body in memory is the signed one.
    case verified
    /// The signature covers this SHA-256, 64 hex digits; whoever reads the body has to compare it.
    case sha256(String)
    /// The signature does not cover the body.
    case unsigned
    /// The body comes in chunks in the way of this name, such as `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    case streaming(String)
}

extension SignatureClaim {
    /// Checks the signature; the request is the one that the claim was read from. Throws `.mismatch` where it, the body
    /// or the key is another.
    @discardableResult
    public func verify(_ request: SigV4Request, with key: SigningKey) throws(SigV4Error) -> SignedPayload {
        guard key.scope == scope else { throw .mismatch }
        let (text, payload) = try payload(of: request)
        guard
            let canonical = CanonicalRequest.bytes(
                request,
                signedHeaders: signedHeaders,
                payload: text,
                scope: scope
            )
        else { throw .mismatch }
        let expected = key.signature(
            of: CanonicalRequest.stringToSign(canonical, time: time, scope: scope)
        )
        guard constantTimeEqual(expected, signature) else { throw .mismatch }
        return payload
    }

    /// The last line of the canonical request, and what it means. S3 takes it from x-amz-content-sha256, because bodies
    /// may be large; the other services hash the body they have, but where the rules let it be left out.
    private func payload(
        of request: SigV4Request
    ) throws(SigV4Error) -> (text: String, payload: SignedPayload) {
        let claimed = try request.single("x-amz-content-sha256")
        if isPresigned && (claimed == Self.unsigned || claimed == nil && scope.isS3) {
            return (Self.unsigned, .unsigned)
        }
        if allowsUnsignedPayload && claimed == Self.unsigned { return (Self.unsigned, .unsigned) }
        guard scope.isS3, let claimed else {
            guard case .bytes(let body) = request.body else { throw .missingContentHash }
            return (Self.hash(body), .verified)
        }
        if claimed == Self.unsigned { return (claimed, .unsigned) }
        if Self.streaming.contains(claimed) { return (claimed, .streaming(claimed)) }
        guard claimed.utf8.count == 64, claimed.utf8.allSatisfy(Self.isLowerHex) else {
            throw .malformedContentHash
        }
        guard case .bytes(let body) = request.body else { return (claimed, .sha256(claimed)) }
        guard Self.hash(body) == claimed else { throw .contentHashMismatch }
        return (claimed, .verified)
    }

    static let unsigned = "UNSIGNED-PAYLOAD"
    /// S3 API reference, "Authenticating Requests (Chunked Upload)".
    private static let streaming: Set = [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ]

    static func hash(_ body: [UInt8]) -> String {
        String(decoding: hexadecimal(SHA256.digest(body)), as: UTF8.self)
    }

    private static func isLowerHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
