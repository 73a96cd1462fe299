internal import CofferCrypto
public import CofferSecrets

/// The key that signs one day's requests to one service in one region; derived from a secret access key, good for a
/// cache, wiped when its last user goes. (AWS, "Create a signed AWS API request", step 4)
public final class SigningKey: Sendable {
    public let scope: CredentialScope
    private let key: SecretBytes

    public init(secretAccessKey: borrowing SecretBytes, scope: CredentialScope) {
        self.scope = scope
        let prefix: [UInt8] = Array("AWS4".utf8)
        let seed = SecretBytes(count: prefix.count + secretAccessKey.count) { span in
            unsafe span.copy(prefix.span.bytes, at: 0)
            secretAccessKey.withBytes { span.copy($0, at: prefix.count) }
        }
        let ofDay = Self.code(scope.day, seed)
        let ofRegion = Self.code(scope.region, ofDay)
        let ofService = Self.code(scope.service, ofRegion)
        key = Self.code(CredentialScope.terminator, ofService)
    }

    /// The signature of a string to sign: 64 lower-case hex digits.
    func signature(of stringToSign: [UInt8]) -> [UInt8] {
        unsafe hexadecimal(SHA256.authenticationCode(stringToSign.span.bytes, key: key))
    }

    /// Whether the derived key is this one: for tests against published keys.
    func equals(_ other: borrowing SecretBytes) -> Bool { key.constantTimeEquals(other) }

    private static func code(_ text: String, _ key: borrowing SecretBytes) -> SecretBytes {
        let message = Array(text.utf8)
        var code = unsafe SHA256.authenticationCode(message.span.bytes, key: key)
        defer { wipe(&code) }
        return SecretBytes(copying: code)
    }
}

/// Lower-case hex digits as bytes of text.
func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
    var digits: [UInt8] = []
    digits.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        digits.append(hexDigit(byte >> 4))
        digits.append(hexDigit(byte & 15))
    }
    return digits
}

private func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x57 + nibble }
