"""After a kill: what a user does to clean up, and what must be true then."""
import os
import re
import time

from .home import Wrong
from .leftovers import names, stray_files
from .scene import Expected


class Recovery:
    def __init__(self, scene, operation, key_is_disabled):
        self.scene, self.operation, self.home = scene, operation, scene.home
        self.key_is_disabled = key_is_disabled
        # Ids of what is as it must be.
        self.looked_at = set()
        self.wrong, self.left, self.told = [], [], []

    def run(self):
        self.look_at_what_is_served()
        self.undo_attachments()
        hanging = self.scene.stop_writing()
        self.wrong += [f"who writes to {volume.id} hangs, though it was unmounted" for volume in hanging]
        if self.key_is_disabled:
            self.hold_the_key_back()
        self.check()
        self.settle_snapshots()
        self.settle_volumes()
        self.look_at_all()
        self.wrong += self.operation.recovered()
        self.operation.try_again()
        self.wrong += self.operation.settled()
        self.undo_attachments()
        self.settle_snapshots()
        self.settle_volumes()
        # What this was about, and what is new.
        if self.operation.volume:
            self.looked_at.discard(self.operation.volume.id)
        self.look_at_all()
        self.find_what_is_left()
        self.remove_all()

    # Attachments.

    def look_at_what_is_served(self):
        """Volumes whose daemons live are as they were, for those who use them."""
        for volume in self.scene.volumes.values():
            if volume.place is None or volume is self.operation.volume or not self.home.daemons(volume.id):
                continue
            found = self.scene.difference(volume.place, volume.expected)
            if found:
                self.wrong.append(f"{volume.id}, which is served all the while: {found}")

    def undo_attachments(self):
        for volume_id, shown in self.home.volumes().items():
            if shown["State"] != "available" or shown["Attachments"] or volume_id not in self.looked_at:
                self.undo(volume_id, shown)
        deadline = time.monotonic() + 10
        while (left := self.attached()) and time.monotonic() < deadline:
            time.sleep(0.02)
        if left:
            raise Wrong(f"after `coffer volume unmount` of all volumes there are {', '.join(left)}")
        for volume in self.scene.volumes.values():
            volume.place = None

    def undo(self, volume_id, shown):
        """As `volume ls` and the errors tell a user to."""
        deadline = time.monotonic() + 15
        while True:
            done = self.home.run("volume", "unmount", volume_id, limit=100)
            if done.code != 0 and f"coffer volume unmount {volume_id} --force" in done.errors:
                self.told.append("needed --force")
                done = self.home.run("volume", "unmount", volume_id, "--force", limit=100)
            if done.code == 0:
                return
            # A daemon whose starter was killed leaves by itself, in its time.
            if time.monotonic() > deadline:
                raise Wrong(f"`coffer volume unmount {volume_id}` ends with {done.code}: {done.errors}; {shown}")
            time.sleep(0.1)

    def attached(self):
        home = self.home
        return (
            [f"daemon {each}" for each in home.daemons()]
            + [f"a mount at {each[0]}" for each in home.mounts()]
            + [f"/dev/{each}" for each in home.loops()]
            + [f"process {each}" for each in home.strays()]
        )

    # Keys.

    def hold_the_key_back(self):
        """What is under the disabled key does not open, and comes to no harm by it."""
        for volume_id, shown in self.home.volumes().items():
            if shown["State"] != "available" or volume_id not in self.scene.volumes:
                continue
            done = self.home.run("volume", "attach", volume_id)
            if done.code == 0:
                # Not wrong where another key wraps it now.
                self.home.coffer("volume", "unmount", volume_id)
                if shown["KmsKeyId"] == self.home.json("key", "show", "alias/a")["KeyMetadata"]["Arn"]:
                    self.wrong.append(f"{volume_id} attaches while its KMS key is disabled")
            elif done.code != 5 or "DisabledException" not in done.errors:
                self.wrong.append(f"{volume_id} under a disabled key: attach ends with {done.code}: {done.errors}")
        self.home.coffer("key", "enable", "alias/a")

    # States.

    def check(self):
        home = self.home
        home.coffer("trail", "verify")
        home.coffer("home", "check")
        if home.binary.checks_all:
            self.named = home.run("volume", "check", "--all")
            self.judge_named(stray_files(self.home))
            home.coffer("volume", "repair", "--all")
            again = home.run("volume", "check", "--all")
            if again.code != 0:
                self.wrong.append(f"after `repair --all` `check --all` finds: {again.output} {again.errors}")
            return
        for volume_id, shown in home.volumes().items():
            if shown["State"] != "available":
                continue
            found = home.run("volume", "check", volume_id)
            # What is being re-encrypted goes on with the next attachment.
            if found.code != 0 and "reencryptionUnfinished" not in found.output:
                home.coffer("volume", "repair", volume_id)
                home.coffer("volume", "check", volume_id)
                self.told.append(f"repaired {found.output}")

    def settle_snapshots(self):
        """Waits for those that are being made, holds failures against what may fail, and clears failures away."""
        scene, home = self.scene, self.home
        deadline = time.monotonic() + 30
        shown = home.snapshots()
        while "pending" in [each["State"] for each in shown.values()]:
            if time.monotonic() > deadline:
                raise Wrong("a snapshot stays pending though nobody makes it")
            time.sleep(0.02)
            shown = home.snapshots()
        left = set()
        for snapshot, each in shown.items():
            if snapshot not in scene.snapshots:
                expected = self.operation.new_snapshot()
                if expected is None:
                    self.wrong.append(f"{snapshot} is there, and nobody made it")
                    continue
                self.told.append(f"snapshot {each['State']}")
                scene.snapshots[snapshot] = expected
                scene.unsure_snapshots.add(snapshot)
            if each["State"] == "completed":
                left.add(snapshot)
                continue
            if snapshot not in scene.unsure_snapshots | scene.doomed_snapshots:
                self.wrong.append(f"{snapshot} was complete, and is {each['State']}: {each.get('StateMessage')}")
            if home.run("volume", "create", "--snapshot", snapshot).code == 0:
                self.wrong.append(f"{snapshot} is in error, and a volume is made from it")
            home.coffer("snapshot", "rm", snapshot, "--yes")
        gone = set(scene.snapshots) - set(shown) - scene.doomed_snapshots
        self.wrong += [f"{snapshot} is gone" for snapshot in gone]
        scene.snapshots = {each: expected for each, expected in scene.snapshots.items() if each in left}

    def settle_volumes(self):
        scene, home = self.scene, self.home
        shown = home.volumes()
        left = set()
        for volume_id, each in shown.items():
            volume = scene.volumes.get(volume_id)
            if volume is None:
                expected = self.operation.new_volume()
                if expected is None:
                    self.wrong.append(f"{volume_id} is there, and nobody made it")
                    continue
                self.told.append(f"volume {each['State']}")
                if each["State"] == "available":
                    self.adopt(volume_id, expected, each["SizeBytes"])
            if each["State"] == "available":
                left.add(volume_id)
                continue
            if volume is not None and not volume.is_doomed:
                self.wrong.append(f"{volume_id} is {each['State']}: {each.get('StateReason')}")
            home.coffer("volume", "rm", volume_id, "--yes")
        for volume_id, volume in scene.volumes.items():
            if volume_id not in shown and not volume.is_doomed:
                self.wrong.append(f"{volume_id} is gone")
        scene.volumes = {each: volume for each, volume in scene.volumes.items() if each in left}

    def adopt(self, volume_id, expected, size):
        """A new volume has one moment of its source, which is not known yet."""
        volume = self.scene.adopt(volume_id, Expected(expected.content, files=expected.files), size)
        volume.content = expected.content
        volume.made = expected

    def look_at_all(self):
        scene = self.scene
        for volume_id, volume in scene.volumes.items():
            if volume_id in self.looked_at:
                continue
            self.looked_at.add(volume_id)
            found = scene.look(volume_id, getattr(volume, "made", None) or volume.expected, volume_id)
            if found:
                self.wrong.append(found)
                # What is wrong is told once.
                self.undo(volume_id, {})
        for snapshot, expected in scene.snapshots.items():
            if snapshot in self.looked_at:
                continue
            self.looked_at.add(snapshot)
            found = scene.look_at_snapshot(snapshot, expected)
            if found:
                self.wrong.append(found)

    # What is left.

    def judge_named(self, files):
        for path in files:
            name = os.path.basename(path)
            words = {path, name, *re.findall(r"(?:vol|snap)-[0-9a-f]{17}|lineage-[0-9a-f-]{36}", path)}
            if not any(each in self.named.output for each in words):
                self.wrong.append(f"{path} is left over, and `check --all` does not name it")

    def find_what_is_left(self):
        files = stray_files(self.home)
        if self.home.binary.checks_all:
            self.wrong += [f"{path} is left over after `repair --all`" for path in files]
        self.left += files

    def remove_all(self):
        home = self.home
        for snapshot in home.snapshots():
            home.coffer("snapshot", "rm", snapshot, "--yes")
        for volume_id in home.volumes():
            home.coffer("volume", "rm", volume_id, "--yes")
        left = self.attached()
        if left:
            self.wrong.append(f"once all is removed there are {', '.join(left)}")
        files = [each for each in stray_files(self.home) if each not in self.left]
        files += [f"snapshots/{each}" for each in names(f"{home.path}/snapshots") if f"snapshots/{each}" not in files]
        if self.home.binary.checks_all:
            self.wrong += [f"{path} is left over once all is removed" for path in files]
        self.left += files
