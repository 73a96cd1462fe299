"""The EBS direct APIs with boto3: snapshots that are written and read block by block."""

import json
import os
import random
import signal
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import server as servers
from account import REGION, SECOND_REGION, Account, allow, deny, unique
from direct import BLOCK, Direct, checksum, invalid, linear, refused
from volumes import Volumes, until

UNKNOWN = "snap-0123456789abcdef0"
# Whoever may do all that EBS direct has, and no more with KMS keys than is said beside.
EBS = allow("ebs:*", "ec2:DescribeSnapshots")


@pytest.fixture(scope="module")
def direct(account: Account) -> Iterator[Direct]:
    direct = Direct(account.root)
    try:
        yield direct
    finally:
        direct.clean()


@pytest.fixture(scope="module")
def image() -> dict[int, bytes]:
    """64 MiB."""
    return {index: os.urandom(BLOCK) for index in range(128)}


@pytest.fixture(scope="module")
def snapshot(direct: Direct, keys) -> str:
    """One with three blocks, under a key that nothing disables."""
    return direct.upload(few(), Encrypted=True, KmsKeyArn=keys.new().arn)


def few() -> dict[int, bytes]:
    return {index: bytes([index % 250 + 1]) * BLOCK for index in (0, 5, 2047)}


def describe(direct: Direct, snapshot: str) -> dict:
    return direct.person.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]


# What it is for


def test_an_image_goes_up_and_comes_down_again(direct: Direct, account: Account, image, keys) -> None:
    """64 MiB with 16 puts in flight, read back, and compared with a child of it."""
    key = keys.new()
    tags = [{"Key": "Name", "Value": unique("image")}]
    started = direct.ebs.start_snapshot(
        VolumeSize=1, Encrypted=True, KmsKeyArn=key.arn, Description="naïve & <x>", Tags=tags, Timeout=10
    )
    parent = started["SnapshotId"]
    direct.made.add(parent)
    assert started["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (started["Status"], started["OwnerId"], started["VolumeSize"]) == ("pending", account.id, 1)
    assert (started["BlockSize"], started["KmsKeyArn"], started["SseType"]) == (BLOCK, key.arn, "sse-kms")
    assert (started["Description"], started["Tags"]) == ("naïve & <x>", tags)
    assert abs(started["StartTime"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert "ParentSnapshotId" not in started

    order = list(image)
    random.Random(5).shuffle(order)
    direct.put_all(parent, {index: image[index] for index in order})
    pending = describe(direct, parent)
    assert (pending["State"], pending["VolumeId"]) == ("pending", "vol-ffffffff")
    assert (pending["Encrypted"], pending["KmsKeyId"]) == (True, key.arn)
    assert direct.complete(parent, image) in ("pending", "completed")
    assert describe(direct, parent)["Progress"] == "100%"
    assert direct.read(parent) == image

    changed = {index: os.urandom(BLOCK) for index in (3, 64, 127, 500)}
    child = direct.upload(changed, ParentSnapshotId=parent)
    assert describe(direct, child)["KmsKeyId"] == key.arn
    changes = direct.changes(child, parent)
    assert sorted(changes) == sorted(changed)
    assert {index for index, block in changes.items() if "FirstBlockToken" in block} == {3, 64, 127}
    assert direct.read(child) == image | changed
    for index, block in changes.items():
        assert direct.get(child, index, block["SecondBlockToken"]) == changed[index]
        if token := block.get("FirstBlockToken"):
            assert direct.get(parent, index, token) == image[index]
    assert sorted(direct.changes(child)) == sorted(image | changed)


def test_nothing_is_stored_in_the_clear(direct: Direct, volumes: Volumes) -> None:
    marker = b"COFFERMARK" * (BLOCK // 10 + 1)
    folder = volumes.runtime and volumes.server.home / "snapshots"
    before = {path: path.stat().st_size for path in folder.rglob("pack-*")}
    direct.upload({0: marker[:BLOCK], 1: bytes(BLOCK)})
    new = [path for path in folder.rglob("pack-*") if path not in before]
    assert new
    for path in new:
        content = path.read_bytes()
        assert b"COFFERMARK" not in content and len(content) >= 2 * BLOCK


def test_a_volume_is_made_of_what_was_uploaded(direct: Direct, volumes: Volumes, keys) -> None:
    blocks = {index: os.urandom(BLOCK) for index in (0, 1, 7, 2047)}
    snapshot = direct.upload(blocks, Encrypted=True, KmsKeyArn=keys.new().arn)
    volume = volumes.new(SnapshotId=snapshot)
    with volumes.attach(volume).open("rb", buffering=0) as file:
        for index in (*blocks, 2, 1000):
            file.seek(index * BLOCK)
            assert file.read(BLOCK) == blocks.get(index, bytes(BLOCK))
    volumes.detach(volume)


def test_a_volume_that_was_written_is_read_and_told_from_its_holes(direct: Direct, volumes: Volumes) -> None:
    """What was never written reads as zeroes, and zeroes that were written are listed as data."""
    volume = volumes.new(Encrypted=True)
    data = os.urandom(4096)
    with volumes.attach(volume).open("r+b", buffering=0) as file:
        file.write(data)
        file.seek(9 * BLOCK)
        file.write(bytes(4096))
        os.fsync(file.fileno())
    snapshot = volumes.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    direct.made.add(snapshot)
    until(lambda: describe(direct, snapshot), lambda found: found["State"] == "completed")
    volumes.detach(volume)
    assert direct.read(snapshot) == {0: data + bytes(BLOCK - 4096), 9: bytes(BLOCK)}

    child = direct.upload({9: b"x" * BLOCK, 10: bytes(BLOCK)}, ParentSnapshotId=snapshot)
    assert direct.read(child) == {0: data + bytes(BLOCK - 4096), 9: b"x" * BLOCK, 10: bytes(BLOCK)}
    assert sorted(direct.changes(child, snapshot)) == [9, 10]


def test_a_child_may_be_larger_than_its_parent(direct: Direct, snapshot: str) -> None:
    child = direct.upload({4000: b"z" * BLOCK}, size=2, ParentSnapshotId=snapshot)
    assert direct.read(child) == few() | {4000: b"z" * BLOCK}
    page = direct.ebs.list_changed_blocks(FirstSnapshotId=snapshot, SecondSnapshotId=child)
    assert ([block["BlockIndex"] for block in page["ChangedBlocks"]], page["VolumeSize"]) == ([4000], 2)
    with invalid("INVALID_VOLUME_SIZE"):
        direct.start(1, ParentSnapshotId=child)


def test_an_upload_is_in_nobodys_way(direct: Direct, volumes: Volumes) -> None:
    """While a child of a volume's snapshot is written, the volume has more snapshots made, and the parent may go."""
    volume = volumes.new(Encrypted=True)
    with volumes.attach(volume).open("r+b", buffering=0) as file:
        file.write(b"p" * BLOCK)
        os.fsync(file.fileno())

        def taken() -> str:
            snapshot = volumes.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
            direct.made.add(snapshot)
            until(lambda: describe(direct, snapshot), lambda found: found["State"] == "completed")
            return snapshot

        parent = taken()
        children = [direct.start(ParentSnapshotId=parent) for _ in range(2)]
        for index, child in enumerate(children):
            direct.put(child, index + 1, b"c" * BLOCK)
        file.seek(5 * BLOCK)
        file.write(b"v" * BLOCK)
        os.fsync(file.fileno())
        later = taken()
        direct.person.ec2.delete_snapshot(SnapshotId=parent)
    volumes.detach(volume)
    for index, child in enumerate(children):
        direct.complete(child, {index + 1: b"c" * BLOCK})
        assert direct.read(child) == {0: b"p" * BLOCK, index + 1: b"c" * BLOCK}
    assert direct.read(later) == {0: b"p" * BLOCK, 5: b"v" * BLOCK}
    assert sorted(direct.changes(children[0], later)) == [1, 5]


def test_the_last_write_of_a_block_counts(direct: Direct) -> None:
    snapshot = direct.start()
    for byte in b"abc":
        direct.put(snapshot, 7, bytes([byte]) * BLOCK)
    blocks = {7: b"c" * BLOCK}
    direct.complete(snapshot, blocks)
    assert direct.read(snapshot) == blocks


def test_many_write_the_same_blocks_at_once(direct: Direct) -> None:
    """Whatever comes of it, the checksums of blocks and data agree."""
    snapshot = direct.start()
    contents = [bytes([n]) * BLOCK for n in range(1, 9)]
    jobs = [(index, data) for data in contents for index in range(8)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda job: direct.put(snapshot, *job), jobs))
    direct.ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=8)
    until(lambda: describe(direct, snapshot), lambda found: found["State"] == "completed")
    found = direct.read(snapshot)
    assert sorted(found) == list(range(8)) and all(data in contents for data in found.values())


def test_a_snapshot_of_nothing(direct: Direct) -> None:
    snapshot = direct.upload({})
    assert direct.read(snapshot) == {} and direct.changes(snapshot) == {}


def test_progress_is_what_the_client_tells(direct: Direct) -> None:
    snapshot = direct.start()
    direct.put(snapshot, 0, bytes(BLOCK), Progress=40)
    assert describe(direct, snapshot)["Progress"] == "40%"
    with invalid("INVALID_PARAMETER_VALUE"):
        direct.put(snapshot, 0, bytes(BLOCK), Progress=101)
    direct.person.ec2.delete_snapshot(SnapshotId=snapshot)


# Which key


def test_a_snapshot_without_encryption_says_so(direct: Direct) -> None:
    started = direct.ebs.start_snapshot(VolumeSize=1)
    direct.made.add(started["SnapshotId"])
    assert started["SseType"] == "none" and "KmsKeyArn" not in started
    found = describe(direct, started["SnapshotId"])
    assert found["Encrypted"] is False and "KmsKeyId" not in found


def test_encryption_by_default(direct: Direct, ec2, keys) -> None:
    plain = direct.upload({0: b"x" * BLOCK})
    default = keys.new()
    ec2.enable_ebs_encryption_by_default()
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=default.arn)
    try:
        started = direct.ebs.start_snapshot(VolumeSize=1)
        direct.made.add(started["SnapshotId"])
        assert started["KmsKeyArn"] == default.arn
        own = keys.new()
        started = direct.ebs.start_snapshot(VolumeSize=1, KmsKeyArn=own.arn)
        direct.made.add(started["SnapshotId"])
        assert started["KmsKeyArn"] == own.arn
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.start(Encrypted=False)
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.start(ParentSnapshotId=plain)
    finally:
        ec2.reset_ebs_default_kms_key_id()
        ec2.disable_ebs_encryption_by_default()
    started = direct.ebs.start_snapshot(VolumeSize=1, Encrypted=True)
    direct.made.add(started["SnapshotId"])
    assert started["SseType"] == "sse-kms"


def test_a_parent_excludes_encryption_and_a_key(direct: Direct, snapshot: str, keys) -> None:
    for params in ({"Encrypted": True}, {"Encrypted": False}, {"KmsKeyArn": keys.new().arn}):
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.start(ParentSnapshotId=snapshot, **params)
    with invalid("INVALID_PARAMETER_VALUE"):
        direct.start(KmsKeyArn=keys.new().arn)


def test_a_key_that_cannot_be_used_is_said_at_once(direct: Direct, account: Account, keys) -> None:
    unknown = f"arn:aws:kms:{REGION}:{account.id}:key/01234567-89ab-cdef-0123-456789abcdef"
    mac = keys.new(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC").arn
    before = account.root.ec2.describe_snapshots()["Snapshots"]
    for arn in (unknown, mac, keys.disabled.arn, keys.deleted.arn):
        with invalid("INVALID_CUSTOMER_KEY"):
            direct.start(Encrypted=True, KmsKeyArn=arn)
    with invalid("INVALID_PARAMETER_VALUE"):
        direct.start(Encrypted=True, KmsKeyArn="alias/aws/ebs")
    assert account.root.ec2.describe_snapshots()["Snapshots"] == before


def test_a_disabled_key_counts_in_the_next_request(direct: Direct, keys) -> None:
    key, blocks = keys.new(), few()
    snapshot = direct.upload(blocks, Encrypted=True, KmsKeyArn=key.arn)
    tokens = direct.tokens(snapshot)
    pending = direct.start(Encrypted=True, KmsKeyArn=key.arn)
    direct.put(pending, 0, blocks[0])
    assert direct.get(snapshot, 0, tokens[0]) == blocks[0]
    key.kms.disable_key(KeyId=key.id)
    for call in (
        lambda: direct.get(snapshot, 0, tokens[0]),
        lambda: direct.tokens(snapshot),
        lambda: direct.changes(snapshot),
        lambda: direct.put(pending, 5, blocks[5]),
        lambda: direct.complete(pending, {0: blocks[0]}),
        lambda: direct.start(ParentSnapshotId=snapshot),
        lambda: direct.start(Encrypted=True, KmsKeyArn=key.arn),
    ):
        with invalid("INVALID_CUSTOMER_KEY"):
            call()
    key.kms.enable_key(KeyId=key.id)
    assert direct.get(snapshot, 0, tokens[0]) == blocks[0]
    direct.complete(pending, {0: blocks[0]})
    assert direct.read(pending) == {0: blocks[0]}


# Who may


def test_who_may_not_use_the_kms_key_reads_and_writes_nothing(direct: Direct, account: Account, keys) -> None:
    key = keys.new()
    snapshot = direct.upload(few(), Encrypted=True, KmsKeyArn=key.arn)
    pending = direct.start(Encrypted=True, KmsKeyArn=key.arn)
    token = direct.tokens(snapshot)[5]
    without = Direct(account.person(EBS))
    denied = ("AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403)
    for call in (
        lambda: without.get(snapshot, 5, token),
        lambda: without.tokens(snapshot),
        lambda: without.changes(snapshot),
        lambda: without.put(pending, 0, bytes(BLOCK)),
        lambda: without.ebs.complete_snapshot(SnapshotId=pending, ChangedBlocksCount=0),
        lambda: without.start(ParentSnapshotId=snapshot),
        lambda: without.start(Encrypted=True, KmsKeyArn=key.arn),
    ):
        with refused(*denied):
            call()
    within = Direct(account.person(EBS, allow("kms:Decrypt", resource=key.arn)))
    assert within.get(snapshot, 5, token) == few()[5]
    within.put(pending, 0, bytes(BLOCK))
    service = {"StringEquals": {"kms:ViaService": f"ec2.{REGION}.amazonaws.com"}}
    maker = Direct(account.person(EBS, allow("kms:*", resource=key.arn, Condition=service)))
    made = maker.upload(few(), Encrypted=True, KmsKeyArn=key.arn)
    child = maker.upload({1: b"y" * BLOCK}, ParentSnapshotId=made)
    direct.made |= {made, child}
    assert maker.read(child) == few() | {1: b"y" * BLOCK}


def test_actions_are_allowed_one_by_one(direct: Direct, account: Account, snapshot: str, stranger) -> None:
    plain = direct.upload({0: b"x" * BLOCK}, Tags=[{"Key": "team", "Value": "blue"}])
    token, pending = direct.tokens(plain)[0], direct.start()
    calls = {
        "StartSnapshot": lambda who: who.ebs.start_snapshot(VolumeSize=1)["SnapshotId"],
        "PutSnapshotBlock": lambda who: who.put(pending, 0, b"x" * BLOCK),
        "ListSnapshotBlocks": lambda who: who.tokens(plain),
        "ListChangedBlocks": lambda who: who.changes(plain),
        "GetSnapshotBlock": lambda who: who.get(plain, 0, token),
        "CompleteSnapshot": lambda who: who.complete(pending, {0: b"x" * BLOCK}),
    }
    nobody = Direct(stranger)
    documented = f"arn:aws:ec2:{REGION}::snapshot/*"
    for name, call in calls.items():
        with refused("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403):
            call(nobody)
        others = [f"ebs:{other}" for other in calls if other != name]
        with refused("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403):
            call(Direct(account.person(allow(*others))))
        made = call(Direct(account.person(allow(f"ebs:{name}", "ec2:Describe*", resource=documented), allow("ec2:DescribeSnapshots"))))
        if name == "StartSnapshot":
            direct.made.add(made)
    # Both snapshots of a comparison count, and tags do.
    blue = {"StringEquals": {"aws:ResourceTag/team": "blue"}}
    tagged = Direct(account.person(allow("ebs:*", Condition=blue), allow("kms:*")))
    assert tagged.changes(plain)
    with refused("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403):
        tagged.changes(plain, snapshot)
    with refused("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403):
        tagged.ebs.list_snapshot_blocks(SnapshotId=UNKNOWN)


def test_what_a_snapshot_is_begun_with_is_a_condition(direct: Direct, account: Account) -> None:
    small = {"NumericLessThanEquals": {"ebs:VolumeSize": "2"}}
    team = {"StringEquals": {"aws:RequestTag/team": "red"}}
    tags = [{"Key": "team", "Value": "red"}]
    who = Direct(account.person(allow("ebs:StartSnapshot", Condition=small | team), allow("ec2:CreateTags")))
    direct.made.add(who.start(2, Tags=tags))
    for params in ({"size": 3, "Tags": tags}, {"size": 1}):
        with refused("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403):
            who.start(**params)
    untagging = Direct(account.person(allow("ebs:*"), deny("ec2:CreateTags")))
    with refused("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403):
        untagging.start(Tags=tags)


# Refusals of blocks and ends


def test_a_block_that_is_not_what_it_says_is_not_stored(direct: Direct) -> None:
    snapshot, data = direct.start(), os.urandom(BLOCK)
    cases = [
        ({"Checksum": checksum(b"other")}, "INVALID_PARAMETER_VALUE"),
        ({"BlockData": data[:-1] + bytes([data[-1] ^ 1])}, "INVALID_PARAMETER_VALUE"),
        ({"Checksum": "AAAA"}, "INVALID_PARAMETER_VALUE"),
        ({"Checksum": "*"}, "INVALID_PARAMETER_VALUE"),
        ({"DataLength": BLOCK - 1}, "INVALID_PARAMETER_VALUE"),
        ({"ChecksumAlgorithm": "SHA1"}, "INVALID_PARAMETER_VALUE"),
    ]
    for params, reason in cases:
        with invalid(reason):
            direct.put(snapshot, 0, data, **params)
    for length in (0, 1, 4096, BLOCK - 1, BLOCK + 1):
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.put(snapshot, 0, bytes(length))
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.put(snapshot, 0, bytes(length), DataLength=BLOCK)
    for index in (2048, 2**31 - 1):
        with invalid("INVALID_BLOCK"):
            direct.put(snapshot, index, data)
    direct.complete(snapshot, {})
    assert direct.read(snapshot) == {}


def test_an_end_that_is_not_what_was_written_is_refused(direct: Direct) -> None:
    blocks = few()
    snapshot = direct.start()
    direct.put_all(snapshot, blocks)
    usual = {
        "ChangedBlocksCount": 3,
        "Checksum": linear(blocks),
        "ChecksumAlgorithm": "SHA256",
        "ChecksumAggregationMethod": "LINEAR",
    }
    for params in (
        {"ChangedBlocksCount": 2},
        {"ChangedBlocksCount": 4},
        {"Checksum": linear({0: blocks[0]})},
        # The text of the checksums is not what counts.
        {"Checksum": checksum("".join(checksum(blocks[n]) for n in sorted(blocks)).encode())},
        {"ChecksumAlgorithm": "SHA1"},
        {"ChecksumAggregationMethod": "TREE"},
    ):
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.ebs.complete_snapshot(SnapshotId=snapshot, **{**usual, **params})
    assert describe(direct, snapshot)["State"] == "pending"
    answer = direct.ebs.complete_snapshot(SnapshotId=snapshot, **usual)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    until(lambda: describe(direct, snapshot), lambda found: found["State"] == "completed")
    # The same again is answered again, and anything else is refused.
    assert direct.ebs.complete_snapshot(SnapshotId=snapshot, **usual)["Status"] == "completed"
    with invalid("INVALID_SNAPSHOT_ID"):
        direct.ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=2)
    with invalid("INVALID_SNAPSHOT_ID"):
        direct.put(snapshot, 1, bytes(BLOCK))
    assert direct.read(snapshot) == blocks


def test_what_is_pending_is_not_read(direct: Direct) -> None:
    snapshot = direct.start()
    direct.put(snapshot, 0, bytes(BLOCK))
    for call in (
        lambda: direct.tokens(snapshot),
        lambda: direct.changes(snapshot),
        lambda: direct.ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=0, BlockToken="AAAA"),
        lambda: direct.start(ParentSnapshotId=snapshot),
    ):
        with invalid("INVALID_SNAPSHOT_ID"):
            call()


def test_one_that_is_pending_can_be_called_off(direct: Direct, volumes: Volumes) -> None:
    folder = volumes.runtime and volumes.server.home / "snapshots"
    before = sorted(folder.iterdir()) if folder.exists() else []
    snapshot = direct.start()
    direct.put(snapshot, 0, bytes(BLOCK))
    direct.person.ec2.delete_snapshot(SnapshotId=snapshot)
    with refused("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404):
        direct.put(snapshot, 0, bytes(BLOCK))
    assert sorted(folder.iterdir()) == before


# Tokens


def test_tokens_that_are_not_what_was_handed_out(direct: Direct, snapshot: str) -> None:
    other = direct.upload(few())
    tokens, page = direct.tokens(snapshot), direct.ebs.list_snapshot_blocks(SnapshotId=snapshot)
    assert timedelta(days=6.9) < page["ExpiryTime"] - datetime.now(UTC) < timedelta(days=7.1)
    good = tokens[5]
    assert len(good) <= 256 and good not in (tokens[0], direct.tokens(other)[5])
    bad = [tokens[0], direct.tokens(other)[5], good[:-4], good + "AAAA", "A", "AAAA", "/" * 256, good.rstrip("=") + "A"]
    raw = b64decode(good)
    bad += [b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode() for at in range(len(raw))]
    for token in bad:
        if token == good:
            continue
        with invalid("INVALID_BLOCK_TOKEN"):
            direct.ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=5, BlockToken=token)
    with invalid("INVALID_BLOCK_TOKEN"):
        direct.ebs.get_snapshot_block(SnapshotId=other, BlockIndex=5, BlockToken=good)
    with invalid("INVALID_BLOCK_TOKEN"):
        direct.ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=6, BlockToken=good)
    with invalid("INVALID_BLOCK"):
        direct.ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=2048, BlockToken=good)
    with invalid("INVALID_PAGE_TOKEN"):
        direct.ebs.list_snapshot_blocks(SnapshotId=snapshot, NextToken=good)


def test_lists_come_in_pages(direct: Direct, image) -> None:
    blocks = {index: bytes([index % 250 + 1]) * BLOCK for index in range(0, 500, 2)}
    snapshot = direct.upload(blocks)
    other = direct.upload({0: b"x" * BLOCK})
    first = direct.ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100)
    assert [block["BlockIndex"] for block in first["Blocks"]] == list(range(0, 200, 2))
    token = first["NextToken"]
    second = direct.ebs.list_snapshot_blocks(
        SnapshotId=snapshot, MaxResults=100, NextToken=token, StartingBlockIndex=450
    )
    assert [block["BlockIndex"] for block in second["Blocks"]] == list(range(200, 400, 2))
    assert sorted(direct.tokens(snapshot, MaxResults=100)) == sorted(blocks)
    assert sorted(direct.changes(snapshot, MaxResults=100)) == sorted(blocks)
    from_451 = direct.ebs.list_snapshot_blocks(SnapshotId=snapshot, StartingBlockIndex=451)
    assert [block["BlockIndex"] for block in from_451["Blocks"]] == list(range(452, 500, 2))
    assert "NextToken" not in from_451
    assert direct.ebs.list_snapshot_blocks(SnapshotId=snapshot, StartingBlockIndex=5000)["Blocks"] == []
    raw = b64decode(token)
    for wrong in ("A", "AAAA", b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()):
        with invalid("INVALID_PAGE_TOKEN"):
            direct.ebs.list_snapshot_blocks(SnapshotId=snapshot, NextToken=wrong)
    with invalid("INVALID_PAGE_TOKEN"):
        direct.ebs.list_snapshot_blocks(SnapshotId=other, NextToken=token)
    for limit in (0, 99, 10_001):
        with invalid("INVALID_PARAMETER_VALUE"):
            direct.unchecked.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=limit)


def test_snapshots_of_other_lineages_are_not_compared(direct: Direct, account: Account, volumes: Volumes, keys) -> None:
    one, other = direct.upload(few()), direct.upload(few())
    with invalid("UNRELATED_SNAPSHOTS"):
        direct.changes(one, other)
    assert direct.changes(one, one) == {}
    copy = json.loads(volumes.coffer("snapshot", "copy", one, "--key", keys.new().arn, "--output", "json"))["SnapshotId"]
    direct.made.add(copy)
    until(lambda: describe(direct, copy), lambda found: found["State"] == "completed")
    with invalid("UNRELATED_SNAPSHOTS"):
        direct.changes(copy, one)
    assert direct.read(copy) == few()


# Ids, tokens of clients, regions


def test_ids_are_ids(direct: Direct) -> None:
    for text in ("snap-", "snap-xyz", "vol-0123456789abcdef0", "a b", "snap-" + "0" * 60, "..", "completion"):
        with pytest.raises(ClientError) as caught:
            direct.unchecked.list_snapshot_blocks(SnapshotId=text)
        assert caught.value.response["Error"]["Code"] in ("ValidationException", "UnknownOperationException")
    for text in (UNKNOWN, "snap-0123abcd"):
        for call in (
            lambda text=text: direct.tokens(text),
            lambda text=text: direct.changes(text),
            lambda text=text: direct.put(text, 0, bytes(BLOCK)),
            lambda text=text: direct.ebs.complete_snapshot(SnapshotId=text, ChangedBlocksCount=0),
            lambda text=text: direct.start(ParentSnapshotId=text),
        ):
            with refused("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404):
                call()


def test_a_snapshot_is_of_its_region(direct: Direct, account: Account, snapshot: str) -> None:
    elsewhere = account.root.client("ebs", region=SECOND_REGION)
    with refused("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404):
        elsewhere.list_snapshot_blocks(SnapshotId=snapshot)


def test_the_same_request_again_begins_nothing(direct: Direct) -> None:
    token = unique("token")
    params = {"VolumeSize": 1, "ClientToken": token, "Description": "one", "Tags": [{"Key": "k", "Value": "v"}]}
    made = direct.ebs.start_snapshot(**params)
    direct.made.add(made["SnapshotId"])
    again = direct.ebs.start_snapshot(**params)
    for name in ("SnapshotId", "StartTime", "Description", "Tags", "Status"):
        assert made[name] == again[name]
    for change in ({"VolumeSize": 2}, {"Description": "two"}, {"Tags": []}, {"Timeout": 61}, {"Encrypted": True}):
        with refused("ConflictException", None, 409):
            direct.ebs.start_snapshot(**{**params, **change})
    with ThreadPoolExecutor(8) as pool:
        params["ClientToken"] = unique("token")
        ids = {each["SnapshotId"] for each in pool.map(lambda _: direct.ebs.start_snapshot(**params), range(8))}
    direct.made |= ids
    assert len(ids) == 1


@pytest.mark.parametrize(
    "params, reason",
    [
        ({"VolumeSize": 0}, "INVALID_VOLUME_SIZE"),
        ({"VolumeSize": 65_537}, "INVALID_VOLUME_SIZE"),
        ({"VolumeSize": -1}, "INVALID_VOLUME_SIZE"),
        ({"VolumeSize": 2**40}, "INVALID_VOLUME_SIZE"),
        ({"VolumeSize": None}, "INVALID_PARAMETER_VALUE"),
        ({"Timeout": 9}, "INVALID_PARAMETER_VALUE"),
        ({"Timeout": 4321}, "INVALID_PARAMETER_VALUE"),
        ({"Description": "x" * 256}, "INVALID_PARAMETER_VALUE"),
        ({"ClientToken": "a b"}, "INVALID_PARAMETER_VALUE"),
        ({"ClientToken": "x" * 256}, "INVALID_PARAMETER_VALUE"),
        ({"ParentSnapshotId": "vol-1"}, "INVALID_PARAMETER_VALUE"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "INVALID_TAG"),
        ({"Tags": [{"Value": "x"}]}, "INVALID_TAG"),
        ({"Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]}, "INVALID_TAG"),
        ({"Tags": [{"Key": str(n), "Value": ""} for n in range(51)]}, "INVALID_TAG"),
        ({"Tags": [{"Key": "k" * 128, "Value": ""}]}, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_start_that_cannot_be_is_refused(direct: Direct, params, reason) -> None:
    request = {name: value for name, value in {"VolumeSize": 1, **params}.items() if value is not None}
    with invalid(reason):
        direct.unchecked.start_snapshot(**request)


def test_the_largest_snapshot(direct: Direct) -> None:
    """64 TiB take the room of what was written."""
    last = (65_536 << 30) // BLOCK - 1
    snapshot = direct.upload({last: b"x" * BLOCK}, size=65_536)
    assert direct.read(snapshot) == {last: b"x" * BLOCK}


def test_signatures_that_are_not_right(direct: Direct, account: Account) -> None:
    person = account.root
    guess = type(person)(person.url, person.access_key_id, "guess")
    unknown = type(person)(person.url, "AKIAIOSFODNN7EXAMPLE", "guess")
    for who, code in ((guess, "InvalidSignatureException"), (unknown, "UnrecognizedClientException")):
        with refused(code, None, 403):
            who.client("ebs").list_snapshot_blocks(SnapshotId=UNKNOWN)


# By hand


def test_the_aws_cli(direct: Direct, command_line, tmp_path: Path) -> None:
    aws = partial(command_line, "ebs")
    data = os.urandom(BLOCK)
    (tmp_path / "block").write_bytes(data)
    snapshot = aws("start-snapshot", "--volume-size", "1", "--encrypted")["SnapshotId"]
    direct.made.add(snapshot)
    put = aws(
        *("put-snapshot-block", "--snapshot-id", snapshot, "--block-index", "3"),
        *("--data-length", str(BLOCK), "--block-data", str(tmp_path / "block")),
        *("--checksum", checksum(data), "--checksum-algorithm", "SHA256"),
    )
    assert put == {"Checksum": checksum(data), "ChecksumAlgorithm": "SHA256"}
    aws("complete-snapshot", "--snapshot-id", snapshot, "--changed-blocks-count", "1")
    until(lambda: describe(direct, snapshot), lambda found: found["State"] == "completed")
    [block] = aws("list-snapshot-blocks", "--snapshot-id", snapshot)["Blocks"]
    read = aws(
        *("get-snapshot-block", "--snapshot-id", snapshot, "--block-index", "3"),
        *("--block-token", block["BlockToken"], str(tmp_path / "read")),
    )
    assert (read["DataLength"], (tmp_path / "read").read_bytes()) == (BLOCK, data)


# A server that ends


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if os.environ.get("COFFER_ENDPOINT"):
        pytest.skip("the server runs elsewhere: it cannot be stopped from here")
    monkeypatch.setenv("COFFER_PKCS11_MODULE", "")
    return tmp_path


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_ends_in_the_middle(home: Path, signal_number) -> None:
    """What was pending is an error and can be cleared away; what was complete is as it was, and so are its tokens."""
    blocks = few()
    with servers.started(home) as server:
        direct = Direct(Account(server).root)
        kept = direct.upload(blocks, Encrypted=True)
        token = direct.tokens(kept)[5]
        page = direct.ebs.list_snapshot_blocks(SnapshotId=kept, MaxResults=100)
        assert "NextToken" not in page
        cut = [direct.start(Encrypted=True), direct.start(ParentSnapshotId=kept)]
        for snapshot in cut:
            direct.put(snapshot, 1, os.urandom(BLOCK))
        os.kill(server.process_id, signal_number)
        until(lambda: alive(server.process_id), lambda found: not found)
    with servers.started(home) as server:
        account = Account(server)
        direct = Direct(account.root)
        for snapshot in cut:
            found = describe(direct, snapshot)
            assert found["State"] == "error", found
            if signal_number == signal.SIGTERM:
                assert "stopped" in found["StateMessage"]
            with invalid("INVALID_SNAPSHOT_ID"):
                direct.put(snapshot, 2, bytes(BLOCK))
        assert direct.get(kept, 5, token) == blocks[5] and direct.read(kept) == blocks
        for snapshot in cut:
            command = [server.binary, "snapshot", "rm", snapshot, "--yes", "--home", str(server.home)]
            subprocess.run(command, check=True, capture_output=True)
        child = direct.upload({9: b"y" * BLOCK}, ParentSnapshotId=kept)
        assert direct.read(child) == blocks | {9: b"y" * BLOCK}
        for snapshot in (kept, child):
            account.root.ec2.delete_snapshot(SnapshotId=snapshot)
        assert list((server.home / "snapshots").iterdir()) == []


def alive(process_id: int) -> bool:
    with suppress(OSError):
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    return False
