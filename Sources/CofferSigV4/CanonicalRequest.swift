internal import CofferCrypto

/// The one spelling of a request that both sides sign. (AWS, "Create a signed AWS API request", steps 1 to 3)
///
///     POST                                   method
///     /                                      path
///                                            query, sorted
///     host:kms.us-east-1.amazonaws.com       each signed header
///     x-amz-date:20150830T123600Z
///                                            an empty line
///     host;x-amz-date                        the names again
///     e3b0c442…                              the payload's SHA-256, or what stands for it
enum CanonicalRequest {
    static let algorithm = "AWS4-HMAC-SHA256"
    /// The parameter of a presigned query that is not signed.
    static let signatureParameter = "X-Amz-Signature"

    /// nil where the method is no token or a signed header is missing: no signature is right then.
    static func bytes(
        _ request: SigV4Request,
        signedHeaders: [String],
        payload: String,
        scope: CredentialScope
    ) -> [UInt8]? {
        guard request.method.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(1024 + request.path.utf8.count + request.query.utf8.count)
        text += request.method.utf8
        text.append(newline)
        appendPath(request.path, scope, to: &text)
        text.append(newline)
        appendQuery(request.query, to: &text)
        text.append(newline)
        for name in signedHeaders {
            guard appendHeader(name, request.headers, to: &text) else { return nil }
        }
        text.append(newline)
        for (index, name) in signedHeaders.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ";")) }
            text += name.utf8
        }
        text.append(newline)
        text += payload.utf8
        return text
    }

    /// What the signing key signs for a canonical request.
    static func stringToSign(
        _ canonicalRequest: [UInt8],
        time: SigningTime,
        scope: CredentialScope
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        text += algorithm.utf8
        text.append(newline)
        text += time.description.utf8
        text.append(newline)
        text += scope.description.utf8
        text.append(newline)
        text += hexadecimal(SHA256.digest(canonicalRequest))
        return text
    }

    private static let newline = UInt8(ascii: "\n")

    /// S3's path is encoded once, as an object's key may hold anything; other services' paths lose empty and dot segments
    /// (RFC 3986 §5.2.4) and are encoded once more than they were sent.
    private static func appendPath(_ path: String, _ scope: CredentialScope, to text: inout [UInt8]) {
        let slash = UInt8(ascii: "/")
        guard path.utf8.count > 1 else {
            text.append(slash)
            return
        }
        if scope.isS3 {
            URIEncoding.appendOnce(path.utf8, keepingSlash: true, to: &text)
            return
        }
        var segments: [Substring.UTF8View] = []
        for segment in path.utf8.split(separator: slash) where !segment.elementsEqual(".".utf8) {
            if !segment.elementsEqual("..".utf8) {
                segments.append(segment)
            } else if !segments.isEmpty {
                segments.removeLast()
            }
        }
        for segment in segments {
            text.append(slash)
            URIEncoding.append(segment, keepingSlash: false, to: &text)
        }
        if segments.isEmpty || path.utf8.last == slash { text.append(slash) }
    }

    /// Names and values encoded once, sorted by name and then by value; a name without a value has an empty one.
    private static func appendQuery(_ query: String, to text: inout [UInt8]) {
        guard !query.isEmpty else { return }
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            let mark = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            var pair: (name: [UInt8], value: [UInt8]) = ([], [])
            URIEncoding.appendOnce(part[..<mark], keepingSlash: false, to: &pair.name)
            guard !pair.name.elementsEqual(signatureParameter.utf8) else { continue }
            URIEncoding.appendOnce(part[mark...].dropFirst(), keepingSlash: false, to: &pair.value)
            pairs.append(pair)
        }
        pairs.sort { left, right in
            left.name == right.name
                ? left.value.lexicographicallyPrecedes(right.value)
                : left.name.lexicographicallyPrecedes(right.name)
        }
        for (index, pair) in pairs.enumerated() {
            if index > 0 { text.append(UInt8(ascii: "&")) }
            text += pair.name
            text.append(UInt8(ascii: "="))
            text += pair.value
        }
    }

    /// A header's name and values, those of a repeated header joined by commas. False where the request lacks it.
    private static func appendHeader(
        _ name: String,
        _ headers: [SigV4Request.Header],
        to text: inout [UInt8]
    ) -> Bool {
        var isPresent = false
        for header in headers where header.name == name {
            if isPresent {
                text.append(UInt8(ascii: ","))
            } else {
                text += name.utf8
                text.append(UInt8(ascii: ":"))
            }
            isPresent = true
            appendTrimmed(header.value, to: &text)
        }
        text.append(newline)
        return isPresent
    }

    /// The value without blanks at its ends, and with one space for each run of blanks inside.
    private static func appendTrimmed(_ value: String, to text: inout [UInt8]) {
        guard hasBlanksToDrop(value) else {
            text += value.utf8
            return
        }
        let start = text.count
        var isBlankBefore = false
        for byte in value.utf8 {
            if isBlank(byte) {
                isBlankBefore = true
                continue
            }
            if isBlankBefore && text.count > start { text.append(0x20) }
            isBlankBefore = false
            text.append(byte)
        }
    }

    /// Whether the value is not as it would be trimmed. Few are not.
    private static func hasBlanksToDrop(_ value: String) -> Bool {
        var isBlankBefore = true
        for byte in value.utf8 {
            let isBlank = isBlank(byte)
            if isBlank && (isBlankBefore || byte != 0x20) { return true }
            isBlankBefore = isBlank
        }
        return isBlankBefore && !value.isEmpty
    }

    /// Space, tab, and the line's ends of a folded header.
    private static func isBlank(_ byte: UInt8) -> Bool { (0x09...0x0D).contains(byte) || byte == 0x20 }
}
