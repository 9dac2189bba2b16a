"""What was forgotten is nowhere: not in a store, not in the spool, not in the catalog; and it never comes back."""

import json
import os
import pty
import subprocess

import pytest

import manifest_reader
from daemon import KILLED

LINE = b'{"type":"user","cwd":"/home/u/%s","n":%d}\n'
WATCH = '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n'
POINTS = [f"forget.{number}" for number in range(1, 7)]


def lines(sid, count, first=1):
    return b"".join(LINE % (sid.encode(), number) for number in range(first, first + count))


def archive(world, name="archive"):
    return f'[[destination]]\nname = "{name}"\npath = "{world.base / name}"\n'


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def forgotten(store, sid):
    return files(store / "sessions" / sid) == ["forgotten.json"]


def traces(world, text):
    """Files of the state directory that hold the text; the list of what was forgotten may hold an id."""
    return [path for path in files(world.state) if text.encode() in (world.state / path).read_bytes()]


def whole(store, sid, count):
    return manifest_reader.read(store, sid).latest("main") == lines(sid, count)


def test_forgetting_removes_it_everywhere(world):
    world.configure(WATCH + archive(world) + archive(world, "mirror"))
    for sid in ("secret", "other"):
        world.write(f"logs/{sid}.jsonl", lines(sid, 20))
    world.daemon()
    world.ctl_run("flush", "--wait")
    world.write("logs/secret.jsonl", lines("secret", 5, 21), "ab")
    assert world.ctl_run("forget", "secret", check=False).returncode == 4
    assert world.ctl("forget", "secret", "--yes") == {"deleted": ["archive", "mirror"], "waiting_for": [], "left": []}
    for store in (world.base / "archive", world.base / "mirror"):
        assert forgotten(store, "secret") and whole(store, "other", 20)
    assert json.loads((world.base / "archive/sessions/secret/forgotten.json").read_text())["sid"] == "secret"
    assert not (world.state / "spool/secret").exists()
    assert not traces(world, "/home/u/secret") and traces(world, "/home/u/other")
    assert world.ctl("forget", "secret", "--yes")["left"] == []
    world.write("logs/secret.jsonl", lines("secret", 5, 26), "ab")
    world.ctl_run("flush", "--wait")
    assert forgotten(world.base / "archive", "secret") and not (world.state / "spool/secret").exists()
    assert [each["standing"] for each in world.ctl_lines("private", "list")] == ["forgotten"]
    assert world.ctl("status")["health"] == []
    assert world.ctl_run("replay", "secret", check=False).returncode == 1
    assert world.ctl_run("private", "remove", "secret", check=False).returncode == 4
    assert world.ctl_run("forget", "nobody", "--yes", check=False).returncode == 1
    assert world.ctl_run("verify").returncode == 0


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("once", [True, False], ids=["once", "service"])
def test_killed_while_it_forgets(world, point, once):
    world.configure(WATCH)
    for sid in ("secret", "other"):
        world.write(f"logs/{sid}.jsonl", lines(sid, 20))
    world.once()
    world.write("logs/secret.jsonl", lines("secret", 5, 21), "ab")
    daemon = world.daemon(env={"UPLOADERD_FAULT": point})
    assert world.ctl_run("forget", "secret", "--yes", check=False).returncode == 3
    assert daemon.wait_exit() == KILLED
    if once:
        world.once()
    else:
        world.daemon()
        world.wait_status(lambda status: forgotten(world.store, "secret"))
        world.ctl_run("flush", "--wait")
        assert world.ctl("status")["health"] == []
    assert forgotten(world.store, "secret") and whole(world.store, "other", 20)
    assert not (world.state / "spool/secret").exists() and not traces(world, "/home/u/secret")


def test_a_lost_catalog_brings_nothing_back(world):
    world.configure(WATCH + archive(world))
    world.write("logs/secret.jsonl", lines("secret", 20))
    world.once()
    daemon = world.daemon()
    world.ctl_run("forget", "secret", "--yes")
    daemon.stop()
    for path in world.state.glob("catalog.db*"):
        path.unlink()
    world.once()
    assert forgotten(world.base / "archive", "secret") and not (world.state / "spool/secret").exists()
    # Not even where the list is gone, too: the tombstone says it, and the session is only refused.
    for path in [*world.state.glob("catalog.db*"), world.state / "forgotten.txt"]:
        path.unlink()
    world.once(code=5)
    assert forgotten(world.base / "archive", "secret")


def test_a_destination_that_is_away_is_named_and_seen_to_when_it_is_back(world):
    world.configure(WATCH + archive(world) + archive(world, "mirror"))
    world.write("logs/secret.jsonl", lines("secret", 20))
    world.once()
    (world.base / "mirror").rename(world.base / "away")
    daemon = world.daemon()
    done = world.ctl_run("forget", "secret", "--yes", "--json", check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == 5 and answer["deleted"] == ["archive"]
    assert [(each["destination"], each["will_go"]) for each in answer["left"]] == [("mirror", True)]
    assert "mirror" in world.wait_health("forget_pending")["message"]
    assert daemon.stop() == 0
    world.once(code=5)
    (world.base / "away").rename(world.base / "mirror")
    world.once()
    assert forgotten(world.base / "mirror", "secret")


def test_what_is_not_configured_any_more_is_named(world):
    world.configure(WATCH + archive(world) + archive(world, "old"))
    world.write("logs/secret.jsonl", lines("secret", 20))
    world.once()
    world.configure(WATCH + archive(world))
    world.daemon()
    done = world.ctl_run("forget", "secret", "--yes", "--json", check=False)
    assert done.returncode == 5
    assert [(each["destination"], each["will_go"]) for each in json.loads(done.stdout)["left"]] == [("old", False)]
    assert forgotten(world.base / "archive", "secret")


def test_the_store_that_there_was_before_any_destination_is_seen_to_as_well(world):
    world.configure(WATCH)
    world.write("logs/secret.jsonl", lines("secret", 20))
    world.once()
    world.configure(WATCH + archive(world))
    world.daemon()
    world.ctl_run("flush", "--wait")
    assert set(world.ctl("forget", "secret", "--yes")["deleted"]) == {"archive", "store"}
    assert forgotten(world.store, "secret") and forgotten(world.base / "archive", "secret")


def test_half_an_object_of_a_daemon_that_was_killed_goes_as_well(world):
    world.configure(WATCH)
    world.write("logs/secret.jsonl", lines("secret", 20))
    world.once()
    world.write("logs/secret.jsonl", lines("secret", 5, 21), "ab")
    assert world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": "deliver.4w"}).wait_exit() == KILLED
    assert [path for path in files(world.store / "sessions/secret") if ".tmp-" in path]
    world.daemon()
    world.ctl_run("forget", "secret", "--yes")
    assert forgotten(world.store, "secret")


@pytest.mark.parametrize("answer, code", [(b"y\n", 0), (b"n\n", 4), (b"\n", 4)])
def test_a_person_is_asked(world, answer, code):
    world.configure(WATCH)
    world.write("logs/secret.jsonl", lines("secret", 3))
    world.daemon()
    world.ctl_run("flush", "--wait")
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        [*world.command("uploaderctl"), "--socket", str(world.socket), "forget", "secret"],
        env=world.environment(), stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    text = b""
    while b"[y/N]" not in text:
        text += os.read(ours, 4096)
    assert b"cannot be undone" in text
    os.write(ours, answer)
    asked.stdout.read()
    assert asked.wait() == code
    os.close(ours)
    assert forgotten(world.store, "secret") == (code == 0)
