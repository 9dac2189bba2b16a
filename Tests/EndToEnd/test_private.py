"""Of a private session nothing more leaves, from the moment that is answered; and all of it when it is open again."""

import json

import pytest

import manifest_reader
from daemon import KILLED

LINE = b'{"type":"user","n":%d}\n'
WATCH = '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n'


def lines(count, first=1):
    return b"".join(LINE % number for number in range(first, first + count))


def archive(world):
    return f'[[destination]]\nname = "archive"\npath = "{world.base / "archive"}"\n'


def stored(store, sid):
    return manifest_reader.read(store, sid).latest("main") if (store / "sessions" / sid).exists() else None


def spooled(world, sid):
    folder = world.state / "spool" / sid
    return sorted(folder.rglob("*.seg")) if folder.exists() else []


def test_a_session_that_is_private_before_its_first_line_is_in_no_spool_and_no_store(world):
    world.configure(WATCH)
    world.daemon()
    inside = {"CLAUDE_CODE_SESSION_ID": "secret"}
    assert world.ctl("private", "add", env=inside) == {"changed": True, "waiting_for": []}
    assert world.ctl("private", "add", "secret") == {"changed": False, "waiting_for": []}
    world.write("logs/secret.jsonl", lines(10))
    world.write("logs/other.jsonl", lines(10))
    assert world.ctl("flush", "--wait")["queued"] == 0
    assert stored(world.store, "other") == lines(10)
    assert not (world.store / "sessions/secret").exists() and not spooled(world, "secret")
    assert [each["sid"] for each in world.ctl_lines("private", "list")] == ["secret"]
    assert world.ctl("status")["health"] == []
    assert world.ctl_run("flush", "secret", "--wait", check=False).returncode == 4
    assert world.ctl_run("private", "add", check=False).returncode == 2
    assert world.ctl("private", "remove", "secret") == {"changed": True}
    world.ctl_run("flush", "--wait")
    assert stored(world.store, "secret") == lines(10)
    assert world.ctl_lines("private", "list") == []


def test_what_waits_in_the_spool_stays_there_over_restarts_and_a_lost_catalog(world):
    world.configure(WATCH + archive(world))
    world.write("logs/a.jsonl", lines(5))
    world.once()
    (world.base / "archive").rename(world.base / "away")
    world.write("logs/a.jsonl", lines(5, 6), "ab")
    world.write("logs/b.jsonl", lines(5))
    daemon = world.daemon()
    assert world.ctl_run("flush", "--wait", check=False).returncode == 5
    waiting = spooled(world, "a")
    assert waiting
    world.ctl_run("private", "add", "a")
    world.write("logs/a.jsonl", lines(5, 11), "ab")
    assert [each["sid"] for each in world.ctl_lines("sessions", "--at-risk")] == ["b"]
    assert [(each["sid"], each["private"]) for each in world.ctl_lines("sessions", "--private")] == [("a", True)]
    assert daemon.stop() == 0
    (world.base / "away").rename(world.base / "archive")
    world.once()
    world.write("logs/a.jsonl", lines(5, 16), "ab")
    (world.state / "catalog.db").unlink()
    world.once()
    assert spooled(world, "a") == waiting and all(path.stat().st_mode & 0o777 == 0o600 for path in waiting)
    assert stored(world.base / "archive", "a") == lines(5)
    assert stored(world.base / "archive", "b") == lines(5)
    world.daemon()
    done = world.ctl_run("verify", "--json")
    states = {each["state"] for line in done.stdout.splitlines() for each in json.loads(line).get("ranges", [])}
    assert states <= {"FOUND", "PRIVATE"}
    world.ctl_run("private", "remove", "a")
    world.ctl_run("flush", "--wait")
    assert stored(world.base / "archive", "a") == lines(20)
    assert not spooled(world, "a")


@pytest.mark.parametrize("damage", ["bytes", "gone", "folder"])
def test_where_it_is_not_known_who_is_private_nothing_leaves(world, damage):
    world.configure(WATCH)
    daemon = world.daemon()
    world.ctl_run("private", "add", "a")
    daemon.stop()
    path = world.state / "private.txt"
    whole = path.read_bytes()
    if damage == "bytes":
        path.write_bytes(whole + b"\xff\n")
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
    world.write("logs/a.jsonl", lines(3))
    world.write("logs/b.jsonl", lines(3))
    world.once(code=5)
    daemon = world.daemon()
    entry = world.wait_health("privacy_unknown")
    assert str(path) in entry["message"] and entry["hint"]
    assert world.ctl_run("flush", "--wait", check=False).returncode == 5
    assert world.ctl_run("private", "add", "c", check=False).returncode == 4
    assert not (world.store / "sessions/b").exists()
    daemon.stop()
    if damage == "folder":
        path.rmdir()
    path.write_bytes(whole)
    world.once()
    assert stored(world.store, "b") == lines(3) and stored(world.store, "a") is None


def test_it_is_not_answered_while_a_put_goes_on(world):
    world.configure(WATCH)
    world.write("logs/a.jsonl", lines(3))
    world.daemon(env={"UPLOADERD_FAULT": "slow:deliver"})
    world.wait_status(lambda status: status["destinations"][0]["state"] == "delivering")
    done = world.ctl_run("private", "add", "a", "--timeout", "100ms", check=False)
    assert done.returncode == 5 and b"to store" in done.stderr and b"on its way" in done.stderr, done
    world.ctl_run("private", "add", "a")
    before = sorted(world.store.rglob("*"))
    world.write("logs/a.jsonl", lines(3, 4), "ab")
    world.ctl_run("flush", "--wait")
    assert sorted(world.store.rglob("*")) == before


def test_killed_while_it_is_said(world):
    world.configure(WATCH)
    daemon = world.daemon(env={"UPLOADERD_FAULT": "private.1"})
    assert world.ctl_run("private", "add", "a", check=False).returncode == 3
    assert daemon.wait_exit() == KILLED
    world.write("logs/a.jsonl", lines(3))
    world.once()
    assert stored(world.store, "a") is None and not spooled(world, "a")
