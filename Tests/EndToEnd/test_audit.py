"""What was sent, kept here, refused, redacted and deleted is in the audit, each once, whatever was killed in between."""

import json

import pytest

import manifest_reader
from daemon import KILLED

SECRET = "AKIAQX7JTKZ3LMNBVCPW"
WATCH = '[[watch]]\nagent = "claude"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n'
RULES = '[privacy]\nexclude_directories = ["~/hidden"]\n'


def archive(world):
    return f'[[destination]]\nname = "archive"\npath = "{world.base / "archive"}"\n'


def lines(cwd, count, first=1, text="x"):
    return b"".join(
        json.dumps({"type": "user", "cwd": str(cwd), "n": number, "text": text}).encode() + b"\n"
        for number in range(first, first + count))


def audit(world, *words):
    *entries, last = world.ctl_lines("audit", *words)
    return [each for each in entries if "outcome" in each], last["summary"], [
        each for each in entries if "message" in each]


def told(world, sid):
    return {(each["outcome"], each["reason"]): each for each in audit(world, "--sid", sid)[0]}


def test_everything_that_became_of_a_session_is_told_and_nothing_that_it_says(world):
    for name in ("hidden", "work"):
        (world.home / name).mkdir()
    world.configure(WATCH + RULES + archive(world))
    world.write("logs/p/open.jsonl", lines(world.home / "work", 4, text=f"key {SECRET} PLANTED"))
    hidden = world.write("logs/p/kept.jsonl", lines(world.home / "hidden", 4))
    daemon = world.daemon()
    world.ctl_run("private", "add", "mine")
    mine = world.write("logs/p/mine.jsonl", lines(world.home / "work", 4))
    world.ctl_run("flush", "--wait")
    for _ in range(2):
        found = told(world, "open")
        sent = found["sent", ""]
        assert sent["destination"] == "archive" and sent["lines"] == 4 and sent["bytes"] > 0
        assert [each["times"] for (outcome, _), each in found.items() if outcome == "redacted"] == [4]
        kept = told(world, "kept")["skipped", f"excluded: its directory lies in {world.home / 'hidden'}"]
        assert kept["path"] == str(hidden)
        assert told(world, "mine")["skipped", "private"]["path"] == str(mine)
        entries, summary, _ = audit(world)
        assert summary["uploaded"] == 1 and summary["private_skipped"] == 2 and summary["redacted"] == 4
        assert SECRET not in json.dumps(entries) and "PLANTED" not in json.dumps(entries)
        daemon.stop()
        daemon = world.daemon()
    assert audit(world, "--since", "2020-01-01")[0] == audit(world)[0]
    assert audit(world, "--dest", "archive")[1]["private_skipped"] == 0
    assert world.ctl_run("audit", "--dest", "nowhere", check=False).returncode == 1
    log = world.ctl_run("audit", "--export", "agnes", "--log", "uploaded").stdout.decode().splitlines()
    when, path = log[0].split("\t")
    assert len(log) == 1 and when.endswith("Z") and path == str(world.home / "logs/p/open.jsonl")
    log = world.ctl_run("audit", "--export", "agnes", "--log", "private-skipped").stdout.decode().splitlines()
    assert sorted(line.split("\t")[1:] for line in log) == [["kept", str(hidden)], ["mine", str(mine)]]
    world.ctl_run("forget", "open", "--yes")
    found = told(world, "open")
    assert ("deleted", "forgotten") in found and ("skipped", "forgotten") in found and ("sent", "") in found
    assert all("path" not in each for each in found.values())


@pytest.mark.parametrize("point", ["seal.2", "deliver.4a", "deliver.4w", "deliver.4b", "deliver.5", "deliver.6b"])
def test_what_was_sent_is_counted_once_wherever_the_daemon_is_killed(world, point):
    world.configure(WATCH)
    (world.home / "work").mkdir()
    source = lines(world.home / "work", 30, text=SECRET)
    world.write("logs/p/a.jsonl", source)
    daemon = world.daemon(wait=False, env={"UPLOADERD_FAULT": point})
    assert daemon.wait_exit() == KILLED
    world.daemon()
    world.ctl_run("flush", "--wait")
    found = told(world, "a")
    manifest = json.loads((world.store / "sessions/a/manifest.json").read_text())
    assert found["sent", ""]["times"] == len(manifest["segments"]) and found["sent", ""]["lines"] == 30
    assert sum(each["times"] for key, each in found.items() if key[0] == "redacted") == 30
    assert (("interrupted", "") in found) == (point in ("deliver.4a", "deliver.4b"))
    assert len(manifest_reader.read(world.store, "a").latest("main").splitlines()) == 30


def test_what_a_destination_says_no_to_is_kept_in_its_words(world):
    world.configure(WATCH + archive(world))
    (world.home / "work").mkdir()
    world.write("logs/p/a.jsonl", lines(world.home / "work", 3))
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    (world.base / "archive/sessions/a/manifest.json").write_text("no manifest")
    world.write("logs/p/a.jsonl", lines(world.home / "work", 3, 4), "ab")
    world.wait_health("delivery_conflict")
    refusal, = audit(world)[2]
    assert refusal["sid"] == "a" and refusal["destination"] == "archive" and refusal["code"] == "conflict"
    assert "manifest" in refusal["message"]
    daemon.kill()
    world.daemon()
    assert audit(world)[2][0]["message"] == refusal["message"]
