"""A model of what must be in the store, and random actions on the real file system and the real daemon against it.

The model knows each file: its versions (what it held, each only added to), and of each how much was acknowledged, which
`flush --wait` does with exit code 0. After any actions whatever the store holds is a part of the model, in its order; when
the faults are over and all is flushed it is the model. A run that fails is made shorter, action by action, until nothing
can be left out, and printed as a list that `REPLAY` takes.
"""

import json
import os
import random
import time

from conftest import SOAK
from conservation import Ledger, printed_seed
from daemon import World
from manifest_reader import Damaged, need

SECONDS = float(os.environ.get("UPLOADER_MODEL_SECONDS", 2 * 3600 if SOAK else 120))
# A list as a failed run prints it, to be done again instead of a random one.
REPLAY = os.environ.get("UPLOADER_MODEL_REPLAY")
STEPS = 60
FILES = 4
CONFIGURATION = """
[[watch]]
agent = "generic"
root = "{home}/odd"
[segments]
quiet = "30ms"
max_lines = 20
[[destination]]
name = "archive"
type = "directory"
path = "{base}/store"
"""
# How often each is done.
ACTIONS = {"append": 30, "tear": 8, "flush": 6, "truncate": 3, "replace": 3, "restore": 2, "recreate": 3, "rename": 3,
           "kill": 4, "restart": 2, "lose_catalog": 1, "fail_disk": 2, "mend_disk": 3, "fail_end": 2, "mend_end": 3, "rescan": 2}


class File:
    def __init__(self, name):
        self.name = name
        self.path = None
        self.versions = []
        # (version, bytes) that a flush has answered for.
        self.acknowledged = []
        # Since then it got another path. Whatever is put there before that is seen is another file's.
        self.is_moved = False
        # Since then its path leads to another file: under a further path that one is nobody's yet.
        self.is_other = False


class Model:
    """The files, the daemon and what is wrong with its surroundings."""

    def __init__(self):
        self.world = World()
        self.world.configure(CONFIGURATION.format(home=self.world.home, base=self.world.base))
        self.folder = self.world.home / "odd"
        self.folder.mkdir()
        self.store = self.world.base / "store"
        self.ledger = Ledger(self.store)
        self.files = [File(f"session-{number}") for number in range(FILES)]
        self.disk_fails = self.end_fails = False
        self.daemon = self.world.daemon()

    def close(self):
        self.mend_disk()
        self.mend_end()
        self.world.close()

    # Files. `number` says which, `seed` what is written.

    def text(self, file, seed, count):
        rng = random.Random(seed)
        return b"".join(b'{"of":"%s","n":%d,"seed":%d,"text":"%s"}\n' % (
            file.name.encode(), number, seed, rng.randbytes(rng.randrange(0, 120)).hex().encode())
            for number in range(count))

    def append(self, number, seed):
        file = self.files[number]
        if not file.versions or file.path is None:
            return self.begin(file, self.text(file, seed, 3))
        self.add(file, self.text(file, seed, 1 + seed % 7))

    def tear(self, number, seed):
        """A line in two writes, cut at any byte; the second one may come much later."""
        file = self.files[number]
        text = self.text(file, seed, 2)
        cut = seed % len(text)
        if file.path is None:
            return self.begin(file, text[:cut])
        self.add(file, text[:cut])

    def add(self, file, data):
        with file.path.open("ab") as out:
            out.write(data)
        file.versions[-1] += data

    def begin(self, file, data):
        file.path = self.folder / f"{file.name}.jsonl"
        file.path.write_bytes(data)
        file.versions.append(data)

    def truncate(self, number, seed):
        file = self.files[number]
        if file.path is None:
            return
        data = self.text(file, seed, 1 + seed % 40)
        with file.path.open("r+b") as out:
            out.truncate(0)
            out.write(data)
        file.versions.append(data)

    def replace(self, number, seed, keep=b""):
        file = self.files[number]
        if file.path is None or file.is_moved:
            return
        data = keep + self.text(file, seed, 1 + seed % 40)
        beside = file.path.with_name(".new")
        beside.write_bytes(data)
        beside.rename(file.path)
        file.is_other = True
        if keep:
            file.versions[-1] = data
        else:
            file.versions.append(data)

    def restore(self, number, seed):
        """The same bytes and more, in another file."""
        file = self.files[number]
        # A few bytes say little about whose they are.
        if file.path is not None and len(file.versions[-1]) > 1100:
            self.replace(number, seed, keep=file.versions[-1])

    def recreate(self, number, seed):
        file = self.files[number]
        if file.path is None or file.is_moved:
            return
        file.path.unlink()
        file.is_other = True
        data = self.text(file, seed, 1 + seed % 9)
        file.path.write_bytes(data)
        file.versions.append(data)

    def rename(self, number, seed):
        """Of one whose bytes are known: what is seen for the first time is named after where it is."""
        file = self.files[number]
        if file.path is None or file.is_other or not file.acknowledged:
            return
        version, size = file.acknowledged[-1]
        if version != len(file.versions) - 1 or size == 0:
            return
        folder = self.folder / f"deep-{seed % 3}"
        folder.mkdir(exist_ok=True)
        target = folder / f"{file.name}.jsonl"
        if not target.exists():
            file.path.rename(target)
            file.path = target
            file.is_moved = True

    # The daemon and what it stands on.

    def flush(self, number, seed):
        """What it says is safe must stay so."""
        before = [(file, len(file.versions) - 1, self.whole(file)) for file in self.files if file.versions]
        done = self.world.ctl_run("flush", "--wait", "--json", check=False)
        need(done.returncode in (0, 5), "flush --wait", f"ended with {done.returncode}: {done.stderr}")
        said = json.loads(done.stdout)
        # A line without its end is not promised, and only whole lines are asked for.
        is_all = not (said["queued"] or said["unresolved"] or said["held"]) and all(
            "line without its end" in sentence for sentence in said["not_taken"])
        if is_all and not self.disk_fails and not self.end_fails:
            for file, version, size in before:
                file.acknowledged.append((version, size))
                file.is_moved = file.is_other = False

    @staticmethod
    def whole(file):
        return file.versions[-1].rfind(b"\n") + 1

    def kill(self, number, seed):
        self.daemon.kill()
        self.start()

    def lose_catalog(self, number, seed):
        """A life after it knows what is in the spool, in manifests and in the files: one that has another name is known by its
        bytes, so that must be what was taken."""
        self.flush(number, seed)
        if self.disk_fails or self.end_fails or any(file.is_moved or file.is_other for file in self.files):
            return
        self.daemon.kill()
        for path in self.world.state.glob("catalog.db*"):
            path.unlink()
        self.start()
        self.flush(number, seed)

    def restart(self, number, seed):
        need(self.daemon.stop() == 0, "a daemon that was told to stop", self.daemon.text())
        self.start()

    def start(self):
        # It cannot write its state: it says so and ends, and the service manager starts it again. So do we, mended.
        if self.disk_fails:
            daemon = self.world.daemon(wait=False)
            daemon.kill()
            self.mend_disk()
        self.daemon = self.world.daemon()

    def fail_disk(self, number=0, seed=0):
        """The spool takes no more files: its folder may not be written (root may, so it is a file that is in the way)."""
        spool = self.world.state / "spool"
        if not self.disk_fails and spool.is_dir():
            spool.rename(self.world.state / "spool.away")
            spool.write_bytes(b"")
            self.disk_fails = True

    def mend_disk(self, number=0, seed=0):
        if self.disk_fails:
            (self.world.state / "spool").unlink()
            (self.world.state / "spool.away").rename(self.world.state / "spool")
            self.disk_fails = False

    def fail_end(self, number=0, seed=0):
        """The disk of the far end is not mounted."""
        if not self.end_fails and self.store.exists():
            self.store.rename(self.store.with_name("store.away"))
            self.end_fails = True

    def mend_end(self, number=0, seed=0):
        if self.end_fails:
            away = self.store.with_name("store.away")
            if self.store.exists():
                self.store.rmdir()
            away.rename(self.store)
            self.end_fails = False

    def rescan(self, number, seed):
        need(self.daemon.running, "the daemon", f"has ended\n{self.daemon.text()}")

    # What must hold.

    def check(self):
        """After the faults all of it is there."""
        self.mend_disk()
        self.mend_end()
        for file in self.files:
            if file.path is not None and not file.versions[-1].endswith(b"\n"):
                self.add(file, b'"}\n')
        need(self.daemon.running, "the daemon", f"has ended\n{self.daemon.text()}")
        # What was put off is tried at once by a flush, and what it finds then may have to be flushed once more.
        for _ in range(3):
            done = self.world.ctl_run("flush", "--wait", check=False)
            if done.returncode == 0:
                break
        need(done.returncode == 0, "flush --wait", f"ended with {done.returncode}: {done.stderr} {done.stdout}")
        found = self.ledger.look()
        for file in self.files:
            if file.versions:
                need(file.name in found, file.name, "is not in the store")
                generations = found[file.name].streams["main"].generations
                self.compare(file, [generations[number] for number in sorted(generations)])

    def compare(self, file, generations):
        version = 0
        for number, data in enumerate(generations, 1):
            match = next((index for index in range(version, len(file.versions))
                          if file.versions[index].startswith(data)), None)
            need(match is not None, file.name, f"generation {number} holds what the file never held: {data[-200:]!r}")
            for acknowledged, size in file.acknowledged:
                if acknowledged == match:
                    need(len(data) >= size, file.name, f"lost what a flush had answered for: {len(data)} of {size} bytes")
            version = match
        need(generations and generations[-1] == file.versions[-1], file.name,
             f"ends with {len(generations[-1]) if generations else 0} bytes, not {len(file.versions[-1])}")


def run(actions):
    """Does the actions in a world of their own. Returns what failed."""
    model = Model()
    try:
        for name, number, seed in actions:
            getattr(model, name)(number, seed)
        model.check()
        return None
    except (AssertionError, Damaged) as error:
        return f"{error}\n{model.world.logs()}"
    finally:
        model.close()


def shrunk(actions, deadline):
    """The fewest of these actions that still fail, in the time that there is."""
    size = max(1, len(actions) // 2)
    while size and time.monotonic() < deadline:
        start = 0
        while start < len(actions) and time.monotonic() < deadline:
            fewer = actions[:start] + actions[start + size:]
            if run(fewer):
                actions = fewer
            else:
                start += size
        size //= 2
    return actions


def drawn(rng):
    names = rng.choices(list(ACTIONS), weights=ACTIONS.values(), k=STEPS)
    return [[name, rng.randrange(FILES), rng.randrange(1 << 30)] for name in names]


def test_the_store_holds_what_the_model_says():
    rng, _ = printed_seed("model")
    end = time.monotonic() + SECONDS
    runs = 0
    while runs == 0 or (time.monotonic() < end and not REPLAY):
        actions = json.loads(REPLAY) if REPLAY else drawn(rng)
        failure = run(actions)
        if failure:
            shorter = actions if REPLAY else shrunk(actions, time.monotonic() + 60)
            raise AssertionError(f"UPLOADER_MODEL_REPLAY='{json.dumps(shorter)}'\n{run(shorter) or failure}")
        runs += 1
    print(f"{runs} runs, {runs * STEPS} steps")
