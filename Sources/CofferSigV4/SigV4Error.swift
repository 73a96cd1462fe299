/// Why a request's signature is not accepted. `SigV4Error+AWS.swift` has the words that a caller sees.
public enum SigV4Error: Error, Equatable, Sendable {
    // The request is not signed, or not whole.
    case missingToken
    /// Neither the header alone nor the query alone.
    case twoSignatures
    /// The parts named are missing from an `Authorization` header, which is given without its signature.
    case missingParts([String], authorization: String)
    /// A part of an `Authorization` header without an equals sign, or one that no such header has.
    case malformedPart(String)
    /// A header, parameter or part that may stand once is there twice.
    case repeated(String)
    case malformedCredential(String)
    case malformedSignedHeaders
    /// Parameters that a presigned query lacks.
    case missingParameters([String])
    case unsupportedAlgorithm
    case malformedDate
    /// X-Amz-Expires is no number from 1 to 604800.
    case malformedExpiry
    /// Presigned requests are not taken here.
    case presignedNotAllowed

    // The signature is for something else.
    case wrongTerminator(String)
    case wrongRegion(String)
    case wrongService(expected: [String])
    case wrongDay(scope: String, time: SigningTime)
    case expired(time: SigningTime, earliest: SigningTime, now: SigningTime, toleranceSeconds: Int)
    case notYetCurrent(time: SigningTime, latest: SigningTime, now: SigningTime, toleranceSeconds: Int)
    /// A presigned request was used after its time.
    case presignedExpired(end: SigningTime, now: SigningTime)
    case hostNotSigned
    /// Headers that decide what the request does, and are not signed.
    case headersNotSigned([String])
    /// The payload's hash has to be given in x-amz-content-sha256, and is not.
    case missingContentHash
    case malformedContentHash
    /// The body is not the one whose hash x-amz-content-sha256 gives.
    case contentHashMismatch
    case mismatch
}
