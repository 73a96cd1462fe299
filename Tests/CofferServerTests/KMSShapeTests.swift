import Coffer
import CofferCatalog
import CofferJSON
import CofferShapes
import Testing

@testable import CofferServer

/// What comes back over the wire from a real key service: shapes, and not whether the service is right.
@Suite struct KMSShapeTests {
    @Test func `CreateKey and DescribeKey give the metadata as AWS does`() async throws {
        let subject = try await ServerSubject()
        let created = try await subject.value("CreateKey", #"{"Description":"d"}"#)
        let metadata = try #require(created["KeyMetadata"])
        let id = try #require(metadata["KeyId"]?.string)
        #expect(KeyID(id) != nil)
        #expect(metadata["Arn"]?.string?.hasSuffix(":key/\(id)") == true)
        #expect(metadata["AWSAccountId"]?.string == subject.home.identity.account.digits)
        #expect(metadata["Description"]?.string == "d")
        #expect(metadata["Enabled"]?.bool == true)
        #expect(metadata["KeyState"]?.string == "Enabled")
        #expect(metadata["CustomerMasterKeySpec"]?.string == "SYMMETRIC_DEFAULT")
        #expect(metadata["KeySpec"]?.string == "SYMMETRIC_DEFAULT")
        #expect(metadata["EncryptionAlgorithms"]?.elements?.map(\.string) == ["SYMMETRIC_DEFAULT"])
        #expect(metadata["MultiRegion"]?.bool == false)
        #expect(metadata["CreationDate"]?.double != nil)
        for absent in [
            "SigningAlgorithms", "MacAlgorithms", "KeyAgreementAlgorithms", "DeletionDate", "ValidTo",
        ] {
            #expect(metadata[absent] == nil, "\(absent) does not apply")
        }
        let described = try await subject.value("DescribeKey", "{\"KeyId\":\"\(id)\"}")
        #expect(described["KeyMetadata"]?["Arn"]?.string == metadata["Arn"]?.string)
    }

    @Test func `plaintext goes there and back, and the key is named by its ARN`() async throws {
        let subject = try await ServerSubject()
        let (id, arn) = try await key(subject)
        let encrypted = try await subject.value(
            "Encrypt",
            "{\"KeyId\":\"\(id)\",\"Plaintext\":\"aGVsbG8\\u003d\",\"EncryptionContext\":{\"a\":\"b\"}}"
        )
        #expect(encrypted["KeyId"]?.string == arn)
        #expect(encrypted["EncryptionAlgorithm"]?.string == "SYMMETRIC_DEFAULT")
        let blob = try #require(encrypted["CiphertextBlob"]?.string)
        let decrypted = try await subject.value(
            "Decrypt",
            "{\"CiphertextBlob\":\"\(blob)\",\"EncryptionContext\":{\"a\":\"b\"}}"
        )
        #expect(decrypted["Plaintext"]?.string == "aGVsbG8=")
        #expect(decrypted["KeyId"]?.string == arn)
        #expect(decrypted["EncryptionAlgorithm"]?.string == "SYMMETRIC_DEFAULT")
        #expect(decrypted["KeyMaterialId"]?.string?.count == 64)
    }

    @Test(arguments: [
        ("\"NumberOfBytes\":64", 64), ("\"KeySpec\":\"AES_128\"", 16), ("\"KeySpec\":\"AES_256\"", 32),
        ("\"KeySpec\":\"AES_256\",\"NumberOfBytes\":null", 32),
    ]) func `a data key has the length that was asked for`(_ wish: String, _ count: Int) async throws {
        let subject = try await ServerSubject()
        let (id, arn) = try await key(subject)
        let answer = try await subject.value("GenerateDataKey", "{\"KeyId\":\"\(id)\",\(wish)}")
        #expect(try answer["Plaintext"]?.base64().count == count)
        #expect(answer["KeyId"]?.string == arn)
        #expect(answer["CiphertextBlob"] != nil)
        let wrapped = try await subject.value(
            "GenerateDataKeyWithoutPlaintext",
            "{\"KeyId\":\"\(id)\",\(wish)}"
        )
        #expect(wrapped["Plaintext"] == nil)
        #expect(wrapped["CiphertextBlob"] != nil)
    }

    @Test(arguments: ["", ",\"KeySpec\":\"AES_256\",\"NumberOfBytes\":32"])
    func `a data key's length is said exactly once`(_ wish: String) async throws {
        let subject = try await ServerSubject()
        let (id, _) = try await key(subject)
        for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
            let answer = await subject.answer(operation, "{\"KeyId\":\"\(id)\"\(wish)}")
            #expect(
                answer.text
                    == #"{"__type":"ValidationException","message":"Please specify either number of bytes or key spec."}"#
            )
        }
    }

    @Test(arguments: [
        ("GenerateRandom", "{}", "NumberOfBytes is required."),
        (
            "GenerateRandom", #"{"NumberOfBytes":8,"Recipient":{}}"#,
            "Recipient is not supported: there are no Nitro enclaves here."
        ),
        (
            "RetireGrant", "{}",
            "You must specify either a grant token, or a combination of key ID and grant ID, and not both."
        ),
        (
            "RetireGrant", #"{"GrantToken":"t","KeyId":"k","GrantId":"g"}"#,
            "You must specify either a grant token, or a combination of key ID and grant ID, and not both."
        ),
        (
            "CreateKey", #"{"KeySpec":"RSA_2048","CustomerMasterKeySpec":"RSA_4096"}"#,
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."
        ),
        (
            "Decrypt", "{}",
            "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"
        ),
    ]) func `what the model leaves open is refused in words`(
        _ operation: String,
        _ body: String,
        _ message: String
    ) async throws {
        let subject = try await ServerSubject()
        let answer = await subject.answer(operation, body)
        #expect(answer.status == 400)
        #expect(answer.text == "{\"__type\":\"ValidationException\",\"message\":\"\(message)\"}")
    }

    @Test(arguments: ["@@@@", "AAA", "A===", "AB=C", "Zh=="])
    func `a blob that is not base64 is a serialization fault`(_ text: String) async throws {
        let subject = try await ServerSubject()
        let answer = await subject.answer("Decrypt", "{\"CiphertextBlob\":\"\(text)xxxx\"}")
        #expect(answer.status == 400)
        #expect(answer.text.contains("SerializationException"))
        #expect(!answer.text.contains(text))
    }

    @Test func `operations that give nothing have an empty body`() async throws {
        let subject = try await ServerSubject()
        let (id, _) = try await key(subject)
        for operation in ["DisableKey", "EnableKey"] {
            let answer = await subject.answer(operation, "{\"KeyId\":\"\(id)\"}")
            #expect(answer.status == 200)
            #expect(answer.body.isEmpty)
        }
    }

    @Test func `a list says whether it goes on`() async throws {
        let subject = try await ServerSubject()
        let (id, arn) = try await key(subject)
        let keys = try await subject.value("ListKeys", "{}")
        #expect(keys["Truncated"]?.bool == false)
        #expect(keys["NextMarker"] == nil)
        let entry = try #require(keys["Keys"]?.elements?.first { $0["KeyId"]?.string == id })
        #expect(entry["KeyArn"]?.string == arn)
    }

    private func key(_ subject: ServerSubject) async throws -> (id: String, arn: String) {
        let metadata = try await subject.value("CreateKey", "{}")["KeyMetadata"]
        return (try #require(metadata?["KeyId"]?.string), try #require(metadata?["Arn"]?.string))
    }
}
