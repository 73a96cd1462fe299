/// The parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, each at most once, in any order.
struct AuthorizationHeader {
    private var credential: String?
    private var signedHeaders: String?
    private var signature: String?
    /// The longest header that is looked at, bytes.
    private static let maximumCount = 8192

    init(_ text: String) throws(SigV4Error) {
        let trimmed = text.utf8.drop { $0 == 0x20 }
        let algorithm = CanonicalRequest.algorithm
        guard trimmed.count <= Self.maximumCount, trimmed.starts(with: "AWS4-".utf8) else {
            // Another scheme's header may hold a password, so that the error gives nothing of it back.
            throw .missingParts(["Credential", "Signature", "SignedHeaders"], authorization: "")
        }
        let rest = trimmed.dropFirst(algorithm.utf8.count)
        guard trimmed.starts(with: algorithm.utf8), rest.first.map(Self.isBlank) ?? true else {
            throw .unsupportedAlgorithm
        }
        for part in rest.split(separator: UInt8(ascii: ",")) {
            try take(part)
        }
    }

    /// Takes one `name=value`.
    private mutating func take(_ text: Substring.UTF8View) throws(SigV4Error) {
        var part = text.drop(while: Self.isBlank)
        while let last = part.last, Self.isBlank(last) { part.removeLast() }
        guard !part.isEmpty else { return }
        guard let mark = part.firstIndex(of: UInt8(ascii: "=")) else {
            throw .malformedPart(String(Substring(part.prefix(64))))
        }
        let value = String(Substring(part[part.index(after: mark)...]))
        switch String(Substring(part[..<mark])) {
        case "Credential": try Self.set(&credential, value, "Credential")
        case "SignedHeaders": try Self.set(&signedHeaders, value, "SignedHeaders")
        case "Signature": try Self.set(&signature, value, "Signature")
        case let name: throw .malformedPart(String(name.prefix(64)))
        }
    }

    /// All three parts, or the error that names each missing one, the date of the request among them.
    func parts(
        hasDate: Bool
    ) throws(SigV4Error) -> (credential: String, signedHeaders: String, signature: String) {
        let isWhole = [credential, signature, signedHeaders].allSatisfy { $0?.isEmpty == false }
        guard isWhole, hasDate, let credential, let signature, let signedHeaders else {
            var missing: [String] = []
            if credential?.isEmpty ?? true { missing.append("Credential") }
            if signature?.isEmpty ?? true { missing.append("Signature") }
            if signedHeaders?.isEmpty ?? true { missing.append("SignedHeaders") }
            if !hasDate { missing.append(SigV4Error.datePart) }
            throw .missingParts(missing, authorization: shown)
        }
        return (credential, signedHeaders, signature)
    }

    /// The header without its signature, as an error gives it back.
    private var shown: String {
        let parts = [("Credential", credential), ("SignedHeaders", signedHeaders)].compactMap { name, value in
            value.map { " \(name)=\($0.prefix(256))" }
        }
        return CanonicalRequest.algorithm + parts.joined(separator: ",")
    }

    private static func set(_ part: inout String?, _ value: String, _ name: String) throws(SigV4Error) {
        guard part == nil else { throw .repeated(name) }
        part = value
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
