"""What stays right when sessions were redacted again: manifests, other machines' lines, and what has to go, whatever was lost."""

import json
import os
import shutil
import time
import uuid

import pytest

import age_tool
import manifest_reader
from confab_double import ConfabDouble
from confab_scene import destination
from daemon import PATIENCE
from test_readers import machines, put  # noqa: F401: a fixture
from test_resend import RULE, WATCH, archive, found, redacted

CLAUDE = '[[watch]]\nagent = "claude"\nroot = "~/.claude/projects"\n[segments]\nquiet = "50ms"\nmax_lines = 5\n'


def secret(number):
    return b"zebra-%012d" % (734829165037 + number * 7919)


def lines(count, start=0):
    """Every one of them with a secret."""
    return b"".join(b'{"n":%d,"text":"before %s after"}\n' % (n, secret(n)) for n in range(start, start + count))


def wait_until(is_so):
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline


def claude(number):
    text = f"before {secret(number).decode()} after"
    return json.dumps({"type": "user", "n": number, "message": {"role": "user", "content": text}}).encode() + b"\n"


@pytest.mark.parametrize("whole", [7, 2])
def test_a_generation_that_ends_in_half_a_line_keeps_its_digest(world, whole):
    config = CLAUDE + archive(world)
    world.configure(config)
    sid = str(uuid.uuid4())
    path = f".claude/projects/-tmp/{sid}.jsonl"
    base = b"".join(claude(n) for n in range(whole))
    world.write(path, base + claude(7)[:70])
    world.daemon()
    # An end that is told before anything was taken is looked at again after a minute only.
    world.flush_but_ends()
    end = {"session_id": sid, "transcript_path": str(world.home / path), "cwd": "/tmp",
           "hook_event_name": "SessionEnd", "reason": "exit"}
    world.ctl_run("capture", input=json.dumps(end).encode())
    folder = world.base / "archive"
    # The half line is taken when the end is told, which may be after this.
    wait_until(lambda: world.ctl_run("flush", "--wait", check=False).returncode == 0)
    before = manifest_reader.read(folder, sid)
    assert set(before.manifest["chain"]["streams"]["main"]) == {"1"}
    assert before.streams["main"].segments[-1].partial
    world.configure(config + RULE)
    world.ctl_run("reload")
    world.ctl_run("resend", "--redact", "--all", "--yes")
    # The old text is gone by then; the manifest that tells the digests anew may follow.
    world.ctl_run("flush", "--wait")
    # The reader compares every digest with the bytes.
    assert set(manifest_reader.read(folder, sid).manifest["chain"]["streams"]["main"]) == {"1"}
    (world.home / path).write_bytes(base + claude(9) + claude(10))
    world.ctl_run("flush", "--wait")
    after = manifest_reader.read(folder, sid)
    assert set(after.streams["main"].generations) == {1, 2}
    assert set(after.manifest["chain"]["streams"]["main"]) == {"1", "2"}
    assert after.latest("main") == redacted(base + claude(9) + claude(10))


@pytest.mark.parametrize("order", ["first", "second", "both"])
def test_lines_that_one_of_two_machines_has_redacted_again_come_once(machines, order):  # noqa: F811
    pair = machines[:2]
    destination = archive(machines[0])
    for machine in pair:
        machine.configure(WATCH + destination)
    text = lines(30)
    parts = text.splitlines(True)
    daemons = []
    for machine, data in zip(pair, (b"".join(parts[:10]), text)):
        put(machine, "logs/s.jsonl", data)
        daemons.append(machine.daemon())
        machine.ctl_run("flush", "--wait")
    folder = machines[0].base / "archive"

    def expect(data):
        for machine in pair:
            replay = machine.ctl_run("replay", "s")
            assert replay.stderr == b""
            assert redacted(replay.stdout) == redacted(data)
            assert redacted(machine.ctl_run("replay", "s", "--from", "archive").stdout) == redacted(data)
        joined = manifest_reader.joined_writers(manifest_reader.read(folder, "s"))
        assert {number: redacted(each) for number, each in joined.items()} == {1: redacted(data)}

    expect(text)
    for machine in {"first": pair[:1], "second": pair[1:], "both": pair}[order]:
        machine.configure(WATCH + destination + RULE)
        machine.ctl_run("reload")
        assert machine.ctl("resend", "--redact", "--all", "--yes")["segments"] > 0
        expect(text)
    pair[1].write("logs/s.jsonl", lines(4, 300), "ab")
    pair[1].ctl_run("flush", "--wait")
    expect(text + lines(4, 300))
    assert [daemon.stop() for daemon in daemons] == [0, 0]


def test_other_bytes_are_not_taken_for_what_was_redacted(machines):  # noqa: F811
    pair = machines[:2]
    destination = archive(machines[0])
    shared = lines(4)
    own = [b'{"n":4,"text":"before %s after"}\n' % secret(4), b'{"n":4,"text":"something else entirely"}\n']
    for machine, end, rule in zip(pair, own, (RULE, "")):
        machine.configure(WATCH + destination + rule)
        put(machine, "logs/s.jsonl", shared + end)
        machine.once()
    pair[1].daemon()
    found_lines = pair[1].ctl_run("replay", "s").stdout
    assert own[1] in found_lines and redacted(own[0]) in found_lines
    joined = manifest_reader.joined_writers(manifest_reader.read(machines[0].base / "archive", "s"))
    assert joined == {1: found_lines}


@pytest.mark.parametrize("lost", ["catalog", "state"])
def test_old_objects_of_a_store_that_was_away_go_although_the_catalog_was_lost(world, lost):
    config = WATCH + archive(world) + archive(world, "mirror")
    world.configure(config)
    for sid in "ab":
        world.write(f"logs/{sid}.jsonl", lines(30))
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    daemon.stop()
    mirror, away = world.base / "mirror", world.base / "away"
    os.rename(mirror, away)
    mirror.write_bytes(b"")
    world.configure(config + RULE)
    daemon = world.daemon()
    assert world.ctl_run("resend", "--redact", "--all", "--yes", check=False).returncode == 5
    assert found(world.base / "archive") == [] and found(away)
    daemon.kill()
    if lost == "catalog":
        for path in world.state.glob("catalog.db*"):
            path.unlink()
    else:
        shutil.rmtree(world.state)
    mirror.unlink()
    os.rename(away, mirror)
    world.daemon()
    world.ctl_run("flush", "--wait")
    world.ctl_run("resend", "--redact", "--all", "--yes")
    for name in ("archive", "mirror"):
        assert found(world.base / name) == [], name
        for sid in "ab":
            session = manifest_reader.read(world.base / name, sid)
            assert session.latest("main") == redacted(lines(30))
            assert manifest_reader.unlisted(session) == []
    assert world.ctl("status")["health"] == []
    assert world.ctl_run("verify", "--deep").returncode == 0


def test_a_store_without_an_identity_loses_its_old_objects_at_once(world):
    key = age_tool.Key(world.home / "identity")
    config = WATCH + archive(world) + archive(world, "enc") + age_tool.table(key, identity=None)
    world.configure(config)
    world.write("logs/a.jsonl", lines(30))
    world.daemon()
    world.ctl_run("flush", "--wait")
    assert found(key.open(world.base / "enc", world.base / "plain"))
    world.configure(config + RULE)
    world.ctl_run("reload")
    reply = world.ctl("resend", "--redact", "--all", "--yes")
    assert reply["left"] == [] and reply["segments"] > 0
    shutil.rmtree(world.base / "plain")
    plain = key.open(world.base / "enc", world.base / "plain")
    assert found(plain) == []
    assert manifest_reader.read(plain, "a").latest("main") == redacted(lines(30))


def test_a_session_that_was_forgotten_is_not_pending(world):
    key = age_tool.Key(world.home / "identity")
    config = WATCH + archive(world, "enc") + age_tool.table(key, identity=None)
    world.configure(config)
    for sid in "ab":
        world.write(f"logs/{sid}.jsonl", lines(30))
    world.daemon()
    world.ctl_run("flush", "--wait")
    world.configure(config + RULE)
    world.ctl_run("reload")
    # The only store gives nothing back, so nothing can be made anew.
    assert world.ctl_run("resend", "--redact", "--all", "--yes", check=False).returncode == 5

    def pending():
        status = json.loads(world.ctl_run("status", "--json", check=False).stdout)
        return sorted(each["subject"] for each in status["health"] if each["kind"] == "rewrite_pending")

    assert pending() == ["a", "b"]
    world.ctl_run("forget", "a", "--yes")
    assert world.ctl_run("resend", "--redact", "--all", "--yes", check=False).returncode == 5
    assert pending() == ["b"]


def test_lines_that_a_server_keeps_as_they_were_are_not_damaged(world):
    sid = str(uuid.uuid4())
    path = f".claude/projects/-tmp/{sid}.jsonl"
    with ConfabDouble(world.base / "confab") as double:
        config = CLAUDE + archive(world) + destination(world, double)
        world.configure(config)
        world.write(path, b"".join(claude(n) for n in range(20)))
        world.daemon()
        world.ctl_run("flush", "--wait")
        world.configure(config + RULE)
        world.ctl_run("reload")
        assert world.ctl_run("resend", "--redact", "--all", "--yes", check=False).returncode == 5
        world.ctl_run("flush", "--wait")
        ranges = world.ctl_lines("verify", "--deep")
        kept = [each for each in ranges if "newer rules" in each.get("detail", "")]
        assert kept and {each["state"] for each in kept} == {"FOUND"}
        assert double.lines(sid, f"{sid}.jsonl").count(b"zebra-") == 20
