"""The files that one event happens to."""

import os
import subprocess
import uuid

LINE = b'{"type":"user","n":%d,"text":"%s"}\n'
CODEX = ".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-%s.jsonl"


def lines(rng, count, start=0):
    return b"".join(LINE % (number, rng.randbytes(rng.randrange(1, 200)).hex().encode())
                    for number in range(start, start + count))


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


class Scene:
    """One event's files, which the daemon has taken whole, and a source of more lines."""

    def __init__(self, world, rng, name):
        self.world = world
        self.rng = rng
        self.name = name
        self.root = world.home / "odd" / name
        self.beside = world.home / "other" / name
        self.outside = world.base / "outside" / name
        for folder in (self.root / "deep", self.beside, self.outside):
            folder.mkdir(parents=True)
        self.data = lines(rng, 120)
        self.path = self.root / "it.jsonl"
        self.path.write_bytes(self.data)
        self.codex = str(uuid.UUID(bytes=rng.randbytes(16)))
        self.rollout = world.home / (CODEX % self.codex)
        self.rollout.parent.mkdir(parents=True, exist_ok=True)
        self.rolled = lines(rng, 80)
        self.rollout.write_bytes(self.rolled)
        # Older than the daemon's first look: a later start need not look into what has not changed.
        for path in (self.path, self.rollout):
            os.utime(path, (1_600_000_000, 1_600_000_000))
        # What is expected besides an event's own answer.
        self.taken = {"it": [self.data], self.codex: [self.rolled]}

    def more(self, count=9, start=5_000):
        return lines(self.rng, count, start)

    def wanted(self, answer):
        """By stream: a session of the event's own folder is called by its path."""
        return {(sid if uuid_like(sid) else f"{self.name}/{sid}", "main"): generations
                for sid, generations in {**self.taken, **answer}.items()}


def uuid_like(sid):
    return len(sid) == 36 and sid.count("-") == 4


def zstd(path):
    packed = path.with_name(path.name + ".zst")
    hidden = path.with_name("." + packed.name)
    subprocess.run(["zstd", "-q", path, "-o", hidden], check=True)
    hidden.rename(packed)
    path.unlink()
    return packed
