import CofferJSON
import CofferShapes
import Testing

@testable import CofferServer

/// The structures that a home rarely has all members of, byte for byte.
@Suite struct KeyAnswerTests {
    private static let account = AccountID(random: [0, 0, 0, 0, 0, 0])
    private static let keyID = KeyID(bytes: [UInt8](repeating: 0x11, count: 16))
    private static let time = Timestamp(nanoseconds: 1_700_000_000_125_999_999)

    private func arn(_ region: Region = .home) -> ARN {
        .key(Self.keyID, region: region, account: Self.account)
    }

    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(write), as: UTF8.self)
    }

    @Test func `a multi-Region key on its way out shows all there is`() throws {
        var key = KeyMetadata(
            accountID: Self.account,
            keyID: Self.keyID,
            arn: arn(),
            created: Self.time,
            description: "a \"b\"",
            state: .pendingReplicaDeletion,
            manager: .customer,
            currentKeyMaterialID: "ab"
        )
        (key.spec, key.usage, key.origin) = (.eccNISTP256, .signVerify, .external)
        (key.deletionDate, key.validTo) = (Self.time, Self.time)
        (key.expirationModel, key.pendingDeletionWindowInDays) = (.expires, 7)
        (key.customKeyStoreID, key.cloudHSMClusterID) = ("cks-1", "cluster-1")
        let other = try #require(Region("eu-west-1"))
        key.multiRegion = MultiRegionConfiguration(
            kind: .primary,
            primary: .init(arn: arn(), region: .home),
            replicas: [.init(arn: arn(other), region: other)]
        )
        let id = "11111111-1111-1111-1111-111111111111"
        #expect(
            text { $0.keyMetadata("KeyMetadata", key) }
                == #"{"KeyMetadata":{"AWSAccountId":"100000000000","KeyId":"\#(id)","#
                + #""Arn":"arn:aws:kms:us-east-1:100000000000:key/\#(id)","CreationDate":1700000000.125,"#
                + #""Enabled":false,"Description":"a \"b\"","KeyUsage":"SIGN_VERIFY","#
                + #""KeyState":"PendingReplicaDeletion","DeletionDate":1700000000.125,"ValidTo":1700000000.125,"#
                + #""Origin":"EXTERNAL","CustomKeyStoreId":"cks-1","CloudHsmClusterId":"cluster-1","#
                + #""ExpirationModel":"KEY_MATERIAL_EXPIRES","KeyManager":"CUSTOMER","#
                + #""CustomerMasterKeySpec":"ECC_NIST_P256","KeySpec":"ECC_NIST_P256","#
                + #""SigningAlgorithms":["ECDSA_SHA_256"],"MultiRegion":true,"MultiRegionConfiguration":"#
                + #"{"MultiRegionKeyType":"PRIMARY","PrimaryKey":"#
                + #"{"Arn":"arn:aws:kms:us-east-1:100000000000:key/\#(id)","Region":"us-east-1"},"ReplicaKeys":["#
                + #"{"Arn":"arn:aws:kms:eu-west-1:100000000000:key/\#(id)","Region":"eu-west-1"}]},"#
                + #""PendingDeletionWindowInDays":7,"CurrentKeyMaterialId":"ab"}}"#
        )
    }

    @Test func `a grant shows its constraints, and an empty name where it has none`() {
        let grant = Grant(
            id: "g",
            keyARN: arn(),
            created: Self.time,
            issuingAccount: .root(Self.account),
            order: GrantOrder(
                grantee: "arn:aws:iam::100000000000:user/u",
                operations: [.decrypt],
                constraints: GrantConstraints(subset: ["b": "2", "a": "1"])
            )
        )
        #expect(
            text { $0.list("Grants", [grant]) { writer, grant in writer.grant(grant) } }
                == #"{"Grants":[{"KeyId":"\#(arn())","GrantId":"g","Name":"","CreationDate":1700000000.125,"#
                + #""GranteePrincipal":"arn:aws:iam::100000000000:user/u","#
                + #""IssuingAccount":"arn:aws:iam::100000000000:root","Operations":["Decrypt"],"#
                + #""Constraints":{"EncryptionContextSubset":{"a":"1","b":"2"}}}]}"#
        )
    }

    @Test func `the reserved alias of a key that nobody has used has no target`() throws {
        let name = AliasName.awsManaged(.ebs)
        let alias = AliasEntry(
            name: name,
            arn: .alias(name, region: .home, account: Self.account),
            target: nil,
            created: nil,
            updated: nil
        )
        #expect(
            text { $0.listing("Aliases", Listing(items: [alias], nextMarker: "m")) { $0.alias($1) } }
                == #"{"Aliases":[{"AliasName":"alias/aws/ebs","#
                + #""AliasArn":"arn:aws:kms:us-east-1:100000000000:alias/aws/ebs"}],"NextMarker":"m","Truncated":true}"#
        )
    }

    @Test func `a rotation of imported material shows its state`() {
        var rotation = KeyRotation(
            keyARN: arn(),
            materialID: "ab",
            materialState: .pendingRotation,
            rotationDate: nil,
            kind: nil
        )
        (rotation.importState, rotation.expirationModel) = (.imported, .doesNotExpire)
        #expect(
            text { $0.list("Rotations", [rotation]) { $0.rotation($1) } }
                == #"{"Rotations":[{"KeyId":"\#(arn())","KeyMaterialId":"ab","ImportState":"IMPORTED","#
                + #""KeyMaterialState":"PENDING_ROTATION","ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}]}"#
        )
    }

    @Test func `a custom key store says why it is not connected`() {
        let store = CustomKeyStore(
            id: "cks-1",
            name: "n",
            tokenLabel: "cluster-1",
            module: "/lib/module.so",
            trustAnchorCertificate: nil,
            created: Self.time,
            state: .failed,
            connectionErrorCode: "INVALID_CREDENTIALS"
        )
        #expect(
            text { $0.list("CustomKeyStores", [store]) { $0.customKeyStore($1) } }
                == #"{"CustomKeyStores":[{"CustomKeyStoreId":"cks-1","CustomKeyStoreName":"n","#
                + #""CloudHsmClusterId":"cluster-1","ConnectionState":"FAILED","#
                + #""ConnectionErrorCode":"INVALID_CREDENTIALS","CreationDate":1700000000.125,"#
                + #""CustomKeyStoreType":"AWS_CLOUDHSM"}]}"#
        )
    }
}
