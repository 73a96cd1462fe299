"""The volumes and snapshots of one round, and what must be in each."""
import os

from .content import BLOCK, Content, Writer, stamp
from .home import Wrong

MEBIBYTE = 2**20


class Expected:
    """The content of one moment from write `first` to write `last`; with `files`, that of the file `table` in a
    filesystem. None as the content: nobody knows it."""

    def __init__(self, content, first=0, last=0, files=None):
        self.content, self.first, self.last, self.files = content, first, last, files


class Volume:
    def __init__(self, volume_id, kind, size, content, files):
        # `kind`: raw (attached), mounted, or detached.
        self.id, self.kind, self.size, self.content, self.files = volume_id, kind, size, content, files
        # The exposed file, or the folder that it is mounted on, while it is.
        self.place = None
        # Where it is about to be deleted: it is gone, or whole.
        self.is_doomed = False

    @property
    def expected(self):
        if self.content is None:
            return Expected(None)
        return Expected(self.content, self.content.finished, len(self.content.writes), self.files)


class Scene:
    def __init__(self, home, generator):
        self.home, self.generator = home, generator
        self.volumes, self.snapshots, self.writers = {}, {}, []
        self.doomed_snapshots, self.unsure_snapshots = set(), set()
        # The size of each volume as it was attached last.
        self.sizes = {}
        home.coffer("key", "create", "--alias", "a")

    def other_key(self):
        self.home.coffer("key", "create", "--alias", "b")
        return "alias/b"

    # Making.

    def volume(self, kind, mebibytes=None, has_files=None, holds_data=True):
        size = (mebibytes or self.generator.choice([16, 24, 32])) * MEBIBYTE
        made = self.home.coffer("volume", "create", "--size", f"{size // MEBIBYTE}MiB", "--key", "alias/a")
        files, content = None, Content(bytes(size))
        if kind == "mounted" or has_files:
            content = Content(self.generator.randbytes(256 * BLOCK))
            counts = [self.generator.randint(0, MEBIBYTE) for _ in range(3)]
            files = {f"file-{index}": self.generator.randbytes(count) for index, count in enumerate(counts)}
        elif holds_data:
            content = Content.random(self.generator, size)
        volume = self.volumes[made] = Volume(made, kind, size, content, files)
        if not holds_data:
            return volume
        self.attach(volume)
        if files is None:
            content.lay_down(volume.place)
        else:
            content.lay_down(f"{volume.place}/table")
            for name, data in files.items():
                with open(f"{volume.place}/{name}", "wb") as file:
                    file.write(data)
            os.sync()
        if kind == "detached":
            self.home.coffer("volume", "unmount", made)
            volume.place = None
        return volume

    def adopt(self, volume_id, expected, size):
        """Takes a volume that was made from what is known into the books."""
        content = Content(expected.content.at(expected.first))
        if expected.files is None:
            content.base += bytes(size - len(content.base))
        volume = self.volumes[volume_id] = Volume(volume_id, "detached", size, content, expected.files)
        return volume

    def attach(self, volume):
        if volume.files is None:
            volume.place = self.home.coffer("volume", "attach", volume.id)
        else:
            volume.place = f"{self.home.folder}/{volume.id}"
            self.home.coffer("volume", "mount", volume.id, volume.place)

    def change(self, volume):
        """Some blocks, synced: what the next snapshot finds changed."""
        path = volume.place if volume.files is None else f"{volume.place}/table"
        content = volume.content
        descriptor = os.open(path, os.O_WRONLY)
        for _ in range(self.generator.randint(1, 40)):
            block = self.generator.randrange(len(content.base) // BLOCK)
            content.writes.append(block)
            content.finished += 1
            os.pwrite(descriptor, stamp(content.finished), block * BLOCK)
        os.fsync(descriptor)
        os.close(descriptor)

    def snapshot(self, volume, *words):
        """Taken while nobody writes."""
        made = self.home.coffer("snapshot", "create", volume.id, *words)
        self.snapshots[made] = volume.expected
        return made

    # Writing meanwhile.

    def begin_writing(self, volume):
        path = volume.place if volume.files is None else f"{volume.place}/table"
        writer = Writer(path, volume.content, self.generator.random(), volume.files is not None)
        writer.start()
        self.writers.append((volume, writer))

    def stop_writing(self):
        """The volumes whose writers hang in the kernel."""
        hanging = [volume for volume, writer in self.writers if not writer.stop()]
        self.writers = [(volume, writer) for volume, writer in self.writers if volume in hanging]
        return hanging

    # Looking.

    def difference(self, place, expected):
        """Why what lies at a place is not what must be there; None where it is."""
        content = expected.content
        try:
            if content is None:
                return None
            if expected.files is None:
                with open(place, "rb", buffering=0) as file:
                    return content.difference(_all(file), expected.first, expected.last)
            for name, data in expected.files.items():
                with open(f"{place}/{name}", "rb") as file:
                    if file.read() != data:
                        return f"its file {name} is not as it was"
            with open(f"{place}/table", "rb") as file:
                return content.difference(file.read(), expected.first, expected.last)
        except OSError as error:
            return f"it cannot be read: {error}"

    def look(self, volume_id, expected, what):
        """Attaches a detached volume, holds it against what must be in it, and detaches it."""
        home = self.home
        try:
            if expected.files is None:
                place = home.coffer("volume", "attach", volume_id)
                self.sizes[volume_id] = os.path.getsize(place)
            else:
                place = f"{home.folder}/look"
                home.coffer("volume", "mount", volume_id, place)
            found = self.difference(place, expected)
            home.coffer("volume", "unmount", volume_id)
        except Wrong as error:
            return f"{what}: {error}"
        return found and f"{what}: {found}"

    def look_at_snapshot(self, snapshot, expected):
        try:
            made = self.home.coffer("volume", "create", "--snapshot", snapshot)
        except Wrong as error:
            return f"{snapshot} is completed: {error}"
        found = self.look(made, expected, f"a volume made from {snapshot}")
        if found is None:
            self.home.coffer("volume", "rm", made, "--yes")
        return found


def _all(file):
    parts = []
    while part := file.read(MEBIBYTE):
        parts.append(part)
    return b"".join(parts)
