"""What is done to volumes."""
import os
import time

from .content import Content
from .operation import Operation
from .scene import MEBIBYTE, Expected


class VolumeCreate(Operation):
    name = "volume create"
    kills = ("command",)

    def prepare(self):
        self.words = ["volume", "create", "--size", "16MiB", "--key", "alias/a"]

    def new_volume(self):
        return Expected(Content(bytes(16 * MEBIBYTE)))


class VolumeCreateFrom(Operation):
    name = "volume create --snapshot"
    kills = ("command",)

    def prepare(self):
        source = self.scene.volume(self.generator.choice(["raw", "mounted"]))
        self.snapshot = self.scene.snapshot(source)
        self.words = ["volume", "create", "--snapshot", self.snapshot]
        if self.generator.random() < 0.3:
            self.words += ["--size", f"{source.size // MEBIBYTE + 8}MiB"]
        if self.generator.random() < 0.3:
            self.words += ["--key", self.scene.other_key()]

    def new_volume(self):
        return self.scene.snapshots[self.snapshot]


class Fill(Operation):
    name = "volume attach, being filled"
    ends_with_command = False

    def prepare(self):
        source = self.scene.volume("raw", mebibytes=32)
        snapshot = self.scene.snapshot(source)
        made = self.home.coffer("volume", "create", "--snapshot", snapshot)
        self.volume = self.scene.adopt(made, self.scene.snapshots[snapshot], source.size)
        if self.generator.random() < 0.4:
            self.home.coffer("snapshot", "rm", snapshot, "--yes")
            del self.scene.snapshots[snapshot]
        self.words = ["volume", "attach", made]

    def ended(self):
        self.volume.place = f"{self.home.runtime}/{self.volume.id}/volume"
        if os.path.exists(self.volume.place):
            self.scene.begin_writing(self.volume)

    def wait(self):
        for _ in range(1000):
            if not os.path.exists(f"{self.home.path}/volumes/{self.volume.id}.fill"):
                return
            time.sleep(0.005)


class VolumeModify(Operation):
    def prepare(self):
        self.volume = self.scene.volume(self.kind)
        self.size = self.volume.size + self.generator.choice([4096, MEBIBYTE, 16 * MEBIBYTE])
        self.words = ["volume", "modify", self.volume.id, "--size", f"{self.size}B"]

    def begin(self):
        self.write_meanwhile()

    def recovered(self):
        told, attached = self.home.volumes()[self.volume.id]["SizeBytes"], self.scene.sizes.get(self.volume.id)
        if attached in (None, told):
            return []
        return [f"{self.volume.id} has {attached} bytes where it is attached, and {told} where it is told of"]

    def settled(self):
        found = self.home.volumes()[self.volume.id]["SizeBytes"]
        return [f"{self.volume.id} has {found} bytes, not {self.size}"] if found != self.size else []


class VolumeRekey(Operation):
    name = "volume rekey"

    def prepare(self):
        self.volume = self.scene.volume(self.generator.choice(["raw", "mounted", "detached"]))
        self.words = ["volume", "rekey", self.volume.id, "--key", self.scene.other_key()]

    def begin(self):
        self.write_meanwhile()

    def settled(self):
        self.home.coffer("volume", "unmount", self.volume.id)
        self.home.coffer("key", "disable", "alias/a")
        found = self.scene.look(self.volume.id, self.volume.expected, "with the old key disabled")
        self.home.coffer("key", "enable", "alias/a")
        return [found] if found else []


class VolumeRemove(Operation):
    name = "volume rm"
    kills = ("command",)

    def prepare(self):
        self.volume = self.scene.volume("detached")
        if self.generator.random() < 0.5:
            snapshot = self.scene.snapshot(self.volume)
            made = self.home.coffer("volume", "create", "--snapshot", snapshot)
            self.volume = self.scene.adopt(made, self.scene.snapshots[snapshot], self.volume.size)
            if self.generator.random() < 0.5:
                self.home.coffer("snapshot", "rm", snapshot, "--yes")
                del self.scene.snapshots[snapshot]
        self.volume.is_doomed = True
        self.words = ["volume", "rm", self.volume.id, "--yes"]

    def try_again(self):
        if self.volume.id in self.home.volumes():
            super().try_again()

    def settled(self):
        return [f"{self.volume.id} is still there"] if self.volume.id in self.home.volumes() else []


class VolumeAttach(Operation):
    name = "volume attach"

    def prepare(self):
        self.volume = self.scene.volume("detached")
        self.words = ["volume", "attach", self.volume.id]


class VolumeMount(Operation):
    name = "volume mount"

    def prepare(self):
        self.volume = self.scene.volume("detached", has_files=True)
        self.words = ["volume", "mount", self.volume.id, f"{self.home.folder}/mnt"]


class VolumeMountNew(Operation):
    name = "volume mount, never formatted"

    def prepare(self):
        self.volume = self.scene.volume("detached", holds_data=False)
        # A part of a filesystem, or a whole one.
        self.volume.content = None
        self.words = ["volume", "mount", self.volume.id, f"{self.home.folder}/mnt"]

    def settled(self):
        self.volume.files, self.volume.content = {"file": b"written"}, Content(b"")
        for name, data in {"table": b"", **self.volume.files}.items():
            with open(f"{self.home.folder}/mnt/{name}", "wb") as file:
                file.write(data)
        return []


class VolumeUndo(Operation):
    def prepare(self):
        self.volume = self.scene.volume(self.kind)
        self.scene.change(self.volume)
        self.words = ["volume", self.verb, self.volume.id]


class DetachUnderSnapshot(Operation):
    name = "volume detach, while a snapshot is made"

    def prepare(self):
        self.volume = self.scene.volume("raw", mebibytes=32)
        force = ["--force"] if self.generator.random() < 0.3 else []
        self.words = ["volume", "detach", self.volume.id, *force]

    def begin(self):
        self.scene.unsure_snapshots.add(self.scene.snapshot(self.volume, "--no-wait"))


class VolumeReencrypt(VolumeRekey):
    name = "volume reencrypt"

    def prepare(self):
        super().prepare()
        self.words[1] = "reencrypt"


class VolumeClone(Operation):
    name = "volume clone"

    def prepare(self):
        self.volume = self.scene.volume(self.generator.choice(["raw", "mounted", "detached"]))
        self.words = ["volume", "clone", self.volume.id]

    def new_volume(self):
        return self.volume.expected

    # Whether it makes a snapshot on its way is its own affair.
    new_snapshot = new_volume
