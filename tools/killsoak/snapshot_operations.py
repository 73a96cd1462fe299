"""What is done to snapshots."""
from .operation import Operation


class SnapshotCreate(Operation):
    def prepare(self):
        self.volume = self.scene.volume(self.kind)
        if self.generator.random() < 0.6:
            self.scene.snapshot(self.volume)
            if self.volume.place:
                self.scene.change(self.volume)
        self.words = ["snapshot", "create", self.volume.id]

    def begin(self):
        self.write_meanwhile()
        self.first = self.volume.content.finished

    def new_snapshot(self):
        expected = self.volume.expected
        expected.first = self.first
        return expected


class SnapshotRemove(Operation):
    name = "snapshot rm"
    kills = ("command",)

    def prepare(self):
        self.volume = self.scene.volume("raw")
        made = []
        for _ in range(3):
            made.append(self.scene.snapshot(self.volume))
            self.scene.change(self.volume)
        doomed = self.generator.choice(made)
        self.scene.doomed_snapshots.add(doomed)
        self.words = ["snapshot", "rm", doomed, "--yes"]

    def try_again(self):
        if self.words[2] in self.home.snapshots():
            super().try_again()

    def settled(self):
        return [f"{self.words[2]} is still there"] if self.words[2] in self.home.snapshots() else []


class SnapshotRemoveNeeded(SnapshotRemove):
    name = "snapshot rm, needed by a volume"

    def prepare(self):
        source = self.scene.volume("raw")
        doomed = self.scene.snapshot(source)
        made = self.home.coffer("volume", "create", "--snapshot", doomed)
        self.volume = self.scene.adopt(made, self.scene.snapshots[doomed], source.size)
        self.scene.doomed_snapshots.add(doomed)
        self.words = ["snapshot", "rm", doomed, "--yes"]


class SnapshotCopy(Operation):
    kills = ("command",)

    def prepare(self):
        self.volume = self.scene.volume(self.generator.choice(["raw", "mounted", "detached"]))
        self.source = self.scene.snapshot(self.volume)
        self.words = ["snapshot", "copy", self.source]
        if self.has_other_key:
            self.words += ["--key", self.scene.other_key()]

    def new_snapshot(self):
        return self.scene.snapshots[self.source]


class SnapshotExport(SnapshotCopy):
    name = "snapshot export"
    has_other_key = False

    def prepare(self):
        super().prepare()
        self.words = ["snapshot", "export", self.source, f"{self.home.folder}/exported-{self.generator.random()}"]

    def try_again(self):
        self.home.coffer(*self.words[:3], f"{self.home.folder}/exported")


class SnapshotImport(SnapshotCopy):
    name = "snapshot import"
    has_other_key = False

    def prepare(self):
        super().prepare()
        self.home.coffer("snapshot", "export", self.source, f"{self.home.folder}/exported")
        self.words = ["snapshot", "import", f"{self.home.folder}/exported"]
