"""Copies as boto3 sees them: of snapshots under the same key and others, of volumes, and who may use a snapshot."""

import os
import re
from collections.abc import Callable

import pytest

from account import REGION, SECOND_REGION, Account, allow, raises, unique
from volumes import ZONE, Volumes, until

BLOCK = 512 << 10
SIZE = 16 * BLOCK
STRANGER = "111122223333"
NOBODYS_KEY = "12345678-1234-1234-1234-123456789abc"


@pytest.fixture
def source(volumes: Volumes, keys) -> Callable[..., tuple[str, str, bytes]]:
    """Makes a volume with random content, and a snapshot of it."""

    def make(**params) -> tuple[str, str, bytes]:
        volume = volumes.new(**params)
        data = os.urandom(SIZE)
        with volumes.attach(volume).open("r+b", buffering=0) as file:
            file.write(data)
            os.fsync(file.fileno())
        volumes.detach(volume)
        snapshot = volumes.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        settled(volumes, snapshot)
        return volume, snapshot, data

    return make


def settled(volumes: Volumes, snapshot: str, state: str = "completed", ec2=None) -> dict:
    def look() -> dict:
        return (ec2 or volumes.ec2).describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]

    return until(look, lambda found: found["State"] == state)


def copy(volumes: Volumes, snapshot: str, region: str = REGION, **params) -> str:
    return volumes.ec2.copy_snapshot(SourceSnapshotId=snapshot, SourceRegion=region, **params)["SnapshotId"]


def content(volumes: Volumes, snapshot: str) -> bytes:
    """What a volume that begins with the snapshot holds."""
    volume = volumes.new(SnapshotId=snapshot)
    with volumes.attach(volume).open("rb", buffering=0) as file:
        data = b"".join(file.read(1 << 20) for _ in range(0, SIZE, 1 << 20))
    volumes.detach(volume)
    return data


def test_a_copy_under_the_same_key(volumes: Volumes, keys, source) -> None:
    key = keys.new()
    _, snapshot, data = source(Encrypted=True, KmsKeyId=key.arn)
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": "second"}]}]
    answer = volumes.ec2.copy_snapshot(
        SourceSnapshotId=snapshot, SourceRegion=REGION, Description="again", TagSpecifications=tags
    )
    assert answer["Tags"] == [{"Key": "Name", "Value": "second"}]
    found = settled(volumes, answer["SnapshotId"])
    assert (found["KmsKeyId"], found["Description"], found["VolumeSize"]) == (key.arn, "again", 1)
    assert found["SnapshotId"] != snapshot and found["VolumeId"] == "vol-ffffffff"
    volumes.ec2.delete_snapshot(SnapshotId=snapshot)
    assert content(volumes, found["SnapshotId"]) == data
    volumes.ec2.delete_snapshot(SnapshotId=found["SnapshotId"])


def test_who_lost_the_old_key_reads_the_copy_and_not_the_original(volumes: Volumes, keys, source) -> None:
    old, new = keys.new(), keys.new()
    volume, snapshot, data = source(Encrypted=True, KmsKeyId=old.arn)
    other = copy(volumes, snapshot, KmsKeyId=new.arn, Encrypted=True)
    assert settled(volumes, other)["KmsKeyId"] == new.arn
    volumes.account.root.kms.disable_key(KeyId=old.id)
    assert content(volumes, other) == data
    made = volumes.create(SnapshotId=snapshot)["VolumeId"]
    until(lambda: volumes.gone(made), bool)
    with raises("KMS.DisabledException"):
        volumes.ec2.create_snapshot(VolumeId=volume)
    volumes.account.root.kms.enable_key(KeyId=old.id)
    assert content(volumes, snapshot) == data


def test_a_key_that_cannot_be_used_shows_in_the_copy(volumes: Volumes, source) -> None:
    _, snapshot, _ = source(Encrypted=True)
    bad = copy(volumes, snapshot, KmsKeyId=NOBODYS_KEY, Encrypted=True)
    found = settled(volumes, bad, "error")
    assert re.search(f"InvalidKmsKey.*{NOBODYS_KEY}", found["StateMessage"])
    with raises("IncorrectState"):
        volumes.ec2.create_volume(AvailabilityZone=ZONE, SnapshotId=bad)
    volumes.ec2.delete_snapshot(SnapshotId=bad)


def test_encryption_of_copies(volumes: Volumes, keys, source) -> None:
    _, encrypted, _ = source(Encrypted=True)
    _, plain, data = source()
    with raises("InvalidParameterValue"):
        copy(volumes, encrypted, Encrypted=False)
    with raises("InvalidParameterDependency"):
        copy(volumes, plain, KmsKeyId=keys.symmetric.arn)
    with raises("DryRunOperation", expected_status=412):
        copy(volumes, plain, DryRun=True)
    assert settled(volumes, copy(volumes, plain))["Encrypted"] is False
    made = settled(volumes, copy(volumes, plain, Encrypted=True))
    assert made["Encrypted"] is True and ":key/" in made["KmsKeyId"]
    assert content(volumes, made["SnapshotId"]) == data


def test_a_copy_in_another_region_is_under_a_key_of_that_one(volumes: Volumes, account: Account, source) -> None:
    _, snapshot, _ = source(Encrypted=True)
    there = account.root.client("ec2", SECOND_REGION)
    with raises("InvalidSnapshot.NotFound"):
        there.copy_snapshot(SourceSnapshotId=snapshot, SourceRegion=SECOND_REGION)
    made = there.copy_snapshot(SourceSnapshotId=snapshot, SourceRegion=REGION)["SnapshotId"]
    found = settled(volumes, made, ec2=there)
    assert f":{SECOND_REGION}:" in found["KmsKeyId"]
    with raises("InvalidSnapshot.NotFound"):
        volumes.ec2.describe_snapshots(SnapshotIds=[made])
    there.delete_snapshot(SnapshotId=made)


@pytest.mark.parametrize(
    "params, code",
    [
        ({"SourceSnapshotId": "snap-0123456789abcdef0"}, "InvalidSnapshot.NotFound"),
        ({"SourceSnapshotId": "snap-zz"}, "InvalidSnapshotID.Malformed"),
        ({"SourceRegion": "../x"}, "InvalidParameterValue"),
        ({"DestinationOutpostArn": "arn:aws:outposts:x"}, "UnsupportedOperation"),
        ({"CompletionDurationMinutes": 16}, "InvalidParameterValue"),
    ],
)
def test_copies_that_are_refused(volumes: Volumes, params, code) -> None:
    with raises(code):
        volumes.ec2.copy_snapshot(
            **{"SourceSnapshotId": "snap-0123456789abcdef0", "SourceRegion": REGION, **params}
        )


def test_a_volume_is_copied_while_it_is_in_use(volumes: Volumes, keys) -> None:
    key = keys.new()
    volume = volumes.new(Encrypted=True, KmsKeyId=key.arn)
    data = os.urandom(SIZE)
    file = volumes.attach(volume)
    with file.open("r+b", buffering=0) as opened:
        opened.write(data)
        os.fsync(opened.fileno())
    token = unique("token")
    specification = [{"ResourceType": "volume", "Tags": [{"Key": "env", "Value": "x"}]}]
    request = {"SourceVolumeId": volume, "ClientToken": token, "Size": 2, "TagSpecifications": specification}
    [made] = volumes.ec2.copy_volumes(**request)["Volumes"]
    copied = made["VolumeId"]
    volumes.made.add(copied)
    with file.open("r+b", buffering=0) as opened:
        opened.write(os.urandom(SIZE))
    assert (made["SourceVolumeId"], made["SnapshotId"], made["State"]) == (volume, "", "creating")
    assert (made["Size"], made["VolumeType"], made["KmsKeyId"]) == (2, "gp2", key.arn)
    assert made["Tags"] == [{"Key": "env", "Value": "x"}]
    assert volumes.ec2.copy_volumes(**request)["Volumes"][0]["VolumeId"] == copied
    with raises("IdempotentParameterMismatch"):
        volumes.ec2.copy_volumes(**{**request, "Size": 3})
    volumes.settle(copied, "available")
    with volumes.attach(copied).open("rb", buffering=0) as opened:
        assert b"".join(opened.read(1 << 20) for _ in range(0, SIZE, 1 << 20)) == data
    until(lambda: snapshots_of(volumes, volume), lambda found: not found)
    volumes.detach(copied)
    volumes.detach(volume)


def snapshots_of(volumes: Volumes, volume: str) -> list[dict]:
    return volumes.ec2.describe_snapshots(Filters=[{"Name": "volume-id", "Values": [volume]}])["Snapshots"]


@pytest.mark.parametrize(
    "params, code",
    [
        ({"Size": 1}, "InvalidParameterValue"),
        ({"SourceVolumeId": "vol-0123456789abcdef0"}, "InvalidVolume.NotFound"),
        ({"SourceVolumeId": "vol-zz"}, "InvalidVolumeID.Malformed"),
        ({"MultiAttachEnabled": True}, "UnsupportedOperation"),
        ({"VolumeType": "gp3", "Iops": 1}, "InvalidParameterValue"),
    ],
)
def test_copies_of_volumes_that_are_refused(volumes: Volumes, params, code) -> None:
    volume = volumes.new(Size=2)
    count = len(volumes.ec2.describe_volumes()["Volumes"])
    with raises(code):
        volumes.ec2.copy_volumes(**{"SourceVolumeId": volume, **params})
    assert len(volumes.ec2.describe_volumes()["Volumes"]) == count


def permissions(volumes: Volumes, snapshot: str) -> list[dict]:
    answer = volumes.ec2.describe_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")
    return answer["CreateVolumePermissions"]


def test_a_snapshot_is_shared_and_no_longer(volumes: Volumes, keys, source) -> None:
    _, snapshot, _ = source(Encrypted=True, KmsKeyId=keys.new().arn)
    change = {"SnapshotId": snapshot, "Attribute": "createVolumePermission"}
    volumes.ec2.modify_snapshot_attribute(**change, OperationType="add", UserIds=[STRANGER, "444455556666"])
    assert permissions(volumes, snapshot) == [{"UserId": STRANGER}, {"UserId": "444455556666"}]
    shared = volumes.ec2.describe_snapshots(RestorableByUserIds=[STRANGER])["Snapshots"]
    assert [each["SnapshotId"] for each in shared] == [snapshot]
    volumes.ec2.modify_snapshot_attribute(
        SnapshotId=snapshot, CreateVolumePermission={"Remove": [{"UserId": STRANGER}]}
    )
    assert permissions(volumes, snapshot) == [{"UserId": "444455556666"}]
    with raises("OperationNotPermitted"):
        volumes.ec2.modify_snapshot_attribute(**change, OperationType="add", GroupNames=["all"])
    with raises("InvalidParameterCombination"):
        permission = {"Add": [{"UserId": STRANGER}], "Remove": [{"UserId": "444455556666"}]}
        volumes.ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission=permission)
    with raises("InvalidUserID.Malformed"):
        volumes.ec2.modify_snapshot_attribute(**change, OperationType="add", UserIds=["nobody"])
    with raises("MissingParameter"):
        volumes.ec2.modify_snapshot_attribute(**change, OperationType="add")
    volumes.ec2.reset_snapshot_attribute(**change)
    assert permissions(volumes, snapshot) == []


def test_a_snapshot_under_the_default_key_is_not_shared(volumes: Volumes, source) -> None:
    _, snapshot, _ = source(Encrypted=True)
    with raises("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared"):
        volumes.ec2.modify_snapshot_attribute(SnapshotId=snapshot, OperationType="add", UserIds=[STRANGER])
    assert permissions(volumes, snapshot) == []


def test_a_snapshot_that_is_not_encrypted_can_be_public(volumes: Volumes, source) -> None:
    _, snapshot, _ = source()
    volumes.ec2.modify_snapshot_attribute(SnapshotId=snapshot, OperationType="add", GroupNames=["all"])
    assert permissions(volumes, snapshot) == [{"Group": "all"}]
    public = volumes.ec2.describe_snapshots(RestorableByUserIds=["all"])["Snapshots"]
    assert snapshot in [each["SnapshotId"] for each in public]


def test_copies_and_shares_need_their_permissions(volumes: Volumes, account: Account, keys, source) -> None:
    volume, snapshot, _ = source(Encrypted=True, KmsKeyId=keys.new().arn)
    nobody = account.person(allow("ec2:Describe*")).ec2
    for action in (
        lambda: nobody.copy_snapshot(SourceSnapshotId=snapshot, SourceRegion=REGION),
        lambda: nobody.copy_volumes(SourceVolumeId=volume),
        lambda: nobody.modify_snapshot_attribute(SnapshotId=snapshot, OperationType="add", UserIds=[STRANGER]),
        lambda: nobody.reset_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission"),
    ):
        with raises("UnauthorizedOperation", expected_status=403):
            action()
    copier = account.person(allow("ec2:*")).ec2
    made = copier.copy_snapshot(SourceSnapshotId=snapshot, SourceRegion=REGION)["SnapshotId"]
    assert "not authorized to perform: kms:Decrypt" in settled(volumes, made, "error")["StateMessage"]
