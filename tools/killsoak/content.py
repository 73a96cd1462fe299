"""What must be in a volume: a plain copy, and the writes that were made to it, one after the other."""
import os
import random
import struct
import threading

BLOCK = 4096


def stamp(number):
    """The block that write `number` writes."""
    return struct.pack("<Q", number) * (BLOCK // 8)


class Content:
    """Bytes, and the writes that follow, numbered from 1. So a moment is the number of the last write before it."""

    def __init__(self, base):
        self.base = base
        # The block of each write that was begun, and how many of them have been acknowledged.
        self.writes, self.finished = [], 0

    @classmethod
    def random(cls, generator, size):
        """Random data in some places, written zeroes in one, and nothing in the others."""
        base = bytearray(size)
        for _ in range(generator.randint(2, 6)):
            count = min(generator.choice([1, 7, 128, 300, 1000]) * BLOCK, size // 4)
            offset = generator.randrange((size - count) // BLOCK) * BLOCK
            base[offset : offset + count] = generator.randbytes(count)
        return cls(bytes(base))

    def at(self, number):
        content = bytearray(self.base)
        for index, block in enumerate(self.writes[:number], 1):
            content[block * BLOCK : (block + 1) * BLOCK] = stamp(index)
        return bytes(content)

    def difference(self, found, first, last):
        """Why `found` is not the content of one moment from `first` to `last`; None where it is. More may follow, of
        zeroes: the volume has grown."""
        size = len(self.base)
        if len(found) < size:
            return f"it has {len(found)} bytes, not {size}"
        if found[size:].strip(b"\0"):
            return "what it has grown by is not all zeroes"
        newest = first
        for number, block in enumerate(self.writes[:last], 1):
            if number > newest and found[block * BLOCK : (block + 1) * BLOCK] == stamp(number):
                newest = number
        expected = self.at(newest)
        if found[:size] == expected:
            return None
        bad = [
            block
            for block in range(size // BLOCK)
            if found[block * BLOCK : (block + 1) * BLOCK] != expected[block * BLOCK : (block + 1) * BLOCK]
        ]
        block = found[bad[0] * BLOCK : (bad[0] + 1) * BLOCK]
        number = struct.unpack("<Q", block[:8])[0]
        kind = "zeroes" if number == 0 else f"write {number}" if block == stamp(number) else "something else"
        return (
            f"{len(bad)} blocks are not as after write {newest} (it had to be of {first} to {last}); the first is "
            f"{bad[0]}, which has {kind}, and its last write is {self.last_write(bad[0], newest)}"
        )

    def last_write(self, block, newest):
        return max((index for index, other in enumerate(self.writes[:newest], 1) if other == block), default=0)

    def lay_down(self, path):
        """Writes the base to a file, and leaves holes where there is nothing."""
        piece = 64 * BLOCK
        with open(path, "r+b" if os.path.exists(path) else "w+b") as file:
            for offset in range(0, len(self.base), piece):
                part = self.base[offset : offset + piece]
                if part.strip(b"\0"):
                    file.seek(offset)
                    file.write(part)
            file.flush()
            os.fsync(file.fileno())


class Writer(threading.Thread):
    """Writes random blocks of a file, one after the other, until it is stopped or a write fails. Each write is
    acknowledged when it has returned, and with `syncs` when an fsync after it has."""

    def __init__(self, path, content, seed, syncs):
        super().__init__(daemon=True)
        self.path, self.content, self.syncs = path, content, syncs
        self.generator = random.Random(seed)
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        content = self.content
        blocks = len(content.base) // BLOCK
        descriptor = -1
        try:
            descriptor = os.open(self.path, os.O_WRONLY)
            while not self.stopping.wait(0.0003):
                block = self.generator.randrange(blocks)
                content.writes.append(block)
                number = len(content.writes)
                os.pwrite(descriptor, stamp(number), block * BLOCK)
                if self.syncs:
                    os.fsync(descriptor)
                content.finished = number
        except OSError as error:
            self.failure = error
        finally:
            if descriptor >= 0:
                try:
                    os.close(descriptor)
                except OSError:
                    pass  # of a file that is gone

    def stop(self, seconds=10):
        """False where it hangs in the kernel."""
        self.stopping.set()
        self.join(seconds)
        return not self.is_alive()
