"""What is killed: an operation prepares its volumes and snapshots, and says what may be there after it was cut short."""
import time


class Operation:
    name = ""
    # What may be killed.
    kills = ("command", "daemon", "both")
    # Whether there is nothing to kill once the command has ended.
    ends_with_command = True

    def __init__(self, scene):
        self.scene = scene
        self.home, self.generator = scene.home, scene.generator
        # The volume that it is about, and the command.
        self.volume, self.words = None, []

    def prepare(self):
        raise NotImplementedError

    def begin(self):
        """Right before the command starts."""

    def ended(self):
        """The command has ended before the kill."""

    def wait(self):
        """Until the work is done, for whoever measures how long it takes."""

    # What a snapshot or a volume that nobody knows must have.
    def new_snapshot(self):
        return None

    def new_volume(self):
        return None

    def recovered(self):
        """What else must be true once all is cleaned up, before the second try: sentences that are wrong."""
        return []

    def try_again(self):
        self.home.coffer(*self.words)

    def settled(self):
        """What else must be true once the second try has succeeded: sentences that are wrong."""
        return []

    def write_meanwhile(self):
        if self.volume.place:
            self.scene.begin_writing(self.volume)
            time.sleep(0.02)
