"""The built coffer, and a home of its own with all that it has running and mounted."""
import hashlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

class Wrong(Exception):
    """Something that must not be."""


class Binary:
    """What a built coffer can do, and how long it takes to start."""

    def __init__(self, path):
        self.path = path
        self.volume_verbs = self.verbs("volume")
        self.snapshot_verbs = self.verbs("snapshot")
        self.checks_all = "--all" in self.help("volume", "check") and "--all" in self.help("volume", "repair")
        took = []
        for _ in range(5):
            begun = time.monotonic()
            self.help("volume")
            took.append(time.monotonic() - begun)
        self.start_seconds = statistics.median(took)
        # By operation: how long its command takes, undisturbed.
        self.usual_seconds = {}

    def help(self, *words):
        done = subprocess.run([self.path, *words, "--help"], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def verbs(self, noun):
        commands = self.help(noun).partition("SUBCOMMANDS:")[2]
        return set(re.findall(r"^  ([a-z-]+) ", commands, re.MULTILINE))


class Outcome:
    def __init__(self, code, output, errors):
        self.code, self.output, self.errors = code, output.strip(), errors.strip()


class Home:
    """A home below a folder of its own. `clear` ends, unmounts and removes all of it, without coffer's help."""

    # Those that are not cleared, and whether there may be more.
    living, is_over = set(), False

    def __init__(self, binary):
        if Home.is_over:
            raise Wrong("all rounds were stopped")
        self.binary = binary
        Home.living.add(self)
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="coffer-kill-"))
        self.path = f"{self.folder}/home"
        digest = hashlib.sha256(self.path.encode()).hexdigest()
        self.runtime = f"/run/coffer/{digest[:12]}"
        self.sessions = set()

    # Commands.

    def start(self, *words):
        """A command that is to be killed. In a session of its own, so that what it started can be told."""
        if self not in Home.living:
            raise Wrong("the round was stopped")
        output = open(f"{self.folder}/output", "wb")
        errors = open(f"{self.folder}/errors", "wb")
        process = subprocess.Popen(
            [self.binary.path, *words],
            env={**os.environ, "COFFER_HOME": self.path},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        output.close()
        errors.close()
        self.sessions.add(process.pid)
        return process

    def run(self, *words, limit=60):
        process = self.start(*words)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Wrong(f"`coffer {' '.join(words)}` does not end within {limit} s") from None
        texts = []
        for name in ("output", "errors"):
            with open(f"{self.folder}/{name}", encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
        return Outcome(code, *texts)

    def coffer(self, *words, limit=60):
        done = self.run(*words, limit=limit)
        if done.code != 0:
            raise Wrong(f"`coffer {' '.join(words)}` ends with {done.code}: {done.output} {done.errors}")
        return done.output

    def json(self, *words):
        return json.loads(self.coffer(*words, "--output", "json"))

    def volumes(self):
        return {each["VolumeId"]: each for each in self.json("volume", "ls")["Volumes"]}

    def snapshots(self):
        return {each["SnapshotId"]: each for each in self.json("snapshot", "ls")["Snapshots"]}

    # What the kernel has of this home.

    def daemons(self, volume=None):
        found = []
        for name in os.listdir("/proc"):
            words = _words(name) if name.isdigit() else []
            if self.path in words and os.path.basename(words[0]) == "coffer-volumed":
                if volume is None or volume in words:
                    found.append(int(name))
        return found

    def strays(self):
        """Programs that a command started, and that it left."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(") ")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[3]) in self.sessions:
                found.append(int(name))
        return found

    def mounts(self):
        """(folder, device's minor number, type) of what is mounted from this home's volumes, the newest first."""
        loops = {f"/dev/{name}" for name in self.loops()}
        found = []
        with open("/proc/self/mountinfo") as file:
            for line in file:
                left, right = line.split(" - ")
                folder = left.split()[4]
                kind, source = right.split()[:2]
                if folder.startswith((f"{self.runtime}/", f"{self.folder}/")) or source in loops:
                    found.append((folder, int(left.split()[2].split(":")[1]), kind))
        return found[::-1]

    def loops(self):
        found = []
        for name in os.listdir("/sys/block"):
            try:
                with open(f"/sys/block/{name}/loop/backing_file") as file:
                    if file.read().startswith((f"{self.runtime}/", f"{self.folder}/")):
                        found.append(name)
            except OSError:
                continue
        return found

    def clear(self):
        Home.living.discard(self)
        for _ in range(50):
            self._clear()
            folders = [each for each in (self.folder, self.runtime) if os.path.exists(each)]
            if not (folders or self.daemons() or self.strays() or self.mounts() or self.loops()):
                return
            # A process that was killed takes a moment to go.
            time.sleep(0.05)

    def _clear(self):
        mounts = self.mounts()
        for process in self.daemons() + self.strays():
            _end(process)
        # First of all: who waits in the kernel for a daemon that is gone holds up all else.
        for _, minor, kind in mounts:
            if kind.startswith("fuse"):
                _write(f"/sys/fs/fuse/connections/{minor}/abort", b"1")
        for folder, _, kind in mounts:
            if not kind.startswith("fuse"):
                _try("fsfreeze", "--unfreeze", folder)
            _try("umount", "--lazy", folder)
        for name in self.loops():
            _try("losetup", "--detach", f"/dev/{name}")
        shutil.rmtree(self.runtime, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _words(process):
    try:
        with open(f"/proc/{process}/cmdline") as file:
            return file.read().split("\0")
    except OSError:
        return []


def _try(*words):
    """Nobody waits for what the kernel does not do."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _end(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _write(path, content):
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError:
        pass
