"""The life of a volume as boto3 sees it: states, waiters, attachments, tags, filters, pages, dry runs."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from account import Account, Person, allow, raises, unique
from volumes import ZONE, Volumes, quick, until

UNKNOWN = "vol-0123456789abcdef0"


def tags(**pairs: str) -> list[dict]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def specification(**pairs: str) -> list[dict]:
    return [{"ResourceType": "volume", "Tags": tags(**pairs)}]


# Making


def test_a_volume_is_made_under_the_key_that_an_alias_names(volumes: Volumes, keys) -> None:
    key = keys.new()
    answer = volumes.create(Encrypted=True, KmsKeyId=key.alias, VolumeType="gp3", Size=2)
    assert answer["State"] in ("creating", "available")
    volumes.ec2.get_waiter("volume_available").wait(VolumeIds=[answer["VolumeId"]], WaiterConfig=quick())
    found = volumes.describe(answer["VolumeId"])
    assert found["KmsKeyId"] == key.arn
    assert found["Encrypted"] is True and found["SseType"] == "sse-kms"
    assert (found["Size"], found["AvailabilityZone"], found["VolumeType"]) == (2, ZONE, "gp3")
    assert (found["Iops"], found["Throughput"]) == (3000, 125)
    assert abs(found["CreateTime"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert found["Attachments"] == [] and found["SnapshotId"] == "" and not found["MultiAttachEnabled"]


def test_a_token_makes_one_volume_however_often_it_is_sent(volumes: Volumes) -> None:
    token = unique("token")
    first = volumes.create(ClientToken=token)["VolumeId"]
    assert volumes.create(ClientToken=token)["VolumeId"] == first
    with raises("IdempotentParameterMismatch"):
        volumes.create(ClientToken=token, Size=2)


@pytest.mark.parametrize(
    "change, code",
    [
        ({"Size": None}, "MissingParameter"),
        ({"Size": 0}, "InvalidParameterValue"),
        ({"Size": -1}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Size": 65537}, "InvalidParameterValue"),
        ({"AvailabilityZone": None}, "MissingParameter"),
        ({"AvailabilityZone": "eu-west-9z"}, "InvalidZone.NotFound"),
        ({"VolumeType": "fast"}, ("InvalidParameterValue", "UnknownVolumeType")),
        ({"KmsKeyId": "alias/aws/ebs"}, "InvalidParameterDependency"),
        ({"Encrypted": False, "KmsKeyId": "alias/aws/ebs"}, "InvalidParameterDependency"),
        ({"VolumeType": "io1", "Size": 4}, "MissingParameter"),
        ({"VolumeType": "gp2", "Iops": 100}, ("InvalidParameterCombination", "InvalidParameterDependency")),
        ({"OutpostArn": "arn:aws:outposts:us-east-1:123456789012:outpost/op-1"}, "UnsupportedOperation"),
        ({"MultiAttachEnabled": True, "VolumeType": "io1", "Iops": 100}, "UnsupportedOperation"),
        ({"TagSpecifications": [{"ResourceType": "instance", "Tags": []}]}, "InvalidParameterValue"),
    ],
)
def test_what_cannot_be_made_is_refused(volumes: Volumes, change, code) -> None:
    params = {"AvailabilityZone": ZONE, "Size": 1, **change}
    params = {name: value for name, value in params.items() if value is not None}
    with raises(code):
        volumes.ec2.create_volume(**params)


def test_an_unknown_volume_is_not_found(volumes: Volumes) -> None:
    for call in (
        lambda: volumes.ec2.describe_volumes(VolumeIds=[UNKNOWN]),
        lambda: volumes.ec2.delete_volume(VolumeId=UNKNOWN),
        lambda: volumes.ec2.detach_volume(VolumeId=UNKNOWN),
        lambda: volumes.ec2.modify_volume(VolumeId=UNKNOWN, Size=2),
        lambda: volumes.ec2.attach_volume(VolumeId=UNKNOWN, InstanceId=volumes.instance, Device="/dev/sdf"),
    ):
        with raises("InvalidVolume.NotFound", f"The volume '{UNKNOWN}' does not exist."):
            call()


@pytest.mark.parametrize("text", ["vol-zz", "zz", "vol-", "vol-0123456789ABCDEF0", "vol-é", "../volumes"])
def test_what_is_no_id_is_malformed(volumes: Volumes, text) -> None:
    with raises("InvalidVolumeID.Malformed"):
        volumes.ec2.describe_volumes(VolumeIds=[text])
    with raises("InvalidVolumeID.Malformed"):
        volumes.ec2.delete_volume(VolumeId=text)


def test_a_name_is_no_id_here(volumes: Volumes) -> None:
    name = unique("name")
    volumes.new(TagSpecifications=specification(Name=name))
    with raises("InvalidVolumeID.Malformed"):
        volumes.ec2.delete_volume(VolumeId=name)


def test_a_deleted_volume_is_gone(volumes: Volumes) -> None:
    volume = volumes.new()
    volumes.ec2.delete_volume(VolumeId=volume)
    volumes.ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume], WaiterConfig=quick())
    until(lambda: volumes.gone(volume), bool)
    with raises("InvalidVolume.NotFound"):
        volumes.ec2.delete_volume(VolumeId=volume)


# Attaching


def test_an_attachment_comes_and_goes(volumes: Volumes) -> None:
    volume = volumes.new()
    answer = volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device="/dev/sde")
    assert answer["State"] in ("attaching", "attached")
    assert (answer["VolumeId"], answer["InstanceId"]) == (volume, volumes.instance)
    assert answer["Device"] == "/dev/sde" and answer["DeleteOnTermination"] is False
    assert abs(answer["AttachTime"] - datetime.now(UTC)) < timedelta(minutes=1)
    volumes.ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume], WaiterConfig=quick())
    attachment = volumes.attached(volume)
    assert attachment["Device"] == "/dev/sde" and attachment["AttachTime"] == answer["AttachTime"]

    [instance] = volumes.ec2.describe_instances()["Reservations"][0]["Instances"]
    assert instance["State"]["Name"] == "running"
    [mapping] = [each for each in instance["BlockDeviceMappings"] if each["Ebs"]["VolumeId"] == volume]
    assert mapping["DeviceName"] == "/dev/sde" and mapping["Ebs"]["Status"] == "attached"

    answer = volumes.ec2.detach_volume(VolumeId=volume)
    assert answer["State"] in ("detaching", "detached") and answer["VolumeId"] == volume
    volumes.ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig=quick())
    assert volumes.describe(volume)["Attachments"] == []


def test_what_the_state_does_not_allow_is_refused(volumes: Volumes) -> None:
    volume, other = volumes.new(), volumes.new()
    with raises("IncorrectState"):
        volumes.ec2.detach_volume(VolumeId=volume)
    volumes.attach(volume, "/dev/sdd")
    with raises("VolumeInUse"):
        volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device="/dev/sdz")
    with raises("VolumeInUse"):
        volumes.ec2.delete_volume(VolumeId=volume)
    for device in ("/dev/sdd", "sdd"):
        with raises(("InvalidDevice.InUse", "InvalidParameterValue")):
            volumes.ec2.attach_volume(VolumeId=other, InstanceId=volumes.instance, Device=device)
    with raises("InvalidAttachment.NotFound"):
        volumes.ec2.detach_volume(VolumeId=volume, Device="/dev/sdc")
    with raises(("InvalidAttachment.NotFound", "InvalidInstanceID.NotFound")):
        volumes.ec2.detach_volume(VolumeId=volume, InstanceId="i-0123456789abcdef0")
    assert volumes.describe(volume)["Attachments"][0]["State"] == "attached"
    volumes.detach(volume, InstanceId=volumes.instance, Device="/dev/sdd")
    volumes.attach(other, "/dev/sdd")
    volumes.detach(other)


# Tags


def test_tags_are_made_found_and_taken_away(volumes: Volumes) -> None:
    env = unique("env")
    volume = volumes.new(TagSpecifications=specification(env=env, **{"naïve ключ": "значение & <x>"}))
    other = volumes.new()
    assert {"Key": "naïve ключ", "Value": "значение & <x>"} in volumes.describe(volume)["Tags"]
    assert not volumes.describe(other).get("Tags")

    volumes.ec2.create_tags(Resources=[volume, other], Tags=tags(env=env, tier="db"))
    found = volumes.ec2.describe_tags(Filters=[{"Name": "value", "Values": [env]}])["Tags"]
    assert {each["ResourceId"] for each in found} == {volume, other}
    assert {each["ResourceType"] for each in found} == {"volume"}

    # Only where the value is the one named; without values all that have the key; an empty value is a value.
    volumes.ec2.delete_tags(Resources=[volume], Tags=[{"Key": "env", "Value": "another"}])
    volumes.ec2.delete_tags(Resources=[volume], Tags=[{"Key": "env", "Value": ""}])
    assert {"Key": "env", "Value": env} in volumes.describe(volume)["Tags"]
    volumes.ec2.delete_tags(Resources=[volume], Tags=[{"Key": "env"}])
    assert "env" not in {tag["Key"] for tag in volumes.describe(volume)["Tags"]}
    volumes.ec2.delete_tags(Resources=[other])
    assert not volumes.describe(other).get("Tags")


@pytest.mark.parametrize(
    "pairs, code",
    [
        ({"aws:mine": "x"}, ("InvalidParameterValue", "InvalidTagKey.Malformed")),
        ({"": "x"}, ("InvalidParameterValue", "InvalidTagKey.Malformed", "MissingParameter")),
        ({"k" * 129: "x"}, "InvalidParameterValue"),
        ({"k": "v" * 257}, "InvalidParameterValue"),
        ({f"k{n}": "x" for n in range(51)}, "TagLimitExceeded"),
    ],
)
def test_a_tag_that_breaks_the_rules_is_refused(volumes: Volumes, pairs, code) -> None:
    volume = volumes.new()
    with raises(code):
        volumes.ec2.create_tags(Resources=[volume], Tags=tags(**pairs))
    assert not volumes.describe(volume).get("Tags")


# Filters and pages


@pytest.fixture(scope="module")
def fleet(volumes: Volumes) -> tuple[str, list[str]]:
    """Twelve volumes that share a tag."""
    fleet = unique("fleet")
    made = [
        volumes.create(
            Size=1 + number % 2,
            Encrypted=number % 3 == 0,
            TagSpecifications=specification(fleet=fleet, env=f"prod-{number}" if number < 7 else "dev"),
        )["VolumeId"]
        for number in range(12)
    ]
    for volume in made:
        volumes.settle(volume, "available")
    return fleet, made


def test_volumes_come_in_pages(volumes: Volumes, fleet) -> None:
    name, made = fleet
    pages = volumes.ec2.get_paginator("describe_volumes").paginate(
        Filters=[{"Name": "tag:fleet", "Values": [name]}], PaginationConfig={"PageSize": 5}
    )
    sizes, found = [], []
    for page in pages:
        sizes.append(len(page["Volumes"]))
        found += [volume["VolumeId"] for volume in page["Volumes"]]
    assert sizes == [5, 5, 2]
    assert sorted(found) == sorted(made)


@pytest.mark.parametrize(
    "params, code",
    [
        ({"MaxResults": 5, "VolumeIds": [UNKNOWN]}, "InvalidParameterCombination"),
        ({"MaxResults": 4}, "InvalidParameterValue"),
        ({"MaxResults": 0}, "InvalidParameterValue"),
        ({"MaxResults": 5, "NextToken": "nonsense"}, ("InvalidParameterValue", "InvalidPaginationToken")),
    ],
)
def test_pages_have_their_limits(volumes: Volumes, params, code) -> None:
    with raises(code):
        volumes.ec2.describe_volumes(**params)


@pytest.mark.parametrize(
    "filters, numbers",
    [
        ({"tag:env": ["prod*"]}, range(7)),
        ({"tag:env": ["prod-?", "dev"]}, range(12)),
        ({"tag:env": ["prod-\\?"]}, []),
        ({"tag:env": ["PROD*"]}, []),
        ({"encrypted": ["true"]}, range(0, 12, 3)),
        ({"size": ["2"], "tag:env": ["dev"]}, [7, 9, 11]),
        ({"status": ["available"]}, range(12)),
        ({"status": ["in-use"]}, []),
        ({"tag-key": ["fle*"]}, range(12)),
        ({"availability-zone": [ZONE]}, range(12)),
        ({"attachment.status": ["attached"]}, []),
        ({"volume-type": ["gp2"]}, range(12)),
        ({"volume-type": ["gp3", "io*"]}, []),
    ],
)
def test_filters_narrow_what_is_described(volumes: Volumes, fleet, filters, numbers) -> None:
    name, made = fleet
    asked = [{"Name": key, "Values": values} for key, values in {"tag:fleet": [name], **filters}.items()]
    found = volumes.ec2.describe_volumes(Filters=asked)["Volumes"]
    assert {volume["VolumeId"] for volume in found} == {made[number] for number in numbers}


def test_an_attached_volume_is_found_by_its_attachment(volumes: Volumes) -> None:
    volume = volumes.new()
    volumes.attach(volume, "/dev/sdb")
    for name, value in {
        "attachment.status": "attached",
        "attachment.device": "/dev/sd*",
        "attachment.instance-id": volumes.instance,
        "attachment.delete-on-termination": "false",
    }.items():
        asked = [{"Name": name, "Values": [value]}, {"Name": "volume-id", "Values": [volume]}]
        assert len(volumes.ec2.describe_volumes(Filters=asked)["Volumes"]) == 1, name
    volumes.detach(volume)


# Dry runs and permissions


def test_a_dry_run_changes_nothing(volumes: Volumes) -> None:
    volume = volumes.new()
    before = len(volumes.ec2.describe_volumes()["Volumes"])
    for call, params in {
        volumes.ec2.create_volume: {"AvailabilityZone": ZONE, "Size": 1},
        volumes.ec2.delete_volume: {"VolumeId": volume},
        volumes.ec2.modify_volume: {"VolumeId": volume, "Size": 2},
        volumes.ec2.attach_volume: {
            "VolumeId": volume,
            "InstanceId": volumes.instance,
            "Device": "/dev/sdx",
        },
        volumes.ec2.create_tags: {"Resources": [volume], "Tags": tags(a="b")},
        volumes.ec2.delete_tags: {"Resources": [volume], "Tags": tags(a="b")},
        volumes.ec2.describe_volumes: {},
        volumes.ec2.describe_tags: {},
        volumes.ec2.describe_instances: {},
        volumes.ec2.describe_availability_zones: {},
        volumes.ec2.describe_regions: {},
        volumes.ec2.describe_volume_status: {},
        volumes.ec2.describe_volumes_modifications: {},
        volumes.ec2.enable_ebs_encryption_by_default: {},
        volumes.ec2.get_ebs_default_kms_key_id: {},
        volumes.ec2.modify_ebs_default_kms_key_id: {"KmsKeyId": "alias/aws/ebs"},
    }.items():
        with raises(
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
            expected_status=412,
        ):
            call(**params, DryRun=True)
    assert len(volumes.ec2.describe_volumes()["Volumes"]) == before
    found = volumes.describe(volume)
    assert (found["Size"], found["State"], found.get("Tags")) == (1, "available", None)
    assert volumes.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False


def test_a_user_may_do_what_a_policy_allows(volumes: Volumes, account: Account, stranger: Person) -> None:
    volume = volumes.new()
    for call, params in (
        (stranger.ec2.describe_volumes, {}),
        (stranger.ec2.delete_volume, {"VolumeId": volume}),
        (stranger.ec2.delete_volume, {"VolumeId": volume, "DryRun": True}),
        (stranger.ec2.create_volume, {"AvailabilityZone": ZONE, "Size": 1}),
        (stranger.ec2.create_tags, {"Resources": [volume], "Tags": tags(a="b")}),
        (stranger.ec2.describe_instances, {}),
        (stranger.ec2.describe_availability_zones, {}),
        (stranger.ec2.enable_ebs_encryption_by_default, {}),
    ):
        with raises("UnauthorizedOperation", expected_status=403):
            call(**params)
    reader = account.person(allow("ec2:Describe*"))
    assert reader.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["VolumeId"] == volume
    with raises("UnauthorizedOperation", expected_status=403):
        reader.ec2.delete_volume(VolumeId=volume)
    deleter = account.person(allow("ec2:DeleteVolume"))
    with raises("DryRunOperation", expected_status=412):
        deleter.ec2.delete_volume(VolumeId=volume, DryRun=True)
    deleter.ec2.delete_volume(VolumeId=volume)
    until(lambda: volumes.gone(volume), bool)


# Modifying


def modification(volumes: Volumes, volume: str) -> dict:
    return volumes.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0]


def test_a_volume_grows_and_never_shrinks(volumes: Volumes) -> None:
    volume = volumes.new(VolumeType="gp3", Size=8)
    with raises(("InvalidVolumeModification.NotFound", "InvalidVolume.NotFound")):
        volumes.ec2.describe_volumes_modifications(VolumeIds=[volume])
    answer = volumes.ec2.modify_volume(VolumeId=volume, Size=9, Iops=4000)["VolumeModification"]
    assert (answer["OriginalSize"], answer["TargetSize"]) == (8, 9)
    assert (answer["OriginalIops"], answer["TargetIops"]) == (3000, 4000)
    assert answer["ModificationState"] in ("modifying", "optimizing", "completed")
    done = until(
        lambda: modification(volumes, volume), lambda found: found["ModificationState"] == "completed"
    )
    assert done["Progress"] == 100 and done["EndTime"] >= done["StartTime"]
    found = volumes.describe(volume)
    assert (found["Size"], found["Iops"]) == (9, 4000)
    with raises("InvalidParameterValue"):
        volumes.ec2.modify_volume(VolumeId=volume, Size=8)


# What else clients ask


def test_volume_status_is_told(volumes: Volumes) -> None:
    volume = volumes.new()
    [status] = volumes.ec2.describe_volume_status(VolumeIds=[volume])["VolumeStatuses"]
    assert status["VolumeStatus"]["Status"] == "ok" and status["AvailabilityZone"] == ZONE
    assert {"Name": "io-enabled", "Status": "passed"} in status["VolumeStatus"]["Details"]
    found = volumes.ec2.describe_volume_attribute(VolumeId=volume, Attribute="autoEnableIO")
    assert found["AutoEnableIO"] == {"Value": False} and found["VolumeId"] == volume
    volumes.ec2.modify_volume_attribute(VolumeId=volume, AutoEnableIO={"Value": True})
    found = volumes.ec2.describe_volume_attribute(VolumeId=volume, Attribute="autoEnableIO")
    assert found["AutoEnableIO"] == {"Value": True}
    found = volumes.ec2.describe_volume_attribute(VolumeId=volume, Attribute="productCodes")
    assert found["ProductCodes"] == []
    with raises("MissingParameter"):
        volumes.ec2.modify_volume_attribute(VolumeId=volume)


def test_zones_and_regions_are_told(volumes: Volumes) -> None:
    [zone] = volumes.ec2.describe_availability_zones()["AvailabilityZones"]
    assert (zone["ZoneName"], zone["RegionName"], zone["State"]) == (ZONE, "us-east-1", "available")
    [region] = volumes.ec2.describe_regions(RegionNames=["us-east-1"])["Regions"]
    assert region["RegionName"] == "us-east-1"
    assert volumes.ec2.describe_account_attributes()["AccountAttributes"]
    filters = [{"Name": "state", "Values": ["unavailable"]}]
    assert volumes.ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"] == []


def test_the_instance_is_running(volumes: Volumes) -> None:
    volumes.ec2.get_waiter("instance_exists").wait(InstanceIds=[volumes.instance], WaiterConfig=quick())
    volumes.ec2.get_waiter("instance_running").wait(InstanceIds=[volumes.instance], WaiterConfig=quick())
    volumes.ec2.get_waiter("instance_status_ok").wait(InstanceIds=[volumes.instance], WaiterConfig=quick())
    filters = [{"Name": "instance-state-name", "Values": ["stopped"]}]
    assert volumes.ec2.describe_instances(Filters=filters)["Reservations"] == []


def test_an_error_is_a_client_error_of_boto3(volumes: Volumes) -> None:
    with pytest.raises(ClientError) as caught:
        volumes.ec2.describe_volumes(VolumeIds=[UNKNOWN])
    assert caught.value.response["ResponseMetadata"]["RequestId"]
