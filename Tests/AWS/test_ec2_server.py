"""Volumes outlive the server that attached them, which is stopped, killed and started; and many ask at once."""

import os
import random
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import server as servers
from account import Account, unique
from volumes import ZONE, Volumes, until

SEED = int(os.environ.get("COFFER_TEST_SEED", "7"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for a home of the test's own, which leaves nothing attached."""
    if os.environ.get("COFFER_ENDPOINT"):
        pytest.skip("the server runs elsewhere: it cannot be stopped from here")
    if not os.path.exists("/dev/fuse"):
        pytest.skip("attaching needs /dev/fuse")
    monkeypatch.setenv("COFFER_PKCS11_MODULE", "")
    yield tmp_path
    with running(tmp_path) as volumes:
        volumes.made = {each["VolumeId"] for each in volumes.ec2.describe_volumes()["Volumes"]}
        volumes.clean()


@contextmanager
def running(folder: Path) -> Iterator[Volumes]:
    """A server over the home in `folder`; a fresh one each time."""
    with servers.started(folder) as server:
        account = Account(server)
        try:
            yield Volumes(account)
        finally:
            # A user has two access keys at most. The server may have been killed.
            with suppress(Exception):
                account.iam.delete_access_key(AccessKeyId=server.access_key_id)


def test_an_attachment_outlives_the_server(home: Path) -> None:
    with running(home) as volumes:
        volume = volumes.new(Encrypted=True)
        file = volumes.attach(volume, "/dev/sdf")
        with file.open("r+b", buffering=0) as opened:
            opened.write(b"before")
    assert file.open("rb").read(6) == b"before", "it is served while no server runs"
    with running(home) as volumes:
        attachment = volumes.attached(volume)
        assert (attachment["Device"], attachment["InstanceId"]) == ("/dev/sdf", volumes.instance)
        with file.open("r+b", buffering=0) as opened:
            opened.write(b"after ")
        volumes.detach(volume)
        assert volumes.attach(volume).open("rb").read(6) == b"after "
        volumes.detach(volume)


def test_a_server_that_is_told_to_stop_ends_what_it_has_begun(home: Path) -> None:
    with running(home) as volumes:
        volume = volumes.new()
        made = volumes.create()["VolumeId"]
        volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device="/dev/sdf")
    with running(home) as volumes:
        assert volumes.describe(made)["State"] == "available"
        found = volumes.describe(volume)
        assert found["State"] == "in-use" and found["Attachments"][0]["State"] == "attached"
        volumes.ec2.detach_volume(VolumeId=volume)
    with running(home) as volumes:
        assert volumes.describe(volume)["State"] == "available"


@pytest.mark.parametrize("turn", range(5))
def test_a_server_that_is_killed_leaves_volumes_that_can_be_used(home: Path, turn) -> None:
    """Whatever was under way, every volume can be brought to rest, and those that were made can be attached."""
    chance = random.Random(f"{SEED} {turn}")
    with running(home) as volumes:
        kept = volumes.new(Encrypted=True)
        file = volumes.attach(kept)
        with file.open("r+b", buffering=0) as opened:
            opened.write(b"kept")
            os.fsync(opened.fileno())
        steps = [
            lambda: volumes.create(),
            lambda: volumes.ec2.detach_volume(VolumeId=kept),
            lambda: volumes.attach(volumes.new()),
            lambda: volumes.ec2.modify_volume(VolumeId=volumes.new(), Size=2),
            lambda: volumes.ec2.delete_volume(VolumeId=volumes.new()),
        ]
        steps[turn]()
        until(lambda: chance.random(), lambda number: number < 0.3)
        os.kill(volumes.server.process_id, signal.SIGKILL)
    with running(home) as volumes:
        for found in volumes.ec2.describe_volumes()["Volumes"]:
            volume = found["VolumeId"]
            if found["State"] == "in-use":
                volumes.detach(volume, Force=True)
            elif found["State"] == "creating":
                until(lambda volume=volume: volumes.describe(volume)["State"], lambda s: s != "creating")
            if volumes.describe(volume)["State"] == "available":
                volumes.attach(volume)
                volumes.detach(volume)
            else:
                assert volumes.describe(volume)["State"] == "error"
                volumes.ec2.delete_volume(VolumeId=volume)
        assert volumes.attach(kept).open("rb").read(4) == b"kept"
        volumes.detach(kept)


def test_many_clients_at_once(volumes: Volumes, account: Account) -> None:
    """Each with a volume of its own, through its whole life; and all with one, which one of them gets."""

    def live(number: int) -> None:
        own = Volumes(account)
        own.ec2 = account.root.client("ec2")
        volume = own.new(Encrypted=number % 2 == 0)
        device = f"/dev/xvdn{chr(ord('a') + number)}"
        own.attach(volume, device)
        own.ec2.create_tags(Resources=[volume], Tags=[{"Key": "n", "Value": str(number)}])
        own.detach(volume)
        own.attach(volume, device)
        own.detach(volume)
        own.ec2.delete_volume(VolumeId=volume)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(live, range(8)))

    wanted = volumes.new()

    def grab(number: int) -> bool:
        client = account.root.client("ec2")
        device = f"/dev/xvdo{chr(ord('a') + number)}"
        try:
            client.attach_volume(VolumeId=wanted, InstanceId=volumes.instance, Device=device)
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("VolumeInUse", "IncorrectState"), error
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(grab, range(6))) == 1
    volumes.attached(wanted)
    volumes.detach(wanted)


def test_a_volume_is_modified_by_one_at_a_time(volumes: Volumes, account: Account) -> None:
    volume = volumes.new()

    def grow(size: int) -> str | int:
        try:
            account.root.client("ec2").modify_volume(VolumeId=volume, Size=size)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return size

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(grow, range(2, 8)))
    sizes = [answer for answer in answers if isinstance(answer, int)]
    codes = {answer for answer in answers if isinstance(answer, str)}
    # One that comes after a larger one would make it smaller.
    assert sizes and codes <= {"IncorrectModificationState", "InvalidParameterValue"}, answers
    done = until(
        lambda: volumes.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0],
        lambda found: found["ModificationState"] == "completed",
    )
    assert done["TargetSize"] == volumes.describe(volume)["Size"] == max(sizes)


def test_one_token_at_once_makes_one_volume(volumes: Volumes, account: Account) -> None:
    token = unique("token")

    def create(_: int) -> str:
        client = account.root.client("ec2")
        return client.create_volume(AvailabilityZone=ZONE, Size=1, ClientToken=token)["VolumeId"]

    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(create, range(6)))
    volumes.made |= made
    assert len(made) == 1
    volumes.settle(made.pop(), "available")
