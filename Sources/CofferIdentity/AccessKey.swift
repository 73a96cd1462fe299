internal import CofferCrypto
public import CofferSecrets
public import CofferShapes

/// An access key with its secret, for whoever verifies signatures: the same object for as long as nothing about the key
/// changes, so that what is derived from its secret can be kept beside it.
///
/// A signature is verified with the secret itself (AWS Signature Version 4, "Signing key"), so it cannot be stored as a
/// hash, as a password would be. It is stored wrapped, and unwrapped into locked memory when a request first names it.
public final class AccessKey: Sendable {
    /// `AKIA…`
    public let id: String
    /// The user whose key it is, or the account's root user.
    public let principal: ARN
    /// The user's unique id; of the root user the account id.
    public let userID: String
    public let status: AccessKeyStatus
    /// The secret access key: 40 ASCII characters.
    public let secret: SecretBytes

    init(
        id: String,
        principal: ARN,
        userID: String,
        status: AccessKeyStatus,
        secret: consuming SecretBytes
    ) {
        (self.id, self.principal, self.userID, self.status) = (id, principal, userID, status)
        self.secret = secret
    }
}

/// Ids and secrets as AWS makes them.
enum AccessKeyMaking {
    /// `AKIA` and 16 letters and digits.
    static func id(_ random: any ByteSource) -> String { "AKIA" + base32(random.bytes(10)) }

    /// `AIDA` and 17 letters and digits.
    static func userID(_ random: any ByteSource) -> String { "AIDA" + base32(random.bytes(11)).prefix(17) }

    /// 30 random bytes in base64: 40 characters without padding. Never outside of locked memory.
    static func secret(_ random: any ByteSource) -> SecretBytes {
        let bytes = SecretBytes(count: 30) { span in random.fill(&span) }
        return bytes.withBytes { bytes in
            SecretBytes(count: 40) { text in
                for group in 0..<10 {
                    let triple =
                        UInt32(bytes.byte(at: group * 3)) << 16 | UInt32(bytes.byte(at: group * 3 + 1)) << 8
                        | UInt32(bytes.byte(at: group * 3 + 2))
                    for place in 0..<4 {
                        let digit = UInt8(truncatingIfNeeded: triple >> UInt32(18 - 6 * place) & 63)
                        text.storeBytes(of: letter(digit), toByteOffset: group * 4 + place, as: UInt8.self)
                    }
                }
            }
        }
    }

    /// Base64's letter for 0 to 63, without a table whose cache lines would tell of it.
    private static func letter(_ digit: UInt8) -> UInt8 {
        switch digit {
        case ..<26: UInt8(ascii: "A") + digit
        case ..<52: UInt8(ascii: "a") + (digit - 26)
        case ..<62: UInt8(ascii: "0") + (digit - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    /// Base32 (RFC 4648) without padding.
    private static func base32(_ bytes: [UInt8]) -> String {
        var text = ""
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(base32Letter(UInt8(truncatingIfNeeded: bits >> UInt32(count) & 31)))
            }
            bits &= (1 << UInt32(count)) - 1
        }
        if count > 0 {
            text.append(base32Letter(UInt8(truncatingIfNeeded: bits << UInt32(5 - count) & 31)))
        }
        return text
    }

    private static func base32Letter(_ digit: UInt8) -> Character {
        Character(UnicodeScalar(digit < 26 ? UInt8(ascii: "A") + digit : UInt8(ascii: "2") + (digit - 26)))
    }
}

/// Secrets of access keys as they are stored: under the identity service's key, bound to the id of the access key and
/// to whose it is, so that a secret moved to another row opens nothing.
struct AccessKeyWrapping: ~Copyable, Sendable {
    private let wrappingKey: SecretBytes
    private let random: any ByteSource

    init(wrappingKey: consuming SecretBytes, random: any ByteSource) {
        self.wrappingKey = wrappingKey
        self.random = random
    }

    func wrap(_ secret: borrowing SecretBytes, id: String, userID: String?) throws(AWSError) -> [UInt8] {
        do {
            return try WrappedKey.wrap(
                secret,
                under: wrappingKey,
                boundTo: Self.place(id, userID),
                random: random
            )
        } catch {
            throw AWSError(.internalError, "libcrypto refused to work")
        }
    }

    func unwrap(_ wrapped: [UInt8], id: String, userID: String?) throws(AWSError) -> SecretBytes {
        do {
            return try WrappedKey.unwrap(wrapped, under: wrappingKey, boundTo: Self.place(id, userID))
        } catch {
            throw AWSError(
                .damaged,
                "the secret of access key \(id) was changed, or wrapped under another root key",
                hint: "delete the key and create another"
            )
        }
    }

    private static func place(_ id: String, _ userID: String?) -> [UInt8] {
        Array("coffer/identity/access-key/1\0\(id)\0\(userID ?? "root")".utf8)
    }
}
