"""What the API's model forbids is refused in the model's words, before any key is looked for."""

import re
from typing import Any

import pytest
from botocore.model import Shape

from account import Account, call, raises
from keys import Keys, fill
from operations import SAMPLES, members, required

# What Coffer takes a token's label for. AWS's own examples do not match the model's pattern either.
LABELS = {"CloudHsmClusterId"}

ENUM = re.compile(r"(Member must satisfy enum value set: )\[[^\]]*\]")


def complaints(message: str) -> list[str]:
    """The complaints of a ValidationException in a fixed order; the values of an enum have none on AWS."""
    match = re.fullmatch(r"(\d+) validation errors? detected: (.*)", message, re.DOTALL)
    assert match, message
    count, text = int(match.group(1)), match.group(2)
    assert ("errors" in message.partition(" detected")[0]) == (count != 1), message
    each = re.split(r"; (?=Value )", ENUM.sub(r"\1[]", text))
    assert len(each) == count, message
    return sorted(each)


def camel(member: str) -> str:
    return member[0].lower() + member[1:]


def expected(member: str, shape: Shape, value: Any) -> list[str]:
    """The complaints about `value`, from the constraints of its shape."""
    limits, faults = shape.metadata, []
    length = value if isinstance(value, int) else len(value)
    what = "value" if isinstance(value, int) else "length"
    if "enum" in limits and value not in limits["enum"]:
        faults.append("Member must satisfy enum value set: []")
    if "pattern" in limits and member not in LABELS and not re.fullmatch(limits["pattern"], value):
        faults.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
    if length < limits.get("min", length):
        faults.append(f"Member must have {what} greater than or equal to {limits['min']}")
    if length > limits.get("max", length):
        faults.append(f"Member must have {what} less than or equal to {limits['max']}")
    shown = "Value" if isinstance(value, bytes) else f"Value '{value}'"
    return sorted(f"{shown} at '{camel(member)}' failed to satisfy constraint: {fault}" for fault in faults)


def breaches() -> list:
    """(operation, member, value) for each limit of each top-level member: one step past it."""
    found = []
    for operation in sorted(SAMPLES):
        for member, shape in members(operation).items():
            limits = shape.metadata
            if limits.get("sensitive"):
                continue
            values: dict[str, Any] = {}
            if "enum" in limits:
                values["enum"] = "NONSENSE"
            elif shape.type_name == "integer":
                values = {"low": limits["min"] - 1, "high": limits["max"] + 1} if "min" in limits else {}
            elif shape.type_name in ("string", "blob") and "max" in limits:
                unit: Any = b"a" if shape.type_name == "blob" else "a"
                values["long"] = unit * (limits["max"] + 1)
                if limits.get("min", 0) > 0:
                    values["empty"] = unit[:0]
                if "pattern" in limits and member not in LABELS:
                    values["pattern"] = "\u20ac" * max(limits.get("min", 1), 1)
            found += [
                pytest.param(operation, member, value, id=f"{operation}-{member}-{name}")
                for name, value in values.items()
            ]
    return found


@pytest.mark.parametrize("operation, member, value", breaches())
def test_a_value_past_a_limit_of_the_model_is_refused(account: Account, operation, member, value) -> None:
    request = SAMPLES[operation]
    # The key does not exist, and the blob is junk: validation comes before both.
    params = {name: b"junk" if name == "CiphertextBlob" else given for name, given in request.params.items()}
    if request.member:
        params[request.member] = "12345678-1234-1234-1234-123456789012"
    for name, given in params.items():
        if isinstance(given, str) and "<" in given:
            params[name] = "alias/none" if name == "AliasName" else "none"
    with raises("ValidationException") as caught:
        call(account.root.unchecked, operation, {**params, member: value})
    message = caught.value.response["Error"]["Message"]
    assert complaints(message) == expected(member, members(operation)[member], value)


@pytest.mark.parametrize("operation", [name for name in sorted(SAMPLES) if required(name)])
def test_all_missing_members_are_named_at_once(account: Account, operation) -> None:
    with raises("ValidationException") as caught:
        call(account.root.unchecked, operation, {})
    message = re.sub(r"Value null at", "Value at", caught.value.response["Error"]["Message"])
    assert complaints(message) == sorted(
        f"Value at '{camel(member)}' failed to satisfy constraint: Member must not be null"
        for member in required(operation)
    )


def test_two_faults_are_told_together(account: Account) -> None:
    with raises("ValidationException", re.compile("^2 validation errors detected: ")) as caught:
        account.root.unchecked.generate_mac(KeyId="", Message=b"m", MacAlgorithm="NONSENSE")
    assert complaints(caught.value.response["Error"]["Message"]) == [
        "Value '' at 'keyId' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
        "Value 'NONSENSE' at 'macAlgorithm' failed to satisfy constraint: "
        "Member must satisfy enum value set: []",
    ]


LONG_KEY, LONG_VALUE = "k" * 129, "v" * 257
MEMBER_CASES = {
    "long tag key": (
        "TagResource",
        {"Tags": [{"TagKey": LONG_KEY, "TagValue": "v"}]},
        f"Value '{LONG_KEY}' at 'tags.1.member.tagKey' failed to satisfy constraint: "
        "Member must have length less than or equal to 128",
    ),
    "empty tag key": (
        "TagResource",
        {"Tags": [{"TagKey": "", "TagValue": "v"}]},
        "Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
    ),
    "long value of the second tag": (
        "TagResource",
        {"Tags": [{"TagKey": "a", "TagValue": "v"}, {"TagKey": "b", "TagValue": LONG_VALUE}]},
        f"Value '{LONG_VALUE}' at 'tags.2.member.tagValue' failed to satisfy constraint: "
        "Member must have length less than or equal to 256",
    ),
}


@pytest.mark.parametrize("operation, params, text", MEMBER_CASES.values(), ids=MEMBER_CASES)
def test_a_fault_inside_a_list_is_named_by_its_path(account: Account, keys: Keys, operation, params, text):
    request = {**fill(SAMPLES[operation].full, keys), **params}
    with raises("ValidationException", f"1 validation error detected: {text}"):
        call(account.root.unchecked, operation, request)


LIST_CASES = {
    "eleven grant tokens": ("Encrypt", {"GrantTokens": ["token"] * 11}, "grantTokens"),
    "an empty grant token": ("Encrypt", {"GrantTokens": [""]}, "grantTokens"),
    "an unknown grant operation": ("CreateGrant", {"Operations": ["Decrypt", "Fly"]}, "operations"),
    "a grant operation in the wrong case": ("CreateGrant", {"Operations": ["decrypt"]}, "operations"),
    "an unknown dry run modifier": ("Decrypt", {"DryRunModifiers": ["NONSENSE"]}, "dryRunModifiers"),
    "an empty tag key to take away": ("UntagResource", {"TagKeys": [""]}, "tagKeys"),
}


@pytest.mark.parametrize("operation, params, member", LIST_CASES.values(), ids=LIST_CASES)
def test_a_fault_of_a_list_names_the_list(account: Account, keys: Keys, operation, params, member) -> None:
    request = {**fill(SAMPLES[operation].full, keys), **params}
    pattern = re.compile(rf"^1 validation error detected: Value '\[.*\]' at '{member}' failed to satisfy")
    with raises("ValidationException", pattern):
        call(account.root.unchecked, operation, request)
