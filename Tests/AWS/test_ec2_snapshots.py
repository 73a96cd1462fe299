"""Snapshots as boto3 sees them: made of volumes that are attached and of others, described, deleted."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from account import Account, Person, allow, raises, unique
from volumes import Volumes, quick, until

UNKNOWN = "snap-0123456789abcdef0"
BLOCK = 512 << 10


def specification(**pairs: str) -> list[dict]:
    tags = [{"Key": key, "Value": value} for key, value in pairs.items()]
    return [{"ResourceType": "snapshot", "Tags": tags}]


def describe(volumes: Volumes, snapshot: str) -> dict:
    return volumes.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]


def completed(volumes: Volumes, volume: str, **params) -> dict:
    """A snapshot that is complete."""
    snapshot = volumes.ec2.create_snapshot(VolumeId=volume, **params)["SnapshotId"]
    return until(lambda: describe(volumes, snapshot), lambda found: found["State"] == "completed")


@pytest.mark.parametrize("is_attached", [False, True])
def test_a_snapshot_is_made_and_told(volumes: Volumes, account: Account, keys, is_attached) -> None:
    key = keys.new()
    volume = volumes.new(Encrypted=True, KmsKeyId=key.arn, Size=2)
    if is_attached:
        with volumes.attach(volume).open("r+b", buffering=0) as file:
            file.write(os.urandom(3 * BLOCK))
    made = volumes.ec2.create_snapshot(
        VolumeId=volume, Description="naïve & <x>", TagSpecifications=specification(Name="s", env="é")
    )
    snapshot = made["SnapshotId"]
    assert made["State"] in ("pending", "completed") and made["VolumeId"] == volume
    assert {"Key": "env", "Value": "é"} in made["Tags"]
    volumes.ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig=quick())
    found = describe(volumes, snapshot)
    assert (found["Progress"], found["State"], found["VolumeSize"]) == ("100%", "completed", 2)
    assert (found["Encrypted"], found["KmsKeyId"]) == (True, key.arn)
    assert (found["OwnerId"], found["Description"]) == (account.id, "naïve & <x>")
    assert abs(found["StartTime"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert sorted(tag["Key"] for tag in found["Tags"]) == ["Name", "env"]
    if is_attached:
        assert volumes.describe(volume)["Attachments"][0]["State"] == "attached"
        volumes.detach(volume)
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)
    with raises("InvalidSnapshot.NotFound", f"The snapshot '{snapshot}' does not exist."):
        volumes.ec2.describe_snapshots(SnapshotIds=[snapshot])


def test_a_snapshot_of_a_volume_without_encryption_says_so(volumes: Volumes) -> None:
    found = completed(volumes, volumes.new())
    assert found["Encrypted"] is False and "KmsKeyId" not in found and not found.get("Tags")
    volumes.ec2.delete_snapshot(SnapshotId=found["SnapshotId"])


def test_a_second_snapshot_stores_what_has_changed(volumes: Volumes) -> None:
    volume = volumes.new(Encrypted=True)
    file = volumes.attach(volume)
    with file.open("r+b", buffering=0) as opened:
        opened.write(os.urandom(64 * BLOCK))
        os.fsync(opened.fileno())

    def stored() -> int:
        folder = volumes.server.home / "snapshots"
        return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())

    empty = stored()
    first = completed(volumes, volume)
    full = stored()
    assert full - empty >= 64 * BLOCK
    with file.open("r+b", buffering=0) as opened:
        for block in (3, 17, 40):
            opened.seek(block * BLOCK + 4096)
            opened.write(os.urandom(8192))
        os.fsync(opened.fileno())
    second = completed(volumes, volume)
    assert stored() - full <= 4 * BLOCK
    volumes.detach(volume)
    volumes.ec2.delete_snapshot(SnapshotId=first["SnapshotId"])
    assert describe(volumes, second["SnapshotId"])["State"] == "completed"
    volumes.ec2.delete_snapshot(SnapshotId=second["SnapshotId"])
    until(stored, lambda now: now - empty < BLOCK)


def content(file: Path, size: int = 64 * BLOCK) -> bytes:
    with file.open("rb", buffering=0) as opened:
        return b"".join(opened.read(1 << 20) for _ in range(0, size, 1 << 20))


def test_a_volume_begins_as_its_snapshot(volumes: Volumes) -> None:
    """Usable at once, larger where it is wanted, and what is written to it is its own."""
    volume = volumes.new(Encrypted=True)
    file = volumes.attach(volume)
    with file.open("r+b", buffering=0) as opened:
        opened.write(os.urandom(40 * BLOCK))
        opened.seek(50 * BLOCK)
        opened.write(os.urandom(BLOCK))
        os.fsync(opened.fileno())
    before = content(file)
    snapshot = completed(volumes, volume)["SnapshotId"]
    with file.open("r+b", buffering=0) as opened:
        opened.write(os.urandom(10 * BLOCK))
        os.fsync(opened.fileno())
    after = content(file)
    assert after != before

    started = time.monotonic()
    made = volumes.new(SnapshotId=snapshot)
    larger = volumes.new(SnapshotId=snapshot, Size=3)
    assert time.monotonic() - started < 5
    for restored, size in ((made, 1), (larger, 3)):
        found = volumes.describe(restored)
        assert (found["SnapshotId"], found["Size"], found["Encrypted"]) == (snapshot, size, True)
        assert found["KmsKeyId"] == volumes.describe(volume)["KmsKeyId"]
        own = volumes.attach(restored)
        assert own.stat().st_size == size << 30
        assert content(own) == before
    with volumes.file(made).open("r+b", buffering=0) as opened:
        opened.write(b"changed")
    assert content(volumes.file(larger)) == before and content(file) == after
    for each in (volume, made, larger):
        volumes.detach(each)
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)
    assert content(volumes.attach(larger)) == before
    volumes.detach(larger)


@pytest.mark.parametrize(
    "params, code",
    [
        ({"Encrypted": False}, "InvalidParameterValue"),
        ({"Size": 1}, "InvalidParameterValue"),
        ({"SnapshotId": UNKNOWN}, "InvalidSnapshot.NotFound"),
        ({"SnapshotId": "snap-zz"}, "InvalidSnapshotID.Malformed"),
    ],
)
def test_what_no_volume_can_be_made_from_is_refused(volumes: Volumes, encrypted, params, code) -> None:
    with raises(code):
        volumes.create(**{"SnapshotId": encrypted, "Size": 2, **params})


@pytest.fixture(scope="module")
def encrypted(volumes: Volumes) -> Iterator[str]:
    """A snapshot of an encrypted volume of 2 GiB."""
    snapshot = completed(volumes, volumes.new(Encrypted=True, Size=2))["SnapshotId"]
    yield snapshot
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)


def test_a_volume_may_have_another_key_than_its_snapshot(volumes: Volumes, keys) -> None:
    first, second = keys.new(), keys.new()
    volume = volumes.new(Encrypted=True, KmsKeyId=first.arn)
    with volumes.attach(volume).open("r+b", buffering=0) as opened:
        opened.write(b"under two keys")
        os.fsync(opened.fileno())
    volumes.detach(volume)
    snapshot = completed(volumes, volume)["SnapshotId"]
    restored = volumes.new(SnapshotId=snapshot, Encrypted=True, KmsKeyId=second.arn)
    assert volumes.describe(restored)["KmsKeyId"] == second.arn
    with volumes.attach(restored).open("rb") as opened:
        assert opened.read(14) == b"under two keys"
    volumes.detach(restored)
    first.kms.disable_key(KeyId=first.id)
    made = volumes.create(SnapshotId=snapshot, Encrypted=True, KmsKeyId=second.arn)["VolumeId"]
    until(lambda: volumes.gone(made), bool, seconds=10)
    first.kms.enable_key(KeyId=first.id)
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)


def test_a_snapshot_outlives_its_volume(volumes: Volumes) -> None:
    volume = volumes.new()
    snapshot = completed(volumes, volume)["SnapshotId"]
    volumes.ec2.delete_volume(VolumeId=volume)
    assert describe(volumes, snapshot)["VolumeId"] == volume
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)


def test_snapshots_are_filtered_and_come_in_pages(volumes: Volumes, account: Account) -> None:
    volume, fleet = volumes.new(), unique("fleet")
    made = [
        completed(volumes, volume, TagSpecifications=specification(fleet=fleet, n=str(n)))["SnapshotId"]
        for n in range(6)
    ]
    mine = [{"Name": "tag:fleet", "Values": [fleet]}]
    pages = list(
        volumes.ec2.get_paginator("describe_snapshots").paginate(
            Filters=mine, PaginationConfig={"PageSize": 5}
        )
    )
    assert [len(page["Snapshots"]) for page in pages] == [5, 1]

    def found(*filters: tuple[str, str], **params) -> set[str]:
        asked = [*mine, *({"Name": name, "Values": [value]} for name, value in filters)]
        answer = volumes.ec2.describe_snapshots(Filters=asked, **params)["Snapshots"]
        return {snapshot["SnapshotId"] for snapshot in answer}

    assert found(("volume-id", volume)) == set(made)
    assert found(("tag:n", "[0-2]")) == set() and found(("tag:n", "?")) == set(made)
    assert found(("status", "pending")) == set()
    assert found(("snapshot-id", made[0])) == {made[0]}
    for owner in ("self", account.id):
        assert found(OwnerIds=[owner]) == set(made)
    assert found(OwnerIds=["amazon"]) == set() and found(RestorableByUserIds=["all"]) == set()
    with raises("InvalidParameterValue"):
        found(("nonsense", "x"))
    for snapshot in made:
        volumes.ec2.delete_snapshot(SnapshotId=snapshot)


def test_tags_on_snapshots(volumes: Volumes) -> None:
    snapshot = completed(volumes, volumes.new())["SnapshotId"]
    value = unique("value")
    volumes.ec2.create_tags(Resources=[snapshot], Tags=[{"Key": "k", "Value": value}])
    assert describe(volumes, snapshot)["Tags"] == [{"Key": "k", "Value": value}]
    [found] = volumes.ec2.describe_tags(Filters=[{"Name": "value", "Values": [value]}])["Tags"]
    assert (found["ResourceType"], found["ResourceId"]) == ("snapshot", snapshot)
    volumes.ec2.delete_tags(Resources=[snapshot], Tags=[{"Key": "k"}])
    assert not describe(volumes, snapshot).get("Tags")
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)


def test_what_cannot_be_done_is_refused(volumes: Volumes, stranger: Person, account: Account) -> None:
    volume = volumes.new()
    for text in ("snap-zz", "zz", "vol-0123456789abcdef0", "../x"):
        with raises("InvalidSnapshotID.Malformed"):
            volumes.ec2.delete_snapshot(SnapshotId=text)
    with raises("InvalidSnapshot.NotFound"):
        volumes.ec2.delete_snapshot(SnapshotId=UNKNOWN)
    with raises("InvalidVolume.NotFound"):
        volumes.ec2.create_snapshot(VolumeId="vol-0123456789abcdef0")
    with raises("InvalidParameterValue"):
        volumes.ec2.create_snapshot(VolumeId=volume, Description="x" * 256)
    with raises("InvalidParameterValue"):
        volumes.ec2.create_snapshot(
            VolumeId=volume, TagSpecifications=[{"ResourceType": "volume", "Tags": []}]
        )
    with raises("DryRunOperation", expected_status=412):
        volumes.ec2.create_snapshot(VolumeId=volume, DryRun=True)
    for call in (
        lambda: stranger.ec2.create_snapshot(VolumeId=volume),
        lambda: stranger.ec2.describe_snapshots(),
        lambda: stranger.ec2.delete_snapshot(SnapshotId=UNKNOWN),
        lambda: account.person(allow("ec2:Describe*")).ec2.create_snapshot(VolumeId=volume),
    ):
        with raises("UnauthorizedOperation", expected_status=403):
            call()
    own = [{"Name": "volume-id", "Values": [volume]}]
    assert volumes.ec2.describe_snapshots(Filters=own)["Snapshots"] == []
