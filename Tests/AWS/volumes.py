"""Volumes that the tests make: attached, mounted, and taken away again at the end."""

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from account import REGION, Account

ZONE = REGION + "a"
# A state that has not come by then will not come.
SECONDS = 30


class Volumes:
    def __init__(self, account: Account):
        self.account, self.server = account, account.server
        self.ec2 = account.root.ec2
        self.made: set[str] = set()
        self.devices = iter(f"/dev/xvd{a}{b}" for a in "bcdefghijklm" for b in "abcdefghijklmnopqrstuvwxyz")

    @cached_property
    def instance(self) -> str:
        """The one instance, which stands for the host."""
        return self.ec2.describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]

    # Making and looking

    def create(self, **params: Any) -> dict[str, Any]:
        """CreateVolume's answer, as it comes."""
        answer = self.ec2.create_volume(**{"AvailabilityZone": ZONE, "Size": 1, **params})
        self.made.add(answer["VolumeId"])
        return answer

    def new(self, **params: Any) -> str:
        """The id of a new volume that is available."""
        volume = self.create(**params)["VolumeId"]
        self.settle(volume, "available")
        return volume

    def describe(self, volume: str) -> dict[str, Any]:
        return self.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]

    def settle(self, volume: str, state: str) -> dict[str, Any]:
        return until(lambda: self.describe(volume), lambda found: found["State"] == state)

    def gone(self, volume: str) -> bool:
        """Whether the volume has been deleted, or is an error, which only waits to be deleted."""
        try:
            return self.describe(volume)["State"] in ("deleted", "error")
        except ClientError as error:
            return error.response["Error"]["Code"] == "InvalidVolume.NotFound"

    # Attaching

    def attach(self, volume: str, device: str | None = None) -> Path:
        """Attaches and gives the file to read and write."""
        device = device or next(self.devices)
        self.ec2.attach_volume(VolumeId=volume, InstanceId=self.instance, Device=device)
        self.attached(volume)
        return self.file(volume)

    def attached(self, volume: str) -> dict[str, Any]:
        """Waits until the attachment is ready, and gives it."""

        def attachment() -> dict[str, Any]:
            found = self.describe(volume)["Attachments"]
            return found[0] if found else {"State": "none"}

        return until(attachment, lambda found: found["State"] == "attached")

    def detach(self, volume: str, **params: Any) -> None:
        self.ec2.detach_volume(VolumeId=volume, **params)
        self.settle(volume, "available")

    @property
    def runtime(self) -> Path:
        """Where the server shows attached volumes."""
        if self.server.home is None:
            pytest.skip("the server runs elsewhere: its files cannot be reached from here")
        base = Path("/run") if os.geteuid() == 0 else Path(os.environ["XDG_RUNTIME_DIR"])
        name = hashlib.sha256(str(self.server.home.resolve()).encode()).hexdigest()[:12]
        return base / "coffer" / name

    def file(self, volume: str) -> Path:
        return self.runtime / volume / "volume"

    def by_device(self, name: str) -> Path:
        return self.runtime / "by-device" / name

    def coffer(self, *arguments: str) -> str:
        """What a command of the home's own prints, as who owns the home runs it."""
        command = [self.server.binary, *arguments, "--home", str(self.server.home)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    # The end

    def clean(self) -> None:
        for volume in self.made:
            with suppress(ClientError, AssertionError):
                if self.describe(volume)["State"] == "in-use":
                    self.detach(volume, Force=True)
                self.ec2.delete_volume(VolumeId=volume)


def until(look: Callable[[], Any], good: Callable[[Any], bool], seconds: float = SECONDS) -> Any:
    """Looks until it is good, and gives what was seen."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if good(found):
            return found
        assert time.monotonic() < end, f"after {seconds} seconds still {found}"
        time.sleep(0.05)


def quick(seconds: int = SECONDS) -> dict[str, int]:
    """A waiter's configuration that looks every second."""
    return {"Delay": 1, "MaxAttempts": seconds}


def run(*command: Any) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


@contextmanager
def mounted(file: Path, folder: Path, *, makes: bool) -> Iterator[Path]:
    """The ext4 on the exposed file, new where it `makes` one, through a loop device; undone at the end."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    device = run("losetup", "--find", "--show", "--direct-io=on", file).strip()
    try:
        if makes:
            run("mkfs.ext4", "-q", "-F", device)
        folder.mkdir(exist_ok=True)
        run("mount", device, folder)
        try:
            yield folder
        finally:
            run("umount", folder)
    finally:
        run("losetup", "--detach", device)
