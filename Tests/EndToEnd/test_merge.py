"""Many small segments become few objects: the manifest stays short, and no byte moves."""

import json
import sqlite3

import pytest

import generator
from conservation import Ledger, backdate, bounded, printed_seed, whole_lines
from test_crash import KILLED, Growth

SMALL = '[segments]\nquiet = "20ms"\nmax_lines = 3\n'


def superseded(session):
    return {each["path"] for each in session.manifest.get("superseded", [])}


def test_hundreds_of_segments_become_few_objects(world, scale):
    rng, seed = printed_seed("merge")
    world.configure(SMALL)
    growth = Growth(world, seed, rng, sessions=1, size=scale(700_000, 4_000_000), share=scale(8, 80))
    ledger = Ledger(world.store)
    daemon = world.daemon()
    sealed = 0
    while growth.grow():
        make_small(world, growth)
        sealed += world.flush_but_ends()["sealed"]
        for session in ledger.expect(growth.now(whole_lines)).values():
            listed, bound = bounded(session)
            assert listed <= bound, f"{session.sid}: {listed} objects are listed, at most {bound} may be"
    assert daemon.stop() == 0
    backdate(world.home)
    world.once()
    for session in ledger.expect(growth.now()).values():
        listed, bound = bounded(session)
        assert listed <= bound
        objects = len([path for path in session.folder.rglob("session-*")])
        assert objects > 2 * listed and superseded(session), f"{objects} objects, {listed} listed: nothing was merged"
        print(f"{session.sid}: {objects} objects, {listed} listed, at most {bound}")


def test_a_backlog_of_small_segments_never_makes_a_long_manifest(world, scale):
    """The bound holds for the first manifest, too: watched by the daemon's own writes."""
    rng, seed = printed_seed("merge backlog")
    world.configure(SMALL)
    session = generator.session(seed, "claude", size=scale(900_000, 6_000_000), children=12)
    session.apply(world.home)
    files = {(session.sid, stream): [(world.home / path).read_bytes()] for path, stream in session.streams.items()}
    backdate(world.home)
    daemon = world.daemon("--once", wait=False)
    seen = {}
    manifest = world.store / "sessions" / session.sid / "manifest.json"
    while daemon.running:
        try:
            text = manifest.read_bytes()
        except FileNotFoundError:
            continue
        seen[json.loads(text)["epoch"]] = text
    assert daemon.wait_exit() == 0
    seen[-1] = manifest.read_bytes()
    for epoch, text in seen.items():
        value = json.loads(text)
        streams = [value, *value.get("streams", {}).values()]
        listed = sum(len(stream["segments"]) for stream in streams)
        size = sum(segment["bytes_uncompressed"] for stream in streams for segment in stream["segments"])
        runs = sum(len({(s["generation"], s["codec"]) for s in stream["segments"]}) + len(stream["checkpoints"])
                   for stream in streams)
        assert listed <= size // (8 << 20) + 64 + runs, f"epoch {epoch} lists {listed} objects of {len(streams)} streams"
    Ledger(world.store).expect(files)
    print(f"{len(seen)} manifests seen, {listed} objects listed in the last")


@pytest.mark.parametrize("catalog", ["kept", "lost", "older"])
@pytest.mark.parametrize("time", [1, 2])
def test_killed_when_a_merge_is_sealed(world, time, catalog, scale):
    """Also with the loss of the rows that tell which parts were put: none stays in the store unnamed."""
    rng, seed = printed_seed(f"merge.1:{time}:{catalog}")
    world.configure(SMALL)
    growth = Growth(world, seed, rng, sessions=3, size=scale(600_000, 1_500_000), share=2)
    ledger = Ledger(world.store)
    for _ in range(2):
        growth.grow()
        make_small(world, growth)
        older = {path: path.read_bytes() for path in world.state.glob("catalog.db*")}
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"merge.1:{time}"})
        ended = daemon.wait_exit()
        assert ended == KILLED, f"nothing was merged: {ended}"
        ledger.expect(growth.now(), prefix=True)
        if catalog != "kept":
            for path in world.state.glob("catalog.db*"):
                path.unlink()
        if catalog == "older":
            for path, data in older.items():
                path.write_bytes(data)
    backdate(world.home)
    world.once()
    ledger.expect(growth.now())


def merged(world, seed, rng, **size):
    """A world whose sessions were small segments, and are merged; its growth, and the ledger that has seen it."""
    world.configure(SMALL)
    growth = Growth(world, seed, rng, share=1, **size)
    growth.grow()
    make_small(world, growth)
    backdate(world.home)
    world.once()
    return growth, Ledger(world.store)


@pytest.mark.parametrize("catalog", ["kept", "lost", "killed"])
def test_superseded_objects_go_after_a_day(world, catalog):
    """Not before; also by a life that knows of them from the manifest alone; and when killed between object and row."""
    rng, seed = printed_seed(f"superseded:{catalog}")
    growth, ledger = merged(world, seed, rng, sessions=2, size=300_000)
    before = ledger.expect(growth.now())
    waiting = {session.sid: superseded(session) for session in before.values()}
    assert any(waiting.values()), "nothing was merged"
    if catalog == "lost":
        for path in world.state.glob("catalog.db*"):
            path.unlink()
    world.once()
    for session in ledger.expect(growth.now()).values():
        assert superseded(session) == waiting[session.sid], "gone, or forgotten, before its time"
    assert a_day_passes(world, ledger) == sum(map(len, waiting.values()))
    if catalog == "killed":
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": "merge.2"})
        assert daemon.wait_exit() == KILLED
    world.once()
    for session in ledger.expect(growth.now()).values():
        assert not superseded(session)
        listed = listed_paths(session.manifest)
        there = {str(path.relative_to(session.folder)) for path in session.folder.rglob("session-*")}
        assert there == listed


def test_superseded_objects_go_while_nothing_else_happens(world):
    """An idle daemon needs no new manifest to remember them."""
    rng, seed = printed_seed("superseded idle")
    growth, ledger = merged(world, seed, rng, sessions=1, size=100_000)
    assert a_day_passes(world, ledger)
    world.daemon()
    manifests = list(world.store.glob("sessions/*/manifest.json"))
    world.wait_status(lambda status: not any(json.loads(each.read_bytes()).get("superseded") for each in manifests))
    ledger.expect(growth.now())


def a_day_passes(world, ledger):
    """For what was superseded. Returns how much that is."""
    ledger.a_day_passes()
    with sqlite3.connect(world.state / "catalog.db") as rows:
        aged = rows.execute("UPDATE superseded SET at = at - 86400 * 1000000000").rowcount
    rows.close()
    return aged


def listed_paths(manifest):
    streams = [manifest, *manifest.get("streams", {}).values()]
    return {segment["path"] for stream in streams for segment in stream["segments"]}


def make_small(world, growth):
    """Many lines that are small, behind what each main file holds: so there is something to join."""
    for path, (_, stream) in growth.streams.items():
        place = world.home / path
        if stream == "main" and place.exists():
            with place.open("ab") as file:
                file.write(b"".join(b'\n{"type":"x","n":%d}' % n for n in range(300)) + b"\n")
