internal import CofferCrypto
internal import CofferSecrets
internal import CofferShapes
internal import Foundation

/// What PostgreSQL keeps of a password: enough to tell whether a client knows it, and not the password, which so reaches
/// no statement, log, argument or file. (RFC 5802, section 3; RFC 7677; PostgreSQL documentation, `pg_authid`.)
///
///     SCRAM-SHA-256$ITERATIONS:SALT$StoredKey:ServerKey
enum SCRAMVerifier {
    static let iterationCount = 4096
    static let saltBytes = 16

    /// Of a password of printable ASCII, which SASLprep (RFC 4013) leaves as it is.
    static func text(
        of password: borrowing SecretBytes,
        salt: [UInt8],
        iterationCount: Int = iterationCount
    ) throws -> String {
        do {
            let salted = try KeyDerivation.pbkdf2(
                password,
                salt: salt,
                iterationCount: iterationCount,
                count: SHA256.count
            )
            var clientKey = try code("Client Key", salted)
            defer { wipe(&clientKey) }
            let storedKey = SHA256.digest(clientKey)
            let serverKey = try code("Server Key", salted)
            return "SCRAM-SHA-256$\(iterationCount):\(base64(salt))$\(base64(storedKey)):\(base64(serverKey))"
        } catch {
            throw AWSError(.internalError, "no verifier of the password can be made")
        }
    }

    static func text(of password: MasterPassword) throws -> String {
        try text(of: password.bytes, salt: SystemByteSource().bytes(saltBytes))
    }

    private static func code(_ words: String, _ key: borrowing SecretBytes) throws -> [UInt8] {
        let message = Array(words.utf8)
        return unsafe try HMAC.code(.sha256, of: message.span.bytes, key: key)
    }

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
