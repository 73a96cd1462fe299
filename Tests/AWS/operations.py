"""All 54 operations of KMS, with a request of each that is fit to succeed but for its key."""

from typing import Any, NamedTuple

import botocore.session
from botocore.model import OperationModel, ServiceModel

from account import SECOND_REGION
from keys import PLAINTEXT, peer_public_key

STORE = {"CustomKeyStoreId": "cks-1234567890abcdef0"}
OAEP = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
PAIR = {"KeyPairSpec": "ECC_NIST_P256"}
SIGNING = {"Message": PLAINTEXT, "SigningAlgorithm": "ECDSA_SHA_256"}
# KMS gives a key this policy if CreateKey names none.
DEFAULT_POLICY = """{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "<account.root_arn>"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"""
MAC = {"Message": PLAINTEXT, "MacAlgorithm": "HMAC_SHA_256"}


class Sample(NamedTuple):
    """A request: the kind of key that it takes, in which member, and the other members."""

    kind: str
    member: str
    params: dict[str, Any]

    def with_key(self, key_id: str) -> dict[str, Any]:
        return {self.member: key_id, **self.params}

    @property
    def full(self) -> dict[str, Any]:
        """The request with a key of its kind, still to be filled in."""
        return self.with_key(f"<{self.kind}.arn>") if self.kind else self.params


def sample(kind: str = "symmetric", member: str = "KeyId", **params: Any) -> Sample:
    return Sample(kind, member, params)


def keyless(**params: Any) -> Sample:
    return Sample("", "", params)


SAMPLES: dict[str, Sample] = {
    "CancelKeyDeletion": sample(),
    "ConnectCustomKeyStore": keyless(**STORE),
    "CreateAlias": sample(member="TargetKeyId", AliasName="alias/never-made"),
    "CreateCustomKeyStore": keyless(
        CustomKeyStoreName="never-made",
        CloudHsmClusterId="cluster-2a34b5cdefg",
        KeyStorePassword="1234567",
        TrustAnchorCertificate="no certificate",
    ),
    "CreateGrant": sample(GranteePrincipal="<account.root_arn>", Operations=["Decrypt"]),
    "CreateKey": keyless(),
    "Decrypt": sample(CiphertextBlob="<symmetric.blob>"),
    "DeleteAlias": keyless(AliasName="<symmetric.alias>"),
    "DeleteCustomKeyStore": keyless(**STORE),
    "DeleteImportedKeyMaterial": sample("external"),
    "DeriveSharedSecret": sample("agreement", KeyAgreementAlgorithm="ECDH", PublicKey=peer_public_key()),
    "DescribeCustomKeyStores": keyless(),
    "DescribeKey": sample(),
    "DisableKey": sample(),
    "DisableKeyRotation": sample(),
    "DisconnectCustomKeyStore": keyless(**STORE),
    "EnableKey": sample(),
    "EnableKeyRotation": sample(),
    "Encrypt": sample(Plaintext=PLAINTEXT),
    "GenerateDataKey": sample(KeySpec="AES_256"),
    "GenerateDataKeyPair": sample(**PAIR),
    "GenerateDataKeyPairWithoutPlaintext": sample(**PAIR),
    "GenerateDataKeyWithoutPlaintext": sample(KeySpec="AES_256"),
    "GenerateMac": sample("hmac", **MAC),
    "GenerateRandom": keyless(NumberOfBytes=32),
    "GetKeyLastUsage": sample(),
    "GetKeyPolicy": sample(),
    "GetKeyRotationStatus": sample(),
    "GetParametersForImport": sample("external", **OAEP),
    "GetPublicKey": sample("ecc"),
    "ImportKeyMaterial": sample(
        "external",
        ImportToken=b"no token",
        EncryptedKeyMaterial=b"no material",
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    ),
    "ListAliases": sample(),
    "ListGrants": sample(),
    "ListKeyPolicies": sample(),
    "ListKeyRotations": sample(),
    "ListKeys": keyless(),
    "ListResourceTags": sample(),
    "ListRetirableGrants": keyless(RetiringPrincipal="<account.root_arn>"),
    "PutKeyPolicy": sample(Policy=DEFAULT_POLICY),
    "ReEncrypt": sample(member="DestinationKeyId", CiphertextBlob="<symmetric.blob>"),
    "ReplicateKey": sample("primary", ReplicaRegion=SECOND_REGION),
    "RetireGrant": sample(GrantId="<symmetric.grant>"),
    "RevokeGrant": sample(GrantId="<symmetric.grant>"),
    "RotateKeyOnDemand": sample(),
    "ScheduleKeyDeletion": sample(),
    "Sign": sample("ecc", **SIGNING),
    "TagResource": sample(Tags=[{"TagKey": "a", "TagValue": "b"}]),
    "UntagResource": sample(TagKeys=["a"]),
    "UpdateAlias": sample(member="TargetKeyId", AliasName="<symmetric.alias>"),
    "UpdateCustomKeyStore": keyless(NewCustomKeyStoreName="never-set", **STORE),
    "UpdateKeyDescription": sample(Description="never set"),
    "UpdatePrimaryRegion": sample("primary", PrimaryRegion=SECOND_REGION),
    "Verify": sample("ecc", Signature="<ecc.signature>", **SIGNING),
    "VerifyMac": sample("hmac", Mac="<hmac.mac>", **MAC),
}

# The operations that take a key's alias in its place.
TAKE_ALIASES = {
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetPublicKey",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
}


def service_model() -> ServiceModel:
    """The API as botocore describes it."""
    return botocore.session.get_session().get_service_model("kms")


def operation_model(operation: str) -> OperationModel:
    return service_model().operation_model(operation)


def declared_errors(operation: str) -> set[str]:
    return {shape.name for shape in operation_model(operation).error_shapes}


def members(operation: str) -> dict[str, Any]:
    shape = operation_model(operation).input_shape
    return dict(shape.members) if shape else {}


def required(operation: str) -> list[str]:
    shape = operation_model(operation).input_shape
    return list(shape.required_members) if shape else []


KEYED = sorted(name for name, request in SAMPLES.items() if request.kind)
DRY_RUN = sorted(name for name in SAMPLES if "DryRun" in members(name))
TAKE_GRANT_TOKENS = sorted(
    name
    for name in SAMPLES
    if "GrantTokens" in members(name) and "InvalidGrantTokenException" in declared_errors(name)
)
