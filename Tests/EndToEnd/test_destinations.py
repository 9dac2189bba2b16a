"""Destinations come, go, and are not there: what was promised to be safe is, wherever it has to be."""

import fcntl
import json
import os
import random
import shutil
import time

import pytest

import generator
import manifest_reader
from conservation import backdate


def homes(world, count):
    """So many small sessions of Claude Code's in the world's home."""
    sessions = [generator.session(f"destinations {number}", "claude", 3_000) for number in range(count)]
    for session in sessions:
        session.apply(world.home)
    return sessions


def destination(world, name):
    return f'[[destination]]\nname = "{name}"\npath = "{world.base / name}"\n'


def holds(store, home, session):
    stored = manifest_reader.read(store, session.sid)
    return all(stored.latest(stream) == (home / path).read_bytes() for path, stream in session.streams.items())


def test_once_ends_when_every_manifest_is_in_every_destination(world):
    world.configure(destination(world, "archive") + destination(world, "mirror"))
    sessions = homes(world, 40)
    world.once()
    for store in (world.base / "archive", world.base / "mirror"):
        assert all(holds(store, world.home, session) for session in sessions)


def test_a_destination_in_place_of_the_local_store_gets_what_only_that_one_has(world):
    sessions = homes(world, 3)
    world.once()
    assert all(holds(world.store, world.home, session) for session in sessions)
    world.configure(destination(world, "archive"))
    world.once()
    assert all(holds(world.base / "archive", world.home, session) for session in sessions)


def test_a_second_destination_gets_what_the_first_one_has(world):
    sessions = homes(world, 3)
    world.configure(destination(world, "archive"))
    with_one = world.daemon()
    world.ctl_run("flush", "--wait")
    world.configure(destination(world, "archive") + destination(world, "mirror"))
    world.ctl_run("reload")
    world.ctl_run("flush", "--wait")
    assert all(holds(world.base / "mirror", world.home, session) for session in sessions)
    assert with_one.stop() == 0


def test_what_waits_for_a_store_that_is_not_there_is_told(world):
    (session,) = homes(world, 1)
    world.configure(destination(world, "archive"))
    world.once()
    (world.base / "archive").rename(world.base / "away")
    path = world.home / next(path for path, stream in session.streams.items() if stream == "main")
    with path.open("ab") as file:
        file.write(b'{"type":"user"}\n')
    daemon = world.daemon()
    flushed = world.ctl_run("flush", "--wait", "--json", check=False)
    assert flushed.returncode == 5
    assert json.loads(flushed.stdout)["queued"] == 1 and json.loads(flushed.stdout)["held"] == ["archive"]
    (archive,) = world.ctl("status", check=False)["destinations"]
    assert archive["state"] == "held" and archive["queued"] == 1
    (world.base / "away").rename(world.base / "archive")
    world.ctl_run("flush", "--wait")
    assert holds(world.base / "archive", world.home, session)
    assert daemon.stop() == 0


def test_a_session_is_safe_when_every_required_destination_has_it_open_or_not(world):
    def told(sid):
        session, = [each for each in world.ctl_lines("sessions") if each["sid"] == sid]
        assert world.ctl("show", sid)["session"]["at_risk"] == session["at_risk"]
        listed = sid in world.ctl_run("sessions", "--at-risk", "--quiet").stdout.decode().split()
        assert listed == session["at_risk"]
        return session["at_risk"], session["safe_lines"]

    away = world.base / "away"
    away.write_text("a file, where the directory of a store would be\n")
    late = f'[[destination]]\nname = "late"\npath = "{away}/store"\n'
    world.configure(late)
    world.write(".claude/projects/p/one.jsonl", b'{"n":1}\n{"n":2}\n')
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    assert told("one") == (True, 0)
    away.unlink()
    world.ctl_run("flush", "--wait")
    assert told("one") == (False, 2)
    # Another one is required from now on, and was never open.
    (world.base / "archive").write_text("no directory either\n")
    world.configure(late + destination(world, "archive"))
    world.ctl_run("reload")
    assert told("one") == (True, 0)
    (world.base / "archive").unlink()
    world.ctl_run("flush", "--wait")
    assert told("one") == (False, 2)
    # One that is away has what it confirmed, and nothing of what came since.
    assert daemon.stop() == 0
    away.rename(world.base / "aside")
    away.write_text("away again\n")
    world.write(".claude/projects/p/two.jsonl", b'{"n":1}\n')
    world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    assert (told("one"), told("two")) == ((False, 2), (True, 0))


def test_a_line_without_its_end_is_no_backlog(world):
    (session,) = homes(world, 1)
    path = world.home / next(path for path, stream in session.streams.items() if stream == "main")
    with path.open("ab") as file:
        file.write(b'{"half":')
    daemon = world.daemon()
    world.flush_but_ends()
    status = world.ctl("status")
    assert status.get("backfill") is None and status["health"] == []
    assert daemon.stop() == 0


def temporaries(store):
    return {path.name for path in store.rglob(".tmp-*")}


def test_a_put_that_was_killed_leaves_nothing_behind(world):
    (session,) = homes(world, 1)
    store = world.base / "archive"
    world.configure(destination(world, "archive"))
    # The identity of the store; behind it the claim of the place; and behind that the first segment.
    for put in (1, 2, 2):
        killed = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"deliver.4w:{put}"})
        assert killed.wait_exit() == -9
    (left,) = temporaries(store / "sessions" / session.sid / "segments")
    folder = store / "sessions" / session.sid / "segments"
    ours = left.rsplit("-", 2)[0]
    old = time.time() - 2 * 86400
    for name, age in [(f"{ours}-00000000-1", None), (".tmp-ffffffff-00000000-1", None), (".tmp-ffffffff-00000000-2", old),
                      (".tmp-ffffffff-00000000-3", old)]:
        (folder / name).write_bytes(b"half")
        if age:
            os.utime(folder / name, (age, age))
    # Two are being written, by a process that is alive.
    writing = [(folder / name).open("rb") for name in (f"{ours}-00000000-1", ".tmp-ffffffff-00000000-3")]
    for file in writing:
        fcntl.flock(file, fcntl.LOCK_EX)
    world.once()
    assert temporaries(store) == {f"{ours}-00000000-1", ".tmp-ffffffff-00000000-1", ".tmp-ffffffff-00000000-3"}
    assert holds(store, world.home, session)
    for file in writing:
        file.close()


def test_one_directory_under_two_names_is_no_two_destinations(world):
    (world.base / "archive").mkdir()
    (world.base / "mirror").symlink_to("archive")
    world.configure(destination(world, "archive") + destination(world, "mirror"))
    daemon = world.once(code=2)
    assert 'destination "archive" has the same directory' in daemon.text()


def test_one_store_behind_two_directories_counts_once(world):
    """As bind mounts do it: nothing in the paths tells, only the store's id."""
    (session,) = homes(world, 1)
    world.configure(destination(world, "archive"))
    world.once()
    shutil.copytree(world.base / "archive", world.base / "mirror")
    world.configure(destination(world, "archive") + destination(world, "mirror"))
    daemon = world.once(code=5)
    assert "leads to the same store" in daemon.text()
    daemon = world.daemon()
    flushed = world.ctl_run("flush", "--wait", check=False)
    assert flushed.returncode == 5, flushed
    assert daemon.stop() == 0
    assert holds(world.base / "archive", world.home, session)


def dry(world, code):
    """What a dry run says; it changes nothing."""
    def tree():
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in world.base.rglob("*")
                if not path.name.startswith(("uploaderd", "notify"))}

    before = tree()
    run = world.daemon("--dry-run", wait=False)
    assert run.wait_exit() == code, run.text()
    assert tree() == before
    return run.text()


@pytest.mark.root
@pytest.mark.parametrize("what", ["closed", "torn", "unnamed", "folder"])
def test_a_dry_run_promises_no_source_that_the_run_leaves(world, what):
    world.become_ordinary()
    world.give()
    folder = world.home / ".claude/projects/p"
    world.write(".claude/projects/p/whole.jsonl", b'{"n":1}\n')
    name = b"\xff.jsonl" if what == "unnamed" else b"odd.jsonl"
    odd = folder / os.fsdecode(name)
    if what == "folder":
        (folder / "odd").mkdir()
        (folder / "odd").chmod(0)
    else:
        odd.write_bytes(b'{"n":1}\n' + (b'{"half' if what == "torn" else b""))
        odd.chmod(0 if what == "closed" else 0o600)
    world.give(folder)
    said = {"closed": "could not open", "torn": "ends in a line without its end, 6 bytes", "unnamed": "no UTF-8",
            "folder": "could not list"}[what]
    text = dry(world, 5)
    assert said in text and text.count("would take 8B") == (2 if what == "torn" else 1), text
    assert said in world.once(code=5).text()
    # One file alone is watched: what lies beside it is nobody's business.
    alone = world.daemon("--dry-run", "--file", folder / "whole.jsonl", wait=False)
    assert alone.wait_exit() == 0 and "odd" not in alone.text() and "UTF-8" not in alone.text(), alone.text()


@pytest.mark.root
def test_a_dry_run_promises_no_destination_that_the_run_refuses(world):
    world.configure(destination(world, "archive") + destination(world, "copy"))
    world.become_ordinary()
    homes(world, 1)
    world.give()
    text = dry(world, 0)
    assert "would deliver to archive" in text and "a store would be made there" in text and "not tried" in text
    world.once()
    assert "its store is there" in dry(world, 0)
    archive, copy = world.base / "archive", world.base / "copy"
    # What the run says, the dry run says: one store twice, another store, none, one that may not be written.
    identity = copy / "sessions/.uploaderd.json"
    own = identity.read_bytes()
    identity.write_bytes((archive / "sessions/.uploaderd.json").read_bytes())
    for text in (dry(world, 5), world.once(code=5).text()):
        assert "destination copy" in text or "to copy" in text
        assert "leads to another store than before" in text
    world.configure(destination(world, "archive") + destination(world, "copy").replace('"copy"', '"fresh"', 1))
    for text in (dry(world, 5), world.once(code=5).text()):
        # The run opens both at the same time: either may be the first.
        assert "leads to the same store as destination" in text
    world.configure(destination(world, "archive") + destination(world, "copy"))
    identity.unlink()
    for text in (dry(world, 5), world.once(code=5).text()):
        assert "the store is not where it was" in text
    identity.write_bytes(own)
    world.give()
    world.configure(destination(world, "archive") + destination(world, "closed"))
    (world.base / "closed").mkdir(mode=0o500)
    world.give(world.base / "closed")
    for text in (dry(world, 5), world.once(code=5).text()):
        assert "closed" in text and "Permission denied" in text


@pytest.mark.parametrize("place", ["state/spool", "state/manifests", "state"])
def test_a_store_among_our_own_files_is_refused(world, place):
    world.configure(f'[[destination]]\nname = "inside"\npath = "{world.base / place}"\n')
    assert "lies in the state directory" in world.once(code=2).text()
    assert "lies in the state directory" in dry(world, 2)


def test_a_store_in_a_root_is_no_source_by_whatever_path(world):
    root = world.home / "logs"
    (root / "store").mkdir(parents=True)
    (world.base / "link").symlink_to(root / "store")
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{root}"\n[segments]\ncodec = "none"\n'
                    f'[[destination]]\nname = "inside"\npath = "{world.base / "link"}"\n')
    (root / "own.jsonl").write_bytes(b'{"n":1}\n')
    for _ in range(3):
        backdate(world.home)
        world.once()
    assert manifest_reader.sessions(root / "store") == ["own"]


@pytest.mark.parametrize("segments", [[], {}])
def test_a_manifest_of_a_newer_layout_is_told_with_session_store_and_cure(world, segments):
    world.configure(destination(world, "archive"))
    (session,) = homes(world, 1)
    world.once()
    manifest = world.base / "archive/sessions" / session.sid / "manifest.json"
    newer = {**json.loads(manifest.read_bytes()), "layout": 2, "segments": segments}
    manifest.write_text(json.dumps(newer))
    path = world.home / next(path for path, stream in session.streams.items() if stream == "main")
    with path.open("ab") as file:
        file.write(b'{"type":"user","message":"more"}\n')
    world.daemon()
    world.wait_health("delivery_conflict", f"archive/{session.sid}")
    (entry,) = (entry for entry in world.ctl("status", check=False)["health"] if entry["kind"] == "delivery_conflict")
    for word in (session.sid, "destination archive", "layout 2"):
        assert word in entry["message"], entry
    assert entry["hint"] == "upgrade uploaderd on this machine"
    assert json.loads(manifest.read_bytes()) == newer


def test_a_flush_goes_on_while_the_spool_drains(world):
    data = b"".join(b'{"type":"user","n":"%s"}\n' % random.Random(number).randbytes(200).hex().encode()
                    for number in range(5000))
    world.configure('[segments]\nquiet = "100ms"\nmax_lines = 50\n[spool]\nmax_bytes = "64KiB"\n'
                    + f'[[destination]]\nname = "archive"\npath = "{world.base / "archive"}"\n')
    (world.base / "archive").touch()
    daemon = world.daemon()
    world.write(".claude/projects/p/big.jsonl", data)
    world.wait_health("spool_full")
    # Nobody takes it: then that is said.
    flushed = world.ctl_run("flush", "--wait", check=False)
    assert flushed.returncode == 5 and b"the spool is full" in flushed.stderr and b"held: archive" in flushed.stderr
    # What was open when it became full was sealed behind that: health says what it holds now.
    status = world.ctl("status", check=False)
    (full,) = (entry for entry in status["health"] if entry["kind"] == "spool_full")
    assert f"{status['spool']['bytes'] / 1024:.1f}KiB," in full["message"], (status["spool"], full)
    (world.base / "archive").unlink()
    answer = world.ctl("flush", "--wait")
    assert (answer["queued"], answer["not_taken"], answer["held"]) == (0, [], [])
    assert manifest_reader.read(world.base / "archive", "big").latest() == data
    assert daemon.stop() == 0


@pytest.mark.parametrize("odd", ["folder", "fifo", "link", "loop"])
def test_an_odd_manifest_is_its_own_sessions_trouble(world, odd):
    world.configure(destination(world, "archive"))
    first, second = homes(world, 2)
    world.once()
    manifest = world.base / "archive/sessions" / first.sid / "manifest.json"
    manifest.unlink()
    match odd:
        case "folder": manifest.mkdir()
        case "fifo": os.mkfifo(manifest)
        case "link": manifest.symlink_to("/etc/passwd")
        case "loop": manifest.symlink_to("manifest.json")
    for session in (first, second):
        path = world.home / next(path for path, stream in session.streams.items() if stream == "main")
        with path.open("ab") as file:
            file.write(b'{"type":"user","message":"more"}\n')
    daemon = world.daemon()
    world.wait_health("delivery_conflict", f"archive/{first.sid}")
    for _ in range(3):
        world.ctl_run("flush", "--wait", check=False)
    # It was tried again each time, and said once.
    said = [line for line in daemon.text().splitlines() if f"session={first.sid}" in line and "error: " in line]
    assert len(said) == 1, said
    status = world.ctl("status", check=False)
    assert {entry["kind"] for entry in status["health"]} == {"delivery_conflict"}, status["health"]
    assert holds(world.base / "archive", world.home, second)
    assert daemon.stop() == 0


@pytest.mark.parametrize("turn", range(6))
def test_a_flush_asks_a_store_that_came_back_just_now(world, turn):
    """What could not be taken before the store was asked is, though its rest is not over."""
    store, away = world.base / "disk", world.base / "away"
    store.mkdir()
    world.configure(f'[[destination]]\nname = "disk"\npath = "{store}"\n')
    daemon = world.daemon()
    store.rename(away)
    for number in range(3):
        world.write(f".claude/projects/-p/it{number}.jsonl", b'{"type":"user"}\n' * 40)
    if turn % 2:
        world.ctl_run("flush", "--timeout", "1s", check=False)
    daemon.kill()
    daemon = world.daemon()
    away.rename(store)
    world.ctl_run("flush", "--wait")
    assert daemon.stop() == 0
