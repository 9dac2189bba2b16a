"""Sessions grow, three destinations come and go, and the daemon is killed all the time: all three have every line, once.

One destination is renamed away and back, as a disk that is not mounted; one may be read but not written; one is full.
Agents delete sessions as soon as a flush has answered, while the line is in no store yet.
"""

import contextlib
import os
import subprocess
import threading

import pytest

import generator
from conservation import Ledger, backdate, printed_seed, whole_lines
from daemon import KILLED

pytestmark = pytest.mark.root

FAST = '[segments]\nquiet = "30ms"\nmax_lines = 60\nmax_bytes = "64KiB"\n'


class Destination:
    """A directory store that somebody else has power over."""

    def __init__(self, world, name):
        self.name = name
        self.path = world.base / name / "store"
        self.path.parent.mkdir()
        self.is_down = False

    @property
    def place(self):
        """Where its objects are at the moment."""
        return self.path

    def flap(self):
        (self.come if self.is_down else self.go)()
        self.is_down = not self.is_down

    def mend(self):
        if self.is_down:
            self.flap()

    def close(self):
        pass


class Renamed(Destination):
    @property
    def place(self):
        return self.path.with_name("away") if self.is_down else self.path

    def go(self):
        self.path.rename(self.path.with_name("away"))

    def come(self):
        # A daemon makes no folder in place of a store that it knows; whatever was made is in the way, and a failure.
        self.path.with_name("away").rename(self.path)


class ReadOnly(Destination):
    def go(self):
        self.change(0o500)

    def come(self):
        self.change(0o700)

    def change(self, mode):
        for folder, _, _ in os.walk(self.path):
            os.chmod(folder, mode)


class Full(Destination):
    def __init__(self, world, name, size):
        super().__init__(world, name)
        self.ballast = self.path.with_name("ballast")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", self.path.parent], check=True)

    def go(self):
        with self.ballast.open("ab", buffering=0) as file:
            for piece in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(bytes(piece))
                except OSError:
                    continue

    def come(self):
        self.ballast.unlink()

    def close(self):
        subprocess.run(["umount", "--lazy", self.path.parent], check=True)


class Sessions:
    """Sessions that grow side by side, step by step, and what they hold."""

    def __init__(self, world, seed, rng, sessions, size):
        self.home = world.home
        made = generator.home(seed, sessions=sessions, size=size, faults=list(generator.LINE_FAULTS))
        self.keys = {path: (each.sid, stream) for each in made for path, stream in each.streams.items()}
        self.steps = list(generator.torn(generator.interleaved(made), rng, pieces=3))
        self.last = {step.path: number for number, step in enumerate(self.steps)}
        self.held = {}
        self.done = 0
        self.deleted = set()

    def grow(self):
        """The next step; says whether there are more."""
        if self.done < len(self.steps):
            step = self.steps[self.done]
            step.apply(self.home)
            self.held[step.path] = self.held.get(step.path, b"") + step.data
            self.done += 1
        return self.done < len(self.steps)

    def delete_ended(self):
        """Deletes files that nothing will be added to: call it when a flush has answered for all that there is."""
        for path, data in self.held.items():
            if path not in self.deleted and self.last[path] < self.done and data.endswith(b"\n"):
                (self.home / path).unlink()
                self.deleted.add(path)

    def wanted(self, cut=lambda data: data):
        return {self.keys[path]: [cut(data)] for path, data in self.held.items()}


@pytest.fixture
def destinations(world):
    made = [Renamed(world, "renamed"), ReadOnly(world, "readonly"), Full(world, "full", "256m")]
    yield made
    for daemon in world.daemons:
        daemon.kill()
    for each in made:
        each.close()


def test_sessions_grow_while_destinations_flap_and_the_daemon_is_killed(world, scale, destinations):
    rng, seed = printed_seed("flapping")
    kills = scale(40, 1_000)
    world.configure(FAST + "".join(
        f'[[destination]]\nname = "{each.name}"\npath = "{each.path}"\n' for each in destinations))
    sessions = Sessions(world, seed, rng, 50, scale(3_000, 60_000))
    # Root may write where modes forbid it.
    world.become_ordinary()
    ledgers = [Ledger(each.path) for each in destinations]
    # In a daemon's very first life a store that does not answer might know the session: its lines wait in their source.
    world.once()
    flaps = flushes = delivered = ready = 0
    share = len(sessions.steps) / kills

    def look():
        for each, ledger in zip(destinations, ledgers):
            ledger.store = each.place
            ledger.expect(sessions.wanted(), prefix=True)

    for number in range(1, kills + 1):
        is_asked = rng.random() < 0.1
        daemon = world.daemon(wait=is_asked)
        if not is_asked:
            # The moment is what is tested: any, from before the lock is taken to long after all is delivered.
            timer = threading.Timer(rng.expovariate(1 / 0.15), daemon.process.kill)
            timer.start()
        flap_at = rng.randrange(sessions.done, int(number * share) + 2)
        while sessions.done < int(number * share):
            sessions.grow()
            if sessions.done == flap_at:
                rng.choice(destinations).flap()
                flaps += 1
            # While it runs, and while it does not.
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.process.wait(rng.expovariate(1 / 0.02))
        if is_asked:
            # All that is there is in the spool now. Its files may go, whatever the destinations do.
            world.ctl_run("flush")
            flushes += 1
            sessions.delete_ended()
            if rng.random() < 0.3:
                for each in destinations:
                    each.mend()
                world.flush_but_ends()
                delivered += 1
                for each, ledger in zip(destinations, ledgers):
                    ledger.store = each.place
                    ledger.expect(sessions.wanted(whole_lines))
            daemon.process.kill()
        assert daemon.wait_exit() == KILLED, daemon.text()
        ready += bool(daemon.notices.seen(READY="1"))
        if number % scale(10, 25) == 0:
            look()
        world.forget(daemon)

    for each in destinations:
        each.mend()
    while sessions.grow():
        pass
    daemon = world.daemon()
    world.flush_but_ends(timeout=600)
    for each, ledger in zip(destinations, ledgers):
        ledger.store = each.path
        ledger.expect(sessions.wanted(whole_lines))
    assert daemon.stop() == 0
    # And the lines that have no end, once they have been quiet for long.
    backdate(world.home)
    world.once()
    for ledger in ledgers:
        ledger.expect(sessions.wanted())
    print(f"{kills} kills, {ready} of one that was ready, {flaps} flaps, {flushes} flushes, {delivered} delivered everywhere, "
          f"{len(sessions.steps)} appends to {len(sessions.held)} files, {len(sessions.deleted)} deleted by their agent, "
          f"{[len(ledger.seen) for ledger in ledgers]} objects, {[ledger.looks for ledger in ledgers]} looks")
