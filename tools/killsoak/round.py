"""One round: a home, an operation, a kill, and what must be true after it."""
import math
import os
import random
import signal
import subprocess
import time

from .home import Home, Wrong
from .recovery import Recovery
from .scene import Scene


class Round:
    def __init__(self, binary, seed, number, known):
        self.binary, self.seed, self.number = binary, seed, number
        # Each operation once, in an order of chance, then again.
        lap, place = divmod(number, len(known))
        deck = list(known)
        random.Random(f"{seed}/lap {lap}").shuffle(deck)
        self.operation = deck[place]
        self.disables_key = number % 20 == 19
        self.wrong, self.left = [], []

    def run(self):
        """What was done, in a line."""
        name = self.operation.name
        try:
            usual = self.usual_seconds()
        except Wrong as error:
            self.wrong.append(f"undisturbed: {error}")
            return f"{name}: not killed, as it fails undisturbed"
        generator = random.Random(f"{self.seed}/round {self.number}")
        victim = generator.choice(self.operation.kills)
        delay = self.delay(generator, usual)
        home, scene = Home(self.binary), None
        told = f"{name}, {victim} killed after {delay * 1000:.1f} of {usual * 1000:.0f} ms"
        try:
            scene = Scene(home, generator)
            operation = self.operation(scene)
            operation.prepare()
            scene.volume(generator.choice(["raw", "mounted", "detached"]), mebibytes=16)
            told += self.kill(scene, operation, victim, delay)
            recovery = Recovery(scene, operation, self.disables_key)
            recovery.run()
            self.wrong += recovery.wrong
            self.left = recovery.left
            told += "".join(f"; {each}" for each in recovery.told)
        except (Wrong, OSError) as error:
            self.wrong.append(str(error))
        finally:
            for _, writer in scene.writers if scene else []:
                writer.stopping.set()
            home.clear()
        return f"{told}; {len(self.wrong)} wrong"

    def usual_seconds(self):
        """How long the operation takes that nobody disturbs."""
        known = self.binary.usual_seconds
        if self.operation.name not in known:
            home = Home(self.binary)
            try:
                scene = Scene(home, random.Random(f"{self.seed}/{self.operation.name}"))
                operation = self.operation(scene)
                operation.prepare()
                operation.begin()
                begun = time.monotonic()
                home.coffer(*operation.words)
                operation.wait()
                known[self.operation.name] = time.monotonic() - begun
                scene.stop_writing()
            finally:
                home.clear()
        return known[self.operation.name]

    def delay(self, generator, usual):
        """Spread evenly over the orders of magnitude of the time that the work takes, from its beginning or from its end,
        once the program has started; now and then before that."""
        start = self.binary.start_seconds
        work = max(usual * 1.1 - start, 0.004)
        into = math.exp(generator.uniform(math.log(0.002), math.log(work)))
        at = generator.choice([start + into, start + work - into, start + work - into])
        return generator.uniform(0, start) if generator.random() < 0.05 else at

    def kill(self, scene, operation, victim, delay):
        home = scene.home
        operation.begin()
        begun = time.monotonic()
        process = home.start(*operation.words)
        if self.disables_key:
            time.sleep(delay / 2)
            disabling = subprocess.Popen(
                [self.binary.path, "key", "disable", "alias/a"], env={**os.environ, "COFFER_HOME": home.path}
            )
        has_ended = False
        while (now := time.monotonic() - begun) < delay:
            if not has_ended and process.poll() is not None:
                has_ended = True
                if operation.ends_with_command:
                    # It was measured on a machine that was busier.
                    known = self.binary.usual_seconds
                    known[operation.name] = min(known[operation.name], now)
                operation.ended()
            time.sleep(min(0.001, max(delay - now, 0)) if not has_ended else max(delay - now, 0))
        killed = []
        if victim != "command":
            for daemon in home.daemons(operation.volume and operation.volume.id):
                os.kill(daemon, signal.SIGKILL)
                killed.append("daemon")
        # Where there is no daemon, the command is what there is to kill.
        if (victim != "daemon" or not killed) and process.poll() is None:
            process.kill()
            killed.append("command")
        try:
            code = process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            code = "nothing for 25 s"
            self.wrong.append(f"`coffer {' '.join(operation.words)}` goes on for 25 s after the kill")
        if self.disables_key and disabling.wait(60) != 0:
            raise Wrong("the key cannot be disabled")
        time.sleep(0.005)
        if "daemon" not in killed:
            hanging = scene.stop_writing()
            self.wrong += [f"who writes to {each.id} hangs, and its daemon lives" for each in hanging]
        return f" (killed {' and '.join(killed) or 'nothing'}, ended with {code})"
