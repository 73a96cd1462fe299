"""The life of database instances with real engines: from their creation under a KMS key to what is left of them."""

import datetime
import json
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from account import Account, allow, raises, unique
from databases import DATABASE, MASTER, PASSWORD, QUICK, Databases
from keys import Key, Keys
from test_ec2_wire import send
from test_rds_wire import VERSION
from volumes import until

ENGINES = ["sqlite", "postgres"]


class Life(NamedTuple):
    """One instance under a KMS key of its own, with rows in it."""

    engine: str
    name: str
    key: Key
    digest: str


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, databases: Databases) -> str:
    if databases.server.home is None:
        pytest.skip("the server runs elsewhere: its databases cannot be reached from here")
    if request.param not in databases.engines():
        pytest.skip(f"{request.param} is not installed on the server's machine")
    return request.param


@pytest.fixture(scope="module")
def life(engine: str, databases: Databases, keys: Keys) -> Life:
    key = keys.new()
    name = databases.new(
        engine,
        StorageEncrypted=True,
        KmsKeyId=key.alias,
        BackupRetentionPeriod=1,
        CopyTagsToSnapshot=True,
        Tags=[{"Key": "env", "Value": "prod"}],
    )
    return Life(engine, name, key, databases.fill(name))


def test_an_instance_is_as_it_was_ordered(life: Life, databases: Databases, account: Account) -> None:
    found = databases.describe(life.name)
    assert found["DBInstanceStatus"] in ("available", "backing-up") and found["Engine"] == life.engine
    assert found["StorageEncrypted"] is True and found["KmsKeyId"] == life.key.arn
    assert found["DBInstanceArn"] == f"arn:aws:rds:us-east-1:{account.id}:db:{life.name}"
    assert re.fullmatch(r"db-[A-Z0-9]{26}", found["DbiResourceId"])
    assert found["AllocatedStorage"] == 1 and found["DBName"] == DATABASE
    assert found["TagList"] == [{"Key": "env", "Value": "prod"}]
    assert found["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    assert found["PendingModifiedValues"] == {} and found["InstanceCreateTime"]
    assert databases.digest(life.name) == life.digest
    if life.engine == "postgres":
        assert found["Endpoint"]["Address"] == "127.0.0.1" and found["MasterUsername"] == MASTER
        assert databases.sql(life.name, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "f"
        with pytest.raises(AssertionError, match="password authentication failed"):
            databases.sql(life.name, "SELECT 1", password="wrong-horse-42")
    else:
        assert found["Endpoint"]["Address"].startswith("/") and "MasterUsername" not in found
    for wanted in (life.name.upper(), found["DBInstanceArn"]):
        [same] = databases.rds.describe_db_instances(DBInstanceIdentifier=wanted)["DBInstances"]
        assert same["DbiResourceId"] == found["DbiResourceId"]
    for name, value in (
        ("db-instance-id", life.name),
        ("dbi-resource-id", found["DbiResourceId"]),
        ("engine", life.engine),
    ):
        names = databases.rds.describe_db_instances(Filters=[{"Name": name, "Values": [value]}])
        assert life.name in [each["DBInstanceIdentifier"] for each in names["DBInstances"]]


def test_nothing_of_it_can_be_read_in_the_home(life: Life, databases: Databases) -> None:
    home = databases.server.home
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".coffer" for path in files)
    for path in files:
        for part in written(path):
            assert b"COFFERMARK" not in part and PASSWORD.encode() not in part, path


def written(path: Path) -> Iterator[bytes]:
    """What a file holds beside its holes, a piece at a time."""
    with path.open("rb") as file:
        start, size = 0, path.stat().st_size
        while start < size:
            try:
                start = os.lseek(file.fileno(), start, os.SEEK_DATA)
            except OSError:
                return  # The rest is a hole.
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield os.pread(file.fileno(), end - start, start)
            start = end


def test_a_name_is_taken_once(life: Life, databases: Databases) -> None:
    with raises("DBInstanceAlreadyExists"):
        databases.create(life.engine, DBInstanceIdentifier=life.name)
    databases.made.add(life.name)


def test_changes_are_made_at_once(life: Life, databases: Databases) -> None:
    rds = databases.rds
    changed = rds.modify_db_instance(
        DBInstanceIdentifier=life.name,
        AllocatedStorage=2,
        BackupRetentionPeriod=2,
        PreferredBackupWindow="23:45-00:20",
        ApplyImmediately=True,
    )["DBInstance"]
    assert changed["AllocatedStorage"] == 2 and changed["PreferredBackupWindow"] == "23:45-00:20"
    with raises("InvalidParameterCombination"):
        rds.modify_db_instance(DBInstanceIdentifier=life.name, AllocatedStorage=1)
    with raises("InvalidParameterValue"):
        rds.modify_db_instance(DBInstanceIdentifier=life.name, BackupRetentionPeriod=36)
    # There is no such member: encryption is for life.
    body = f"Action=ModifyDBInstance&Version={VERSION}&DBInstanceIdentifier={life.name}&StorageEncrypted=false"
    assert send(databases.account.root, body, "rds")[:2] == (400, "InvalidQueryParameter")
    if life.engine == "postgres":
        rds.modify_db_instance(DBInstanceIdentifier=life.name, MasterUserPassword="another-horse-42")
        until(lambda: answers(databases, life.name, "another-horse-42"), bool)
        rds.modify_db_instance(DBInstanceIdentifier=life.name, MasterUserPassword=PASSWORD)
        until(lambda: answers(databases, life.name, PASSWORD), bool)


def answers(databases: Databases, name: str, password: str) -> bool:
    try:
        return databases.sql(name, "SELECT 1", password=password) == "1"
    except (AssertionError, sqlite3.OperationalError):
        return False


def test_a_snapshot_is_made_shared_and_restored(life: Life, databases: Databases, account: Account) -> None:
    rds, digest = databases.rds, databases.digest(life.name)
    snapshot = unique("snap")
    begun = rds.create_db_snapshot(DBInstanceIdentifier=life.name, DBSnapshotIdentifier=snapshot)["DBSnapshot"]
    assert begun["Status"] in ("creating", "available") and begun["SnapshotType"] == "manual"
    databases.complete(snapshot)
    rds.get_waiter("db_snapshot_completed").wait(DBSnapshotIdentifier=snapshot, WaiterConfig=QUICK)
    databases.sql(life.name, "INSERT INTO row VALUES (1000000, 'after')")
    with raises("DBSnapshotAlreadyExists"):
        rds.create_db_snapshot(DBInstanceIdentifier=life.name, DBSnapshotIdentifier=snapshot)
    [found] = rds.describe_db_snapshots(DBInstanceIdentifier=life.name, SnapshotType="manual")["DBSnapshots"]
    assert found["Encrypted"] and found["KmsKeyId"] == life.key.arn and found["PercentProgress"] == 100
    assert found["TagList"] == [{"Key": "env", "Value": "prod"}]
    assert rds.describe_db_snapshots(SnapshotType="shared", IncludeShared=True)["DBSnapshots"] == []

    other = "123456789012"
    share = {"DBSnapshotIdentifier": snapshot, "AttributeName": "restore"}
    shared = rds.modify_db_snapshot_attribute(**share, ValuesToAdd=[other])["DBSnapshotAttributesResult"]
    [attribute] = shared["DBSnapshotAttributes"]
    assert (attribute["AttributeName"], attribute["AttributeValues"]) == ("restore", [other])
    for wrong in ("all", "nonsense"):
        with raises("InvalidParameterValue"):
            rds.modify_db_snapshot_attribute(**share, ValuesToAdd=[wrong])
    rds.modify_db_snapshot_attribute(**share, ValuesToRemove=[other])
    [attribute] = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=snapshot)[
        "DBSnapshotAttributesResult"
    ]["DBSnapshotAttributes"]
    assert attribute["AttributeValues"] == []

    target = unique("db")
    answer = rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=target,
        DBSnapshotIdentifier=found["DBSnapshotArn"],
        BackupRetentionPeriod=0,
        DeletionProtection=True,
    )
    assert answer["DBInstance"]["DBInstanceStatus"] == "creating"
    databases.restored(answer)
    assert databases.digest(target) == digest
    copy = databases.describe(target)
    assert copy["KmsKeyId"] == life.key.arn and "LatestRestorableTime" not in copy
    deletion_is_careful(databases, target, digest)

    rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    rds.get_waiter("db_snapshot_deleted").wait(DBSnapshotIdentifier=snapshot, WaiterConfig=QUICK)
    with raises("DBSnapshotNotFound", expected_status=404):
        rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)


def deletion_is_careful(databases: Databases, name: str, digest: str) -> None:
    rds = databases.rds
    with raises("InvalidParameterCombination", re.compile("protected")):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    with raises("InvalidParameterCombination", re.compile("FinalDBSnapshotIdentifier")):
        rds.delete_db_instance(DBInstanceIdentifier=name)
    last = unique("last")
    with raises("InvalidParameterCombination"):
        rds.delete_db_instance(
            DBInstanceIdentifier=name, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier=last
        )
    going = rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=last)["DBInstance"]
    assert going["DBInstanceStatus"] == "deleting"
    databases.snapshots.add(last)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=name, WaiterConfig=QUICK)
    with raises("DBInstanceNotFound", expected_status=404):
        rds.describe_db_instances(DBInstanceIdentifier=name)
    [found] = rds.describe_db_snapshots(DBSnapshotIdentifier=last)["DBSnapshots"]
    assert found["Status"] == "available"
    again = databases.restored(
        rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=unique("db"), DBSnapshotIdentifier=last, BackupRetentionPeriod=0
        )
    )
    assert databases.digest(again) == digest
    databases.delete(again)


def test_what_is_not_encrypted_becomes_so_by_a_copy(engine: str, databases: Databases, keys: Keys) -> None:
    rds, key = databases.rds, keys.new()
    plain = databases.new(engine, BackupRetentionPeriod=0)
    found = databases.describe(plain)
    assert found["StorageEncrypted"] is False and "KmsKeyId" not in found
    digest = databases.fill(plain)
    # Its data is encrypted all the same, under a key that asks for no permission.
    for path in databases.server.home.rglob("*.coffer"):
        assert all(b"COFFERMARK" not in part for part in written(path))
    snapshot = databases.snapshot(plain)
    copy = unique("copy")
    order = {"SourceDBSnapshotIdentifier": snapshot, "TargetDBSnapshotIdentifier": copy}
    begun = rds.copy_db_snapshot(**order, KmsKeyId=key.arn, Tags=[{"Key": "a", "Value": "b"}])["DBSnapshot"]
    assert begun["Encrypted"] is True and begun["KmsKeyId"] == key.arn
    databases.complete(copy)
    target = databases.restored(
        rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=unique("db"), DBSnapshotIdentifier=copy, BackupRetentionPeriod=0
        )
    )
    found = databases.describe(target)
    assert found["StorageEncrypted"] is True and found["KmsKeyId"] == key.arn
    assert databases.digest(target) == digest
    databases.delete(target)
    with raises("InvalidParameterValue"):
        rds.restore_db_instance_to_point_in_time(
            **{"SourceDBInstanceIdentifier": plain, "TargetDBInstanceIdentifier": "1a"},
            UseLatestRestorableTime=True,
        )
    with raises("PointInTimeRestoreNotEnabled"):
        rds.restore_db_instance_to_point_in_time(
            **{"SourceDBInstanceIdentifier": plain, "TargetDBInstanceIdentifier": unique("db")},
            UseLatestRestorableTime=True,
        )
    databases.delete(plain)


def test_it_is_rebooted_stopped_and_restored_to_a_time(life: Life, databases: Databases) -> None:
    rds = databases.rds
    assert rds.reboot_db_instance(DBInstanceIdentifier=life.name)["DBInstance"]["DBInstanceStatus"] == "rebooting"
    time.sleep(1)
    databases.available(life.name)
    until(lambda: has_base(databases, life.name), bool, seconds=60)

    databases.sql(life.name, "CREATE TABLE moment (at double precision)")
    moments: list[float] = []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        moments.append(time.time())
        databases.sql(life.name, f"INSERT INTO moment VALUES ({moments[-1]})")
        time.sleep(0.1)
    [*_, target] = [moment for moment in moments if moment < moments[0] + 2]
    target += 0.3

    stopped = rds.stop_db_instance(DBInstanceIdentifier=life.name)["DBInstance"]
    assert stopped["DBInstanceStatus"] == "stopping"
    found = databases.settle(life.name, "stopped")
    assert found["LatestRestorableTime"].timestamp() > target
    with raises("InvalidDBInstanceState"):
        rds.stop_db_instance(DBInstanceIdentifier=life.name)
    with raises("InvalidDBInstanceState"):
        rds.reboot_db_instance(DBInstanceIdentifier=life.name)

    order = {"SourceDBInstanceIdentifier": life.name, "TargetDBInstanceIdentifier": unique("db")}
    for wrong in (target - 100_000, target + 100_000):
        with raises("InvalidParameterValue", re.compile("restorable time")):
            rds.restore_db_instance_to_point_in_time(**order, RestoreTime=at(wrong))
    restored = databases.restored(
        rds.restore_db_instance_to_point_in_time(**order, RestoreTime=at(target), BackupRetentionPeriod=0)
    )
    rows = sorted(float(line) for line in databases.sql(restored, "SELECT at FROM moment").splitlines())
    wanted = [moment for moment in moments if moment <= target - 0.25]
    assert rows[: len(wanted)] == pytest.approx(wanted) and rows[-1] <= target + 0.05, (rows[-1], target)
    databases.delete(restored)

    started = rds.start_db_instance(DBInstanceIdentifier=life.name)["DBInstance"]
    assert started["DBInstanceStatus"] == "starting"
    databases.available(life.name)
    assert databases.sql(life.name, "SELECT count(*) FROM moment") == str(len(moments))


def at(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def has_base(databases: Databases, name: str) -> bool:
    """Whether the automated backup is there from which a restore to a time begins."""
    rds = databases.rds
    [backup] = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=name)["DBInstanceAutomatedBackups"]
    automated = rds.describe_db_snapshots(DBInstanceIdentifier=name, SnapshotType="automated")["DBSnapshots"]
    return (
        backup["Status"] == "active"
        and bool(automated)
        and all(snapshot["Status"] == "available" for snapshot in automated)
    )


def test_automated_snapshots_are_the_instances_own(life: Life, databases: Databases) -> None:
    until(lambda: has_base(databases, life.name), bool, seconds=60)
    found = databases.rds.describe_db_snapshots(DBInstanceIdentifier=life.name, SnapshotType="automated")
    name = found["DBSnapshots"][0]["DBSnapshotIdentifier"]
    assert name.startswith(f"rds:{life.name}-")
    with raises("InvalidDBSnapshotState"):
        databases.rds.delete_db_snapshot(DBSnapshotIdentifier=name)


def test_what_happened_is_told(life: Life, databases: Databases) -> None:
    rds = databases.rds
    told = rds.describe_events(SourceType="db-instance", SourceIdentifier=life.name, Duration=30)["Events"]
    assert "creation" in {category for event in told for category in event["EventCategories"]}
    assert [event["Date"] for event in told] == sorted(event["Date"] for event in told)
    assert all(event["SourceIdentifier"] == life.name and event["Message"] for event in told)
    only = rds.describe_events(EventCategories=["backup"], Duration=30)["Events"]
    assert only and all(event["EventCategories"] == ["backup"] for event in only)
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    assert rds.describe_events(EndTime=past)["Events"] == []


def test_one_without_rights_to_it_is_refused(life: Life, account: Account, databases: Databases) -> None:
    arn = databases.describe(life.name)["DBInstanceArn"]
    person = account.person(allow("rds:DescribeDBInstances", resource=arn))
    assert person.rds.describe_db_instances(DBInstanceIdentifier=life.name)["DBInstances"]
    for refused in (
        partial(person.rds.stop_db_instance, DBInstanceIdentifier=life.name),
        partial(person.rds.delete_db_instance, DBInstanceIdentifier=life.name, SkipFinalSnapshot=True),
        partial(person.rds.create_db_snapshot, DBInstanceIdentifier=life.name, DBSnapshotIdentifier="a"),
        partial(person.rds.list_tags_for_resource, ResourceName=arn),
    ):
        with raises("AccessDenied", expected_status=403):
            refused()


def test_a_key_that_is_taken_away_ends_the_instance(life: Life, databases: Databases) -> None:
    """Last of all: past the limit there is no way back but a backup."""
    rds, digest = databases.rds, databases.digest(life.name)
    before = databases.describe(life.name)["Endpoint"]
    life.key.kms.disable_key(KeyId=life.key.id)
    found = databases.settle(life.name, "inaccessible-encryption-credentials-recoverable")
    assert life.key.arn in json.dumps(found["StatusInfos"])
    assert not answers(databases, life.name, PASSWORD)
    with raises("KMSKeyNotAccessibleFault"):
        rds.start_db_instance(DBInstanceIdentifier=life.name)
    life.key.kms.enable_key(KeyId=life.key.id)
    rds.start_db_instance(DBInstanceIdentifier=life.name)
    databases.available(life.name)
    assert databases.describe(life.name)["Endpoint"] == before and databases.digest(life.name) == digest
    life.key.kms.disable_key(KeyId=life.key.id)
    databases.settle(life.name, "inaccessible-encryption-credentials")
    life.key.kms.enable_key(KeyId=life.key.id)
    with raises("InvalidDBInstanceState"):
        rds.start_db_instance(DBInstanceIdentifier=life.name)
    databases.delete(life.name)


def test_the_command_line_of_aws(command_line, databases: Databases, engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("once is enough")
    name, snapshot = unique("db"), unique("snap")

    def aws(*arguments: str, **settings: Any) -> Any:
        # In us-east-1 the AWS CLI 1 goes to AWS itself for RDS, whatever AWS_ENDPOINT_URL says.
        return command_line("rds", *arguments, "--endpoint-url", databases.account.url, **settings)

    order = ("--db-instance-identifier", name)
    kind = ("--engine", "sqlite", "--db-instance-class", "db.t3.micro", "--allocated-storage", "1")
    # Without backups it stays `available`: the command line looks every 30 seconds.
    options = ("--storage-encrypted", "--backup-retention-period", "0", "--tags", "Key=by,Value=hand")
    made = aws("create-db-instance", *order, *kind, *options)
    databases.made.add(name)
    assert made["DBInstance"]["DBInstanceStatus"] == "creating"
    databases.available(name)
    aws("wait", "db-instance-available", *order)
    databases.snapshots.add(snapshot)
    aws("create-db-snapshot", *order, "--db-snapshot-identifier", snapshot)
    databases.complete(snapshot)
    aws("wait", "db-snapshot-available", "--db-snapshot-identifier", snapshot)
    assert aws("list-tags-for-resource", "--resource-name", made["DBInstance"]["DBInstanceArn"])["TagList"]
    aws("delete-db-instance", *order, fails="InvalidParameterCombination")
    aws("delete-db-instance", *order, "--skip-final-snapshot")
    until(lambda: name not in str(aws("describe-db-instances")), bool)
    aws("describe-db-instances", *order, fails="DBInstanceNotFound")
    managed = databases.account.root.kms.describe_key(KeyId="alias/aws/rds")["KeyMetadata"]
    assert managed["KeyManager"] == "AWS" and made["DBInstance"]["KmsKeyId"] == managed["Arn"]
