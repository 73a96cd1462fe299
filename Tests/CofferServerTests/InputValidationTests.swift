import CofferJSON
import CofferShapes
import Testing

@testable import CofferServer

/// A body, and what AWS says of it; nil where it is in order.
struct ValidationCase: Sendable, CustomTestStringConvertible {
    let operation: KMSOperation
    let body: String
    let complaints: [String]

    init(_ operation: KMSOperation, _ body: String, _ complaints: String...) {
        (self.operation, self.body, self.complaints) = (operation, body, complaints)
    }

    var testDescription: String { "\(operation.name) \(body.prefix(60))" }

    /// The message whole: the count and its plural, and the complaints in the model's order.
    var message: String? {
        guard !complaints.isEmpty else { return nil }
        return "\(complaints.count) validation error\(complaints.count == 1 ? "" : "s") detected: "
            + complaints.map { complaint in
                complaint.replacing(" :: ", with: " failed to satisfy constraint: ")
            }.joined(separator: "; ")
    }
}

@Suite struct InputValidationTests {
    private static let key = "1234abcd-12ab-34cd-56ef-1234567890ab"
    private static let long = String(repeating: "x", count: 2049)

    @Test(arguments: cases) func `each fault is told in the words of AWS`(_ row: ValidationCase) throws {
        #expect(try Self.message(row.operation, row.body) == row.message)
    }

    @Test(arguments: KMSOperation.allCases)
    func `what an operation requires is asked for, and in the model's order`(
        _ operation: KMSOperation
    ) throws {
        let required = KMSInputs.members(of: operation).filter(\.isRequired)
        let message = try Self.message(operation, "{}")
        guard !required.isEmpty else {
            #expect(message == nil)
            return
        }
        let complaints = required.map {
            "Value null at '\($0.label)' failed to satisfy constraint: Member must not be null"
        }
        #expect(message?.hasSuffix(complaints.joined(separator: "; ")) == true)
        #expect(message?.hasPrefix("\(required.count) validation error") == true)
    }

    @Test(arguments: [
        ("{\"KeyId\":5}", "NUMBER_VALUE can not be converted to String"),
        ("{\"KeyId\":true}", "TRUE_VALUE can not be converted to String"),
        ("{\"KeyId\":[]}", "Start of list found where not expected."),
        ("{\"KeyId\":{}}", "Start of structure or map found where not expected."),
        ("{\"KeyId\":\"k\",\"DryRun\":\"yes\"}", "STRING_VALUE can not be converted to Boolean"),
        ("{\"KeyId\":\"k\",\"GrantTokens\":\"t\"}", "STRING_VALUE can not be converted to list"),
        ("{\"KeyId\":\"k\",\"GrantTokens\":[1]}", "NUMBER_VALUE can not be converted to String"),
        ("{\"KeyId\":\"k\",\"NumberOfBytes\":\"32\"}", "STRING_VALUE can not be converted to Integer"),
        ("{\"KeyId\":\"k\",\"EncryptionContext\":[]}", "Start of list found where not expected."),
        ("{\"KeyId\":\"k\",\"EncryptionContext\":{\"a\":1}}", "NUMBER_VALUE can not be converted to String"),
        ("{\"KeyId\":\"k\",\"EncryptionContext\":{\"a\":null}}", "NULL_VALUE can not be converted to String"),
        ("[]", "Start of list found where not expected."),
        ("\"KeyId\"", "STRING_VALUE can not be converted to structure"),
    ]) func `a value of a wrong type is a serialization fault, whatever else is wrong`(
        _ body: String,
        _ message: String
    ) throws {
        do {
            try InputValidation.check(
                try JSONDocument(Array(body.utf8)).root,
                of: Array(body.utf8),
                against: KMSInputs.members(of: .generateDataKey)
            )
            Issue.record("\(body) was accepted")
        } catch let error as AWSError {
            #expect(error.code.name == "SerializationException")
            #expect(error.message == message)
        }
    }

    private static func message(_ operation: KMSOperation, _ body: String) throws -> String? {
        let bytes = Array(body.utf8)
        let document = try JSONDocument(bytes)
        do {
            try InputValidation.check(document.root, of: bytes, against: KMSInputs.members(of: operation))
            return nil
        } catch {
            #expect(error.code == .validation)
            return error.message
        }
    }

    private static let atLeast1 = "Member must have length greater than or equal to 1"
    private static let namePattern = "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"

    /// ` :: ` stands for ` failed to satisfy constraint: `.
    static let cases: [ValidationCase] = [
        // Keys.
        ValidationCase(.createKey, "{}"),
        ValidationCase(.createKey, "{\"Description\":\"\",\"Tags\":[],\"Unknown\":5}"),
        ValidationCase(.createKey, "{\"Description\":null,\"KeySpec\":null}"),
        ValidationCase(
            .createKey,
            "{\"KeyUsage\":\"ENCRYPT\"}",
            "Value 'ENCRYPT' at 'keyUsage' :: Member must satisfy enum value set: "
                + "[ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC, KEY_AGREEMENT]"
        ),
        ValidationCase(
            .createKey,
            "{\"Origin\":\"\",\"Policy\":\"\\u20ac\"}",
            "Value '€' at 'policy' :: Member must satisfy regular expression pattern: "
                + "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
            "Value '' at 'origin' :: Member must satisfy enum value set: "
                + "[AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE]"
        ),
        ValidationCase(
            .createKey,
            "{\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"\"},{\"TagKey\":\"\"}]}",
            "Value '' at 'tags.2.member.tagKey' :: \(atLeast1)",
            "Value null at 'tags.2.member.tagValue' :: Member must not be null"
        ),
        ValidationCase(.describeKey, "{\"KeyId\":\"\"}", "Value '' at 'keyId' :: \(atLeast1)"),
        ValidationCase(
            .describeKey,
            "{\"KeyId\":\"\(long)\"}",
            "Value '\(long)' at 'keyId' :: Member must have length less than or equal to 2048"
        ),
        ValidationCase(.scheduleKeyDeletion, "{\"KeyId\":\"\(key)\",\"PendingWindowInDays\":7}"),
        ValidationCase(.scheduleKeyDeletion, "{\"KeyId\":\"\(key)\",\"PendingWindowInDays\":3}"),
        ValidationCase(
            .scheduleKeyDeletion,
            "{\"KeyId\":\"\(key)\",\"PendingWindowInDays\":0}",
            "Value '0' at 'pendingWindowInDays' :: Member must have value greater than or equal to 1"
        ),
        ValidationCase(
            .scheduleKeyDeletion,
            "{\"PendingWindowInDays\":366}",
            "Value null at 'keyId' :: Member must not be null",
            "Value '366' at 'pendingWindowInDays' :: Member must have value less than or equal to 365"
        ),
        ValidationCase(
            .listKeys,
            "{\"Limit\":1001,\"Marker\":\"\"}",
            "Value '1001' at 'limit' :: Member must have value less than or equal to 1000",
            "Value '' at 'marker' :: \(atLeast1)"
        ),
        ValidationCase(
            .listKeys,
            "{\"Limit\":-9223372036854775809}",
            "Value '-9223372036854775809' at 'limit' :: Member must have value greater than or equal to 1"
        ),
        // Names and tags.
        ValidationCase(
            .createAlias,
            "{\"AliasName\":\"alias/x!\",\"TargetKeyId\":\"\(key)\"}",
            "Value 'alias/x!' at 'aliasName' :: \(namePattern)"
        ),
        ValidationCase(
            .createAlias,
            "{\"AliasName\":\"\"}",
            "Value '' at 'aliasName' :: \(atLeast1)",
            "Value '' at 'aliasName' :: \(namePattern)",
            "Value null at 'targetKeyId' :: Member must not be null"
        ),
        ValidationCase(
            .tagResource,
            "{\"KeyId\":\"\(key)\",\"Tags\":[{\"TagKey\":\"\(String(repeating: "k", count: 129))\",\"TagValue\":\"v\"}]}",
            "Value '\(String(repeating: "k", count: 129))' at 'tags.1.member.tagKey' :: "
                + "Member must have length less than or equal to 128"
        ),
        ValidationCase(
            .untagResource,
            "{\"KeyId\":\"\(key)\",\"TagKeys\":[\"a\",\"\"]}",
            "Value '[a, ]' at 'tagKeys' :: Member must satisfy constraint: "
                + "[Member must have length less than or equal to 128, \(atLeast1)]"
        ),
        ValidationCase(
            .getKeyPolicy,
            "{\"KeyId\":\"\(key)\",\"PolicyName\":\"no good\"}",
            "Value 'no good' at 'policyName' :: Member must satisfy regular expression pattern: [\\w]+"
        ),
        // Use.
        ValidationCase(
            .encrypt,
            "{\"KeyId\":\"\(key)\",\"Plaintext\":\"AA==\",\"EncryptionContext\":{\"a\":\"b\"}}"
        ),
        ValidationCase(
            .encrypt,
            "{\"KeyId\":\"\(key)\",\"Plaintext\":\"\"}",
            "Value at 'plaintext' :: \(atLeast1)"
        ),
        ValidationCase(.encrypt, "{\"KeyId\":\"\(key)\",\"Plaintext\":\"\(base64(count: 4096))\"}"),
        ValidationCase(
            .encrypt,
            "{\"KeyId\":\"\(key)\",\"Plaintext\":\"\(base64(count: 4097))\"}",
            "Value at 'plaintext' :: Member must have length less than or equal to 4096"
        ),
        // 4096 bytes whose base64 is longer for its escapes.
        ValidationCase(
            .encrypt,
            "{\"KeyId\":\"\(key)\",\"Plaintext\":\"\(base64(count: 4096).replacing("=", with: "\\u003d").replacing("A", with: "\\/"))\"}"
        ),
        ValidationCase(
            .decrypt,
            "{\"CiphertextBlob\":\"\(base64(count: 6145))\",\"KeyId\":\"\"}",
            "Value at 'ciphertextBlob' :: Member must have length less than or equal to 6144",
            "Value '' at 'keyId' :: \(atLeast1)"
        ),
        ValidationCase(
            .generateDataKey,
            "{\"KeyId\":\"\(key)\",\"NumberOfBytes\":1025,\"KeySpec\":\"AES_512\"}",
            "Value '1025' at 'numberOfBytes' :: Member must have value less than or equal to 1024",
            "Value 'AES_512' at 'keySpec' :: Member must satisfy enum value set: [AES_256, AES_128]"
        ),
        ValidationCase(
            .generateRandom,
            "{\"NumberOfBytes\":0}",
            "Value '0' at 'numberOfBytes' :: Member must have value greater than or equal to 1"
        ),
        ValidationCase(
            .generateMac,
            "{\"KeyId\":\"\(key)\",\"Message\":\"AA==\",\"MacAlgorithm\":\"MD5\"}",
            "Value 'MD5' at 'macAlgorithm' :: Member must satisfy enum value set: "
                + "[HMAC_SHA_224, HMAC_SHA_256, HMAC_SHA_384, HMAC_SHA_512]"
        ),
        ValidationCase(
            .sign,
            "{\"KeyId\":\"\(key)\",\"Message\":\"AA==\",\"MessageType\":\"raw\",\"SigningAlgorithm\":\"ECDSA_SHA_256\"}",
            "Value 'raw' at 'messageType' :: Member must satisfy enum value set: [RAW, DIGEST, EXTERNAL_MU]"
        ),
        ValidationCase(
            .verify,
            "{\"KeyId\":\"\(key)\",\"Message\":\"AA==\",\"Signature\":\"\",\"SigningAlgorithm\":\"ECDSA_SHA_256\"}",
            "Value at 'signature' :: \(atLeast1)"
        ),
        ValidationCase(
            .deriveSharedSecret,
            "{\"KeyId\":\"\(key)\",\"KeyAgreementAlgorithm\":\"DH\",\"PublicKey\":\"AA==\"}",
            "Value 'DH' at 'keyAgreementAlgorithm' :: Member must satisfy enum value set: [ECDH]"
        ),
        ValidationCase(
            .encrypt,
            "{\"KeyId\":\"k\",\"Plaintext\":\"AA==\",\"GrantTokens\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}",
            "Value '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]' at 'grantTokens' :: "
                + "Member must have length less than or equal to 10"
        ),
        // Grants, rotation, import, regions, stores.
        ValidationCase(
            .createGrant,
            "{\"KeyId\":\"\(key)\",\"GranteePrincipal\":\"a b\",\"Operations\":[\"Decrypt\",\"Fly\"]}",
            "Value 'a b' at 'granteePrincipal' :: Member must satisfy regular expression pattern: ^[\\w+=,.@:/-]+$",
            "Value '[Decrypt, Fly]' at 'operations' :: Member must satisfy constraint: "
                + "[Member must satisfy enum value set: [\(GrantOperation.allCases.map(\.rawValue).joined(separator: ", "))]]"
        ),
        ValidationCase(
            .createGrant,
            "{\"KeyId\":\"\(key)\",\"GranteePrincipal\":\"arn:aws:iam::111122223333:user/u\",\"Operations\":[],"
                + "\"Constraints\":{\"EncryptionContextSubset\":{\"a\":\"b\"}}}"
        ),
        ValidationCase(
            .enableKeyRotation,
            "{\"KeyId\":\"\(key)\",\"RotationPeriodInDays\":89}",
            "Value '89' at 'rotationPeriodInDays' :: Member must have value greater than or equal to 90"
        ),
        ValidationCase(
            .importKeyMaterial,
            "{\"KeyId\":\"\(key)\",\"ImportToken\":\"AA==\",\"EncryptedKeyMaterial\":\"AA==\",\"ValidTo\":1.5e9,"
                + "\"KeyMaterialId\":\"ABC\"}",
            "Value 'ABC' at 'keyMaterialId' :: Member must have length greater than or equal to 64",
            "Value 'ABC' at 'keyMaterialId' :: Member must satisfy regular expression pattern: ^[a-f0-9]+$"
        ),
        ValidationCase(
            .replicateKey,
            "{\"KeyId\":\"\(key)\",\"ReplicaRegion\":\"mars\"}",
            "Value 'mars' at 'replicaRegion' :: Member must satisfy regular expression pattern: ^([a-z]+-){2,3}\\d+$"
        ),
        ValidationCase(
            .createCustomKeyStore,
            "{\"CustomKeyStoreName\":\"s\",\"KeyStorePassword\":\"short\"}",
            "Value at 'keyStorePassword' :: Member must have length greater than or equal to 7"
        ),
    ]

    /// Base64 of so many bytes that are all zero.
    private static func base64(count: Int) -> String {
        String(repeating: "A", count: (count + 2) / 3 * 4 - (3 - count % 3) % 3)
            + String(repeating: "=", count: (3 - count % 3) % 3)
    }
}

@Suite struct InputPatternTests {
    @Test(arguments: [
        (
            InputPattern.region, ["us-east-1", "us-gov-east-1", "eu-central-12"],
            ["us-east", "useast1", "us--1", "", "us-east-1a"]
        ),
        (.name, ["alias/a_b-c:d", "x"], ["", "a b", "ä", "a."]),
        (.principal, ["arn:aws:iam::1:user/a+b=c,d.e@f"], ["", "a*", "a b"]),
        (.word, ["default", "a_1"], ["", "a-b"]),
        (.policy, ["{}\n\t\r ÿ"], ["", "\u{7}", "Ā"]),
        (.marker, ["", "abc ÿ"], ["\n", "Ā"]),
        (.lowerHex, ["0af9"], ["", "0AF9", "g"]),
        (.materialDescription, ["a b.c\n:/_-"], ["", "a!", "ä"]),
        (.digits, ["123456789012"], ["12345678901", "12345678901a", ""]),
        (.proxyEndpoint, ["https://a-b.c"], ["https://", "http://a", "https://a/b"]),
        (
            .proxyPath, ["/kms/xks/v1", "/a_b/c/kms/xks/v12"],
            ["/kms/xks/v", "/kms/xks/v123", "//kms/xks/v1x", "a/kms/xks/v1", ""]
        ),
        (
            .proxyServiceName, ["com.amazonaws.vpce.us-east-1.vpce-svc-0ab"],
            [
                "com.amazonaws.vpce.us-east-1.vpce-svc-", "org.amazonaws.vpce.us-east-1.vpce-svc-0",
                "com.amazonaws.vpce.us.vpce-svc-0",
            ]
        ),
        (.proxyKeyID, ["a-b_c.D9"], ["", "a/b"]),
    ]) func `matches what the model's pattern does`(
        _ pattern: InputPattern,
        _ good: [String],
        _ bad: [String]
    ) {
        for text in good { #expect(pattern.matches(text), "\(pattern.source) should match \(text)") }
        for text in bad { #expect(!pattern.matches(text), "\(pattern.source) should not match \(text)") }
    }
}
