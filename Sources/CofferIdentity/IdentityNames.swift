internal import CofferShapes

/// IAM's rules for names. (IAM API, each parameter's "Pattern" and length.)
enum IdentityNames {
    static func check(userName name: String) throws(AWSError) {
        try check(name, "userName", limit: 64)
    }

    static func check(policyName name: String) throws(AWSError) {
        try check(name, "policyName", limit: 128)
    }

    /// A slash, or text between two.
    static func check(path: String) throws(AWSError) {
        try checkLength(path, "path", 1...512)
        let printable: ClosedRange<UInt8> = 0x21...0x7E
        guard path.hasPrefix("/"), path.hasSuffix("/"), path.utf8.allSatisfy(printable.contains) else {
            throw IdentityRefusal.invalid(
                "path",
                "It must begin and end with / and contain only alphanumeric characters and/or / characters."
            )
        }
    }

    /// As a path, but it may end anywhere.
    static func check(pathPrefix: String) throws(AWSError) {
        try checkLength(pathPrefix, "pathPrefix", 1...512)
        let printable: ClosedRange<UInt8> = 0x21...0x7E
        guard pathPrefix.hasPrefix("/"), pathPrefix.utf8.allSatisfy(printable.contains) else {
            throw IdentityRefusal.invalid(
                "pathPrefix",
                "It must begin with / and contain only alphanumeric characters and/or / characters."
            )
        }
    }

    static func check(accessKeyID id: String) throws(AWSError) {
        try checkLength(id, "accessKeyId", 16...128)
        guard id.utf8.allSatisfy(isWord) else {
            throw IdentityRefusal.invalid("accessKeyId", "It must contain only alphanumeric characters.")
        }
    }

    /// A policy's text, before it is parsed: tab, line ends and Latin-1.
    static func check(policyDocument text: String) throws(AWSError) {
        let count = text.unicodeScalars.count
        guard (1...IdentityLimits.documentCharacters).contains(count) else {
            throw IdentityRefusal.constraint(
                "<\(count) characters>",
                "policyDocument",
                count == 0
                    ? "Member must have length greater than or equal to 1"
                    : "Member must have length less than or equal to \(IdentityLimits.documentCharacters)"
            )
        }
        guard
            text.unicodeScalars.allSatisfy({
                ["\t", "\n", "\r"].contains($0) || (" "..."\u{FF}").contains($0)
            })
        else {
            throw IdentityRefusal.invalid(
                "policyDocument",
                "It must contain only printable ASCII characters."
            )
        }
    }

    private static func check(_ name: String, _ member: String, limit: Int) throws(AWSError) {
        try checkLength(name, member, 1...limit)
        guard name.utf8.allSatisfy({ isWord($0) || "+=,.@-".utf8.contains($0) }) else {
            throw IdentityRefusal.invalid(
                member,
                "It must contain only alphanumeric characters and/or the following: +=,.@_-"
            )
        }
    }

    private static func checkLength(
        _ text: String,
        _ member: String,
        _ range: ClosedRange<Int>
    ) throws(AWSError) {
        let count = text.unicodeScalars.count
        guard count >= range.lowerBound else {
            throw IdentityRefusal.constraint(
                text,
                member,
                "Member must have length greater than or equal to \(range.lowerBound)"
            )
        }
        guard count <= range.upperBound else {
            throw IdentityRefusal.constraint(
                text,
                member,
                "Member must have length less than or equal to \(range.upperBound)"
            )
        }
    }

    /// `\w` of IAM's patterns.
    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
        default: false
        }
    }
}
