"""Attached volumes under real filesystems and real load. They need root, and the server on this machine."""

import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from account import raises
from keys import Keys
from volumes import Volumes, mounted, run, until

MARKER = b"KMSMARK"


@pytest.fixture(autouse=True)
def _here(volumes: Volumes) -> None:
    """Skips where the server's files are out of reach, or nothing can be mounted."""
    assert volumes.runtime
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("mounting needs root and /dev/fuse")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written(path: Path) -> Iterator[tuple[int, bytes]]:
    """What a file holds between its holes, with its place."""
    with path.open("rb") as file:
        end = 0
        while True:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield start, os.pread(file.fileno(), end - start, start)


def entropy(data: bytes) -> float:
    """Bits in a byte."""
    shares = [count / len(data) for count in Counter(data).values()]
    return -sum(share * math.log2(share) for share in shares)


def test_an_attached_volume_is_a_file_of_its_size(volumes: Volumes) -> None:
    volume = volumes.new(Size=1)
    file = volumes.attach(volume, "/dev/sdy1")
    assert file.stat().st_size == 1 << 30
    assert volumes.by_device("sdy1").resolve() == file.resolve()
    with file.open("r+b", buffering=0) as opened:
        opened.seek(12345)
        opened.write(b"hello")
        os.fsync(opened.fileno())
    with volumes.by_device("sdy1").open("rb") as opened:
        opened.seek(12345)
        assert opened.read(5) == b"hello"
    volumes.detach(volume)
    assert not os.path.lexists(volumes.by_device("sdy1"))
    assert not os.path.lexists(file)


def test_what_is_written_is_there_again_and_nowhere_in_the_clear(volumes: Volumes, tmp_path: Path) -> None:
    volume = volumes.new(Encrypted=True)
    with mounted(volumes.attach(volume), tmp_path / "mount", makes=True) as folder:
        (folder / "marks").write_bytes(MARKER * 10000)
        before = digest(folder / "marks")
    volumes.detach(volume)
    for file in volumes.server.home.rglob("*"):
        if file.is_file():
            assert not any(MARKER in data for _, data in written(file)), file
    backing = volumes.server.home / "volumes" / f"{volume}.coffer"
    # Behind the header.
    kept = b"".join(data for start, data in written(backing) if start >= 1 << 20)
    units = (kept[at : at + 4096] for at in range(0, len(kept), 4096))
    assert entropy(b"".join(unit for unit in units if any(unit))) > 7.99
    with mounted(volumes.attach(volume), tmp_path / "mount", makes=False) as folder:
        assert digest(folder / "marks") == before
    volumes.detach(volume)


def test_a_disabled_key_counts_from_the_next_attachment_on(
    volumes: Volumes, keys: Keys, tmp_path: Path
) -> None:
    if not shutil.which("fio"):
        pytest.skip("fio is not installed")
    key = keys.new()
    volume = volumes.new(Encrypted=True, KmsKeyId=key.arn)
    file = volumes.attach(volume)
    load = subprocess.Popen(
        [
            *("fio", "--name=load", f"--filename={file}", "--rw=randwrite", "--bs=64k", "--size=64m"),
            *("--time_based", "--runtime=10", "--fsync=32", "--verify=crc32c", "--do_verify=0", "--minimal"),
        ],
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    key.kms.disable_key(KeyId=key.id)
    assert load.wait(timeout=60) == 0
    before = hashlib.sha256(file.open("rb").read(64 << 20)).hexdigest()
    volumes.detach(volume)

    volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device=next(volumes.devices))
    volumes.settle(volume, "available")
    told = until(
        lambda: volumes.coffer("volume", "events", volume, "--output", "json"),
        lambda text: "InvalidKmsKey.InvalidKeyState" in text,
    )
    assert key.id in told

    key.kms.enable_key(KeyId=key.id)
    file = volumes.attach(volume)
    assert hashlib.sha256(file.open("rb").read(64 << 20)).hexdigest() == before
    volumes.detach(volume)


def test_a_volume_that_is_in_use_is_busy_until_it_is_let_go(volumes: Volumes, tmp_path: Path) -> None:
    volume = volumes.new()
    with mounted(volumes.attach(volume), tmp_path / "mount", makes=True) as folder:
        (folder / "file").write_bytes(b"x" * 100_000)
        try:
            volumes.ec2.detach_volume(VolumeId=volume)
        except volumes.ec2.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in ("VolumeInUse", "IncorrectState")
        found = until(
            lambda: volumes.describe(volume)["Attachments"],
            lambda found: found[0]["State"] in ("busy", "attached"),
        )
        assert found[0]["VolumeId"] == volume
        assert (folder / "file").read_bytes() == b"x" * 100_000
    volumes.detach(volume)


def test_a_volume_grows_and_its_filesystem_after_it(volumes: Volumes, tmp_path: Path) -> None:
    volume = volumes.new(Size=1)
    with mounted(volumes.attach(volume), tmp_path / "mount", makes=True) as folder:
        (folder / "file").write_bytes(b"x" * 100_000)
    volumes.detach(volume)
    volumes.ec2.modify_volume(VolumeId=volume, Size=2)
    until(
        lambda: volumes.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0],
        lambda found: found["ModificationState"] in ("optimizing", "completed"),
    )
    file = volumes.attach(volume)
    assert file.stat().st_size == 2 << 30
    device = run("losetup", "--find", "--show", file).strip()
    try:
        subprocess.run(["e2fsck", "-f", "-p", device], check=False, capture_output=True)
        run("resize2fs", device)
    finally:
        run("losetup", "--detach", device)
    with mounted(file, tmp_path / "mount", makes=False) as folder:
        assert (folder / "file").read_bytes() == b"x" * 100_000
        statistics = os.statvfs(folder)
        assert statistics.f_blocks * statistics.f_frsize > 3 << 29
    volumes.detach(volume)


def may_resize() -> bool:
    """Whether the kernel lets this process resize a mounted ext4: containers often lack CAP_SYS_RESOURCE."""
    status = Path("/proc/self/status").read_text()
    return bool(int(status.partition("CapEff:")[2].split()[0], 16) >> 24 & 1)


def test_a_mounted_volume_grows_while_it_is_used(volumes: Volumes, tmp_path: Path) -> None:
    volume = volumes.new(Size=1, Encrypted=True)
    with mounted(volumes.attach(volume), tmp_path / "mount", makes=True) as folder:
        (folder / "file").write_bytes(b"x" * 100_000)
        answer = volumes.ec2.modify_volume(VolumeId=volume, Size=2)["VolumeModification"]
        assert answer["ModificationState"] in ("modifying", "optimizing", "completed")
        until(
            lambda: volumes.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"][0],
            lambda found: found["ModificationState"] == "completed",
        )
        assert volumes.file(volume).stat().st_size == 2 << 30
        device = run("findmnt", "--noheadings", "--output", "SOURCE", folder).strip()
        assert int(run("blockdev", "--getsize64", device)) == 2 << 30
        if may_resize():
            run("resize2fs", device)
            statistics = os.statvfs(folder)
            assert statistics.f_blocks * statistics.f_frsize > 3 << 29
        (folder / "more").write_bytes(os.urandom(1 << 20))
        with raises("InvalidParameterValue"):
            volumes.ec2.modify_volume(VolumeId=volume, Size=1)
    volumes.detach(volume)
    with mounted(volumes.attach(volume), tmp_path / "mount", makes=False) as folder:
        assert (folder / "file").read_bytes() == b"x" * 100_000
    volumes.detach(volume)


def test_two_volumes_are_two_ciphertexts(volumes: Volumes) -> None:
    made = [volumes.new(Encrypted=True) for _ in range(2)]
    for volume in made:
        file = volumes.attach(volume)
        with file.open("r+b", buffering=0) as opened:
            opened.write(b"\x55" * (1 << 20))
            os.fsync(opened.fileno())
        volumes.detach(volume)
    first, second = (
        (volumes.server.home / "volumes" / f"{volume}.coffer").read_bytes()[: 4 << 20] for volume in made
    )
    blocks = {first[at : at + 4096] for at in range(0, len(first), 4096)} - {bytes(4096)}
    assert len(blocks) >= 256
    assert not blocks & {second[at : at + 4096] for at in range(0, len(second), 4096)}


def test_a_name_of_the_device_is_free_again_after_a_crash(volumes: Volumes) -> None:
    """The daemon is killed, as in a crash; the volume can be detached, and another takes its device."""
    volume, other, device = volumes.new(), volumes.new(), "/dev/xvdzz"
    volumes.attach(volume, device)
    shown = json.loads(volumes.coffer("volume", "show", volume, "--output", "json"))
    os.kill(shown["Attachments"][0]["ProcessId"], signal.SIGKILL)
    with raises(("VolumeInUse", "InvalidDevice.InUse", "InvalidParameterValue")):
        volumes.ec2.attach_volume(VolumeId=volume, InstanceId=volumes.instance, Device="/dev/xvdzy")
    volumes.detach(volume, Force=True)
    volumes.attach(other, device)
    assert volumes.by_device("xvdzz").resolve() == volumes.file(other).resolve()
    volumes.detach(other)
