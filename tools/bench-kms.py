#!/usr/bin/env python3
"""usage: tools/bench-kms.py COFFER [--rounds N] [--seconds S]

Measures `coffer serve` beside moto's server on this machine, in turn within each round: GenerateDataKey, Encrypt and
Decrypt over 1 and 32 connections. One client drives both: wrk, one thread, which sends one signed request over and over
and so costs less than either server. Coffer verifies each signature; moto does not. Prints requests a second and the
99th percentile (median of the rounds, with the range), and the ratio within a round (median).

Needs boto3 and moto[server] (Tests/AWS/requirements.txt and requirements-bench.txt) and wrk.
"""

import argparse
import base64
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"
CONNECTIONS = (1, 32)


class Server:
    """A server that this script started, and a KMS key in it."""

    def __init__(self, name, process, url, credentials):
        self.name, self.process, self.url, self.credentials = name, process, url, credentials
        self.kms = boto3.client(
            "kms", endpoint_url=url, region_name=REGION,
            aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
        )
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]

    def bodies(self):
        """The three requests, as JSON objects."""
        context = {"tenant": "t1"}
        blob = self.kms.encrypt(KeyId=self.key, Plaintext=b"x" * 32, EncryptionContext=context)["CiphertextBlob"]
        return {
            "GenerateDataKey": {"KeyId": self.key, "KeySpec": "AES_256", "EncryptionContext": context},
            "Encrypt": {
                "KeyId": self.key, "Plaintext": base64.b64encode(b"x" * 32).decode(), "EncryptionContext": context,
            },
            "Decrypt": {"CiphertextBlob": base64.b64encode(blob).decode(), "EncryptionContext": context},
        }

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start_coffer(program, folder):
    environment = dict(os.environ, COFFER_HOME=folder)
    made = subprocess.run(
        [program, "user", "access-key", "create", "root", "--output", "json"],
        env=environment, check=True, capture_output=True, text=True,
    )
    key = json.loads(made.stdout)
    process = subprocess.Popen(
        [program, "serve", "--listen", "127.0.0.1:0"], env=environment, stdout=subprocess.PIPE, text=True,
    )
    line = process.stdout.readline()
    url = line.removeprefix("Listening on ").strip()
    return Server("coffer", process, url, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))


def start_moto(port):
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(url + "/moto-api/data.json").close()
            break
        except OSError:
            time.sleep(0.1)
    return Server("moto", process, url, Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))


def script(server, operation, body):
    """What wrk sends, in Lua: a request signed now, good for some minutes."""
    payload = json.dumps(body)
    request = AWSRequest(
        "POST", server.url + "/", data=payload,
        headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{operation}"},
    )
    SigV4Auth(server.credentials, "kms", REGION).add_auth(request)
    headers = "".join(f"wrk.headers[{name!r}] = {value!r}\n" for name, value in request.headers.items())
    return f'wrk.method = "POST"\nwrk.body = [[{payload}]]\n{headers}'


def run(server, operation, connections, seconds, folder):
    path = os.path.join(folder, "request.lua")
    with open(path, "w") as file:
        file.write(script(server, operation, server.requests[operation]))
    output = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency",
         "--script", path, server.url + "/"],
        check=True, capture_output=True, text=True,
    ).stdout
    if "Non-2xx" in output:
        sys.exit(f"{server.name}: {operation} was refused:\n{output}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", output).groups()
    return rate, float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("coffer")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=4)
    options = arguments.parse_args()
    servers = []
    with tempfile.TemporaryDirectory(prefix="coffer-bench.") as folder:
        try:
            servers = [start_coffer(options.coffer, os.path.join(folder, "home")), start_moto(5599)]
            for server in servers:
                server.requests = server.bodies()
            print("operation\tconnections\tserver\trequests/s\tp99, ms\tratio")
            for operation in ("GenerateDataKey", "Encrypt", "Decrypt"):
                for connections in CONNECTIONS:
                    results = {server.name: [] for server in servers}
                    for turn in range(options.rounds):
                        for server in servers if turn % 2 == 0 else reversed(servers):
                            results[server.name].append(
                                run(server, operation, connections, options.seconds, folder)
                            )
                    pairs = zip(results["coffer"], results["moto"])
                    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
                    for name, runs in results.items():
                        rates, latencies = [run[0] for run in runs], [run[1] for run in runs]
                        shown = f"{ratio:.1f}" if name == "coffer" else "1"
                        print(
                            operation, connections, name, spread(rates, 0), spread(latencies, 2), shown,
                            sep="\t", flush=True,
                        )
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
