"""Each operation, asked about a key that is not there, or by one who may not, says so in AWS's words."""

import re

import pytest

from account import SECOND_REGION, Account, call, raises
from keys import Key, Keys, fill
from operations import DRY_RUN, KEYED, SAMPLES, TAKE_ALIASES, TAKE_GRANT_TOKENS, declared_errors

NOBODY = "12345678-1234-1234-1234-123456789012"
NO_PRIMARY = "mrk-12345678123412341234123456789012"

# A target given as an alias has an error of its own: see test_errors.py.
BY_KEY_ONLY = [name for name in KEYED if name not in TAKE_ALIASES and SAMPLES[name].member == "KeyId"]


def ask(account: Account, keys: Keys, operation: str, key_id: str) -> None:
    # Samples that need not exist are filled all the same: only the key is wrong.
    params = fill(SAMPLES[operation].params, keys)
    call(account.root.unchecked, operation, {**params, SAMPLES[operation].member: key_id})


@pytest.mark.parametrize("operation", KEYED)
def test_what_is_no_key_id_is_an_invalid_key_id(account: Account, keys: Keys, operation) -> None:
    with raises("NotFoundException", "Invalid keyId 'fake-key-id'"):
        ask(account, keys, operation, "fake-key-id")


@pytest.mark.parametrize("operation", KEYED)
def test_a_key_that_does_not_exist_is_named_by_its_arn(account: Account, keys: Keys, operation) -> None:
    arn = f"arn:aws:kms:{account.region}:{account.id}:key/{NOBODY}"
    with raises("NotFoundException", f"Key '{arn}' does not exist"):
        ask(account, keys, operation, NOBODY)


@pytest.mark.parametrize("key_id", [NO_PRIMARY, NOBODY])
def test_a_key_that_does_not_exist_is_named_by_its_arn_when_asked_by_arn(account, key_id) -> None:
    arn = f"arn:aws:kms:{account.region}:{account.id}:key/{key_id}"
    with raises("NotFoundException", f"Key '{arn}' does not exist"):
        account.root.kms.describe_key(KeyId=arn)


@pytest.mark.parametrize("key_id", [NOBODY.replace("-", ""), "mrk-fake-key-id", NOBODY.upper() + "A"])
def test_what_only_looks_like_a_key_id_is_invalid(account: Account, key_id) -> None:
    with raises("NotFoundException", f"Invalid keyId '{key_id}'"):
        account.root.kms.describe_key(KeyId=key_id)


@pytest.mark.parametrize("operation", KEYED)
def test_an_arn_of_another_region_is_refused_by_that_region(account: Account, keys: Keys, operation) -> None:
    with raises("NotFoundException", f"Invalid arn {SECOND_REGION}"):
        ask(account, keys, operation, f"arn:aws:kms:{SECOND_REGION}:{account.id}:key/{NOBODY}")


@pytest.mark.parametrize("operation", sorted(TAKE_ALIASES))
@pytest.mark.parametrize("form", ["name", "arn"])
def test_an_alias_that_does_not_exist_is_named_by_its_arn(account, keys: Keys, operation, form) -> None:
    arn = f"arn:aws:kms:{account.region}:{account.id}:alias/nobody"
    with raises("NotFoundException", f"Alias {arn} is not found."):
        ask(account, keys, operation, arn if form == "arn" else "alias/nobody")


@pytest.mark.parametrize("operation", BY_KEY_ONLY)
def test_what_manages_a_key_takes_no_alias(account: Account, keys: Keys, operation) -> None:
    with raises("NotFoundException", f"Invalid keyId '{keys.symmetric.alias}'"):
        ask(account, keys, operation, keys.symmetric.alias)


@pytest.mark.parametrize(
    "operation", [name for name in BY_KEY_ONLY if "InvalidArnException" in declared_errors(name)]
)
def test_what_manages_a_key_takes_no_alias_arn(account: Account, keys: Keys, operation) -> None:
    with raises("InvalidArnException", re.compile("Key Aliases are not supported for this operation")):
        ask(account, keys, operation, keys.symmetric.alias_arn)


@pytest.mark.parametrize(
    "operation", [name for name in KEYED if "InvalidArnException" in declared_errors(name)]
)
def test_an_arn_of_no_key_is_an_invalid_arn(account: Account, keys: Keys, operation) -> None:
    with raises("InvalidArnException"):
        ask(account, keys, operation, f"arn:aws:kms:{account.region}:{account.id}:nonsense/{NOBODY}")


def test_a_key_of_another_account_is_never_told_from_none(account: Account) -> None:
    with raises("AccessDeniedException"):
        account.root.kms.describe_key(KeyId=f"arn:aws:kms:{account.region}:999999999999:key/{NOBODY}")


# What one may not do


@pytest.mark.parametrize("operation", sorted(SAMPLES))
def test_one_without_permission_is_denied(account: Account, keys: Keys, stranger, operation) -> None:
    action = {"ReEncrypt": "ReEncrypt(From|To)"}.get(operation, operation)
    text = re.compile(rf"^User: {stranger.arn} is not authorized to perform: kms:{action}\b")
    if operation in ("Decrypt", "ReEncrypt"):
        text = re.compile(
            text.pattern + "|^The ciphertext refers to a customer master key that does not exist"
        )
    request = fill(SAMPLES[operation].full, keys)
    with raises("AccessDeniedException", text):
        call(stranger.unchecked, operation, request)


@pytest.mark.parametrize("operation", [name for name in KEYED if name != "RetireGrant"])
def test_one_without_permission_learns_no_key_state(
    account: Account, keys: Keys, stranger, operation
) -> None:
    request = fill(SAMPLES[operation].params, keys)
    with raises("AccessDeniedException"):
        call(stranger.unchecked, operation, {**request, SAMPLES[operation].member: keys.deleted.arn})


@pytest.mark.parametrize("operation", TAKE_GRANT_TOKENS)
def test_a_made_up_grant_token_is_refused(account: Account, keys: Keys, operation) -> None:
    request = {**fill(SAMPLES[operation].full, keys), "GrantTokens": ["AQpAmadeup"]}
    with raises("InvalidGrantTokenException"):
        call(account.root.unchecked, operation, request)


# What a dry run tells


@pytest.mark.parametrize("operation", DRY_RUN)
def test_a_dry_run_that_would_succeed_says_so(account: Account, keys: Keys, operation) -> None:
    text = "The request would have succeeded, but the DryRun option is set."
    with raises("DryRunOperationException", text):
        call(account.root.unchecked, operation, {**fill(SAMPLES[operation].full, keys), "DryRun": True})


@pytest.mark.parametrize("operation", DRY_RUN)
def test_a_dry_run_without_permission_is_denied(account: Account, keys: Keys, stranger, operation) -> None:
    with raises("AccessDeniedException"):
        call(stranger.unchecked, operation, {**fill(SAMPLES[operation].full, keys), "DryRun": True})


@pytest.mark.parametrize("operation", [name for name in DRY_RUN if SAMPLES[name].kind == "symmetric"])
def test_a_dry_run_on_a_key_that_is_not_there_fails_as_the_run_would(account, keys, operation) -> None:
    params = {**fill(SAMPLES[operation].params, keys), "DryRun": True}
    with raises("NotFoundException", "Invalid keyId 'fake-key-id'"):
        call(account.root.unchecked, operation, {**params, SAMPLES[operation].member: "fake-key-id"})


def test_a_dry_run_changes_nothing(account: Account, keys: Keys) -> None:
    key: Key = keys.new()
    grantee = {"GranteePrincipal": account.root_arn, "Operations": ["Decrypt"]}
    grant_id = key.kms.create_grant(KeyId=key.id, **grantee)["GrantId"]
    for attempt in (
        lambda: key.kms.create_grant(KeyId=key.id, DryRun=True, **grantee),
        lambda: key.kms.revoke_grant(KeyId=key.id, GrantId=grant_id, DryRun=True),
        lambda: key.kms.retire_grant(KeyId=key.id, GrantId=grant_id, DryRun=True),
    ):
        with raises("DryRunOperationException"):
            attempt()
    assert [grant["GrantId"] for grant in key.kms.list_grants(KeyId=key.id)["Grants"]] == [grant_id]
