"""One server and one account for the whole session. See README.md for how to run."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import server as servers
from account import REGION, Account
from databases import Databases
from keys import Keys
from volumes import Volumes


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    if os.environ.get("COFFER_ENDPOINT"):
        yield servers.from_environment()
    else:
        with servers.started(tmp_path_factory.mktemp("coffer")) as server:
            yield server


@pytest.fixture(scope="session")
def account(server: servers.Server) -> Account:
    return Account(server)


@pytest.fixture(scope="session")
def kms(account: Account):
    return account.root.kms


@pytest.fixture(scope="session")
def keys(account: Account) -> Keys:
    return Keys(account)


@pytest.fixture(scope="session")
def volumes(account: Account) -> Iterator[Volumes]:
    """What the tests do with volumes; at the end none is attached, and none of theirs is left."""
    volumes = Volumes(account)
    try:
        yield volumes
    finally:
        volumes.clean()


@pytest.fixture(scope="session")
def ec2(volumes: Volumes):
    return volumes.ec2


@pytest.fixture(scope="session")
def databases(account: Account) -> Iterator[Databases]:
    """What the tests do with database instances; at the end none of theirs is left."""
    databases = Databases(account)
    try:
        yield databases
    finally:
        databases.clean()


@pytest.fixture(scope="session")
def stranger(account: Account):
    """An IAM user to whom nothing is allowed."""
    return account.person()


@pytest.fixture(scope="session")
def command_line(account: Account) -> Callable[..., Any]:
    """The AWS CLI, as people type it: what a command of a service answers, or that it `fails` with these words."""
    program = Path(sys.executable).with_name("aws")
    program = str(program) if program.exists() else shutil.which("aws")
    if not program:
        pytest.skip("the AWS CLI is not installed")
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ACCESS_KEY_ID": account.root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": account.root.secret,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def run(service: str, *arguments: str, fails: str | None = None) -> Any:
        command = [program, service, *arguments, "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        if fails is not None:
            assert done.returncode != 0 and fails in done.stderr, done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run
