"""Key states × operations: one row an operation, one cell a state, each cell on a key of its own.

The table follows "Key states of AWS KMS keys" of the KMS developer guide.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from account import SECOND_REGION, Account, call, raises, unique
from keys import MATERIAL, Key, Keys, import_material, wrapped, wrapping
from operations import SAMPLES

STATES = ("Enabled", "Disabled", "PendingImport", "PendingDeletion")

OK = "ok"
DISABLED = ("DisabledException", "{arn} is disabled.")
DELETED = ("KMSInvalidStateException", "{arn} is pending deletion.")
NOT_DELETED = ("KMSInvalidStateException", "{arn} is not pending deletion.")
WAITS = ("KMSInvalidStateException", "{arn} is pending import.")
IMPORTED = (
    "UnsupportedOperationException",
    "{arn} origin is EXTERNAL which is not valid for this operation.",
)
MADE_HERE = (
    "UnsupportedOperationException",
    "{arn} origin is AWS_KMS which is not valid for this operation.",
)
REPLICA_DELETED = ("KMSInvalidStateException", None)
NOT_ASKED = "not asked"

Cell = str | tuple[str, str | None]


class Row(NamedTuple):
    operation: str
    cells: tuple[Cell, Cell, Cell, Cell]
    # What CreateKey is given for the row's keys.
    spec: dict[str, Any] = {}
    # Made while the key can be used; gives the members of the request beside the key.
    prepare: Callable[[Key], dict[str, Any]] | None = None
    label: str = ""


USED = (OK, DISABLED, WAITS, DELETED)
READ = (OK, OK, OK, OK)
CHANGED = (OK, OK, OK, DELETED)
SIGNING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
AGREEMENT = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}
HMAC = {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}


def usable(key: Key) -> bool:
    return key.kms.describe_key(KeyId=key.id)["KeyMetadata"]["Enabled"]


def blob(key: Key) -> dict[str, Any]:
    return {"CiphertextBlob": key.blob}


def signature(key: Key) -> dict[str, Any]:
    return {**SAMPLES["Verify"].params, "Signature": key.signature if usable(key) else b"none"}


def mac(key: Key) -> dict[str, Any]:
    return {**SAMPLES["VerifyMac"].params, "Mac": key.mac if usable(key) else b"none"}


def grant(key: Key) -> dict[str, Any]:
    return {"GrantId": key.grant}


def grantee(key: Key) -> dict[str, Any]:
    return {"GranteePrincipal": key.account.root_arn, "Operations": ["DescribeKey"]}


def other_blob(key: Key) -> dict[str, Any]:
    return {"CiphertextBlob": Keys(key.account).new().blob, "DestinationKeyId": key.id}


def to_other_key(key: Key) -> dict[str, Any]:
    return {"CiphertextBlob": key.blob, "DestinationKeyId": Keys(key.account).new().id}


def new_alias(key: Key) -> dict[str, Any]:
    return {"AliasName": "alias/" + unique("state"), "TargetKeyId": key.id}


def alias_of_another(key: Key) -> dict[str, Any]:
    return {"AliasName": Keys(key.account).new().alias, "TargetKeyId": key.id}


def alias_to_another(key: Key) -> dict[str, Any]:
    return {"AliasName": key.alias, "TargetKeyId": Keys(key.account).new().id}


def own_policy(key: Key) -> dict[str, Any]:
    return {"Policy": key.kms.get_key_policy(KeyId=key.id)["Policy"]}


def replica(key: Key) -> dict[str, Any]:
    key.kms.replicate_key(KeyId=key.id, ReplicaRegion=SECOND_REGION)
    return {"PrimaryRegion": SECOND_REGION}


ROWS = [
    Row("Encrypt", USED),
    Row("Decrypt", USED, prepare=blob),
    Row("ReEncrypt", USED, prepare=to_other_key, label="from"),
    Row("ReEncrypt", USED, prepare=other_blob, label="to"),
    Row("GenerateDataKey", USED),
    Row("GenerateDataKeyWithoutPlaintext", USED),
    Row("GenerateDataKeyPair", USED),
    Row("GenerateDataKeyPairWithoutPlaintext", USED),
    Row("Sign", USED, SIGNING),
    Row("Verify", USED, SIGNING, signature),
    Row("GenerateMac", USED, HMAC),
    Row("VerifyMac", USED, HMAC, mac),
    Row("DeriveSharedSecret", USED, AGREEMENT),
    Row("GetPublicKey", USED, SIGNING),
    Row("CreateGrant", USED, prepare=grantee),
    Row("EnableKeyRotation", (OK, DISABLED, IMPORTED, DELETED)),
    Row("DisableKeyRotation", (OK, DISABLED, IMPORTED, DELETED)),
    Row("RotateKeyOnDemand", (OK, DISABLED, WAITS, DELETED)),
    Row("GetKeyRotationStatus", READ),
    Row("ListKeyRotations", READ),
    Row("EnableKey", (OK, OK, WAITS, DELETED)),
    Row("DisableKey", (OK, OK, WAITS, DELETED)),
    Row("ScheduleKeyDeletion", CHANGED),
    Row("CancelKeyDeletion", (NOT_DELETED, NOT_DELETED, NOT_DELETED, OK)),
    Row("CreateAlias", CHANGED, prepare=new_alias),
    Row("UpdateAlias", CHANGED, prepare=alias_of_another, label="to"),
    Row("UpdateAlias", READ, prepare=alias_to_another, label="from"),
    Row("DeleteAlias", READ, prepare=lambda key: {"AliasName": key.alias}),
    Row("TagResource", CHANGED),
    Row("UntagResource", CHANGED),
    Row("UpdateKeyDescription", CHANGED),
    Row("GetParametersForImport", (MADE_HERE, MADE_HERE, OK, MADE_HERE)),
    Row("ImportKeyMaterial", (MADE_HERE, MADE_HERE, OK, MADE_HERE)),
    Row("DeleteImportedKeyMaterial", (MADE_HERE, MADE_HERE, OK, MADE_HERE)),
    Row("ReplicateKey", USED, {"MultiRegion": True}),
    Row("UpdatePrimaryRegion", (OK, DISABLED, NOT_ASKED, REPLICA_DELETED), {"MultiRegion": True}, replica),
    Row("DescribeKey", READ),
    Row("GetKeyLastUsage", READ),
    Row("GetKeyPolicy", READ),
    Row("PutKeyPolicy", READ, prepare=own_policy),
    Row("ListKeyPolicies", READ),
    Row("ListGrants", READ),
    Row("ListRetirableGrants", READ, prepare=lambda key: {"RetiringPrincipal": key.account.root_arn}),
    Row("RetireGrant", (OK, OK, NOT_ASKED, OK), prepare=grant),
    Row("RevokeGrant", (OK, OK, NOT_ASKED, OK), prepare=grant),
    Row("ListAliases", READ),
    Row("ListResourceTags", READ),
]

CELLS = [
    pytest.param(row, state, cell, id=f"{row.operation}{row.label and '-' + row.label}-{state}")
    for row in ROWS
    for state, cell in zip(STATES, row.cells, strict=True)
    if cell != NOT_ASKED
]


def request_in_state(account: Account, row: Row, state: str) -> tuple[Key, dict[str, Any]]:
    """A fresh key in `state` and the row's request for it."""
    external = state == "PendingImport"
    key = Keys(account).new(**row.spec, **({"Origin": "EXTERNAL"} if external else {}))
    # A ciphertext can be made only while the key has material.
    if external and row.prepare in (blob, to_other_key):
        import_material(key, MATERIAL)
    params = row.prepare(key) if row.prepare else dict(SAMPLES[row.operation].params)

    if row.operation == "ImportKeyMaterial" and external:
        parameters = wrapping(key)
        params["ImportToken"] = parameters["ImportToken"]
        params["EncryptedKeyMaterial"] = wrapped(parameters, MATERIAL)
    if external and usable(key):
        key.kms.delete_imported_key_material(KeyId=key.id)
    elif state == "Disabled":
        key.kms.disable_key(KeyId=key.id)
    elif state == "PendingDeletion":
        key.kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)

    member = SAMPLES[row.operation].member
    if member and member not in params:
        params[member] = key.id
    return key, params


@pytest.mark.parametrize("row, state, cell", CELLS)
def test_the_state_decides_what_may_be_done(account: Account, row: Row, state: str, cell: Cell) -> None:
    key, params = request_in_state(account, row, state)
    now = key.kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"]
    assert now in (state, "PendingReplicaDeletion" if cell == REPLICA_DELETED else state)
    if cell == OK:
        call(account.root.unchecked, row.operation, params)
    else:
        code, text = cell
        with raises(code, text and text.format(arn=key.arn)):
            call(account.root.unchecked, row.operation, params)


@pytest.mark.parametrize("state", ["Disabled", "PendingImport", "PendingDeletion"])
def test_describe_key_tells_the_state(account: Account, state) -> None:
    key, _ = request_in_state(account, Row("DescribeKey", READ), state)
    metadata = key.kms.describe_key(KeyId=key.id)["KeyMetadata"]
    assert metadata["KeyState"] == state and metadata["Enabled"] is False
    assert ("DeletionDate" in metadata) == (state == "PendingDeletion")


def test_a_cancelled_deletion_leaves_an_external_key_without_material_waiting(keys: Keys) -> None:
    key = keys.new(Origin="EXTERNAL")
    key.kms.schedule_key_deletion(KeyId=key.id, PendingWindowInDays=7)
    key.kms.cancel_key_deletion(KeyId=key.id)
    assert key.kms.describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingImport"


def test_a_disabled_key_is_disabled_for_the_next_call_already(keys: Keys) -> None:
    key = keys.new()
    for _ in range(20):
        key.kms.disable_key(KeyId=key.id)
        with raises("DisabledException"):
            key.kms.encrypt(KeyId=key.id, Plaintext=b"x")
        key.kms.enable_key(KeyId=key.id)
        key.kms.encrypt(KeyId=key.id, Plaintext=b"x")
