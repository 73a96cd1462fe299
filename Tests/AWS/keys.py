"""The KMS keys that the cases name, each made at its first use and then shared."""

import re
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from account import SECOND_REGION, Account, unique

CONTEXT = {"tenant": "t1"}
MATERIAL = bytes(range(32))
PLAINTEXT = b"attack at dawn"


class Key:
    """A KMS key with what was made under it while it could be used."""

    def __init__(self, account: Account, metadata: dict[str, Any]):
        self.account, self.kms = account, account.root.kms
        self.id, self.arn = metadata["KeyId"], metadata["Arn"]

    @cached_property
    def blob(self) -> bytes:
        return self.kms.encrypt(KeyId=self.id, Plaintext=PLAINTEXT)["CiphertextBlob"]

    @cached_property
    def bound_blob(self) -> bytes:
        answer = self.kms.encrypt(KeyId=self.id, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)
        return answer["CiphertextBlob"]

    @cached_property
    def flipped_blob(self) -> bytes:
        return self.blob[:-1] + bytes([self.blob[-1] ^ 1])

    @cached_property
    def alias(self) -> str:
        name = "alias/" + unique("test")
        self.kms.create_alias(AliasName=name, TargetKeyId=self.id)
        return name

    @cached_property
    def alias_arn(self) -> str:
        return self.arn.rpartition(":")[0] + ":" + self.alias

    @cached_property
    def grant(self) -> str:
        grantee = self.account.root_arn
        return self.kms.create_grant(KeyId=self.id, GranteePrincipal=grantee, Operations=["Decrypt"])[
            "GrantId"
        ]

    @cached_property
    def signature(self) -> bytes:
        answer = self.kms.sign(KeyId=self.id, Message=PLAINTEXT, SigningAlgorithm="ECDSA_SHA_256")
        return answer["Signature"]

    @cached_property
    def mac(self) -> bytes:
        return self.kms.generate_mac(KeyId=self.id, Message=PLAINTEXT, MacAlgorithm="HMAC_SHA_256")["Mac"]

    @cached_property
    def import_token(self) -> bytes:
        return wrapping(self)["ImportToken"]


class Keys:
    """Keys by the name that a case gives them."""

    def __init__(self, account: Account):
        self.account, self.kms = account, account.root.kms

    def new(self, **params: Any) -> Key:
        return Key(self.account, self.kms.create_key(**params)["KeyMetadata"])

    @cached_property
    def symmetric(self) -> Key:
        return self.new()

    @cached_property
    def other(self) -> Key:
        return self.new()

    @cached_property
    def rsa(self) -> Key:
        return self.new(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")

    @cached_property
    def ecc(self) -> Key:
        return self.new(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")

    @cached_property
    def agreement(self) -> Key:
        return self.new(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")

    @cached_property
    def hmac(self) -> Key:
        return self.new(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")

    @cached_property
    def disabled(self) -> Key:
        key = self.new()
        assert key.blob
        self.kms.disable_key(KeyId=key.id)
        return key

    @cached_property
    def deleted(self) -> Key:
        key = self.new()
        assert key.blob
        self.kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
        return key

    @cached_property
    def external(self) -> Key:
        """An EXTERNAL key that waits for its material."""
        return self.new(Origin="EXTERNAL")

    @cached_property
    def imported(self) -> Key:
        """An EXTERNAL key that has its material."""
        key = self.new(Origin="EXTERNAL")
        import_material(key, MATERIAL)
        return key

    @cached_property
    def emptied(self) -> Key:
        """An EXTERNAL key whose material was taken away again."""
        key = self.new(Origin="EXTERNAL")
        import_material(key, MATERIAL)
        self.kms.delete_imported_key_material(KeyId=key.id)
        return key

    @cached_property
    def primary(self) -> Key:
        """A multi-Region key with a replica in SECOND_REGION."""
        key = self.new(MultiRegion=True)
        self.kms.replicate_key(KeyId=key.id, ReplicaRegion=SECOND_REGION)
        return key


def fill(value: Any, keys: Keys) -> Any:
    """Puts what `<name.attribute>` stands for in its place, all through `value`."""
    if isinstance(value, dict):
        return {fill(name, keys): fill(member, keys) for name, member in value.items()}
    if isinstance(value, list):
        return [fill(member, keys) for member in value]
    if isinstance(value, re.Pattern):
        return re.compile(fill(value.pattern, keys))
    if not isinstance(value, str):
        return value

    def resolve(match: re.Match) -> Any:
        return getattr(getattr(keys, match.group(1)), match.group(2))

    place = re.compile(r"<(\w+)\.(\w+)>")
    whole = place.fullmatch(value)
    return resolve(whole) if whole else place.sub(resolve, value)


def wrapping(key: Key) -> dict[str, Any]:
    """The parameters for one import into `key`."""
    return key.kms.get_parameters_for_import(
        KeyId=key.id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )


def wrapped(parameters: dict[str, Any], material: bytes) -> bytes:
    public_key = serialization.load_der_public_key(parameters["PublicKey"])
    sha256 = hashes.SHA256()
    return public_key.encrypt(material, padding.OAEP(mgf=padding.MGF1(sha256), algorithm=sha256, label=None))


def import_material(key: Key, material: bytes, **params: Any) -> dict[str, Any]:
    """Imports `material`, to stay until it is deleted unless `params` says otherwise."""
    parameters = wrapping(key)
    params.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return key.kms.import_key_material(
        KeyId=key.id,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrapped(parameters, material),
        **params,
    )


def peer_public_key() -> bytes:
    """Somebody else's P-256 public key, as DeriveSharedSecret takes it."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
