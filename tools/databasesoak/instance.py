"""One database instance in a home of its own, and the clients that write to it."""
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time


class Wrong(Exception):
    """Something that must not be."""


class Instance:
    """What both engines have in common."""

    engine = None

    def __init__(self, coffer):
        self.coffer_path = coffer
        self.rds_path = f"{coffer}-rds"
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="coffer-db-"))
        # The engine's user has to get through.
        os.chmod(self.folder, 0o711)
        self.home = f"{self.folder}/home"
        self.runtime = f"/run/coffer/{hashlib.sha256(self.home.encode()).hexdigest()[:12]}"

    # Commands.

    def rds(self, *words, limit=180, check=True):
        done = subprocess.run(
            [self.rds_path, *words, "--home", self.home],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, env=self.environment(),
        )
        if check and done.returncode != 0:
            raise Wrong(f"`coffer-rds {' '.join(words)}` ends with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def environment(self):
        return {**os.environ, "COFFER_HOME": self.home}

    def show(self, name="app"):
        return json.loads(self.rds("show", name, "--output", "json"))

    def create(self):
        subprocess.run(
            [self.coffer_path, "key", "create", "--alias", "soak", "--home", self.home], check=True, capture_output=True
        )
        self.rds("create", "app", "--engine", self.engine, "--size", "2GiB", "--key", "alias/soak", *self.create_words())

    def create_words(self):
        return []

    def bring_back(self):
        """As a user would: waits for what mends itself, starts what does not."""
        deadline = time.monotonic() + 120
        while True:
            status = self.show()["DBInstanceStatus"]
            # What was killed may not have been missed yet.
            if status in ("available", "backing-up") and self.is_replaced() and self.answers():
                return
            if status == "stopped":
                self.rds("start", "app")
            if time.monotonic() > deadline:
                raise Wrong(f"the instance is {status} two minutes after the kill")
            time.sleep(0.1)

    # Whom to kill.

    def processes(self, program):
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/cmdline") as file:
                    words = file.read().split("\0")
            except OSError:
                continue
            if self.home in words and os.path.basename(words[0]) == program:
                found.append(int(name))
        return found

    def servers(self, victim):
        return {
            "daemon": lambda: self.processes("coffer-volumed"),
            "supervisor": lambda: self.processes("coffer-rds"),
            "engine": self.engine_processes,
        }[victim]()

    def kill(self, victims):
        self.killed = {victim: set(self.servers(victim)) for victim in victims}
        for process in set().union(*self.killed.values()):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    killed = {}

    def is_replaced(self):
        """Whether another process is in the place of each that was killed."""
        for victim, killed in self.killed.items():
            if victim == "engine" and self.engine == "sqlite":
                continue
            now = set(self.servers(victim))
            if not now or now & killed:
                return False
        return True

    # The end.

    def clear(self):
        for name in ("app",) + tuple(f"restored-{number}" for number in range(40)):
            if os.path.exists(f"{self.runtime}/db-{name}"):
                self.rds("delete", name, "--skip-final-snapshot", "--yes", check=False)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            processes = [each for name in ("coffer-rds", "coffer-volumed") for each in self.processes(name)]
            for process in processes:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            mounts = self.mounts()
            for minor, folder, kind in mounts:
                if kind.startswith("fuse"):
                    try:
                        with open(f"/sys/fs/fuse/connections/{minor}/abort", "w") as file:
                            file.write("1")
                    except OSError:
                        pass
                subprocess.run(["umount", "--lazy", folder], capture_output=True, timeout=20)
            if not processes and not mounts:
                break
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.runtime, ignore_errors=True)

    def mounts(self):
        found = []
        with open("/proc/self/mountinfo") as file:
            for line in file:
                left, right = line.split(" - ")
                words = left.split()
                if words[4].startswith(f"{self.runtime}/"):
                    found.append((int(words[2].split(":")[1]), words[4], right.split()[0]))
        return found[::-1]


class SQLite(Instance):
    engine = "sqlite"
    # A transaction is two rows: torn ones show.
    slack_seconds = 1.0

    def path(self, name="app"):
        return self.rds("connect", name, "--url").removeprefix("sqlite:///")

    def connect(self, name="app"):
        connection = sqlite3.connect(self.path(name), timeout=20, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def answers(self):
        try:
            connection = self.connect()
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return True
            finally:
                connection.close()
        except (sqlite3.Error, Wrong):
            return False

    def prepare(self):
        connection = self.connect()
        connection.execute("CREATE TABLE IF NOT EXISTS work (client INTEGER, number INTEGER, half INTEGER)")
        connection.execute("CREATE TABLE IF NOT EXISTS moment (number INTEGER PRIMARY KEY, time REAL)")
        connection.close()

    def client(self, client, first):
        """A process that commits transaction after transaction, and prints the number of each that is committed."""
        script = (
            "import sqlite3, sys, time\n"
            "path, client, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])\n"
            "db = sqlite3.connect(path, timeout=20, isolation_level=None)\n"
            "db.execute('PRAGMA synchronous=FULL')\n"
            "while True:\n"
            "    db.execute('BEGIN IMMEDIATE')\n"
            "    for half in (0, 1):\n"
            "        db.execute('INSERT INTO work VALUES (?, ?, ?)', (client, number, half))\n"
            "    db.execute('COMMIT')\n"
            "    print(number, flush=True)\n"
            "    number += 1\n"
        )
        return ["python3", "-c", script, self.path(), str(client), str(first)]

    def engine_processes(self):
        # The engine lives in its clients.
        return [each.process.pid for each in self.running]

    running = ()

    def rows(self):
        connection = self.connect()
        try:
            return connection.execute(
                "SELECT client, number, count(*) FROM work GROUP BY client, number"
            ).fetchall()
        finally:
            connection.close()

    def problems(self):
        connection = self.connect()
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        finally:
            connection.close()
        return [each for each in found if each != "ok"]

    def stopped_problems(self):
        return []

    # Restores to a time.

    def write_moments(self, seconds):
        connection = self.connect()
        end, number = time.time() + seconds, 0
        while time.time() < end:
            connection.execute("INSERT INTO moment VALUES (?, ?)", (number, time.time()))
            number += 1
            time.sleep(0.01)
        connection.close()

    def moments(self, name):
        connection = self.connect(name)
        try:
            return [row[0] for row in connection.execute("SELECT time FROM moment ORDER BY number")]
        finally:
            connection.close()


class PostgreSQL(Instance):
    engine = "postgres"
    slack_seconds = 0.0
    password = "a-password-for-tests"

    def create_words(self):
        path = f"{self.folder}/password"
        with open(path, "w") as file:
            file.write(self.password + "\n")
        return ["--master-password-file", path, "--master-user", "chief", "--database-name", "work"]

    def psql(self, name="app", user=None):
        url = self.rds("connect", name, "--url")
        return ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", url]

    def environment(self):
        return {**super().environment(), "PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "10"}

    def query(self, text, name="app"):
        done = subprocess.run(
            self.psql(name), input=text, capture_output=True, text=True, timeout=120, env=self.environment()
        )
        if done.returncode != 0:
            raise Wrong(f"psql ends with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def answers(self):
        try:
            return self.query("SELECT 1") == "1"
        except Wrong:
            return False

    def prepare(self):
        self.query(
            "CREATE TABLE IF NOT EXISTS work (client int, number int, half int);"
            "CREATE TABLE IF NOT EXISTS moment (number serial, time timestamptz);"
        )

    def client(self, client, first):
        script = (
            "import subprocess, sys\n"
            "client, number = int(sys.argv[1]), int(sys.argv[2])\n"
            "psql = subprocess.Popen(sys.argv[3:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)\n"
            "while True:\n"
            "    psql.stdin.write(f'BEGIN; INSERT INTO work VALUES ({client}, {number}, 0); '\n"
            "        f'INSERT INTO work VALUES ({client}, {number}, 1); COMMIT;\\n\\\\echo {number}\\n')\n"
            "    psql.stdin.flush()\n"
            "    line = psql.stdout.readline()\n"
            "    if not line: break\n"
            "    print(line.strip(), flush=True)\n"
            "    number += 1\n"
        )
        return ["python3", "-c", script, str(client), str(first), *self.psql()]

    def engine_processes(self):
        process = self.show().get("EngineProcessId")
        return [process] if process else []

    running = ()

    def rows(self):
        text = self.query("SELECT client, number, count(*) FROM work GROUP BY client, number;")
        return [tuple(map(int, line.split("|"))) for line in text.splitlines()]

    def problems(self):
        socket = f"{self.runtime}/db-app/s"
        port = str(self.show()["Endpoint"]["Port"])
        done = subprocess.run(
            [find("pg_amcheck"), "--all", "--install-missing", "-h", socket, "-p", port, "-U", "rdsadmin"],
            capture_output=True, text=True, timeout=180, env=self.environment(),
        )
        return [] if done.returncode == 0 else [f"pg_amcheck: {done.stdout.strip()} {done.stderr.strip()}"]

    def stopped_problems(self):
        """pg_checksums needs a server that was stopped: the volume is mounted for it once more."""
        self.rds("stop", "app")
        volume = self.show()["VolumeId"]
        folder = f"{self.folder}/stopped"
        os.makedirs(folder, exist_ok=True)
        run = lambda *words: subprocess.run(
            [self.coffer_path, *words, "--home", self.home], check=True, capture_output=True, timeout=60
        )
        run("volume", "mount", volume, folder)
        try:
            done = subprocess.run(
                ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", find("pg_checksums"),
                 "--check", "-D", f"{folder}/data"],
                capture_output=True, text=True, timeout=180,
            )
        finally:
            run("volume", "unmount", volume)
        self.rds("start", "app")
        return [] if done.returncode == 0 else [f"pg_checksums: {done.stdout.strip()} {done.stderr.strip()}"]

    def write_moments(self, seconds):
        psql = subprocess.Popen(self.psql(), stdin=subprocess.PIPE, text=True, env=self.environment())
        end = time.time() + seconds
        while time.time() < end:
            psql.stdin.write("INSERT INTO moment (time) VALUES (clock_timestamp());\n")
            psql.stdin.flush()
            time.sleep(0.01)
        psql.stdin.close()
        psql.wait(60)

    def moments(self, name):
        text = self.query("SELECT extract(epoch FROM time) FROM moment ORDER BY number;", name)
        return [float(line) for line in text.splitlines()]


class Client:
    """A client that runs beside this program; `acknowledged` is the highest number that it was told is committed."""

    def __init__(self, instance, number, first):
        self.number, self.first, self.acknowledged = number, first, first - 1
        self.process = subprocess.Popen(
            instance.client(number, first),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=instance.environment(),
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.strip().isdigit():
                self.acknowledged = int(line)

    def end(self):
        """A client that was not killed notices by itself, or is ended."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(30)
        self.reader.join(30)


def find(program):
    for folder in sorted(os.listdir("/usr/lib/postgresql"), key=int, reverse=True):
        path = f"/usr/lib/postgresql/{folder}/bin/{program}"
        if os.path.exists(path):
            return path
    return program


ENGINES = {"sqlite": SQLite, "postgres": PostgreSQL}
