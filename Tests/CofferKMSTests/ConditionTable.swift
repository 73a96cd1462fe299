internal import CofferKMS
internal import CofferSecrets
internal import CofferShapes

/// The rows of `ConditionTests`: for each condition key a call, a value that lets it through, and one that does not.
extension ConditionTests {
    // MARK: - What is called

    static let encrypt: Use = { on, caller in
        _ = try await on.kms.encrypt(
            secret("x"),
            key: on.key,
            context: ["dept": "it", "floor": "3"],
            caller: caller
        )
    }

    private static let describe: Use = { _ = try await $0.kms.describeKey($0.key, caller: $1) }

    private static let grant: Use = { on, caller in
        let order = GrantOrder(
            grantee: root.principal.description,
            retiring: caller.principal.description,
            operations: [.encrypt, .decrypt],
            constraints: GrantConstraints(subset: ["a": "b"])
        )
        _ = try await on.kms.createGrant(order, on: on.key, caller: caller)
    }

    private static let importing: Use = { on, caller in
        let parameters = try await on.kms.getParametersForImport(
            on.key,
            algorithm: .rsaesOAEPSHA256,
            spec: .rsa2048,
            caller: root
        )
        var order = MaterialImport(importToken: parameters.importToken, encryptedKeyMaterial: [1])
        order.validTo = Timestamp(nanoseconds: 1_900_000_000_000_000_000)
        do {
            _ = try await on.kms.importKeyMaterial(order, into: on.key, caller: caller)
        } catch let error as AWSError where error.code == .invalidCiphertext {
            // Past the permission, which is what this is about.
        }
    }

    private static let parameters: Use = { on, caller in
        _ = try await on.kms.getParametersForImport(
            on.key,
            algorithm: .rsaesOAEPSHA256,
            spec: .rsa2048,
            caller: caller
        )
    }

    /// Encrypts in a request that came over the network.
    private static let encryptFromAfar: Use = { on, caller in
        var caller = caller
        caller.origin = RequestOrigin(
            sourceAddress: "192.0.2.7",
            userAgent: "agent/1",
            isSecureTransport: true,
            requestID: "00000000-0000-0000-0000-000000000000",
            accessKeyID: "AKIAEXAMPLE"
        )
        try await encrypt(on, caller)
    }

    private static let encryptThroughEBS: Use = { try await encrypt($0, $1.through(.ebs)) }

    // MARK: - The table

    private static func row(
        _ action: String,
        _ key: String,
        _ test: String,
        _ allowing: String,
        _ refusing: String,
        of kind: Subject.Kind = .symmetric,
        _ use: @escaping Use
    ) -> Row {
        Row(
            action: action,
            key: key,
            test: test,
            allowing: allowing,
            refusing: refusing,
            kind: kind,
            use: use
        )
    }

    static let cryptography = [
        row("Encrypt", "kms:EncryptionContext:dept", "StringEquals", #""it""#, #""hr""#, encrypt),
        row(
            "Encrypt",
            "kms:EncryptionContextKeys",
            "ForAllValues:StringEquals",
            #"["dept","floor"]"#,
            #"["dept"]"#,
            encrypt
        ),
        row(
            "Encrypt",
            "kms:EncryptionContextKeys",
            "ForAnyValue:StringEquals",
            #""floor""#,
            #""room""#,
            encrypt
        ),
        row(
            "Encrypt",
            "kms:EncryptionAlgorithm",
            "StringEquals",
            #""SYMMETRIC_DEFAULT""#,
            #""RSAES_OAEP_SHA_256""#,
            encrypt
        ),
        row(
            "Sign",
            "kms:SigningAlgorithm",
            "StringEquals",
            #""ECDSA_SHA_256""#,
            #""ECDSA_SHA_384""#,
            of: .signing
        ) {
            _ = try await $0.kms.sign(
                secret("x"),
                type: .raw,
                algorithm: .ecdsaSHA256,
                key: $0.key,
                caller: $1
            )
        },
        row("Verify", "kms:MessageType", "StringEquals", #""RAW""#, #""DIGEST""#, of: .signing) {
            _ = try await $0.kms.verify(
                secret(Subject.message),
                signature: $0.signature,
                type: .raw,
                algorithm: .ecdsaSHA256,
                key: $0.key,
                caller: $1
            )
        },
        row(
            "GenerateMac",
            "kms:MacAlgorithm",
            "StringEquals",
            #""HMAC_SHA_256""#,
            #""HMAC_SHA_512""#,
            of: .hmac
        ) {
            _ = try await $0.kms.generateMac(
                secret("x"),
                algorithm: .hmacSHA256,
                key: $0.key,
                caller: $1
            )
        },
        row(
            "DeriveSharedSecret",
            "kms:KeyAgreementAlgorithm",
            "StringEquals",
            #""ECDH""#,
            #""DH""#,
            of: .agreement
        ) {
            _ = try await $0.kms.deriveSharedSecret(
                publicKey: $0.peer,
                algorithm: .ecdh,
                key: $0.key,
                caller: $1
            )
        },
        row(
            "GenerateDataKeyPair",
            "kms:DataKeyPairSpec",
            "StringEquals",
            #""ECC_NIST_P256""#,
            #""RSA_2048""#
        ) {
            _ = try await $0.kms.generateDataKeyPair(
                .eccNISTP256,
                key: $0.key,
                context: [:],
                use: KeyUse(),
                caller: $1
            )
        },
        row("ReEncrypt*", "kms:ReEncryptOnSameKey", "Bool", "true", "false") { on, caller in
            _ = try await on.kms.reEncrypt(
                on.blob,
                sourceKey: nil,
                sourceContext: [:],
                destinationKey: on.key,
                destinationContext: [:],
                caller: caller
            )
        },
        row("Encrypt", "kms:RequestAlias", "StringLike", #""alias/*""#, #""alias/none""#) { on, caller in
            _ = try await on.kms.encrypt("x", .alias(on.alias), caller: caller)
        },
        row(
            "Encrypt",
            "kms:ViaService",
            "StringEquals",
            #""ec2.us-east-1.amazonaws.com""#,
            #""s3.us-east-1.amazonaws.com""#,
            encryptThroughEBS
        ),
    ]

    static let keys = [
        row("DescribeKey", "kms:KeySpec", "StringEquals", #""SYMMETRIC_DEFAULT""#, #""RSA_2048""#, describe),
        row(
            "DescribeKey",
            "kms:KeyUsage",
            "StringEquals",
            #""ENCRYPT_DECRYPT""#,
            #""SIGN_VERIFY""#,
            describe
        ),
        row(
            "DescribeKey",
            "kms:KeyOrigin",
            "StringEquals",
            #""EXTERNAL""#,
            #""AWS_KMS""#,
            of: .imported,
            describe
        ),
        row("DescribeKey", "kms:MultiRegion", "Bool", "true", "false", of: .multiRegion, describe),
        row(
            "DescribeKey",
            "kms:MultiRegionKeyType",
            "StringEquals",
            #""PRIMARY""#,
            #""REPLICA""#,
            of: .multiRegion,
            describe
        ),
        row(
            "DescribeKey",
            "kms:ResourceAliases",
            "ForAnyValue:StringLike",
            #""alias/*""#,
            #""alias/none/*""#,
            describe
        ),
        row(
            "DescribeKey",
            "kms:CallerAccount",
            "StringEquals",
            #""123456789012""#,
            #""999999999999""#,
            describe
        ),
        row("DescribeKey", "aws:ResourceTag/t", "StringEquals", #""v""#, #""w""#, describe),
    ]

    static let grants = [
        row(
            "CreateGrant",
            "kms:GrantOperations",
            "ForAllValues:StringEquals",
            #"["Encrypt","Decrypt"]"#,
            #"["Encrypt"]"#,
            grant
        ),
        row(
            "CreateGrant",
            "kms:GranteePrincipal",
            "StringEquals",
            #""arn:aws:iam::123456789012:root""#,
            #""arn:aws:iam::123456789012:user/carol""#,
            grant
        ),
        row(
            "CreateGrant",
            "kms:RetiringPrincipal",
            "StringLike",
            #""*:user/bob""#,
            #""*:user/carol""#,
            grant
        ),
        row(
            "CreateGrant",
            "kms:GrantConstraintType",
            "StringEquals",
            #""EncryptionContextSubset""#,
            #""EncryptionContextEquals""#,
            grant
        ),
        row("CreateGrant", "kms:GrantIsForAWSResource", "Bool", "true", "false") {
            try await grant($0, $1.through(.ebs))
        },
    ]

    static let changes = [
        row("PutKeyPolicy", "kms:BypassPolicyLockoutSafetyCheck", "Bool", "true", "false") { on, caller in
            let policy = try await on.kms.getKeyPolicy(on.key, name: nil, caller: root)
            try await on.kms.putKeyPolicy(
                on.key,
                name: nil,
                policy: policy,
                bypassesLockoutSafetyCheck: true,
                caller: caller
            )
        },
        row(
            "ScheduleKeyDeletion",
            "kms:ScheduleKeyDeletionPendingWindowInDays",
            "NumericGreaterThanEquals",
            #""10""#,
            #""20""#
        ) {
            _ = try await $0.kms.scheduleKeyDeletion($0.key, pendingWindowInDays: 10, caller: $1)
        },
        row("EnableKeyRotation", "kms:RotationPeriodInDays", "NumericLessThan", #""181""#, #""180""#) {
            try await $0.kms.enableKeyRotation($0.key, periodInDays: 180, caller: $1)
        },
        row("TagResource", "aws:RequestTag/team", "StringEquals", #""red""#, #""blue""#) {
            try await $0.kms.tagResource($0.key, [Tag(key: "team", value: "red")], caller: $1)
        },
        row("UntagResource", "aws:TagKeys", "ForAllValues:StringEquals", #"["t","u"]"#, #"["u"]"#) {
            try await $0.kms.untagResource($0.key, ["t"], caller: $1)
        },
        row(
            "GetParametersForImport",
            "kms:WrappingAlgorithm",
            "StringEquals",
            #""RSAES_OAEP_SHA_256""#,
            #""RSAES_OAEP_SHA_1""#,
            of: .imported,
            parameters
        ),
        row(
            "GetParametersForImport",
            "kms:WrappingKeySpec",
            "StringEquals",
            #""RSA_2048""#,
            #""RSA_4096""#,
            of: .imported,
            parameters
        ),
        row(
            "ImportKeyMaterial",
            "kms:ExpirationModel",
            "StringEquals",
            #""KEY_MATERIAL_EXPIRES""#,
            #""KEY_MATERIAL_DOES_NOT_EXPIRE""#,
            of: .imported,
            importing
        ),
        row(
            "ImportKeyMaterial",
            "kms:ValidTo",
            "DateGreaterThan",
            #""2029-01-01T00:00:00Z""#,
            #""2031-01-01T00:00:00Z""#,
            of: .imported,
            importing
        ),
        row(
            "UpdatePrimaryRegion",
            "kms:PrimaryRegion",
            "StringEquals",
            #""eu-west-1""#,
            #""eu-west-2""#,
            of: .multiRegion
        ) {
            try await $0.kms.updatePrimaryRegion($0.key, to: Subject.replicaRegion, caller: $1)
        },
    ]

    static let global = [
        row(
            "Encrypt",
            "aws:PrincipalArn",
            "ArnLike",
            #""arn:aws:iam::*:user/b*""#,
            #""arn:aws:iam::*:user/c*""#,
            encrypt
        ),
        row(
            "Encrypt",
            "aws:PrincipalAccount",
            "StringEquals",
            #""123456789012""#,
            #""999999999999""#,
            encrypt
        ),
        row("Encrypt", "aws:PrincipalType", "StringEquals", #""User""#, #""Account""#, encrypt),
        row("Encrypt", "aws:PrincipalIsAWSService", "Bool", "false", "true", encrypt),
        row("Encrypt", "aws:username", "StringEquals", #""bob""#, #""carol""#, encrypt),
        row(
            "Encrypt",
            "aws:CurrentTime",
            "DateLessThan",
            #""2028-01-01T00:00:00Z""#,
            #""2027-01-01T00:00:00Z""#,
            encrypt
        ),
        row("Encrypt", "aws:EpochTime", "NumericEquals", #""1800000000""#, #""1800000001""#, encrypt),
        row("Encrypt", "aws:RequestedRegion", "StringEquals", #""us-east-1""#, #""eu-west-1""#, encrypt),
        row(
            "Encrypt",
            "aws:ResourceAccount",
            "StringEquals",
            #""123456789012""#,
            #""999999999999""#,
            encrypt
        ),
        row(
            "Encrypt",
            "aws:SourceIp",
            "IpAddress",
            #""192.0.2.0/24""#,
            #""198.51.100.0/24""#,
            encryptFromAfar
        ),
        row("Encrypt", "aws:SecureTransport", "Bool", "true", "false", encryptFromAfar),
        row("Encrypt", "aws:UserAgent", "StringLike", #""agent/*""#, #""other/*""#, encryptFromAfar),
        row("Encrypt", "aws:ViaAWSService", "Bool", "true", "false", encryptThroughEBS),
        row(
            "Encrypt",
            "aws:CalledVia",
            "ForAnyValue:StringEquals",
            #""ec2.amazonaws.com""#,
            #""s3.amazonaws.com""#,
            encryptThroughEBS
        ),
    ]
}
