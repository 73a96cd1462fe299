"""EC2's dialect of the Query protocol: what is wrong with a request before any volume is looked for."""

import re
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.model import Shape

from account import REGION, Account, Person, call, raises

VERSION = "2016-11-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def send(person: Person, body: bytes | str, service: str = "ec2") -> tuple[int, str, str]:
    """HTTP status, error code and message of the answer to a signed form."""
    data = body.encode() if isinstance(body, str) else body
    request = AWSRequest("POST", person.url + "/", data=data, headers=dict(FORM))
    SigV4Auth(Credentials(person.access_key_id, person.secret), service, REGION).add_auth(request)
    answer = urllib3.request(
        "POST", person.url + "/", body=data, headers=dict(request.headers.items()), retries=False, timeout=60
    )
    text = answer.data.decode()
    code = re.search(r"<Code>(.*?)</Code>", text)
    message = re.search(r"<Message>(.*?)</Message>", text)
    assert answer.headers["Content-Type"] == "text/xml"
    assert re.search(r"<[rR]equestI[dD]>[0-9a-f-]{36}<", text), text
    return answer.status, code.group(1) if code else "", message.group(1) if message else ""


def form(action: str, **parameters: str) -> str:
    return "&".join([f"Action={action}&Version={VERSION}", *(f"{k}={v}" for k, v in parameters.items())])


def test_a_form_is_answered(account: Account) -> None:
    assert send(account.root, form("DescribeVolumes")) == (200, "", "")


@pytest.mark.parametrize(
    "parameters, code, message",
    [
        ("Nonsense=1", "UnknownParameter", "The parameter Nonsense is not recognized"),
        ("volumeId.1=vol-12345678", "UnknownParameter", None),
        ("VolumeId=vol-12345678", "UnknownParameter", None),
        ("VolumeId.0=vol-12345678", "UnknownParameter", None),
        ("VolumeId.x=vol-12345678", "UnknownParameter", None),
        ("VolumeId.1=vol-12345678&VolumeId.3=vol-12345678", "InvalidParameterValue", "VolumeId.2 is missing"),
        ("VolumeId.4294967297=vol-12345678", "UnknownParameter", None),
        ("VolumeId.1=vol-12345678&VolumeId.1=vol-12345678", "MalformedQueryString", None),
        ("VolumeId.1=%FF", "MalformedQueryString", None),
        ("VolumeId.1=vol-%C3%A9", "InvalidVolumeID.Malformed", "vol-\u00e9"),
        ("VolumeId.1=vol-%00", "InvalidVolumeID.Malformed", "vol-\ufffd"),
        ("VolumeId.1=%3C%2FMessage%3E", "InvalidVolumeID.Malformed", "&lt;/Message&gt;"),
        ("MaxResults=x", "InvalidParameterValue", None),
        ("MaxResults=", "InvalidParameterValue", None),
        ("MaxResults=1e3", "InvalidParameterValue", None),
        ("DryRun=maybe", "InvalidParameterValue", None),
        ("Filter.1.Name=size", "InvalidParameterValue", None),
        ("Filter.1.Value.1=1", "MissingParameter", None),
        ("Filter.1.Name=odd&Filter.1.Value.1=1", "InvalidParameterValue", "The filter 'odd' is invalid"),
        ("Filter.1=x", "UnknownParameter", None),
        ("Filter.1.Name.1=x", "UnknownParameter", None),
        (".".join("abcdefghij") + "=1", "UnknownParameter", None),
        ("." * 500 + "=1", "UnknownParameter", None),
    ],
)
def test_parameters_are_checked(account: Account, parameters, code, message) -> None:
    status, found, text = send(account.root, form("DescribeVolumes") + "&" + parameters)
    assert (status, found) == (400, code), text
    assert message is None or message in text, text


def numbered(name: str, value: str, count: int) -> str:
    return "".join(f"&{name}.{number}={value}" for number in range(1, count + 1))


@pytest.mark.parametrize(
    "parameters, code",
    [
        (numbered("VolumeId", "vol-0123456789abcdef0", 1000), "InvalidVolume.NotFound"),
        (numbered("VolumeId", "vol-0123456789abcdef0", 1001), "InvalidParameterValue"),
        (numbered("VolumeId", "vol-0123456789abcdef0", 5000), "MalformedQueryString"),
        ("&Filter.1.Name=size" + numbered("Filter.1.Value", "1", 200), ""),
        ("&Filter.1.Name=size" + numbered("Filter.1.Value", "1", 201), "InvalidParameterValue"),
        (
            "&Filter.1.Name=size&Filter.2.Name=size"
            + numbered("Filter.1.Value", "1", 150)
            + numbered("Filter.2.Value", "1", 150),
            "FilterLimitExceeded",
        ),
        ("&VolumeId.1=" + "x" * 900_000, "InvalidVolumeID.Malformed"),
    ],
    ids=["most ids", "too many ids", "too many parameters", "most values", "too many", "in two", "long"],
)
def test_huge_requests_are_bounded(account: Account, parameters, code) -> None:
    _, found, message = send(account.root, form("DescribeVolumes") + parameters)
    assert found == code, message
    assert len(message) < 1000


ACTIONS = (
    *("AttachVolume", "CreateSnapshot", "CreateTags", "CreateVolume", "DeleteSnapshot", "DeleteTags"),
    *("DeleteVolume", "DescribeAccountAttributes", "DescribeAvailabilityZones", "DescribeInstances"),
    *("DescribeInstanceStatus", "DescribeRegions", "DescribeSnapshots", "DescribeTags"),
    *("DescribeVolumeAttribute", "DescribeVolumes", "DescribeVolumesModifications"),
    *("DescribeVolumeStatus", "DetachVolume", "DisableEbsEncryptionByDefault"),
    *("EnableEbsEncryptionByDefault", "GetEbsDefaultKmsKeyId", "GetEbsEncryptionByDefault"),
    *("ModifyEbsDefaultKmsKeyId", "ModifyVolume", "ModifyVolumeAttribute", "ResetEbsDefaultKmsKeyId"),
)


def sample(shape: Shape) -> Any:
    """Some value of this shape, with all its members."""
    match shape.type_name:
        case "structure":
            return {name: sample(member) for name, member in shape.members.items()}
        case "list":
            return [sample(shape.member)]
        case "boolean":
            return True
        case "integer" | "long":
            return 1
        case _:
            return "x"


@pytest.mark.parametrize("action", ACTIONS)
def test_every_parameter_of_the_model_is_known(account: Account, action) -> None:
    """Whatever a client may send, it is not the parameter's name that is refused."""
    client = account.root.client("ec2", parameter_validation=False)
    shape = client.meta.service_model.operation_model(action).input_shape
    for name, member in shape.members.items() if shape else ():
        with pytest.raises(ClientError) as caught:
            call(client, action, {"DryRun": True, name: sample(member)})
        assert caught.value.response["Error"]["Code"] != "UnknownParameter", name


def test_an_action_of_none_of_the_services_is_invalid(account: Account) -> None:
    assert send(account.root, form("Nonsense"))[:2] == (400, "InvalidAction")


@pytest.mark.parametrize("action", ["RunInstances", "CreateVpc", "DescribeImages", "StopInstances"])
def test_what_is_left_out_on_purpose_says_so(account: Account, action) -> None:
    status, code, message = send(account.root, form(action))
    assert (status, code) == (400, "UnsupportedOperation")
    assert "Coffer has volumes" in message


@pytest.mark.parametrize("version", ["Version=2016-11-16", "Version=", "X=1"])
def test_another_version_is_refused(account: Account, version) -> None:
    status, code, _ = send(account.root, "Action=DescribeVolumes&" + version)
    assert status == 400 and code in ("NoSuchVersion", "MissingParameter")


def test_a_wrong_secret_is_an_auth_failure(account: Account) -> None:
    person = Person(account.url, account.root.access_key_id, "wrong" + account.root.secret[5:])
    assert send(person, form("DescribeVolumes"))[:2] == (401, "AuthFailure")


def test_an_unknown_access_key_is_an_auth_failure(account: Account) -> None:
    person = Person(account.url, "AKIAIOSFODNN7EXAMPLE", account.root.secret)
    assert send(person, form("DescribeVolumes")) == (
        401,
        "AuthFailure",
        "AWS was not able to validate the provided access credentials",
    )


def test_a_signature_for_another_service_is_an_auth_failure(account: Account) -> None:
    assert send(account.root, form("DescribeVolumes"), service="iam")[:2] == (401, "AuthFailure")


def test_an_unsigned_request_misses_its_token(account: Account) -> None:
    answer = urllib3.request("POST", account.url + "/", body=form("DescribeVolumes"), headers=FORM)
    assert answer.status == 400 and b"<Code>MissingAuthenticationToken</Code>" in answer.data


def test_a_presigned_get_is_answered(account: Account) -> None:
    url = account.root.ec2.generate_presigned_url("describe_regions", HttpMethod="GET")
    answer = urllib3.request("GET", url, retries=False)
    assert answer.status == 200, answer.data
    assert b"<regionName>us-east-1</regionName>" in answer.data


@pytest.mark.parametrize(
    "device",
    [
        *("", "/", "/dev/..", "/dev/../../etc/x", "../sdf", "/dev//sdf", "sd", "SDF", "sdf ", "sdf\n"),
        *("/dev/sdf\u0000", "sdé", "sdf\u0301", "/dev/nvme0", "/dev/sdf/../sdg", "x" * 5000),
    ],
    ids=ascii,
)
def test_a_device_that_is_none_is_refused(volumes, device) -> None:
    volume = volumes.new()
    with raises(("InvalidParameterValue", "MissingParameter")):
        volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device=device)
    assert volumes.describe(volume)["State"] == "available"


@pytest.mark.parametrize(
    "instance, code",
    [
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("i-zz", "InvalidInstanceID.Malformed"),
        ("nonsense", "InvalidInstanceID.Malformed"),
    ],
)
def test_there_is_one_instance(volumes, instance, code) -> None:
    with raises(code):
        volumes.ec2.describe_instances(InstanceIds=[instance])
    volume = volumes.new()
    with raises(code):
        volumes.ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
