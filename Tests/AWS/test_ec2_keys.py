"""What a KMS key means for volumes: keys that cannot be used, and encryption by default."""

import json
from collections.abc import Iterator

import pytest

from account import Account, allow, key_policy, raises
from keys import Keys
from volumes import ZONE, Volumes, until


def events(volumes: Volumes, volume: str) -> list[dict]:
    """What the home's own command tells of a volume's events."""
    return json.loads(volumes.coffer("volume", "events", volume, "--output", "json"))


# Keys that cannot be used


@pytest.mark.parametrize("kind", ["disabled", "deleted", "ecc", "hmac", "missing"])
def test_a_key_that_cannot_be_used_makes_no_volume(volumes: Volumes, keys: Keys, kind) -> None:
    """As on AWS the call succeeds, and the volume never becomes available."""
    name = keys.symmetric.arn[:-4] + "0000" if kind == "missing" else getattr(keys, kind).arn
    answer = volumes.create(Encrypted=True, KmsKeyId=name)
    assert answer["State"] == "creating"
    until(lambda: volumes.gone(answer["VolumeId"]), bool, seconds=5)
    if volumes.server.home is not None:
        assert name.rpartition("/")[2] in json.dumps(events(volumes, answer["VolumeId"]))


def test_a_key_that_the_caller_may_not_use_makes_no_volume(volumes: Volumes, account: Account, keys) -> None:
    person = account.person(allow("ec2:*"))
    answer = person.ec2.create_volume(
        AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=keys.symmetric.arn
    )
    volumes.made.add(answer["VolumeId"])
    until(lambda: volumes.gone(answer["VolumeId"]), bool, seconds=5)


def test_an_aws_managed_key_serves_whoever_may_make_volumes(volumes: Volumes, account: Account) -> None:
    person = account.person(allow("ec2:*"))
    answer = person.ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True)
    volumes.made.add(answer["VolumeId"])
    found = volumes.settle(answer["VolumeId"], "available")
    managed = account.root.kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    assert found["KmsKeyId"] == managed["Arn"] and managed["KeyManager"] == "AWS"


def test_a_disabled_key_stops_the_next_attachment(volumes: Volumes, keys: Keys) -> None:
    key = keys.new()
    volume = volumes.new(Encrypted=True, KmsKeyId=key.arn)
    key.kms.disable_key(KeyId=key.id)
    volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device=next(volumes.devices))
    volumes.settle(volume, "available")
    if volumes.server.home is not None:
        told = until(lambda: json.dumps(events(volumes, volume)), lambda text: "attachVolume" in text)
        assert key.id in told
    [status] = volumes.ec2.describe_volume_status(VolumeIds=[volume])["VolumeStatuses"]
    [event] = status["Events"]
    assert event["EventType"] == "attachVolume-failed" and status["VolumeStatus"]["Status"] == "ok"
    assert "Client.InvalidKmsKey.InvalidKeyState" in event["Description"] and key.id in event["Description"]
    key.kms.enable_key(KeyId=key.id)
    volumes.attach(volume)
    assert volumes.ec2.describe_volume_status(VolumeIds=[volume])["VolumeStatuses"][0]["Events"] == []
    volumes.detach(volume)


def test_an_attachment_has_a_grant_as_long_as_it_lasts(volumes: Volumes, keys: Keys) -> None:
    key = keys.new()
    volume = volumes.new(Encrypted=True, KmsKeyId=key.arn)

    def grants() -> list[dict]:
        return [
            grant
            for grant in key.kms.list_grants(KeyId=key.id)["Grants"]
            if volume in json.dumps(grant.get("Constraints", {}))
        ]

    assert grants() == []
    volumes.attach(volume)
    [grant] = grants()
    assert "Decrypt" in grant["Operations"]
    volumes.detach(volume)
    until(grants, lambda found: found == [])


# Without encryption, and encryption by default


@pytest.fixture
def defaults(volumes: Volumes) -> Iterator[None]:
    """Brings the account's settings back to what a new account has."""
    try:
        yield
    finally:
        volumes.ec2.disable_ebs_encryption_by_default()
        volumes.ec2.reset_ebs_default_kms_key_id()


def test_a_volume_without_encryption_says_so(volumes: Volumes) -> None:
    found = volumes.describe(volumes.new())
    assert found["Encrypted"] is False
    assert "KmsKeyId" not in found


def test_encryption_by_default_uses_the_default_key(volumes: Volumes, keys: Keys, defaults) -> None:
    key = keys.new()
    assert volumes.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    managed = volumes.ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
    assert managed.endswith("alias/aws/ebs") or ":key/" in managed
    assert volumes.ec2.enable_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True
    assert volumes.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True
    found = volumes.describe(volumes.new())
    assert found["Encrypted"] is True and "KmsKeyId" in found

    assert volumes.ec2.modify_ebs_default_kms_key_id(KmsKeyId=key.alias)["KmsKeyId"] == key.arn
    assert volumes.ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == key.arn
    assert volumes.describe(volumes.new())["KmsKeyId"] == key.arn
    assert volumes.describe(volumes.new(Encrypted=True))["KmsKeyId"] == key.arn

    assert volumes.ec2.reset_ebs_default_kms_key_id()["KmsKeyId"] == managed
    assert volumes.ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == managed
    assert volumes.describe(volumes.new())["KmsKeyId"] != key.arn
    assert volumes.ec2.disable_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    assert volumes.describe(volumes.new())["Encrypted"] is False


@pytest.mark.parametrize("kind", ["ecc", "hmac"])
def test_the_default_key_is_a_symmetric_one(volumes: Volumes, keys: Keys, defaults, kind) -> None:
    with raises(("InvalidParameterValue", "KMS.InvalidKeyUsageException")):
        volumes.ec2.modify_ebs_default_kms_key_id(KmsKeyId=getattr(keys, kind).arn)


def test_settings_belong_to_a_region(volumes: Volumes, account: Account, defaults) -> None:
    volumes.ec2.enable_ebs_encryption_by_default()
    elsewhere = account.root.client("ec2", region="us-west-2")
    assert elsewhere.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False


def test_a_key_policy_may_ask_for_the_volume_service(volumes: Volumes, account: Account, keys: Keys) -> None:
    """`kms:ViaService` lets the key be used for volumes, and for nothing else."""
    person = account.person(allow("ec2:*"))
    through = {"StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}
    statement = allow("kms:*", Principal={"AWS": person.arn}, Condition=through)
    key = keys.new(Policy=key_policy(account, statement))
    answer = person.ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key.arn)
    volumes.made.add(answer["VolumeId"])
    assert volumes.settle(answer["VolumeId"], "available")["KmsKeyId"] == key.arn
    with raises("AccessDeniedException"):
        person.kms.encrypt(KeyId=key.id, Plaintext=b"x")
