"""Snapshots through the EBS direct APIs: written and read block by block, by many threads at once."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from account import Person

BLOCK = 512 << 10
THREADS = 16


def checksum(data: bytes) -> str:
    return b64encode(hashlib.sha256(data).digest()).decode()


def linear(blocks: dict[int, bytes]) -> str:
    """The checksum of checksums that CompleteSnapshot takes."""
    digests = b"".join(hashlib.sha256(blocks[index]).digest() for index in sorted(blocks))
    return checksum(digests)


class Direct:
    def __init__(self, person: Person):
        self.person = person
        self.ebs = person.client("ebs", max_pool_connections=2 * THREADS)
        # Sends what boto3 itself would refuse, so that the answer is the server's.
        self.unchecked = person.client("ebs", parameter_validation=False)
        self.made: set[str] = set()

    def start(self, size: int = 1, **params: Any) -> str:
        snapshot = self.ebs.start_snapshot(VolumeSize=size, **params)["SnapshotId"]
        self.made.add(snapshot)
        return snapshot

    def put(self, snapshot: str, index: int, data: bytes, **params: Any) -> dict[str, Any]:
        usual = {
            "BlockData": data,
            "DataLength": len(data),
            "Checksum": checksum(data),
            "ChecksumAlgorithm": "SHA256",
        }
        return self.ebs.put_snapshot_block(SnapshotId=snapshot, BlockIndex=index, **{**usual, **params})

    def put_all(self, snapshot: str, blocks: dict[int, bytes]) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda index: self.put(snapshot, index, blocks[index]), blocks))

    def complete(self, snapshot: str, blocks: dict[int, bytes]) -> str:
        answer = self.ebs.complete_snapshot(
            SnapshotId=snapshot,
            ChangedBlocksCount=len(blocks),
            Checksum=linear(blocks),
            ChecksumAlgorithm="SHA256",
            ChecksumAggregationMethod="LINEAR",
        )
        waiter = self.person.ec2.get_waiter("snapshot_completed")
        waiter.wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return answer["Status"]

    def upload(self, blocks: dict[int, bytes], size: int = 1, **params: Any) -> str:
        """A complete snapshot of these blocks."""
        snapshot = self.start(size, **params)
        self.put_all(snapshot, blocks)
        self.complete(snapshot, blocks)
        return snapshot

    def tokens(self, snapshot: str, **params: Any) -> dict[int, str]:
        """The blocks that a snapshot has, page by page."""
        found: list[tuple[int, str]] = []
        while True:
            page = self.ebs.list_snapshot_blocks(SnapshotId=snapshot, **params)
            assert page["BlockSize"] == BLOCK
            found += [(block["BlockIndex"], block["BlockToken"]) for block in page["Blocks"]]
            if not (token := page.get("NextToken")):
                break
            params["NextToken"] = token
        assert found == sorted(found)
        return dict(found)

    def changes(self, second: str, first: str | None = None, **params: Any) -> dict[int, dict[str, Any]]:
        if first:
            params["FirstSnapshotId"] = first
        found: list[dict[str, Any]] = []
        while True:
            page = self.ebs.list_changed_blocks(SecondSnapshotId=second, **params)
            found += page["ChangedBlocks"]
            if not (token := page.get("NextToken")):
                break
            params["NextToken"] = token
        assert found == sorted(found, key=lambda block: block["BlockIndex"])
        return {block["BlockIndex"]: block for block in found}

    def get(self, snapshot: str, index: int, token: str) -> bytes:
        answer = self.ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockToken=token)
        data = answer["BlockData"].read()
        assert (len(data), answer["DataLength"], answer["ChecksumAlgorithm"]) == (BLOCK, BLOCK, "SHA256")
        assert answer["Checksum"] == checksum(data)
        return data

    def read(self, snapshot: str) -> dict[int, bytes]:
        """All blocks of a snapshot."""
        tokens = self.tokens(snapshot)
        with ThreadPoolExecutor(THREADS) as pool:
            data = pool.map(lambda index: self.get(snapshot, index, tokens[index]), tokens)
            return dict(zip(tokens, data, strict=True))

    def clean(self) -> None:
        for snapshot in self.made:
            with suppress(ClientError):
                self.person.ec2.delete_snapshot(SnapshotId=snapshot)


@contextmanager
def refused(code: str, reason: str | None = None, expected_status: int = 400) -> Iterator[Any]:
    """Expects one of EBS direct's exceptions, with this reason."""
    with pytest.raises(ClientError) as caught:
        yield caught
    response = caught.value.response
    error, status = response["Error"], response["ResponseMetadata"]["HTTPStatusCode"]
    assert (error["Code"], response.get("Reason"), status) == (code, reason, expected_status), response
    assert error["Message"]


def invalid(reason: str) -> Any:
    return refused("ValidationException", reason)
