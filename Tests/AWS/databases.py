"""Database instances that the tests make: created, asked over SQL, and taken away again at the end."""

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from account import Account, unique
from volumes import until

MASTER, PASSWORD, DATABASE = "owner_of_all", "correct-horse-42", "app"
# An engine that has not started by then will not start.
SECONDS = 60
QUICK = {"Delay": 1, "MaxAttempts": SECONDS}


class Databases:
    def __init__(self, account: Account):
        self.account, self.server, self.rds = account, account.server, account.root.rds
        self.made: set[str] = set()
        self.snapshots: set[str] = set()

    # Making and looking

    def engines(self) -> dict[str, str]:
        """The engines of the server's machine, with their versions."""
        found = self.rds.describe_db_engine_versions()["DBEngineVersions"]
        return {version["Engine"]: version["EngineVersion"] for version in found}

    def create(self, engine: str, **params: Any) -> dict[str, Any]:
        """CreateDBInstance's answer, as it comes."""
        login = {"MasterUsername": MASTER, "MasterUserPassword": PASSWORD} if engine == "postgres" else {}
        order = {
            "DBInstanceIdentifier": unique("db"),
            "Engine": engine,
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": 1,
            "DBName": DATABASE,
            **login,
            **params,
        }
        answer = self.rds.create_db_instance(**order)["DBInstance"]
        self.made.add(answer["DBInstanceIdentifier"])
        return answer

    def new(self, engine: str, **params: Any) -> str:
        """The identifier of a new instance that is available."""
        return self.available(self.create(engine, **params)["DBInstanceIdentifier"])

    def restored(self, answer: dict[str, Any]) -> str:
        """The identifier of an instance that a restore has begun, once it is available."""
        self.made.add(answer["DBInstance"]["DBInstanceIdentifier"])
        return self.available(answer["DBInstance"]["DBInstanceIdentifier"])

    def available(self, name: str) -> str:
        try:
            waiter = self.rds.get_waiter("db_instance_available")
            waiter.wait(DBInstanceIdentifier=name, WaiterConfig=QUICK)
        except Exception as error:
            raise AssertionError(f"{name}: {self.describe(name).get('StatusInfos')}") from error
        return name

    def describe(self, name: str) -> dict[str, Any]:
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def settle(self, name: str, status: str, seconds: float = SECONDS) -> dict[str, Any]:
        return until(
            lambda: self.describe(name), lambda found: found["DBInstanceStatus"] == status, seconds
        )

    def snapshot(self, name: str, **params: Any) -> str:
        """The identifier of a new snapshot that is available."""
        snapshot = unique("snap")
        self.rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot, **params)
        self.snapshots.add(snapshot)
        return self.complete(snapshot)

    def complete(self, snapshot: str) -> str:
        self.snapshots.add(snapshot)
        waiter = self.rds.get_waiter("db_snapshot_available")
        waiter.wait(DBSnapshotIdentifier=snapshot, WaiterConfig=QUICK)
        return snapshot

    def delete(self, name: str) -> None:
        self.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        waiter = self.rds.get_waiter("db_instance_deleted")
        # The waiter gives up on an instance that is `creating`, which one that is being deleted never is.
        waiter.wait(DBInstanceIdentifier=name, WaiterConfig=QUICK)
        self.made.discard(name)

    # Clients

    def sql(self, name: str, statement: str, user: str = MASTER, password: str = PASSWORD) -> str:
        """What a client of the engine's own answers, a row a line."""
        found = self.describe(name)
        endpoint = found["Endpoint"]
        if found["Engine"] == "sqlite":
            with closing(sqlite3.connect(endpoint["Address"], timeout=10)) as connection, connection:
                rows = connection.execute(statement).fetchall()
            return "\n".join("|".join(str(cell) for cell in row) for row in rows)
        command = [
            *(self.psql(), "-X", "-h", endpoint["Address"], "-p", str(endpoint["Port"]), "-U", user),
            *("-d", DATABASE, "-At", "-v", "ON_ERROR_STOP=1", "-c", statement),
        ]
        environment = {**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @staticmethod
    def psql() -> str:
        found = shutil.which("psql") or next(
            (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), reverse=True)), None
        )
        if not found:
            pytest.skip("psql is not installed")
        return found

    def fill(self, name: str, count: int = 200) -> str:
        """Puts rows in, and gives the digest of them all that a copy has to have."""
        self.sql(name, "CREATE TABLE IF NOT EXISTS row (number integer, word text)")
        words = ",".join(f"({number}, 'COFFERMARK-{number}')" for number in range(count))
        self.sql(name, f"INSERT INTO row VALUES {words}")
        return self.digest(name)

    def digest(self, name: str) -> str:
        return self.sql(name, "SELECT count(*), sum(number), min(word), max(word) FROM row")

    # The end

    def clean(self) -> None:
        for name in list(self.made):
            with suppress(ClientError, AssertionError):
                self.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
            with suppress(ClientError, AssertionError):
                self.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        end = time.monotonic() + SECONDS
        while self.made and time.monotonic() < end:
            left = {each["DBInstanceIdentifier"] for each in self.rds.describe_db_instances()["DBInstances"]}
            self.made &= left
            time.sleep(0.2)
        for snapshot in self.snapshots:
            with suppress(ClientError):
                self.rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)
