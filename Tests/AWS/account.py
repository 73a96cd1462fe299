"""The account under test: clients for its root user and for IAM users, and how to expect an error."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from server import Server

REGION = "us-east-1"
SECOND_REGION = "us-west-2"

Text = str | re.Pattern | None


class Person:
    """One who signs requests: the root user or an IAM user."""

    def __init__(self, url: str, access_key_id: str, secret: str, name: str = "root", arn: str = ""):
        self.url, self.access_key_id, self.secret = url, access_key_id, secret
        self.name, self.arn = name, arn
        self.kms = self.client("kms")
        self.ec2 = self.client("ec2")
        self.rds = self.client("rds")
        # Sends what boto3 itself would refuse, so that the answer is the server's.
        self.unchecked = self.client("kms", parameter_validation=False)

    def client(self, service: str, region: str = REGION, **settings: Any) -> Any:
        """A client that tries once, so that each call is one request."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret,
            config=Config(retries={"max_attempts": 0, "mode": "standard"}, **settings),
        )


class Account:
    """The account: its id, its root user, and users made on the fly."""

    def __init__(self, server: Server):
        self.server, self.url = server, server.url
        self.root = Person(server.url, server.access_key_id, server.secret_access_key)
        self.iam = self.root.client("iam")
        identity = self.root.client("sts").get_caller_identity()
        self.id: str = identity["Account"]
        self.region = REGION
        self.root.arn = self.root_arn = f"arn:aws:iam::{self.id}:root"

    def person(self, *statements: dict[str, Any]) -> Person:
        """A new IAM user with these policy statements; with none, nothing is allowed."""
        name = unique("user")
        arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Person(self.url, key["AccessKeyId"], key["SecretAccessKey"], name, arn)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def allow(*actions: str, resource: str = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **members}


def deny(*actions: str, resource: str = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": resource, **members}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def key_policy(account: Account, *statements: dict[str, Any], root_actions: str = "kms:*") -> str:
    """A key policy that lets the account's root (and with it, IAM policies) do `root_actions`."""
    return policy(allow(root_actions, Principal={"AWS": account.root_arn}), *statements)


def call(client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Calls `operation`, spelled as the API spells it."""
    return getattr(client, xform_name(operation))(**params)


@contextmanager
def raises(code: str | tuple[str, ...], message: Text = None, expected_status: int = 400) -> Iterator[Any]:
    """Expects an error of this code (or one of these), with exactly this text or matching this pattern."""
    with pytest.raises(ClientError) as caught:
        yield caught
    response = caught.value.response
    error, status = response["Error"], response["ResponseMetadata"]["HTTPStatusCode"]
    codes = (code,) if isinstance(code, str) else code
    assert error["Code"] in codes, f"{error['Code']}: {error['Message']}"
    assert status == expected_status, f"{error['Code']} came with HTTP {status}"
    if isinstance(message, re.Pattern):
        assert message.search(error["Message"]), error["Message"]
    elif message is not None:
        assert error["Message"] == message
