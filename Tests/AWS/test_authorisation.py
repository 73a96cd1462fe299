"""Who may: key policies, IAM policies and grants together, as KMS weighs them."""

from collections.abc import Iterator

import pytest

from account import Account, Person, allow, call, deny, key_policy, policy, raises
from keys import PLAINTEXT, Key, Keys
from operations import SAMPLES

DENIED = "AccessDeniedException"


@pytest.fixture(scope="module")
def bob(account: Account) -> Person:
    """A user whom IAM lets do all of KMS."""
    return account.person(allow("kms:*"))


@pytest.fixture
def nobody(account: Account) -> Person:
    """A user to whom nothing is allowed, for one test."""
    return account.person()


def principal(person: Person) -> dict:
    return {"Principal": {"AWS": person.arn}}


def granted(key: Key, person: Person, *operations: str, **params) -> dict:
    return key.kms.create_grant(
        KeyId=key.id, GranteePrincipal=person.arn, Operations=list(operations or ["Decrypt"]), **params
    )


# AWS managed keys


@pytest.fixture(scope="module")
def managed(account: Account) -> Iterator[str]:
    yield account.root.kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]["KeyId"]


REFUSED = {
    "ScheduleKeyDeletion": {"PendingWindowInDays": 7},
    "DisableKey": {},
    "EnableKey": {},
    "UpdateKeyDescription": {"Description": "mine"},
    "TagResource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "UntagResource": {"TagKeys": ["a"]},
    "EnableKeyRotation": {},
    "DisableKeyRotation": {},
    "RotateKeyOnDemand": {},
    "Encrypt": {"Plaintext": b"x"},
    "GenerateDataKey": {"KeySpec": "AES_256"},
}


@pytest.mark.parametrize("operation", REFUSED)
def test_an_aws_managed_key_is_not_the_customers_to_change_or_use(account, managed, operation) -> None:
    with raises(DENIED):
        call(account.root.kms, operation, {"KeyId": managed, **REFUSED[operation]})


def test_an_aws_managed_key_keeps_its_policy_and_gives_no_grants(account: Account, managed) -> None:
    with raises(DENIED):
        account.root.kms.put_key_policy(KeyId=managed, Policy=key_policy(account))
    with raises(DENIED):
        account.root.kms.create_grant(
            KeyId=managed, GranteePrincipal=account.root_arn, Operations=["Decrypt"]
        )


def test_an_aws_managed_key_can_be_looked_at(account: Account, managed) -> None:
    kms = account.root.kms
    metadata = kms.describe_key(KeyId=managed)["KeyMetadata"]
    assert (metadata["KeyManager"], metadata["Origin"]) == ("AWS", "AWS_KMS")
    assert "kms:ViaService" in kms.get_key_policy(KeyId=managed)["Policy"]
    assert kms.get_key_rotation_status(KeyId=managed)["KeyRotationEnabled"] is True
    assert {alias["AliasName"] for alias in kms.list_aliases(KeyId=managed)["Aliases"]} == {"alias/aws/ebs"}


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_aliases_of_aws_are_not_the_customers(account: Account, keys: Keys, managed, verb) -> None:
    kms, codes = account.root.kms, ("NotAuthorizedException", DENIED)
    with raises(codes):
        if verb == "create":
            kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=keys.symmetric.id)
        elif verb == "update":
            kms.update_alias(AliasName="alias/aws/ebs", TargetKeyId=keys.symmetric.id)
        else:
            kms.delete_alias(AliasName="alias/aws/ebs")


# Key policy and IAM


def test_a_key_without_a_policy_of_its_own_trusts_the_account(
    account: Account, keys: Keys, bob: Person
) -> None:
    key = keys.new()
    default = SAMPLES["PutKeyPolicy"].params["Policy"].replace("<account.root_arn>", account.root_arn)
    answer = key.kms.get_key_policy(KeyId=key.id)
    assert (answer["Policy"], answer["PolicyName"]) == (default, "default")
    blob = bob.kms.encrypt(KeyId=key.id, Plaintext=PLAINTEXT)["CiphertextBlob"]
    assert bob.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


def test_iam_is_powerless_where_the_key_policy_does_not_trust_the_account(account, keys, bob, nobody) -> None:
    keeper = account.person()
    key = keys.new(Policy=policy(allow("kms:*", **principal(keeper))), BypassPolicyLockoutSafetyCheck=True)
    with raises(DENIED):
        bob.kms.encrypt(KeyId=key.arn, Plaintext=PLAINTEXT)
    with raises(DENIED):
        account.root.kms.encrypt(KeyId=key.arn, Plaintext=PLAINTEXT)
    # IAM lets the keeper do nothing, so that this policy takes the key from the keeper.
    keeper.kms.put_key_policy(
        KeyId=key.arn, Policy=key_policy(account), BypassPolicyLockoutSafetyCheck=True
    )
    bob.kms.encrypt(KeyId=key.arn, Plaintext=PLAINTEXT)


def test_a_key_policy_that_names_a_user_needs_no_iam(account: Account, keys: Keys, nobody: Person) -> None:
    key = keys.new(Policy=key_policy(account, allow("kms:Encrypt", **principal(nobody))))
    nobody.kms.encrypt(KeyId=key.arn, Plaintext=PLAINTEXT)
    with raises(DENIED):
        nobody.kms.generate_data_key(KeyId=key.arn, KeySpec="AES_256")


def test_a_denial_in_the_key_policy_beats_iam_and_grants(account: Account, keys: Keys, bob: Person) -> None:
    key = keys.new(Policy=key_policy(account, deny("kms:Decrypt", **principal(bob))))
    granted(key, bob)
    blob = bob.kms.encrypt(KeyId=key.id, Plaintext=PLAINTEXT)["CiphertextBlob"]
    with raises(DENIED):
        bob.kms.decrypt(CiphertextBlob=blob)


def test_a_denial_in_iam_beats_key_policy_and_grants(account: Account, keys: Keys) -> None:
    person = account.person(deny("kms:Decrypt"))
    key = keys.new(Policy=key_policy(account, allow("kms:*", **principal(person))))
    granted(key, person)
    blob = person.kms.encrypt(KeyId=key.arn, Plaintext=PLAINTEXT)["CiphertextBlob"]
    with raises(DENIED):
        person.kms.decrypt(CiphertextBlob=blob)


@pytest.mark.parametrize(
    "action, allowed",
    [
        ("kms:GenerateDataKey*", True),
        ("KMS:generatedatakey", True),
        ("kms:GenerateDataKe?", True),
        ("kms:Generate", False),
    ],
)
def test_actions_match_without_case_and_with_wildcards(account: Account, keys: Keys, action, allowed) -> None:
    person = account.person(allow(action))
    asked = {"KeyId": keys.symmetric.arn, "KeySpec": "AES_256"}
    if allowed:
        person.kms.generate_data_key(**asked)
    else:
        with raises(DENIED):
            person.kms.generate_data_key(**asked)


def test_an_iam_policy_can_name_one_key(account: Account, keys: Keys) -> None:
    person = account.person(allow("kms:Encrypt", resource=keys.symmetric.arn))
    person.kms.encrypt(KeyId=keys.symmetric.id, Plaintext=PLAINTEXT)
    with raises(DENIED):
        person.kms.encrypt(KeyId=keys.other.id, Plaintext=PLAINTEXT)


def test_re_encryption_needs_both_permissions(account: Account, keys: Keys) -> None:
    asked = {"CiphertextBlob": keys.symmetric.blob, "DestinationKeyId": keys.other.arn}
    source, target = keys.symmetric.arn, keys.other.arn
    both = account.person(
        allow("kms:ReEncryptFrom", resource=source), allow("kms:ReEncryptTo", resource=target)
    )
    both.kms.re_encrypt(**asked)
    for halves in (
        [allow("kms:ReEncryptFrom", resource=source)],
        [allow("kms:ReEncryptTo", resource=target)],
        [allow("kms:ReEncryptTo", resource=source), allow("kms:ReEncryptFrom", resource=target)],
    ):
        with raises(DENIED):
            account.person(*halves).kms.re_encrypt(**asked)


def test_a_key_with_tags_needs_the_permission_to_tag(account: Account) -> None:
    person = account.person(allow("kms:CreateKey"))
    person.kms.create_key()
    with raises(DENIED):
        person.kms.create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])


# Conditions


def test_a_condition_on_the_context_is_one_on_each_call(account: Account, keys: Keys) -> None:
    condition = {"StringEquals": {"kms:EncryptionContext:tenant": "t1"}}
    person = account.person(allow("kms:Decrypt", Condition=condition))
    kms, key_id = account.root.kms, keys.symmetric.id
    for context, allowed in [({"tenant": "t1"}, True), ({"tenant": "t2"}, False), ({}, False)]:
        blob = kms.encrypt(KeyId=key_id, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
        if allowed:
            assert person.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
        else:
            with raises(DENIED):
                person.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_a_condition_on_all_the_contexts_keys_refuses_another_key(account: Account, keys: Keys) -> None:
    condition = {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["tenant", "use"]}}
    person = account.person(allow("kms:Encrypt", Condition=condition))
    asked = {"KeyId": keys.symmetric.arn, "Plaintext": b"x"}
    person.kms.encrypt(EncryptionContext={"tenant": "t1"}, **asked)
    person.kms.encrypt(EncryptionContext={"tenant": "t1", "use": "test"}, **asked)
    with raises(DENIED):
        person.kms.encrypt(EncryptionContext={"tenant": "t1", "more": "x"}, **asked)


def test_a_condition_on_any_of_the_contexts_keys_wants_one(account: Account, keys: Keys) -> None:
    condition = {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "tenant"}}
    person = account.person(allow("kms:Encrypt", Condition=condition))
    asked = {"KeyId": keys.symmetric.arn, "Plaintext": b"x"}
    person.kms.encrypt(EncryptionContext={"more": "x", "tenant": "t1"}, **asked)
    for context in ({"more": "x"}, {}):
        with raises(DENIED):
            person.kms.encrypt(EncryptionContext=context, **asked)


def test_a_direct_call_comes_through_no_service(account: Account, keys: Keys) -> None:
    condition = {"StringEquals": {"kms:ViaService": f"ec2.{account.region}.amazonaws.com"}}
    person = account.person(allow("kms:*", Condition=condition))
    with raises(DENIED):
        person.kms.generate_data_key(KeyId=keys.symmetric.arn, KeySpec="AES_256")


# Grants


def test_a_grant_binds_its_operations_and_context_until_it_is_revoked(keys: Keys, nobody: Person) -> None:
    key = keys.new()
    grant = granted(key, nobody, Constraints={"EncryptionContextSubset": {"dept": "it"}})

    def decrypt(context: dict[str, str]) -> bytes:
        blob = key.kms.encrypt(KeyId=key.id, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
        return nobody.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"]

    assert decrypt({"dept": "it", "x": "y"}) == b"x"
    for context in ({"dept": "hr"}, {"x": "y"}, {}):
        with raises(DENIED):
            decrypt(context)
    with raises(DENIED):
        nobody.kms.encrypt(KeyId=key.arn, Plaintext=b"x", EncryptionContext={"dept": "it"})
    key.kms.revoke_grant(KeyId=key.id, GrantId=grant["GrantId"])
    with raises(DENIED):
        decrypt({"dept": "it", "x": "y"})
    assert key.kms.list_grants(KeyId=key.id)["Grants"] == []


def test_a_grant_for_an_exact_context_refuses_a_larger_one(keys: Keys, nobody: Person) -> None:
    key = keys.new()
    granted(key, nobody, "Encrypt", Constraints={"EncryptionContextEquals": {"dept": "it"}})
    asked = {"KeyId": key.arn, "Plaintext": b"x"}
    nobody.kms.encrypt(EncryptionContext={"dept": "it"}, **asked)
    with raises(DENIED):
        nobody.kms.encrypt(EncryptionContext={"dept": "it", "x": "y"}, **asked)


def test_a_grant_of_the_same_name_is_the_same_grant(keys: Keys, nobody: Person) -> None:
    key = keys.new()
    first, second = granted(key, nobody, Name="once"), granted(key, nobody, Name="once")
    assert first["GrantId"] == second["GrantId"]
    unnamed = {granted(key, nobody)["GrantId"] for _ in range(2)}
    assert len(unnamed) == 2
    assert len(key.kms.list_grants(KeyId=key.id)["Grants"]) == 3
    blob = key.blob
    for token in (first["GrantToken"], second["GrantToken"]):
        assert nobody.kms.decrypt(CiphertextBlob=blob, GrantTokens=[token])["Plaintext"] == PLAINTEXT


def test_a_grant_is_listed_as_it_was_made(keys: Keys, nobody: Person, account: Account) -> None:
    key = keys.new()
    constraints = {"EncryptionContextSubset": {"dept": "it"}}
    made = granted(
        key,
        nobody,
        "Decrypt",
        "Encrypt",
        Name="listed",
        Constraints=constraints,
        RetiringPrincipal=account.root_arn,
    )
    (listed,) = key.kms.list_grants(KeyId=key.id)["Grants"]
    assert listed["GrantId"] == made["GrantId"] and listed["KeyId"] == key.arn
    assert (listed["Name"], listed["GranteePrincipal"]) == ("listed", nobody.arn)
    assert (listed["RetiringPrincipal"], listed["IssuingAccount"]) == (account.root_arn, account.root_arn)
    assert set(listed["Operations"]) == {"Decrypt", "Encrypt"} and listed["Constraints"] == constraints
    assert key.kms.list_grants(KeyId=key.id, GranteePrincipal=account.root_arn)["Grants"] == []


def test_the_retiring_principal_retires_and_another_may_not(
    account: Account, keys: Keys, nobody: Person
) -> None:
    key, retirer = keys.new(), account.person()
    grant = granted(key, nobody, RetiringPrincipal=retirer.arn)
    listed = account.root.kms.list_retirable_grants(RetiringPrincipal=retirer.arn)["Grants"]
    assert [each["GrantId"] for each in listed] == [grant["GrantId"]]
    for other in (nobody, account.person()):
        with raises(DENIED):
            other.kms.retire_grant(GrantToken=grant["GrantToken"])
    retirer.kms.retire_grant(GrantToken=grant["GrantToken"])
    with raises(DENIED):
        nobody.kms.decrypt(CiphertextBlob=key.blob)


def test_a_grantee_retires_where_the_grant_says_so(keys: Keys, nobody: Person) -> None:
    key = keys.new()
    grant = granted(key, nobody, "Decrypt", "RetireGrant")
    nobody.kms.retire_grant(KeyId=key.arn, GrantId=grant["GrantId"])
    assert key.kms.list_grants(KeyId=key.id)["Grants"] == []


def test_a_grant_made_under_a_grant_is_no_wider(account: Account, keys: Keys, nobody: Person) -> None:
    key, third = keys.new(), account.person()
    constraints = {"EncryptionContextSubset": {"dept": "it"}}
    granted(key, nobody, "Decrypt", "CreateGrant", Constraints=constraints)
    asked = {"KeyId": key.arn, "GranteePrincipal": third.arn}
    nobody.kms.create_grant(Operations=["Decrypt"], Constraints=constraints, **asked)
    for wider in (
        {"Operations": ["Decrypt"]},
        {"Operations": ["Decrypt", "Encrypt"], "Constraints": constraints},
        {"Operations": ["Decrypt"], "Constraints": {"EncryptionContextSubset": {"dept": "hr"}}},
    ):
        with raises((DENIED, "ValidationException")):
            nobody.kms.create_grant(**wider, **asked)
