"""Starts `coffer serve` on a fresh home, with two tokens for its custom key stores if SoftHSM is there."""

import json
import os
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)
START_SECONDS = 60


class Token(NamedTuple):
    """A token that CreateCustomKeyStore can name: its label as CloudHsmClusterId, its PIN as password."""

    label: str
    pin: str


class Server(NamedTuple):
    url: str
    access_key_id: str
    secret_access_key: str
    tokens: list[Token]
    # The server's home and the `coffer` that serves it, where it was started here.
    home: Path | None = None
    binary: str | None = None
    process_id: int | None = None


def from_environment() -> Server:
    """The server that COFFER_ENDPOINT names. COFFER_TOKENS is `label:pin,label:pin`, if it has any."""
    pairs = [pair.split(":") for pair in os.environ.get("COFFER_TOKENS", "").split(",") if pair]
    return Server(
        os.environ["COFFER_ENDPOINT"],
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
        [Token(label, pin) for label, pin in pairs],
    )


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    """A server of our own: its home is in `folder`; it ends with the block, and with this process."""
    binary = os.environ.get("COFFER_BIN")
    if not binary:
        raise RuntimeError("set COFFER_ENDPOINT to a server's URL, or COFFER_BIN to the built `coffer`")
    home = folder / "home"
    command = [binary, "user", "access-key", "create", "root", "--output", "json", "--home", str(home)]
    key = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    serve = [binary, "serve", "--listen", "127.0.0.1:0", "--home", str(home)]
    # Database instances look after their keys more often than once a minute, and give up sooner than after 7 days.
    watch = {"COFFER_RDS_KEY_WATCH_SECONDS": "1", "COFFER_RDS_KEY_RECOVERY_SECONDS": "8"}
    environment, tokens = {**watch, **os.environ}, []
    if module := pkcs11_module():
        environment["SOFTHSM2_CONF"], tokens = make_tokens(folder / "tokens")
        serve += ["--pkcs11-module", module]

    log = folder / "serve.log"
    with log.open("w") as errors:
        # setpriv ends the server even if this process is killed before it can.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *serve],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    try:
        url = listening_url(process, log)
        yield Server(url, key["AccessKeyId"], key["SecretAccessKey"], tokens, home, binary, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listening_url(process: subprocess.Popen, log: Path) -> str:
    """Waits for the line that tells the port; goes on reading, so that the server never blocks on output."""
    found: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            if match := re.search(r"Listening on (http://\S+)", line):
                found.put(match.group(1).rstrip("/"))
        found.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        url = found.get(timeout=START_SECONDS)
    except queue.Empty:
        url = None
    if url is None:
        raise RuntimeError(f"coffer serve did not start:\n{log.read_text()[-2000:]}")
    return url


def pkcs11_module() -> str | None:
    """SoftHSM's module, or None where it is not installed (or is switched off by an empty setting)."""
    if (named := os.environ.get("COFFER_PKCS11_MODULE")) is not None:
        return named or None
    if not shutil.which("softhsm2-util"):
        return None
    return next((path for path in MODULES if Path(path).exists()), None)


def make_tokens(folder: Path) -> tuple[str, list[Token]]:
    """Two fresh tokens, their labels shaped like CloudHSM cluster ids. Returns the settings' path too."""
    (folder / "store").mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'store'}\nobjectstore.backend = file\n")
    tokens = [Token("cluster-2a34b5cdefg", "1234567"), Token("cluster-7gfedc5b43a", "7654321")]
    for token in tokens:
        command = ["softhsm2-util", "--init-token", "--free", "--label", token.label]
        subprocess.run(
            [*command, "--pin", token.pin, "--so-pin", "76543210"],
            check=True,
            capture_output=True,
            env={**os.environ, "SOFTHSM2_CONF": str(settings)},
        )
    return str(settings), tokens
