"""Many small segments become few objects: the manifest stays short, and no byte moves."""

import json
import shutil
import sqlite3
import subprocess

import pytest

import generator
import manifest_reader
from conservation import Ledger, backdate, bounded, printed_seed, whole_lines
from test_crash import KILLED, Growth

SMALL = '[segments]\nquiet = "20ms"\nmax_lines = 3\n'


def superseded(session):
    return {each["path"] for each in session.manifest.get("superseded", [])}


def test_hundreds_of_segments_become_few_objects(world, scale):
    rng, seed = printed_seed("merge")
    world.configure(SMALL)
    growth = Growth(world, seed, rng, sessions=2, size=scale(700_000, 4_000_000), share=scale(20, 80))
    ledger = Ledger(world.store)
    daemon = world.daemon()
    sealed = 0
    while growth.grow():
        sealed += world.ctl("flush", "--wait")["sealed"]
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


@pytest.mark.parametrize("time", [1, 2])
def test_killed_when_a_merge_is_sealed(world, time, scale):
    rng, seed = printed_seed(f"merge.1:{time}")
    world.configure(SMALL)
    growth = Growth(world, seed, rng, sessions=2, size=scale(400_000, 1_500_000), share=2)
    ledger = Ledger(world.store)
    for _ in range(2):
        growth.grow()
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"merge.1:{time}"})
        ended = daemon.wait_exit()
        assert ended == KILLED, f"nothing was merged: {ended}"
        ledger.expect(growth.now(), prefix=True)
    backdate(world.home)
    world.once()
    ledger.expect(growth.now())


def libfaketime():
    found = subprocess.run("ls /usr/lib/*/faketime/libfaketime.so.1", shell=True, capture_output=True, text=True).stdout
    return found.split("\n")[0] or None


def later(hours):
    """The wall clock of a daemon that runs in so many hours."""
    return {"LD_PRELOAD": libfaketime(), "FAKETIME": f"+{hours}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1"}


def test_superseded_objects_go_after_a_day(world, scale):
    if libfaketime() is None:
        pytest.skip("needs libfaketime: packaging/install-deps --test")
    rng, seed = printed_seed("retirement of superseded")
    world.configure(SMALL)
    growth = Growth(world, seed, rng, sessions=2, size=400_000)
    growth.grow()
    backdate(world.home)
    world.once()
    sessions = Ledger(world.store).expect(growth.now())
    gone = {sid: superseded(session) for sid, session in sessions.items()}
    assert all(gone.values())
    world.once(env=later(23))
    kept = Ledger(world.store).expect(growth.now())
    for sid, paths in gone.items():
        assert all((kept[sid].folder / path).exists() for path in paths), "gone before its day was over"
    # Deleted, and killed before its row says so.
    daemon = world.daemon("--once", wait=False, env={**later(25), "UPLOADERD_FAULT": "merge.2:2"})
    assert daemon.wait_exit() == KILLED
    Ledger(world.store).expect(growth.now())
    world.once(env=later(25))
    after = Ledger(world.store).expect(growth.now())
    for sid, paths in gone.items():
        assert not any((after[sid].folder / path).exists() for path in paths), "outlived its day"
        assert not superseded(after[sid]) & paths
