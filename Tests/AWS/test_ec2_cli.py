"""The AWS CLI, as people type it, through the life of a volume."""

from functools import partial

import pytest

from volumes import ZONE, Volumes, until


@pytest.fixture(scope="module")
def aws(command_line):
    return partial(command_line, "ec2")


def test_a_volume_lives_and_dies_by_the_command_line(aws, volumes: Volumes) -> None:
    specification = "ResourceType=volume,Tags=[{Key=Name,Value=by hand}]"
    made = aws(
        *("create-volume", "--availability-zone", ZONE, "--size", "1", "--encrypted"),
        *("--tag-specifications", specification),
    )
    volume = made["VolumeId"]
    volumes.made.add(volume)
    aws("wait", "volume-available", "--volume-ids", volume)
    [instance] = aws("describe-instances")["Reservations"][0]["Instances"]
    device = "/dev/xvdzx"
    attach = ("--volume-id", volume, "--instance-id", instance["InstanceId"], "--device", device)
    assert aws("attach-volume", *attach)["State"] in ("attaching", "attached")
    aws("wait", "volume-in-use", "--volume-ids", volume)
    volumes.attached(volume)
    found = aws("describe-volumes", "--filters", "Name=tag:Name,Values=by*", "Name=status,Values=in-use")
    assert [each["VolumeId"] for each in found["Volumes"]] == [volume]
    aws("delete-volume", "--volume-id", volume, fails="VolumeInUse")
    aws("detach-volume", "--volume-id", volume)
    until(lambda: volumes.describe(volume)["State"], lambda state: state == "available")
    aws("delete-volume", "--volume-id", volume, "--dry-run", fails="DryRunOperation")
    aws("delete-volume", "--volume-id", volume)
    aws("wait", "volume-deleted", "--volume-ids", volume)
    aws("describe-volumes", "--volume-ids", volume, fails="InvalidVolume.NotFound")


def test_settings_by_the_command_line(aws) -> None:
    assert aws("enable-ebs-encryption-by-default")["EbsEncryptionByDefault"] is True
    assert aws("get-ebs-encryption-by-default")["EbsEncryptionByDefault"] is True
    assert aws("disable-ebs-encryption-by-default")["EbsEncryptionByDefault"] is False
    assert aws("get-ebs-default-kms-key-id")["KmsKeyId"]
    assert aws("describe-availability-zones")["AvailabilityZones"][0]["ZoneName"] == ZONE
    assert aws("describe-regions")["Regions"]
