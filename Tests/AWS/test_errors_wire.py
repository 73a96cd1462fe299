"""What is wrong with a request before it is KMS's: its signature, its target, its body."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import botocore.auth
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from account import REGION, Account, Person

LIST_KEYS = {"X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}
TARGET, ORIGIN = "X-Amz-Target", "Authorization"


def signed(person: Person, body: bytes = b"{}", region: str = REGION, service: str = "kms", **headers: str):
    """A signed request, as (body, headers), for a test to spoil."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest("POST", person.url + "/", data=body, headers={**LIST_KEYS, **names})
    SigV4Auth(Credentials(person.access_key_id, person.secret), service, region).add_auth(request)
    return body, dict(request.headers.items())


def send(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
    """HTTP status, error code and message of the answer."""
    answer = urllib3.request("POST", url + "/", body=body, headers=headers, retries=False, timeout=30)
    assert answer.headers.get("x-amzn-RequestId"), "an answer has a request id"
    document: dict[str, Any] = json.loads(answer.data or b"{}")
    code = document.get("__type", "").rpartition("#")[2]
    return answer.status, code, document.get("message", document.get("Message", ""))


def test_a_well_signed_request_is_answered(account: Account) -> None:
    assert send(account.url, *signed(account.root))[0] == 200


def test_a_request_without_a_signature_misses_its_token(account: Account) -> None:
    status, code, message = send(account.url, b"{}", LIST_KEYS)
    assert (status, code) == (400, "MissingAuthenticationTokenException")
    assert message in ("Missing Authentication Token", "Request is missing Authentication Token")


def test_an_unknown_access_key_is_an_unrecognised_client(account: Account) -> None:
    person = Person(account.url, "AKIAIOSFODNN7EXAMPLE", account.root.secret)
    assert send(account.url, *signed(person)) == (
        400,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_a_made_up_session_token_is_an_unrecognised_client(account: Account) -> None:
    body, headers = signed(account.root, X_Amz_Security_Token="made up")
    status, code, _ = send(account.url, body, headers)
    assert (status, code) == (400, "UnrecognizedClientException")


def test_a_deleted_access_key_is_an_unrecognised_client(account: Account) -> None:
    person = account.person()
    account.iam.delete_access_key(UserName=person.name, AccessKeyId=person.access_key_id)
    status, code, _ = send(account.url, *signed(person))
    assert (status, code) == (400, "UnrecognizedClientException")


MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


def spoil(headers: dict[str, str], name: str, change) -> dict[str, str]:
    return {**headers, name: change(headers[name])}


def test_a_wrong_secret_makes_a_signature_that_does_not_match(account: Account) -> None:
    person = Person(account.url, account.root.access_key_id, "wrong" + account.root.secret[5:])
    status, code, message = send(account.url, *signed(person))
    assert (status, code) == (400, "InvalidSignatureException")
    assert message.startswith(MISMATCH)


def test_another_body_than_was_signed_does_not_match(account: Account) -> None:
    _, headers = signed(account.root)
    status, code, message = send(account.url, b'{"Limit":1}', headers)
    assert (status, code) == (400, "InvalidSignatureException")
    assert message.startswith(MISMATCH)


@pytest.mark.parametrize("name", [TARGET, "X-Amz-Date"])
def test_another_header_than_was_signed_does_not_match(account: Account, name) -> None:
    body, headers = signed(account.root)
    now = datetime.now(UTC)
    # One second on, but on the same day, so that the credential scope still fits.
    second = now - timedelta(seconds=1) if now.second else now + timedelta(seconds=1)
    value = "TrentService.ListAliases" if name == TARGET else second.strftime("%Y%m%dT%H%M%SZ")
    if headers[name] == value:
        value = (second - timedelta(seconds=2)).strftime("%Y%m%dT%H%M%SZ")
    assert send(account.url, body, {**headers, name: value})[:2] == (400, "InvalidSignatureException")


def test_a_target_that_was_not_signed_is_refused(account: Account) -> None:
    body, headers = signed(account.root)
    headers = spoil(headers, ORIGIN, lambda value: value.replace(";x-amz-target", ""))
    assert send(account.url, body, headers)[:2] == (400, "InvalidSignatureException")


@pytest.mark.parametrize("minutes, words", [(-16, "Signature expired"), (16, "Signature not yet current")])
def test_a_signature_lives_for_a_few_minutes(account: Account, minutes, words) -> None:
    then = datetime.now(UTC) + timedelta(minutes=minutes)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: then.replace(tzinfo=None)):
        body, headers = signed(account.root)
    assert headers["X-Amz-Date"] == then.strftime("%Y%m%dT%H%M%SZ"), "the signer's clock was moved"
    status, code, message = send(account.url, body, headers)
    assert (status, code) == (400, "InvalidSignatureException")
    assert message.startswith(f"{words}: {headers['X-Amz-Date']}")


def test_a_signature_for_another_service_is_refused(account: Account) -> None:
    status, code, message = send(account.url, *signed(account.root, service="dynamodb"))
    assert (status, code) == (400, "InvalidSignatureException")
    assert "Credential should be scoped to correct service" in message


@pytest.mark.parametrize("part", ["Credential=", "SignedHeaders=", "Signature="])
def test_a_signature_with_a_part_missing_is_incomplete(account: Account, part) -> None:
    body, headers = signed(account.root)
    headers = spoil(headers, ORIGIN, lambda value: re.sub(rf"{part}[^,\s]+,?\s*", "", value).rstrip(", "))
    status, code, message = send(account.url, body, headers)
    assert (status, code) == (400, "IncompleteSignatureException")
    assert f"'{part.rstrip('=')}'" in message


@pytest.mark.parametrize(
    "value", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, Signature", "Basic YTpi"]
)
def test_a_header_that_is_no_signature_is_refused(account: Account, value) -> None:
    body, headers = signed(account.root)
    codes = ("IncompleteSignatureException", "MissingAuthenticationTokenException")
    status, code, _ = send(account.url, body, {**headers, ORIGIN: value})
    assert status == 400 and code in codes


@pytest.mark.parametrize(
    "target", ["TrentService.Nonsense", "TrentService.", "Nonsense", "TrentService.listkeys"]
)
def test_an_unknown_target_is_an_unknown_operation(account: Account, target) -> None:
    body, headers = signed(account.root, **{TARGET: target})
    assert send(account.url, body, headers)[:2] == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"Limit": "many"}',
        b'{"Limit": {"a": 1}}',
        b'{"Limit": 1, "Marker": 5}',
        b'{"Marker": "\xff"}',
        b"[" * 5000,
    ],
)
def test_a_body_that_is_not_the_requests_json_does_not_parse(account: Account, body) -> None:
    assert send(account.url, *signed(account.root, body))[:2] == (400, "SerializationException")


@pytest.mark.parametrize("blob", [b'"no base64!"', b'"AAA"', b"[1,2]"])
def test_a_blob_that_is_no_base64_does_not_parse(account: Account, keys, blob) -> None:
    body = b'{"KeyId":"' + keys.symmetric.id.encode() + b'","Plaintext":' + blob + b"}"
    body, headers = signed(account.root, body, **{TARGET: "TrentService.Encrypt"})
    assert send(account.url, body, headers)[:2] == (400, "SerializationException")


def test_members_that_the_api_does_not_know_are_passed_over(account: Account) -> None:
    assert send(account.url, *signed(account.root, b'{"FutureMember": {"a": [1]}}'))[0] == 200
