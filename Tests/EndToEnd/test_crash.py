"""No line is lost and none is written twice, whatever moment the daemon dies at; files grow meanwhile, torn anywhere."""

import math
import threading

import pytest

import generator
from conservation import Ledger, backdate, printed_seed, whole_lines
from daemon import KILLED

FAST = '[segments]\nquiet = "30ms"\nmax_lines = 60\nmax_bytes = "64KiB"\n'
POINTS = ["seal.1", "seal.2", "seal.3", "deliver.4a", "deliver.4", "deliver.4w", "deliver.4b", "deliver.5", "deliver.6a", "deliver.6b",
          "deliver.7", "retire.8", "retire.9"]


class Growth:
    """A home whose files grow step by step."""

    def __init__(self, world, seed, rng, sessions=5, size=120_000, share=1):
        self.world = world
        self.made = generator.home(seed, sessions=sessions, size=size, faults=list(generator.LINE_FAULTS))
        self.steps = list(generator.torn(generator.interleaved(self.made), rng, pieces=5))
        self.streams = {path: (each.sid, stream) for each in self.made for path, stream in each.streams.items()}
        self.share = math.ceil(len(self.steps) / share)
        self.done = 0

    def grow(self, steps=None):
        """Applies the next steps; by default one share of them."""
        end = self.done + (steps or self.share)
        for step in self.steps[self.done:end]:
            step.apply(self.world.home)
        self.done = min(end, len(self.steps))
        return self.done < len(self.steps)

    def now(self, cut=lambda data: data):
        """{(sid, stream): [bytes]} of all files as they are now."""
        found = {}
        for path, key in self.streams.items():
            place = self.world.home / path
            if place.exists():
                found[key] = [cut(place.read_bytes())]
        return found


def but_for_ends(growth, ledger):
    """Whole lines; of a file that was quiet for a minute an earlier --once has taken the last one as it is."""
    wanted, found = growth.now(whole_lines), ledger.look()
    for (sid, stream), data in growth.now().items():
        there = found[sid].streams.get(stream) if sid in found else None
        if there and list(there.generations.values()) == data:
            wanted[sid, stream] = data
    return wanted


def finish(world, growth, ledger):
    """All of it is there, and once more with the lines that have no end."""
    while growth.grow():
        pass
    daemon = world.daemon()
    world.flush_but_ends()
    ledger.expect(but_for_ends(growth, ledger))
    assert daemon.stop() == 0
    backdate(world.home)
    world.once()
    ledger.expect(growth.now())
    before = len(ledger.seen)
    world.once()
    ledger.expect(growth.now())
    assert len(ledger.seen) == before, "taking nothing made something"


def test_files_that_grow_torn_anywhere_are_taken_whole(world, scale):
    rng, seed = printed_seed("growth")
    world.configure(FAST)
    growth = Growth(world, seed, rng, sessions=scale(5, 20), size=scale(200_000, 1_500_000), share=scale(12, 60))
    ledger = Ledger(world.store)
    daemon = world.daemon()
    more = True
    while more:
        more = growth.grow()
        if rng.random() < 0.5:
            world.flush_but_ends()
            ledger.expect(growth.now(whole_lines))
        else:
            ledger.expect(growth.now(), prefix=True)
    assert daemon.running
    daemon.stop()
    finish(world, growth, ledger)
    print(f"{len(growth.steps)} appends, {ledger.looks} looks, {len(ledger.seen)} objects")


def test_killed_at_random_moments(world, scale):
    rng, seed = printed_seed("kills")
    kills = scale(25, 200)
    world.configure(FAST)
    growth = Growth(world, seed, rng, size=scale(120_000, 600_000), share=kills)
    ledger = Ledger(world.store)
    moments = {"starting": 0, "running": 0}
    for number in range(kills):
        daemon = world.daemon(wait=rng.random() < 0.6)
        # The moment is what is tested: any, from before the lock is taken to long after all is delivered.
        timer = threading.Timer(rng.expovariate(1 / 0.15), daemon.process.kill)
        timer.start()
        growth.grow()
        assert daemon.wait_exit() == KILLED
        moments["running" if daemon.notices.seen(READY="1") else "starting"] += 1
        if number % scale(3, 1) == 0:
            ledger.expect(growth.now(), prefix=True)
    finish(world, growth, ledger)
    print(f"{kills} kills, {moments}, {len(growth.steps)} appends, {len(ledger.seen)} objects")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_fault_point(world, point, scale):
    rng, seed = printed_seed(f"fault {point}")
    world.configure(FAST)
    growth = Growth(world, seed, rng, sessions=4, size=scale(60_000, 200_000), share=scale(4, 10))
    ledger = Ledger(world.store)
    more = True
    times = [1, 2, 3, 1, 5, 8, 13, 1, 2, 4]
    while more:
        more = growth.grow()
        time = times.pop(0)
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"{point}:{time}"})
        ended = daemon.wait_exit()
        assert ended == KILLED or time > 1, f"{point} was not reached: {ended}\n{daemon.text()}"
        ledger.expect(growth.now(), prefix=True)
    finish(world, growth, ledger)


def test_killed_at_one_point_after_the_other(world, scale):
    """Crashes while what the last one left is being mended, in both modes."""
    rng, seed = printed_seed("points")
    world.configure(FAST + f'[merge]\nenabled = {rng.choice(["true", "false"])}\n')
    rounds = scale(25, 250)
    growth = Growth(world, seed, rng, size=scale(120_000, 600_000), share=rounds)
    ledger = Ledger(world.store)
    reached = {}
    for _ in range(rounds):
        point = rng.choice([*POINTS, "merge.1"])
        fault = {"UPLOADERD_FAULT": f"{point}:{rng.choice([1, 1, 1, 2, 3, 6])}"}
        if rng.random() < 0.5:
            growth.grow()
            daemon = world.daemon("--once", wait=False, env=fault)
        else:
            daemon = world.daemon(wait=False, env=fault)
            growth.grow()
            timer = threading.Timer(0.8, daemon.process.kill)
            timer.start()
        if daemon.wait_exit() == KILLED:
            reached[point] = reached.get(point, 0) + 1
        ledger.expect(growth.now(), prefix=True)
    finish(world, growth, ledger)
    print(f"{rounds} rounds, killed {reached}")
