"""The errors that an operation declares, each provoked: one row is operation, code, request and text.

`<name.attribute>` stands for a key of keys.py. Where a row's request is not whole, the sample request of the
operation (operations.py) gives the rest. Texts that are not certain to be AWS's are left out of the row.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from account import SECOND_REGION, Account, Text, allow, call, policy, raises
from keys import MATERIAL, Key, Keys, fill, import_material, wrapped, wrapping
from operations import SAMPLES, STORE

Codes = str | tuple[str, ...]


class Case(NamedTuple):
    operation: str
    code: Codes
    params: dict[str, Any]
    text: Text = None


def usage(kind: str, name: str, operation: str) -> str:
    return f"<{kind}.arn> key usage is {name} which is not valid for {operation}."


def tags(count: int) -> list[dict[str, str]]:
    return [{"TagKey": f"key-{number}", "TagValue": "value"} for number in range(count)]


def statement(**members: Any) -> str:
    return policy(allow("kms:*", **{"Principal": {"AWS": "<account.root_arn>"}, **members}))


ROOT_STATEMENT = {
    "Effect": "Allow",
    "Action": "kms:*",
    "Resource": "*",
    "Principal": {"AWS": "<account.root_arn>"},
}
BIG_POLICY = json.dumps({"Version": "2012-10-17", "Id": "x" * 32768, "Statement": [ROOT_STATEMENT]})

INVALID = "ValidationException"
USAGE = "InvalidKeyUsageException"
UNSUPPORTED = "UnsupportedOperationException"
NOT_FOUND = "NotFoundException"
MALFORMED = "MalformedPolicyDocumentException"
STATE = "KMSInvalidStateException"
JUNK = "InvalidCiphertextException"

ENCRYPT = "ENCRYPT_DECRYPT"
SIGN = "SIGN_VERIFY"
HMAC = "GENERATE_VERIFY_MAC"
WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
BAD_PRINCIPAL = "Policy contains a statement with one or more invalid principals."
NO_USAGE = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
NO_PREFIX = (
    'Alias must start with the prefix "alias/". '
    "Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)
UNKNOWN_ALIAS = "Alias arn:aws:kms:<account.region>:<account.id>:alias/nobody is not found."
UNKNOWN_GRANT = "ab" * 32
UNKNOWN_STORE = "CustomKeyStoreNotFoundException"
RECIPIENT = {
    "Recipient": {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"no document"}
}

CASES = [
    # A key used for what it is not for
    Case("Encrypt", USAGE, {"KeyId": "<ecc.arn>"}, usage("ecc", SIGN, "Encrypt")),
    Case("Encrypt", USAGE, {"KeyId": "<hmac.arn>"}, usage("hmac", HMAC, "Encrypt")),
    Case("Encrypt", USAGE, {"KeyId": "<rsa.arn>"}),
    Case("Encrypt", USAGE, {"KeyId": "<symmetric.arn>", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
    Case("ReEncrypt", USAGE, {"DestinationKeyId": "<ecc.arn>"}),
    Case("ReEncrypt", USAGE, {"DestinationKeyId": "<hmac.arn>"}),
    Case("GenerateDataKey", USAGE, {"KeyId": "<ecc.arn>"}, usage("ecc", SIGN, "GenerateDataKey")),
    Case("GenerateDataKey", USAGE, {"KeyId": "<hmac.arn>"}, usage("hmac", HMAC, "GenerateDataKey")),
    Case("GenerateDataKey", USAGE, {"KeyId": "<rsa.arn>"}),
    Case(
        "GenerateDataKeyWithoutPlaintext",
        USAGE,
        {"KeyId": "<ecc.arn>"},
        usage("ecc", SIGN, "GenerateDataKeyWithoutPlaintext"),
    ),
    Case("GenerateDataKeyWithoutPlaintext", USAGE, {"KeyId": "<rsa.arn>"}),
    Case("GenerateDataKeyPair", USAGE, {"KeyId": "<ecc.arn>"}, usage("ecc", SIGN, "GenerateDataKeyPair")),
    Case("GenerateDataKeyPair", USAGE, {"KeyId": "<rsa.arn>"}),
    Case(
        "GenerateDataKeyPairWithoutPlaintext",
        USAGE,
        {"KeyId": "<hmac.arn>"},
        usage("hmac", HMAC, "GenerateDataKeyPairWithoutPlaintext"),
    ),
    Case("Sign", USAGE, {"KeyId": "<symmetric.arn>"}, usage("symmetric", ENCRYPT, "Sign")),
    Case("Sign", USAGE, {"KeyId": "<hmac.arn>"}, usage("hmac", HMAC, "Sign")),
    Case("Sign", USAGE, {"KeyId": "<agreement.arn>"}, usage("agreement", "KEY_AGREEMENT", "Sign")),
    Case(
        "Sign",
        USAGE,
        {"SigningAlgorithm": "RSASSA_PSS_SHA_256"},
        "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256.",
    ),
    Case("Verify", USAGE, {"KeyId": "<symmetric.arn>"}, usage("symmetric", ENCRYPT, "Verify")),
    Case("Verify", USAGE, {"KeyId": "<rsa.arn>"}, usage("rsa", ENCRYPT, "Verify")),
    Case(
        "Verify",
        USAGE,
        {"SigningAlgorithm": "ECDSA_SHA_384"},
        "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.",
    ),
    Case("GenerateMac", USAGE, {"KeyId": "<symmetric.arn>"}, usage("symmetric", ENCRYPT, "GenerateMac")),
    Case(
        "GenerateMac",
        USAGE,
        {"MacAlgorithm": "HMAC_SHA_512"},
        "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.",
    ),
    Case("VerifyMac", USAGE, {"KeyId": "<ecc.arn>"}, usage("ecc", SIGN, "VerifyMac")),
    Case(
        "VerifyMac",
        USAGE,
        {"MacAlgorithm": "HMAC_SHA_384"},
        "Algorithm HMAC_SHA_384 is incompatible with key spec HMAC_256.",
    ),
    Case(
        "DeriveSharedSecret",
        USAGE,
        {"KeyId": "<symmetric.arn>"},
        usage("symmetric", ENCRYPT, "DeriveSharedSecret"),
    ),
    Case("DeriveSharedSecret", USAGE, {"KeyId": "<ecc.arn>"}, usage("ecc", SIGN, "DeriveSharedSecret")),
    Case("DeriveSharedSecret", INVALID, {"PublicKey": b"no key"}, ""),
    Case("GetPublicKey", UNSUPPORTED, {"KeyId": "<symmetric.arn>"}),
    Case("GetPublicKey", UNSUPPORTED, {"KeyId": "<hmac.arn>"}),
    # A ciphertext, signature or code that is not the key's
    Case("Decrypt", "IncorrectKeyException", {"KeyId": "<other.arn>"}, WRONG_KEY),
    Case("Decrypt", "IncorrectKeyException", {"KeyId": "<ecc.arn>"}, WRONG_KEY),
    Case("ReEncrypt", "IncorrectKeyException", {"SourceKeyId": "<other.arn>"}, WRONG_KEY),
    Case("Decrypt", JUNK, {"CiphertextBlob": b"junk"}, ""),
    Case("Decrypt", JUNK, {"CiphertextBlob": b"\0" * 6144}, ""),
    Case("Decrypt", JUNK, {"CiphertextBlob": "<symmetric.flipped_blob>"}, ""),
    Case("Decrypt", JUNK, {"EncryptionContext": {"made": "up"}}, ""),
    Case("Decrypt", JUNK, {"CiphertextBlob": "<symmetric.bound_blob>"}, ""),
    Case(
        "Decrypt",
        JUNK,
        {"CiphertextBlob": "<symmetric.bound_blob>", "EncryptionContext": {"Tenant": "t1"}},
        "",
    ),
    Case(
        "Decrypt",
        JUNK,
        {"KeyId": "<rsa.arn>", "CiphertextBlob": b"x" * 256, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"},
        "",
    ),
    Case("ReEncrypt", JUNK, {"CiphertextBlob": b"junk"}, ""),
    Case("ReEncrypt", JUNK, {"CiphertextBlob": "<symmetric.flipped_blob>"}, ""),
    Case("ReEncrypt", JUNK, {"SourceEncryptionContext": {"made": "up"}}, ""),
    Case("Verify", "KMSInvalidSignatureException", {"Signature": b"no signature"}, ""),
    Case("Verify", "KMSInvalidSignatureException", {"Message": b"another message"}, ""),
    Case("VerifyMac", "KMSInvalidMacException", {"Mac": b"m" * 32}, ""),
    Case("VerifyMac", "KMSInvalidMacException", {"Mac": b"short"}, ""),
    Case("VerifyMac", "KMSInvalidMacException", {"Message": b"another message"}, ""),
    # What is too much, too little, or two of one thing
    Case(
        "Encrypt",
        INVALID,
        {"Plaintext": b"x" * 191, "KeyId": "<rsa.arn>", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"},
        "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes.",
    ),
    Case(
        "Encrypt",
        INVALID,
        {"Plaintext": b"x" * 215, "KeyId": "<rsa.arn>", "EncryptionAlgorithm": "RSAES_OAEP_SHA_1"},
        "Algorithm RSAES_OAEP_SHA_1 and key spec RSA_2048 cannot encrypt data larger than 214 bytes.",
    ),
    Case(
        "Encrypt",
        INVALID,
        {
            "KeyId": "<rsa.arn>",
            "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "EncryptionContext": {"not": "for asymmetric keys"},
        },
    ),
    Case(
        "Sign",
        INVALID,
        {"MessageType": "DIGEST", "Message": b"x" * 31},
        "Digest is invalid length for algorithm ECDSA_SHA_256.",
    ),
    Case(
        "Verify",
        INVALID,
        {"MessageType": "DIGEST", "Message": b"x" * 33},
        "Digest is invalid length for algorithm ECDSA_SHA_256.",
    ),
    Case("Decrypt", INVALID, {"CiphertextBlob": None}),
    Case("GenerateDataKey", INVALID, {"NumberOfBytes": 32}),
    Case("GenerateDataKey", INVALID, {"KeySpec": None}),
    Case("GenerateDataKeyWithoutPlaintext", INVALID, {"NumberOfBytes": 32}),
    Case("GenerateDataKeyWithoutPlaintext", INVALID, {"KeySpec": None}),
    Case("GenerateRandom", INVALID, {"NumberOfBytes": None}, "NumberOfBytes is required."),
    Case("Decrypt", INVALID, RECIPIENT),
    Case("DeriveSharedSecret", INVALID, RECIPIENT),
    Case("GenerateDataKey", INVALID, RECIPIENT),
    Case("GenerateDataKeyPair", INVALID, RECIPIENT),
    Case("GenerateRandom", INVALID, RECIPIENT),
    # Keys as they are made
    Case("CreateKey", INVALID, {"KeySpec": "RSA_2048"}, NO_USAGE),
    Case("CreateKey", INVALID, {"KeySpec": "HMAC_256"}, NO_USAGE),
    Case(
        "CreateKey",
        INVALID,
        {"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
        "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
    ),
    Case(
        "CreateKey",
        INVALID,
        {"KeyUsage": SIGN},
        "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT",
    ),
    Case(
        "CreateKey",
        INVALID,
        {"KeySpec": "HMAC_512", "KeyUsage": ENCRYPT},
        "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec HMAC_512",
    ),
    Case("CreateKey", INVALID, {"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "RSA_2048"}),
    Case("CreateKey", INVALID, {"Origin": "AWS_CLOUDHSM"}),
    Case("CreateKey", UNKNOWN_STORE, {"Origin": "AWS_CLOUDHSM", **STORE}),
    Case("CreateKey", MALFORMED, {"Policy": "no policy"}),
    Case(
        "CreateKey",
        MALFORMED,
        {"Policy": statement(Principal={"AWS": "arn:aws:iam::<account.id>:user/no-one"})},
    ),
    Case("CreateKey", "TagException", {"Tags": tags(51)}, "Too many tags"),
    Case("CreateKey", "TagException", {"Tags": tags(1) * 2}, "Duplicate tag keys"),
    Case(
        "CreateKey",
        "TagException",
        {"Tags": [{"TagKey": "aws:mine", "TagValue": "v"}]},
        "Tags beginning with aws: are reserved",
    ),
    # Policies and tags
    Case("PutKeyPolicy", MALFORMED, {"Policy": "no policy"}),
    Case("PutKeyPolicy", MALFORMED, {"Policy": "{}"}),
    Case("PutKeyPolicy", MALFORMED, {"Policy": statement(Principal={"AWS": "nonsense"})}, BAD_PRINCIPAL),
    Case("PutKeyPolicy", MALFORMED, {"Policy": statement(Effect="Perhaps")}),
    Case(
        "PutKeyPolicy", MALFORMED, {"Policy": statement(Condition={"StringFeels": {"kms:ViaService": "x"}})}
    ),
    Case("PutKeyPolicy", MALFORMED, {"Policy": statement(Action="kms:Describe*")}, LOCKED_OUT),
    Case("PutKeyPolicy", "LimitExceededException", {"Policy": BIG_POLICY}),
    Case("PutKeyPolicy", (INVALID, NOT_FOUND, UNSUPPORTED), {"PolicyName": "another"}),
    Case("GetKeyPolicy", NOT_FOUND, {"PolicyName": "another"}, "No such policy exists"),
    Case("TagResource", "TagException", {"Tags": tags(51)}, "Too many tags"),
    Case("TagResource", "TagException", {"Tags": tags(1) * 2}, "Duplicate tag keys"),
    Case(
        "TagResource",
        "TagException",
        {"Tags": [{"TagKey": "AWS:mine", "TagValue": "v"}]},
        "Tags beginning with aws: are reserved",
    ),
    # Aliases
    Case("CreateAlias", INVALID, {"AliasName": "no-prefix"}, NO_PREFIX),
    Case(
        "CreateAlias",
        (INVALID, "InvalidAliasNameException"),
        {"AliasName": "alias/my:alias"},
        "alias/my:alias contains invalid characters for an alias",
    ),
    Case("CreateAlias", "NotAuthorizedException", {"AliasName": "alias/aws/mine"}, ""),
    Case(
        "CreateAlias",
        "AlreadyExistsException",
        {"AliasName": "<symmetric.alias>"},
        "An alias with the name <symmetric.alias_arn> already exists",
    ),
    Case(
        "CreateAlias",
        INVALID,
        {"TargetKeyId": "<symmetric.alias>"},
        "Aliases must refer to keys. Not aliases",
    ),
    Case("UpdateAlias", NOT_FOUND, {"AliasName": "alias/nobody"}, UNKNOWN_ALIAS),
    Case("UpdateAlias", INVALID, {"TargetKeyId": "<ecc.arn>"}),
    Case("UpdateAlias", INVALID, {"TargetKeyId": "<rsa.arn>"}),
    Case("UpdateAlias", INVALID, {"TargetKeyId": "<hmac.arn>"}),
    Case("UpdateAlias", STATE, {"TargetKeyId": "<deleted.arn>"}, "<deleted.arn> is pending deletion."),
    Case("DeleteAlias", NOT_FOUND, {"AliasName": "alias/nobody"}, UNKNOWN_ALIAS),
    Case("DeleteAlias", INVALID, {"AliasName": "no-prefix"}),
    # Grants
    Case("CreateGrant", INVALID, {"Operations": []}),
    Case("CreateGrant", INVALID, {"Operations": ["Sign"]}),
    Case("CreateGrant", INVALID, {"KeyId": "<ecc.arn>", "Operations": ["Decrypt"]}),
    Case("CreateGrant", (INVALID, "InvalidArnException"), {"GranteePrincipal": "nonsense"}),
    Case(
        "CreateGrant",
        INVALID,
        {
            "KeyId": "<hmac.arn>",
            "Operations": ["GenerateMac"],
            "Constraints": {"EncryptionContextSubset": {"a": "b"}},
        },
    ),
    Case("RevokeGrant", NOT_FOUND, {"GrantId": UNKNOWN_GRANT}, f"Grant ID {UNKNOWN_GRANT} not found"),
    Case("RetireGrant", NOT_FOUND, {"GrantId": UNKNOWN_GRANT}),
    Case("RevokeGrant", ("InvalidGrantIdException", NOT_FOUND), {"GrantId": "no grant"}),
    Case("RetireGrant", ("InvalidGrantIdException", NOT_FOUND), {"GrantId": "no grant"}),
    Case("ListGrants", ("InvalidGrantIdException", NOT_FOUND), {"GrantId": "no grant"}),
    Case(
        "RetireGrant",
        "InvalidGrantTokenException",
        {"GrantToken": "AQpAmadeup", "KeyId": None, "GrantId": None},
    ),
    Case("RetireGrant", INVALID, {"KeyId": None, "GrantId": None}),
    Case("RetireGrant", (INVALID, "InvalidGrantTokenException"), {"GrantToken": "AQpAmadeup"}),
    # Rotation and deletion
    Case("EnableKeyRotation", UNSUPPORTED, {"KeyId": "<rsa.arn>"}, ""),
    Case("EnableKeyRotation", UNSUPPORTED, {"KeyId": "<hmac.arn>"}, ""),
    Case(
        "EnableKeyRotation",
        UNSUPPORTED,
        {"KeyId": "<imported.arn>"},
        "<imported.arn> origin is EXTERNAL which is not valid for this operation.",
    ),
    Case("DisableKeyRotation", UNSUPPORTED, {"KeyId": "<ecc.arn>"}, ""),
    Case("GetKeyRotationStatus", UNSUPPORTED, {"KeyId": "<ecc.arn>"}, ""),
    Case("ListKeyRotations", UNSUPPORTED, {"KeyId": "<hmac.arn>"}, ""),
    Case("RotateKeyOnDemand", UNSUPPORTED, {"KeyId": "<rsa.arn>"}, ""),
    Case(
        "RotateKeyOnDemand",
        STATE,
        {"KeyId": "<imported.arn>"},
        "No available key material pending rotation for the key: <imported.arn>.",
    ),
    Case(
        "RotateKeyOnDemand",
        "DisabledException",
        {"KeyId": "<disabled.arn>"},
        "<disabled.arn> is disabled.",
    ),
    Case("ScheduleKeyDeletion", INVALID, {"PendingWindowInDays": 6}),
    Case("ScheduleKeyDeletion", INVALID, {"PendingWindowInDays": 31}),
    Case(
        "ScheduleKeyDeletion",
        STATE,
        {"KeyId": "<deleted.arn>"},
        "<deleted.arn> is pending deletion.",
    ),
    Case("CancelKeyDeletion", STATE, {}, "<symmetric.arn> is not pending deletion."),
    # Import
    Case(
        "GetParametersForImport",
        UNSUPPORTED,
        {"KeyId": "<symmetric.arn>"},
        "<symmetric.arn> origin is AWS_KMS which is not valid for this operation.",
    ),
    Case(
        "ImportKeyMaterial",
        UNSUPPORTED,
        {"KeyId": "<symmetric.arn>"},
        "<symmetric.arn> origin is AWS_KMS which is not valid for this operation.",
    ),
    Case(
        "DeleteImportedKeyMaterial",
        UNSUPPORTED,
        {"KeyId": "<symmetric.arn>"},
        "<symmetric.arn> origin is AWS_KMS which is not valid for this operation.",
    ),
    Case("ImportKeyMaterial", "InvalidImportTokenException", {}),
    Case("ImportKeyMaterial", "InvalidImportTokenException", {"ImportToken": "<imported.import_token>"}),
    Case("ImportKeyMaterial", JUNK, {"ImportToken": "<external.import_token>"}),
    Case(
        "ImportKeyMaterial",
        INVALID,
        {"ImportToken": "<external.import_token>", "ExpirationModel": "KEY_MATERIAL_EXPIRES"},
        "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    ),
    Case(
        "ImportKeyMaterial",
        INVALID,
        {
            "ImportToken": "<external.import_token>",
            "ExpirationModel": "KEY_MATERIAL_EXPIRES",
            "ValidTo": datetime.now(UTC) - timedelta(days=1),
        },
    ),
    Case("Encrypt", STATE, {"KeyId": "<external.arn>"}, "<external.arn> is pending import."),
    Case("Encrypt", STATE, {"KeyId": "<emptied.arn>"}, "<emptied.arn> is pending import."),
    Case("EnableKey", STATE, {"KeyId": "<external.arn>"}, "<external.arn> is pending import."),
    # Multi-Region keys
    Case("ReplicateKey", UNSUPPORTED, {"KeyId": "<symmetric.arn>"}),
    Case("ReplicateKey", "AlreadyExistsException", {}),
    Case("UpdatePrimaryRegion", UNSUPPORTED, {"KeyId": "<symmetric.arn>"}),
    Case("UpdatePrimaryRegion", (NOT_FOUND, INVALID, UNSUPPORTED), {"PrimaryRegion": "eu-west-1"}),
    # Custom key stores
    Case("ConnectCustomKeyStore", UNKNOWN_STORE, {}),
    Case("DisconnectCustomKeyStore", UNKNOWN_STORE, {}),
    Case("DeleteCustomKeyStore", UNKNOWN_STORE, {}),
    Case("UpdateCustomKeyStore", UNKNOWN_STORE, {"NewCustomKeyStoreName": "another"}),
    Case("DescribeCustomKeyStores", UNKNOWN_STORE, STORE),
    Case("DescribeCustomKeyStores", UNKNOWN_STORE, {"CustomKeyStoreName": "nobody"}),
    Case("DescribeCustomKeyStores", INVALID, {**STORE, "CustomKeyStoreName": "nobody"}),
    Case("GenerateRandom", UNKNOWN_STORE, STORE),
    # Pages
    *(
        Case(operation, "InvalidMarkerException", {"Marker": "no marker of ours"})
        for operation in sorted(SAMPLES)
        if operation.startswith("List") and operation != "ListKeyPolicies"
    ),
    Case("DescribeCustomKeyStores", "InvalidMarkerException", {"Marker": "no marker of ours"}),
    Case("ListAliases", INVALID, {"Limit": 101}),
    Case("ListGrants", INVALID, {"Limit": 101}),
    Case("ListRetirableGrants", INVALID, {"Limit": 101}),
    Case("ListResourceTags", INVALID, {"Limit": 51}),
]


def label(case: Case) -> str:
    return f"{case.operation}-{case.code if isinstance(case.code, str) else case.code[0]}"


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_error_is_the_one_that_aws_gives(account: Account, keys: Keys, case: Case) -> None:
    params = fill({**SAMPLES[case.operation].full, **case.params}, keys)
    params = {name: value for name, value in params.items() if value is not None}
    with raises(case.code, fill(case.text, keys)):
        call(account.root.unchecked, case.operation, params)


@pytest.mark.parametrize("operation", ["Encrypt", "Decrypt", "GenerateDataKey", "CreateGrant"])
def test_a_disabled_key_is_named_by_its_arn(account: Account, keys: Keys, operation) -> None:
    params = fill(SAMPLES[operation].params, keys)
    if operation == "Decrypt":
        params["CiphertextBlob"] = keys.disabled.blob
    with raises("DisabledException", f"{keys.disabled.arn} is disabled."):
        call(account.root.kms, operation, {**params, "KeyId": keys.disabled.id})


def test_the_twenty_sixth_rotation_on_demand_is_one_too_many(keys: Keys) -> None:
    key = keys.new()
    for _ in range(25):
        key.kms.rotate_key_on_demand(KeyId=key.id)
    text = (
        "The on-demand rotations limit has been reached for the given keyId. "
        f"No more on-demand rotations can be performed for this key: {key.arn}"
    )
    with raises("LimitExceededException", text):
        key.kms.rotate_key_on_demand(KeyId=key.id)


def test_other_material_than_before_is_refused(keys: Keys) -> None:
    with raises("IncorrectKeyMaterialException"):
        import_material(keys.emptied, MATERIAL[::-1])


@pytest.mark.parametrize("count", [16, 31, 33])
def test_material_of_another_length_than_the_key_is_refused(keys: Keys, count) -> None:
    with raises(("IncorrectKeyMaterialException", "InvalidCiphertextException", "ValidationException")):
        import_material(keys.external, bytes(count))


def test_a_second_new_material_waits_for_the_first_to_be_rotated_in(keys: Keys) -> None:
    key: Key = keys.new(Origin="EXTERNAL")
    import_material(key, MATERIAL)
    first = import_material(key, MATERIAL[::-1], ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    pattern = re.compile(
        rf"^New key material \(id: [0-9a-f]{{64}}\) cannot be imported into KMS key {key.arn}, "
        rf"because another key material \(id: {first}\) is pending rotation\.$"
    )
    with raises("KMSInvalidStateException", pattern):
        import_material(key, bytes(32), ImportType="NEW_KEY_MATERIAL")


def test_a_replica_cannot_be_replicated(account: Account, keys: Keys) -> None:
    replica = account.root.client("kms", SECOND_REGION)
    arn = keys.primary.arn.replace(f":{account.region}:", f":{SECOND_REGION}:")
    with raises("UnsupportedOperationException", f"{arn} is not a multi-region primary key."):
        replica.replicate_key(KeyId=keys.primary.id, ReplicaRegion="eu-west-1")


def test_an_import_token_serves_its_own_public_key_only(keys: Keys) -> None:
    first, second = wrapping(keys.external), wrapping(keys.external)
    with raises(("InvalidCiphertextException", "InvalidImportTokenException")):
        keys.external.kms.import_key_material(
            KeyId=keys.external.id,
            ImportToken=first["ImportToken"],
            EncryptedKeyMaterial=wrapped(second, MATERIAL),
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )


@pytest.mark.skip(
    reason="the token lives for a day, and this clock does not move: the Swift tests move theirs"
)
def test_an_import_token_of_yesterday_has_expired() -> None:
    raise AssertionError("not run")
