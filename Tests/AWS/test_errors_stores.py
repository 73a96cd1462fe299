"""Custom key stores on PKCS#11 tokens: what they refuse. Skipped where the server has no two tokens.

Coffer takes CloudHsmClusterId as the token's label and KeyStorePassword as its user's PIN.
"""

from collections.abc import Iterator

import pytest

from account import Account, raises, unique
from keys import PLAINTEXT
from server import Server, Token

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"


def create(kms, token: Token, **params) -> str:
    request = {
        "CustomKeyStoreName": unique("store"),
        "CloudHsmClusterId": token.label,
        "KeyStorePassword": token.pin,
        "TrustAnchorCertificate": CERTIFICATE,
        **params,
    }
    return kms.create_custom_key_store(**request)["CustomKeyStoreId"]


def described(kms, store: str) -> dict:
    return kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]


@pytest.fixture(scope="module")
def tokens(server: Server) -> list[Token]:
    if len(server.tokens) < 2:
        pytest.skip("the server has no PKCS#11 tokens: install softhsm2, or set COFFER_TOKENS")
    return server.tokens


@pytest.fixture(scope="module")
def store(kms, tokens) -> Iterator[str]:
    """A connected store on the first token. It stays, as its keys do."""
    store = create(kms, tokens[0])
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert described(kms, store)["ConnectionState"] == "CONNECTED"
    yield store
    if described(kms, store)["ConnectionState"] == "CONNECTED":
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)


@pytest.fixture
def spare(kms, tokens) -> Iterator[str]:
    """A store on the second token that is not connected, and goes with the test."""
    store = create(kms, tokens[1])
    yield store
    if described(kms, store)["ConnectionState"] != "DISCONNECTED":
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    kms.delete_custom_key_store(CustomKeyStoreId=store)


def test_a_store_without_its_token_cannot_be_made(kms, tokens) -> None:
    with raises("CloudHsmClusterNotFoundException"):
        create(kms, Token("cluster-aaaaaaaaaaa", "1234567"))


def test_a_stores_name_is_its_own(kms, store, tokens) -> None:
    name = described(kms, store)["CustomKeyStoreName"]
    with raises("CustomKeyStoreNameInUseException"):
        create(kms, tokens[1], CustomKeyStoreName=name)


def test_a_token_serves_one_store(kms, store, tokens) -> None:
    with raises("CloudHsmClusterInUseException"):
        create(kms, tokens[0])


@pytest.mark.parametrize("missing", ["CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"])
def test_a_store_needs_all_that_its_type_needs(account: Account, tokens, missing) -> None:
    request = {
        "CustomKeyStoreName": unique("store"),
        "CloudHsmClusterId": tokens[1].label,
        "KeyStorePassword": tokens[1].pin,
        "TrustAnchorCertificate": CERTIFICATE,
    }
    with raises("ValidationException"):
        account.root.unchecked.create_custom_key_store(
            **{name: value for name, value in request.items() if name != missing}
        )


def test_a_connected_store_can_be_connected_again_and_neither_deleted_nor_changed(kms, store, spare) -> None:
    kms.connect_custom_key_store(CustomKeyStoreId=spare)
    kms.connect_custom_key_store(CustomKeyStoreId=spare)
    with raises("CustomKeyStoreInvalidStateException"):
        kms.delete_custom_key_store(CustomKeyStoreId=spare)
    with raises("CustomKeyStoreInvalidStateException"):
        kms.update_custom_key_store(CustomKeyStoreId=spare, KeyStorePassword="another")


def test_a_store_takes_no_name_that_another_has(kms, store, spare) -> None:
    with raises("CustomKeyStoreNameInUseException"):
        kms.update_custom_key_store(
            CustomKeyStoreId=spare,
            NewCustomKeyStoreName=described(kms, store)["CustomKeyStoreName"],
        )


def test_a_wrong_pin_fails_the_connection_and_says_why(kms, tokens) -> None:
    store = create(kms, Token(tokens[1].label, "9999999"))
    try:
        kms.connect_custom_key_store(CustomKeyStoreId=store)
        answer = described(kms, store)
        assert answer["ConnectionState"] == "FAILED"
        assert answer["ConnectionErrorCode"] == "INVALID_CREDENTIALS"
        # It has to be disconnected first.
        with raises("CustomKeyStoreInvalidStateException"):
            kms.connect_custom_key_store(CustomKeyStoreId=store)
        with raises("CustomKeyStoreInvalidStateException"):
            kms.delete_custom_key_store(CustomKeyStoreId=store)
    finally:
        if described(kms, store)["ConnectionState"] != "DISCONNECTED":
            kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        kms.delete_custom_key_store(CustomKeyStoreId=store)


def test_a_store_that_is_not_connected_makes_no_keys(kms, spare) -> None:
    with raises("CustomKeyStoreInvalidStateException"):
        kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=spare)
    with raises("CustomKeyStoreInvalidStateException"):
        kms.generate_random(NumberOfBytes=16, CustomKeyStoreId=spare)


def test_a_store_makes_symmetric_keys_of_one_region_only(account: Account, store) -> None:
    refusals = ("ValidationException", "UnsupportedOperationException")
    with raises(refusals):
        account.root.kms.create_key(
            Origin="AWS_CLOUDHSM", CustomKeyStoreId=store, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT"
        )
    with raises(refusals):
        account.root.kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store, MultiRegion=True)
    with raises(refusals):
        account.root.kms.create_key(Origin="AWS_KMS", CustomKeyStoreId=store)


def test_a_key_goes_and_comes_with_its_store(kms, store) -> None:
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]
    assert key["CustomKeyStoreId"] == store
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=PLAINTEXT)["CiphertextBlob"]
    with raises("UnsupportedOperationException"):
        kms.enable_key_rotation(KeyId=key["KeyId"])

    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    with raises("CustomKeyStoreHasCMKsException"):
        kms.delete_custom_key_store(CustomKeyStoreId=store)
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Unavailable"
    with raises("KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=blob)

    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
