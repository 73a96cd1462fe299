"""RDS's protocol, and what is wrong with a request before any instance is made: no engine has to run here."""

import datetime
import re
from typing import Any

import pytest

from account import Account, Person, allow, call, raises, unique
from keys import Keys
from test_ec2_wire import send

VERSION = "2014-10-31"
SQLITE = {"DBInstanceIdentifier": "any", "Engine": "sqlite", "DBInstanceClass": "db.t3.micro"}
LOGIN = {"MasterUsername": "someone", "MasterUserPassword": "long enough?no"}


def form(action: str, *parameters: str, version: str = VERSION) -> str:
    return "&".join([f"Action={action}&Version={version}", *parameters])


@pytest.fixture(scope="module")
def rds(account: Account):
    return account.root.rds


@pytest.fixture(scope="module")
def group(rds) -> Any:
    """A parameter group for SQLite, which is always there."""
    name = unique("group")
    family = family_of(rds, "sqlite")
    made = rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily=family, Description="of a test"
    )["DBParameterGroup"]
    assert made["DBParameterGroupFamily"] == family
    yield made
    rds.delete_db_parameter_group(DBParameterGroupName=name)


def family_of(rds, engine: str) -> str:
    [version] = rds.describe_db_engine_versions(Engine=engine)["DBEngineVersions"]
    return version["DBParameterGroupFamily"]


# The protocol


def test_a_form_is_answered(account: Account) -> None:
    assert send(account.root, form("DescribeEventCategories"), "rds") == (200, "", "")


@pytest.mark.parametrize(
    "action, parameters, code, message",
    [
        ("DescribeDBInstances", ["Nonsense=1"], "InvalidQueryParameter", "Nonsense"),
        ("DescribeDBInstances", ["dBInstanceIdentifier=x"], "InvalidQueryParameter", None),
        ("DescribeDBInstances", ["MaxRecords=x"], "InvalidParameterValue", None),
        ("DescribeDBInstances", ["MaxRecords=19"], "InvalidParameterValue", "between 20 and 100"),
        ("DescribeDBInstances", ["MaxRecords=101"], "InvalidParameterValue", "between 20 and 100"),
        ("DescribeDBInstances", ["Marker=eA%3D%3D"], "InvalidParameterValue", "marker"),
        ("DescribeDBInstances", ["Marker="], "InvalidParameterValue", "marker"),
        ("DescribeDBInstances", ["Filters.Filter.1.Name=engine"], "MissingParameter", None),
        (
            "DescribeDBInstances",
            ["Filters.Filter.1.Name=odd", "Filters.Filter.1.Values.Value.1=x"],
            "InvalidParameterValue",
            "Unrecognized filter name: odd",
        ),
        ("DescribeDBInstances", ["Filters.1.Name=engine"], "InvalidQueryParameter", None),
        ("DescribeDBInstances", ["Filters.Filter.2.Name=engine"], "InvalidParameterValue", "numbered"),
        ("DescribeDBInstances", ["Filters=x"], "InvalidQueryParameter", None),
        ("DescribeDBInstances", [".".join("abcdefghij") + "=1"], "InvalidQueryParameter", None),
        ("DeleteDBInstance", [], "MissingParameter", "DBInstanceIdentifier"),
        ("DeleteDBInstance", ["DBInstanceIdentifier=a", "SkipFinalSnapshot=maybe"], "InvalidParameterValue", None),
        ("DescribeEvents", ["StartTime=yesterday"], "InvalidParameterValue", "ISO 8601"),
        ("DescribeEvents", ["StartTime=2026-02-30T00:00:00Z"], "InvalidParameterValue", "ISO 8601"),
        ("DescribeEvents", ["SourceType=db-nonsense"], "InvalidParameterValue", "source type"),
        ("DescribeEvents", ["SourceIdentifier=x"], "InvalidParameterCombination", None),
        ("DescribeEvents", ["Duration=20161"], "InvalidParameterValue", "14 days"),
        ("DescribeEvents", ["Duration=0"], "InvalidParameterValue", None),
        ("CreateDBCluster", ["DBClusterIdentifier=a"], "InvalidAction", "CreateDBCluster"),
        ("%3Cb%3E", [], "InvalidAction", "&lt;b&gt;"),
    ],
)
def test_parameters_are_checked(account: Account, action, parameters, code, message) -> None:
    status, found, text = send(account.root, form(action, *parameters), "rds")
    assert (status, found) == (400, code), text
    assert message is None or message in text, text


def test_another_version_is_refused(account: Account) -> None:
    body = form("DescribeDBInstances", version="2012-01-15")
    assert send(account.root, body, "rds")[:2] == (400, "InvalidAction")


def test_a_request_is_signed_for_rds(account: Account) -> None:
    assert send(account.root, form("DescribeDBInstances"), "ec2")[0] == 403


def test_an_action_that_ec2_has_too_is_told_by_its_version(account: Account) -> None:
    assert send(account.root, form("DescribeAccountAttributes"), "rds") == (200, "", "")
    body = "Action=DescribeAccountAttributes&Version=2016-11-15"
    assert send(account.root, body, "ec2") == (200, "", "")


def test_a_list_may_call_its_items_member(account: Account, group) -> None:
    arn = group["DBParameterGroupArn"].replace(":", "%3A")
    tag = ["Tags.member.1.Key=old", "Tags.member.1.Value=client"]
    assert send(account.root, form("AddTagsToResource", f"ResourceName={arn}", *tag), "rds")[0] == 200
    assert {"Key": "old", "Value": "client"} in account.root.rds.list_tags_for_resource(
        ResourceName=group["DBParameterGroupArn"]
    )["TagList"]


# New instances that cannot be


@pytest.mark.parametrize(
    "params, code, message",
    [
        ({"Engine": "oracle-ee"}, "InvalidParameterValue", "Invalid DB engine"),
        ({"EngineVersion": "1.0"}, "InvalidParameterCombination", "Cannot find version 1.0 for sqlite"),
        ({"DBInstanceClass": "t3.micro"}, "InvalidParameterValue", "Invalid DB Instance class"),
        ({"DBInstanceClass": "db." + "x" * 100}, "InvalidParameterValue", None),
        ({"DBInstanceIdentifier": "1a"}, "InvalidParameterValue", "DBInstanceIdentifier"),
        ({"DBInstanceIdentifier": "a--b"}, "InvalidParameterValue", None),
        ({"DBInstanceIdentifier": "a-"}, "InvalidParameterValue", None),
        ({"DBInstanceIdentifier": "a" * 64}, "InvalidParameterValue", None),
        ({"DBInstanceIdentifier": "\u00e4pfel"}, "InvalidParameterValue", None),
        ({"DBInstanceIdentifier": "../../etc"}, "InvalidParameterValue", None),
        ({"DBInstanceIdentifier": "a" * 100_000}, "InvalidParameterValue", None),
        ({"AllocatedStorage": 0}, "InvalidParameterValue", "storage size"),
        ({"AllocatedStorage": 65537}, "InvalidParameterValue", "storage size"),
        ({"StorageType": "floppy"}, "StorageTypeNotSupported", "floppy"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue", "retention"),
        ({"BackupRetentionPeriod": -1}, "InvalidParameterValue", "retention"),
        ({"PreferredBackupWindow": "03:00-03:10"}, "InvalidParameterValue", "30 minutes"),
        ({"PreferredBackupWindow": "3am"}, "InvalidParameterValue", "backup window"),
        ({"AvailabilityZone": "us-east-1f"}, "InvalidParameterValue", "availability zone"),
        ({"DBParameterGroupName": "nobody-s"}, "DBParameterGroupNotFound", "nobody-s"),
        ({"KmsKeyId": "alias/aws/rds"}, "InvalidParameterCombination", "StorageEncrypted"),
        ({"MultiAZ": True}, "InvalidParameterCombination", "MultiAZ"),
        ({"PubliclyAccessible": True}, "InvalidParameterCombination", "PubliclyAccessible"),
        ({"VpcSecurityGroupIds": ["sg-1"]}, "InvalidParameterCombination", "VpcSecurityGroupIds"),
        ({"Domain": "d-1234567890"}, "InvalidParameterCombination", "Domain"),
        ({"ManageMasterUserPassword": True}, "InvalidParameterCombination", None),
        ({"EnableIAMDatabaseAuthentication": True}, "InvalidParameterCombination", None),
        ({"MasterUserAuthenticationType": "iam-db-auth"}, "InvalidParameterCombination", None),
        ({"TagSpecifications": [{"ResourceType": "x"}]}, "InvalidParameterCombination", None),
        ({"Port": 5432}, "InvalidParameterCombination", "port"),
        ({"Port": 80}, "InvalidParameterValue", "1150-65535"),
        ({"MasterUsername": "x"}, "InvalidParameterCombination", "no users"),
        ({"Engine": "postgres"}, "InvalidParameterValue", "MasterUsername must be provided"),
        ({"Engine": "postgres", "MasterUsername": "someone"}, "InvalidParameterValue", "MasterUserPassword"),
        ({"Engine": "postgres", **LOGIN}, "InvalidParameterValue", "valid password"),
        ({"Tags": [{"Key": "aws:mine", "Value": "x"}]}, "InvalidParameterValue", "aws:"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "InvalidParameterValue", "twice"),
        ({"Tags": [{"Key": "k" * 129, "Value": "x"}]}, "InvalidParameterValue", None),
        ({"Tags": [{"Key": f"k{n}", "Value": "x"} for n in range(51)]}, "TagQuotaPerResourceExceeded", None),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(rds, params, code, message) -> None:
    if params.get("Engine") == "postgres" and not rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]:
        pytest.skip("PostgreSQL is not installed")
    words = None if message is None else re.compile(re.escape(message))
    status = 404 if code.endswith("NotFound") else 400
    with raises(code, words, status) as caught:
        rds.create_db_instance(**{**SQLITE, **params})
    assert len(str(caught.value)) < 2000
    left = rds.describe_db_instances()["DBInstances"]
    assert not [each for each in left if each["DBInstanceIdentifier"] == "any"]


def test_what_asks_for_nothing_is_taken(account: Account) -> None:
    """Clients send such members by themselves: they are no reason to refuse."""
    rds = account.root.rds
    with raises("DBParameterGroupNotFound", expected_status=404):
        rds.create_db_instance(
            **SQLITE,
            **{"MultiAZ": False, "PubliclyAccessible": False, "MonitoringInterval": 0, "NetworkType": "IPV4"},
            **{"VpcSecurityGroupIds": [], "AutoMinorVersionUpgrade": True, "Iops": 3000, "Tags": []},
            **{"DatabaseInsightsMode": "standard", "MasterUserAuthenticationType": "password"},
            DBParameterGroupName="nobody-s",
        )


@pytest.mark.parametrize("kind", ["disabled", "deleted", "ecc", "hmac", "missing"])
def test_a_key_that_cannot_be_used_is_refused_at_once(rds, keys: Keys, kind) -> None:
    name = keys.symmetric.arn[:-4] + "0000" if kind == "missing" else getattr(keys, kind).arn
    with raises("KMSKeyNotAccessibleFault", re.compile(re.escape(name))):
        rds.create_db_instance(**SQLITE, StorageEncrypted=True, KmsKeyId=name)


# What is not there


@pytest.mark.parametrize(
    "operation, params, code",
    [
        ("DescribeDBInstances", {"DBInstanceIdentifier": "nobody"}, "DBInstanceNotFound"),
        ("ModifyDBInstance", {"DBInstanceIdentifier": "nobody"}, "DBInstanceNotFound"),
        ("StartDBInstance", {"DBInstanceIdentifier": "nobody"}, "DBInstanceNotFound"),
        ("StopDBInstance", {"DBInstanceIdentifier": "nobody"}, "DBInstanceNotFound"),
        ("RebootDBInstance", {"DBInstanceIdentifier": "\u2603" * 1000}, "DBInstanceNotFound"),
        ("DeleteDBInstance", {"DBInstanceIdentifier": "nobody"}, "DBInstanceNotFound"),
        (
            "CreateDBSnapshot",
            {"DBInstanceIdentifier": "nobody", "DBSnapshotIdentifier": "a"},
            "DBInstanceNotFound",
        ),
        ("DescribeDBSnapshots", {"DBSnapshotIdentifier": "nobody"}, "DBSnapshotNotFound"),
        ("DeleteDBSnapshot", {"DBSnapshotIdentifier": "rds:nobody"}, "DBSnapshotNotFound"),
        ("DescribeDBSnapshotAttributes", {"DBSnapshotIdentifier": "nobody"}, "DBSnapshotNotFound"),
        (
            "ModifyDBSnapshotAttribute",
            {"DBSnapshotIdentifier": "nobody", "AttributeName": "restore"},
            "DBSnapshotNotFound",
        ),
        (
            "CopyDBSnapshot",
            {"SourceDBSnapshotIdentifier": "nobody", "TargetDBSnapshotIdentifier": "a"},
            "DBSnapshotNotFound",
        ),
        (
            "RestoreDBInstanceFromDBSnapshot",
            {"DBInstanceIdentifier": "a", "DBSnapshotIdentifier": "nobody"},
            "DBSnapshotNotFound",
        ),
        (
            "RestoreDBInstanceToPointInTime",
            {
                "TargetDBInstanceIdentifier": "a",
                "SourceDBInstanceIdentifier": "nobody",
                "UseLatestRestorableTime": True,
            },
            "DBInstanceNotFound",
        ),
        (
            "RestoreDBInstanceToPointInTime",
            {
                "TargetDBInstanceIdentifier": "a",
                "SourceDbiResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "UseLatestRestorableTime": True,
            },
            "DBInstanceNotFound",
        ),
        ("DescribeDBParameterGroups", {"DBParameterGroupName": "nobody"}, "DBParameterGroupNotFound"),
        ("DescribeDBParameters", {"DBParameterGroupName": "nobody"}, "DBParameterGroupNotFound"),
        ("DeleteDBParameterGroup", {"DBParameterGroupName": "nobody"}, "DBParameterGroupNotFound"),
        (
            "DescribeDBInstanceAutomatedBackups",
            {"DBInstanceIdentifier": "nobody"},
            "DBInstanceAutomatedBackupNotFound",
        ),
    ],
)
def test_what_is_not_there(rds, operation, params, code) -> None:
    with raises(code, expected_status=404) as caught:
        call(rds, operation, params)
    assert len(str(caught.value)) < 2000


def test_a_restore_to_a_time_needs_one_time(rds) -> None:
    order = {"TargetDBInstanceIdentifier": "a", "SourceDBInstanceIdentifier": "nobody"}
    with raises("InvalidParameterCombination"):
        rds.restore_db_instance_to_point_in_time(**order)
    with raises("InvalidParameterCombination"):
        rds.restore_db_instance_to_point_in_time(
            **order, UseLatestRestorableTime=True, RestoreTime=datetime.datetime.now(datetime.timezone.utc)
        )


# What there is to choose from


def test_the_engines_of_this_machine_are_told(rds) -> None:
    versions = rds.describe_db_engine_versions()["DBEngineVersions"]
    assert "sqlite" in {version["Engine"] for version in versions}
    for version in versions:
        family = version["DBParameterGroupFamily"]
        assert family == version["Engine"] + version["MajorEngineVersion"]
        [group] = rds.describe_db_parameter_groups(DBParameterGroupName=f"default.{family}")["DBParameterGroups"]
        assert group["DBParameterGroupFamily"] == family
    assert rds.describe_db_engine_versions(Engine="oracle-ee")["DBEngineVersions"] == []
    [option] = rds.describe_orderable_db_instance_options(Engine="sqlite", DBInstanceClass="db.r5.large")[
        "OrderableDBInstanceOptions"
    ]
    assert option["SupportsStorageEncryption"] and option["DBInstanceClass"] == "db.r5.large"


def test_quotas_and_categories_are_told(rds) -> None:
    quotas = rds.describe_account_attributes()["AccountQuotas"]
    assert {"DBInstances", "ManualSnapshots"} <= {quota["AccountQuotaName"] for quota in quotas}
    categories = rds.describe_event_categories()["EventCategoriesMapList"]
    assert {entry["SourceType"] for entry in categories} == {"db-instance", "db-snapshot"}


# Parameter groups and tags


def test_a_parameter_group_lives_and_dies(rds) -> None:
    name, family = unique("Group"), family_of(rds, "sqlite")
    order = {"DBParameterGroupName": name, "DBParameterGroupFamily": family, "Description": "a <b>"}
    made = rds.create_db_parameter_group(**order, Tags=[{"Key": "env", "Value": "test"}])["DBParameterGroup"]
    assert made["DBParameterGroupName"] == name.lower() and made["Description"] == "a <b>"
    with raises("DBParameterGroupAlreadyExists"):
        rds.create_db_parameter_group(**order)
    assert rds.list_tags_for_resource(ResourceName=made["DBParameterGroupArn"])["TagList"] == [
        {"Key": "env", "Value": "test"}
    ]
    names = [each["DBParameterGroupName"] for each in rds.describe_db_parameter_groups()["DBParameterGroups"]]
    assert name.lower() in names and f"default.{family}" in names
    setting = {"ParameterName": "cache_size", "ParameterValue": "4000", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=[setting])
    [found] = rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
    assert (found["ParameterName"], found["ParameterValue"]) == ("cache_size", "4000")
    with raises("InvalidParameterCombination"):
        rds.reset_db_parameter_group(DBParameterGroupName=name)
    rds.reset_db_parameter_group(DBParameterGroupName=name, ResetAllParameters=True)
    assert rds.describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"] == []
    with raises("InvalidParameterValue"):
        rds.modify_db_parameter_group(
            DBParameterGroupName=name, Parameters=[{**setting, "ParameterName": f"p{n}"} for n in range(21)]
        )
    rds.delete_db_parameter_group(DBParameterGroupName=name)
    with raises("DBParameterGroupNotFound", expected_status=404):
        rds.describe_db_parameter_groups(DBParameterGroupName=name)


@pytest.mark.parametrize("operation", ["ModifyDBParameterGroup", "ResetDBParameterGroup", "DeleteDBParameterGroup"])
def test_nobody_changes_a_default_group(rds, operation) -> None:
    params: dict[str, Any] = {"DBParameterGroupName": f"default.{family_of(rds, 'sqlite')}"}
    if operation == "ModifyDBParameterGroup":
        params["Parameters"] = [{"ParameterName": "cache_size", "ParameterValue": "1"}]
    if operation == "ResetDBParameterGroup":
        params["ResetAllParameters"] = True
    with raises("InvalidDBParameterGroupState"):
        call(rds, operation, params)


def test_a_group_of_no_engine_is_refused(rds) -> None:
    with raises("InvalidParameterValue", re.compile("oracle-ee-19")):
        rds.create_db_parameter_group(
            DBParameterGroupName="a", DBParameterGroupFamily="oracle-ee-19", Description="x"
        )


def test_tags_are_put_and_taken(rds, group) -> None:
    arn = group["DBParameterGroupArn"]
    rds.add_tags_to_resource(
        ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "\u00e4 <&>"}]
    )
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "c"}])
    tags = {tag["Key"]: tag["Value"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}
    assert {"a": "2", "b": "\u00e4 <&>", "c": ""}.items() <= tags.items()
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["a", "none", "c"])
    left = {tag["Key"] for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]}
    assert "b" in left and not {"a", "c"} & left
    with raises("TagQuotaPerResourceExceeded"):
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])


@pytest.mark.parametrize(
    "arn, code, status",
    [
        ("nonsense", "InvalidParameterValue", 400),
        ("arn:aws:rds:us-east-1:000000000000:db:a", "InvalidParameterValue", 400),
        ("arn:aws:rds:us-east-1:<account>:db:nobody", "DBInstanceNotFound", 404),
        ("arn:aws:rds:us-east-1:<account>:snapshot:rds:nobody", "DBSnapshotNotFound", 404),
        ("arn:aws:rds:us-east-1:<account>:cluster:a", "InvalidParameterValue", 400),
        ("arn:aws:rds:eu-west-1:<account>:db:a", "InvalidParameterValue", 400),
        ("x" * 100_000, "InvalidParameterValue", 400),
    ],
)
def test_tags_of_what_is_not_there(account: Account, rds, arn, code, status) -> None:
    with raises(code, expected_status=status):
        rds.list_tags_for_resource(ResourceName=arn.replace("<account>", account.id))


def test_pages_hold_all_groups_once(rds) -> None:
    family, prefix = family_of(rds, "sqlite"), unique("page")
    names = {f"{prefix}-{number}" for number in range(45)}
    try:
        for name in names:
            rds.create_db_parameter_group(
                DBParameterGroupName=name, DBParameterGroupFamily=family, Description="x"
            )
        pages = list(
            rds.get_paginator("describe_db_parameter_groups").paginate(PaginationConfig={"PageSize": 20})
        )
        assert all(len(page["DBParameterGroups"]) <= 20 for page in pages) and len(pages) >= 3
        found = [group["DBParameterGroupName"] for page in pages for group in page["DBParameterGroups"]]
        assert len(found) == len(set(found)) and names <= set(found)
    finally:
        for name in names:
            rds.delete_db_parameter_group(DBParameterGroupName=name)


# Permissions


@pytest.mark.parametrize(
    "operation, params",
    [
        ("CreateDBInstance", SQLITE),
        ("DescribeDBInstances", {}),
        ("DescribeDBInstances", {"DBInstanceIdentifier": "nobody"}),
        ("DeleteDBInstance", {"DBInstanceIdentifier": "nobody", "SkipFinalSnapshot": True}),
        ("DescribeDBSnapshots", {}),
        ("DescribeEvents", {}),
        ("DescribeDBEngineVersions", {}),
        ("DescribeAccountAttributes", {}),
        ("DescribeDBInstanceAutomatedBackups", {}),
        ("DescribeDBParameterGroups", {}),
        ("DescribeDBParameters", {"DBParameterGroupName": "nobody"}),
        (
            "CreateDBParameterGroup",
            {"DBParameterGroupName": "a", "DBParameterGroupFamily": "sqlite3", "Description": "x"},
        ),
    ],
)
def test_who_may_not_is_told_so(stranger: Person, operation, params) -> None:
    with raises("AccessDenied", re.compile(f"not authorized to perform: rds:{operation} on"), 403):
        call(stranger.rds, operation, params)


def test_a_key_that_the_caller_may_not_use_is_refused(account: Account, keys: Keys) -> None:
    person = account.person(allow("rds:*"))
    with raises("KMSKeyNotAccessibleFault"):
        person.rds.create_db_instance(**SQLITE, StorageEncrypted=True, KmsKeyId=keys.symmetric.arn)
    with raises("DBInstanceNotFound", expected_status=404):
        account.root.rds.describe_db_instances(DBInstanceIdentifier="any")


def test_a_policy_may_name_one_instance(account: Account) -> None:
    arn = f"arn:aws:rds:us-east-1:{account.id}:db:mine"
    person = account.person(allow("rds:DescribeDBInstances", resource=arn))
    with raises("DBInstanceNotFound", expected_status=404):
        person.rds.describe_db_instances(DBInstanceIdentifier="mine")
    with raises("AccessDenied", expected_status=403):
        person.rds.describe_db_instances(DBInstanceIdentifier="yours")
