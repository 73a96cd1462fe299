"""The AWS Encryption SDK for Python, unmodified, keeps its data keys with Coffer."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import botocore.session
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient, StrictAwsKmsMasterKeyProvider
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError

from account import REGION, Account
from keys import Keys

# The value is long enough that no ciphertext holds it by chance.
CONTEXT = {"purpose": "acceptance", "tenant": "tenant-one", "naïve": "yes"}
PLAINTEXT = os.urandom(5 * 1024 * 1024)


@pytest.fixture(scope="module")
def client() -> EncryptionSDKClient:
    return EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


@contextmanager
def fails(words: str) -> Iterator[None]:
    """Expects an error that says `words`, itself or in the errors that it carries.

    The library's generated errors share no narrower type than Exception.
    """
    with pytest.raises(Exception) as caught:  # noqa: B017
        yield
    assert re.search(words, repr(caught.value.args)), repr(caught.value.args)


def keyring(account: Account, key_arn: str):
    """A keyring of the Material Providers Library over a plain boto3 client."""
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return providers.create_aws_kms_keyring(
        input=CreateAwsKmsKeyringInput(kms_key_id=key_arn, kms_client=account.root.kms)
    )


@pytest.fixture
def master_keys(account: Account, monkeypatch: pytest.MonkeyPatch):
    """A master key provider, which makes its own clients from a botocore session."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", account.url)
    session = botocore.session.get_session()
    session.set_credentials(account.root.access_key_id, account.root.secret)
    session.set_config_variable("region", REGION)
    return lambda key_arn: StrictAwsKmsMasterKeyProvider(key_ids=[key_arn], botocore_session=session)


def test_five_mebibytes_come_back_through_a_keyring(account: Account, keys: Keys, client) -> None:
    ring = keyring(account, keys.symmetric.arn)
    message, header = client.encrypt(source=PLAINTEXT, keyring=ring, encryption_context=CONTEXT)
    assert {key.key_provider.key_info.decode() for key in header.encrypted_data_keys} == {keys.symmetric.arn}
    found, header = client.decrypt(source=message, keyring=ring, encryption_context=CONTEXT)
    assert found == PLAINTEXT
    assert CONTEXT.items() <= header.encryption_context.items()


def test_another_context_is_refused_through_a_keyring(account: Account, keys: Keys, client) -> None:
    ring = keyring(account, keys.symmetric.arn)
    message, _ = client.encrypt(source=b"secret", keyring=ring, encryption_context=CONTEXT)
    with fails("(?i)encryption context"):
        client.decrypt(source=message, keyring=ring, encryption_context={**CONTEXT, "tenant": "t2"})


def test_another_key_does_not_decrypt_through_a_keyring(account: Account, keys: Keys, client) -> None:
    message, _ = client.encrypt(source=b"secret", keyring=keyring(account, keys.symmetric.arn))
    with fails("(?i)data key"):
        client.decrypt(source=message, keyring=keyring(account, keys.other.arn))


def test_a_disabled_key_neither_encrypts_nor_decrypts_through_a_keyring(account, keys: Keys, client) -> None:
    key = keys.new()
    ring = keyring(account, key.arn)
    message, _ = client.encrypt(source=b"secret", keyring=ring, encryption_context=CONTEXT)
    key.kms.disable_key(KeyId=key.id)
    with fails("is disabled"):
        client.encrypt(source=b"secret", keyring=ring)
    with fails("is disabled"):
        client.decrypt(source=message, keyring=ring, encryption_context=CONTEXT)
    key.kms.enable_key(KeyId=key.id)
    assert client.decrypt(source=message, keyring=ring, encryption_context=CONTEXT)[0] == b"secret"


def test_a_spoiled_context_in_the_message_is_refused_by_the_key(account: Account, keys: Keys, client) -> None:
    ring = keyring(account, keys.symmetric.arn)
    message, _ = client.encrypt(source=b"secret", keyring=ring, encryption_context=CONTEXT)
    assert message.count(b"tenant-one") == 1
    with fails("(?i)invalid ?ciphertext|no configured kms key"):
        client.decrypt(source=message.replace(b"tenant-one", b"tenant-two"), keyring=ring)


def test_five_mebibytes_come_back_through_a_master_key_provider(keys: Keys, client, master_keys) -> None:
    provider = master_keys(keys.symmetric.arn)
    message, _ = client.encrypt(source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT)
    found, header = client.decrypt(source=message, key_provider=provider)
    assert found == PLAINTEXT
    assert CONTEXT.items() <= header.encryption_context.items()


def test_a_disabled_key_does_not_decrypt_through_a_master_key_provider(
    keys: Keys, client, master_keys
) -> None:
    key = keys.new()
    provider = master_keys(key.arn)
    message, _ = client.encrypt(source=b"secret", key_provider=provider)
    key.kms.disable_key(KeyId=key.id)
    with pytest.raises(AWSEncryptionSDKClientError):
        client.decrypt(source=message, key_provider=provider)
