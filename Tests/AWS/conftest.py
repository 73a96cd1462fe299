"""One server and one account for the whole session. See README.md for how to run."""

import os
from collections.abc import Iterator

import pytest

import server as servers
from account import Account
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
def stranger(account: Account):
    """An IAM user to whom nothing is allowed."""
    return account.person()
