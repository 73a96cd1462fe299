"""Rounds of kills, and of restores to a time. Each yields what was done, and what was wrong."""
import calendar
import time

from .instance import Client, Wrong

VICTIMS = (["engine"], ["daemon"], ["supervisor"], ["engine", "daemon"], ["engine", "daemon", "supervisor"])
CLIENTS = 3


def kill_round(instance, generator, count):
    instance.bring_back()
    instance.prepare()
    first = [0] * CLIENTS
    for number in range(count):
        clients = [Client(instance, client, first[client]) for client in range(CLIENTS)]
        instance.running = clients
        time.sleep(generator.uniform(0.2, 2.5))
        victims = generator.choice(VICTIMS)
        instance.kill(victims)
        time.sleep(0.1)
        for client in clients:
            client.end()
        instance.running = ()
        wrong = []
        began = time.monotonic()
        try:
            instance.bring_back()
            took = time.monotonic() - began
            wrong += held(instance, clients, first) + instance.problems()
            if number == count - 1:
                wrong += instance.stopped_problems()
        except Wrong as error:
            wrong.append(str(error))
            took = time.monotonic() - began
        done = sum(client.acknowledged + 1 - client.first for client in clients)
        # The next round begins past what may have been committed and never told.
        first = [client.acknowledged + 1000 for client in clients]
        yield f"killed {' and '.join(victims)} after {done} transactions, back in {took:.1f} s", wrong


def held(instance, clients, first):
    """Whether every transaction that was acknowledged in this round is there, and each that is there is whole."""
    rows = {(client, number): count for client, number, count in instance.rows()}
    wrong = [f"transaction {key} is torn: {count} of 2 rows" for key, count in rows.items() if count != 2]
    for client in clients:
        missing = [
            number for number in range(client.first, client.acknowledged + 1) if (client.number, number) not in rows
        ]
        if missing:
            wrong.append(f"client {client.number}: {len(missing)} acknowledged transactions are lost, first {missing[0]}")
    return wrong


def time_rounds(instance, generator, count):
    instance.bring_back()
    instance.prepare()
    # The first automated snapshot is what all restores begin with.
    deadline = time.monotonic() + 120
    while not instance.show().get("LatestRestorableTime"):
        if time.monotonic() > deadline:
            raise Wrong("there is nothing to restore from after two minutes")
        time.sleep(0.2)
    began = time.time()
    instance.write_moments(20)
    written = instance.moments("app")
    deadline = time.monotonic() + 180
    while seconds(instance.show().get("LatestRestorableTime")) <= written[-1]:
        if time.monotonic() > deadline:
            raise Wrong("the archive is not whole after three minutes")
        time.sleep(0.5)
    for number in range(count):
        moment = generator.uniform(max(began, written[0]), written[-1])
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03d}Z"
        moment = int(moment * 1000) / 1000
        name = f"restored-{number % 40}"
        wrong = []
        begun = time.monotonic()
        try:
            instance.rds("restore", name, "--from", "app", "--to-time", text)
            took = time.monotonic() - begun
            wrong += compare(instance, written, instance.moments(name), moment)
            instance.rds("delete", name, "--skip-final-snapshot", "--yes")
        except Wrong as error:
            wrong.append(str(error))
            took = time.monotonic() - begun
        yield f"restored to {text} in {took:.1f} s", wrong


def compare(instance, written, got, moment):
    """The rows are a beginning of what was written, up to the moment."""
    if got != written[: len(got)]:
        return ["the restored rows are not those that were written first"]
    wrong = []
    if got and got[-1] > moment:
        wrong.append(f"a row of {got[-1] - moment:.3f} s after the moment is there")
    due = [each for each in written if each <= moment - instance.slack_seconds]
    # A row's time is taken a moment before its commit: the last one may have been committed after.
    if len(got) < len(due) - (1 if instance.slack_seconds == 0 else 0):
        wrong.append(f"{len(due) - len(got)} rows from before the moment are missing")
    return wrong


def seconds(text):
    """Of a time in RFC 3339; 0 where there is none."""
    if not text:
        return 0
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")
