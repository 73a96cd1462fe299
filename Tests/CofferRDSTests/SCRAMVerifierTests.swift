internal import CofferCrypto
internal import CofferSecrets
internal import Foundation
internal import Testing

@testable internal import CofferRDS

struct SCRAMVerifierTests {
    /// RFC 7677, section 3: the published exchange of `user` with the password `pencil`.
    @Test func `a verifier accepts the published client, and answers it as published`() throws {
        let salt = try #require(Data(base64Encoded: "W22ZaJ0SNY7soEsUEjb6gQ=="))
        let text = try SCRAMVerifier.text(of: SecretBytes(copying: Array("pencil".utf8)), salt: Array(salt))
        let parts = text.split(separator: "$")
        #expect(
            parts.count == 3 && parts[0] == "SCRAM-SHA-256" && parts[1] == "4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        )
        let keys = parts[2].split(separator: ":").compactMap { Data(base64Encoded: String($0)) }.map {
            Array($0)
        }
        try #require(keys.count == 2)

        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        let message = Array(
            ("n=user,r=rOprNGfwEbeRWgbNEkqO,r=\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=\(nonce)")
                .utf8
        )
        let proof = try #require(Data(base64Encoded: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="))
        let signature = unsafe try HMAC.code(
            .sha256,
            of: message.span.bytes,
            key: SecretBytes(copying: keys[0])
        )
        let clientKey = zip(proof, signature).map { $0 ^ $1 }
        #expect(SHA256.digest(clientKey) == keys[0])
        let answer = unsafe try HMAC.code(.sha256, of: message.span.bytes, key: SecretBytes(copying: keys[1]))
        #expect(Data(answer).base64EncodedString() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    }

    @Test func `two verifiers of one password differ`() throws {
        let password = try PostgresHome.password("one-password")
        #expect(try SCRAMVerifier.text(of: password) != SCRAMVerifier.text(of: password))
    }
}
