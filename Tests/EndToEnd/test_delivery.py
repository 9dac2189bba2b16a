"""How delivery goes on: a far end that is away, slow or refuses, several destinations, and what somebody says about it."""

import json
import os
import pathlib
import threading
import time

import pytest

import manifest_reader
from conservation import require_all, sessions_of
from daemon import PATIENCE
from far_end import FarEnd, Trouble
from object_servers import Rclone

PLAIN = '[segments]\ncodec = "none"\n'


@pytest.fixture
def rclone():
    server = Rclone()
    yield server
    server.close()


@pytest.fixture
def far_end():
    ends = []

    def make(*arguments, **options):
        ends.append(FarEnd(*arguments, **options))
        return ends[-1]
    yield make
    for end in ends:
        end.close()


class Switch:
    """A script that a test changes: `now` is what happens to every request."""

    def __init__(self, now=Trouble.PASS):
        self.now = now

    def __call__(self, method, path, number):
        return self.now


def folder(world, name):
    return f'[[destination]]\nname = "{name}"\npath = "{world.base}/{name}"\n'


def spooled(world):
    return sorted(path.name for path in (world.state / "spool").rglob("*.seg"))


def test_a_run_waits_for_a_far_end_that_comes_back(world, rclone, far_end):
    switch = Switch(Trouble.RESET_BEFORE)
    end = far_end(rclone.port, lambda method, path, number: switch(method, path, number) if number < 4 else Trouble.PASS)
    world.configure(rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    sessions = sessions_of(world, "once", 3)
    world.once()
    require_all(rclone.mirror(world.base / "mirror"), world, sessions)


def test_a_dead_far_end_is_asked_one_thing_at_a_time_and_gets_its_backlog_side_by_side(world, rclone, far_end):
    switch = Switch()
    # What is asked is answered: each new session's intake asks once who else writes it.
    end = far_end(rclone.port, lambda method, path, number: switch.now if method == "PUT" else Trouble.PASS)
    world.configure(rclone.destination(endpoint=end.endpoint, timeout="1s"))
    rclone.write_key(world)
    first = sessions_of(world, "known", 1)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    switch.now = Trouble.HANG
    sessions = sessions_of(world, "backlog", 60)
    world.ctl_run("flush")
    world.wait_health("destination_failing")

    def put():
        return sum(method == "PUT" for method, _, _ in end.seen)
    end.wait(lambda: end.open == 0)
    # From here on each is one after the last one failed.
    end.most_open, before = end.open, put()
    end.wait(lambda: put() >= before + 2, PATIENCE * 3)
    assert end.most_open == 1, "sixty wait, and one says how things are"
    switch.now = Trouble.DELAY
    # One attempt may have been under way: it hangs yet.
    world.wait_healthy()
    end.most_open = 0
    world.ctl_run("flush", "--wait", timeout=PATIENCE * 3)
    assert end.most_open > 3, "one after the other is not at full speed"
    require_all(rclone.mirror(world.base / "mirror"), world, first + sessions)
    assert daemon.stop() == 0


def test_one_of_three_that_is_dead_slows_no_other_and_gets_all_in_order_when_it_is_back(world, rclone, far_end):
    dead, well = Switch(), Switch()
    ends = far_end(rclone.port, dead), far_end(rclone.port, well)
    world.configure(
        '[spool]\nmax_bytes = "64MiB"\n[segments]\nmax_lines = 20\n' + folder(world, "folder") +
        # One request at a time, so that what was begun first arrives first.
        rclone.destination("dead", endpoint=ends[0].endpoint, prefix="dead/", timeout="1s", concurrency=1) +
        rclone.destination("well", endpoint=ends[1].endpoint, prefix="well/"))
    rclone.write_key(world)
    sessions_of(world, "three", 1)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    dead.now = Trouble.HANG
    sessions = sessions_of(world, "while one is dead", 30, 20_000)
    world.ctl_run("flush")

    def others(status):
        by_name = {each["name"]: each for each in status["destinations"]}
        return (by_name["folder"]["queued"], by_name["well"]["queued"]) == (0, 0) and by_name["dead"]["queued"] > 0
    status = world.wait_status(others)
    assert status["spool"]["bytes"] <= status["spool"]["max_bytes"]
    assert spooled(world), "what a required destination has not stays"
    mark = len(ends[0].seen)
    dead.now = Trouble.PASS
    # One attempt may have been under way: it hangs yet.
    world.wait_healthy()
    world.ctl_run("flush", "--wait", timeout=PATIENCE * 3)
    for prefix in ("dead/", "well/"):
        require_all(rclone.mirror(world.base / prefix, prefix), world, sessions)
    assert spooled(world) == []
    # Of each session the oldest was put first.
    sequences = {}
    for method, path, _ in ends[0].seen[mark:]:
        if method == "PUT" and "/session-" in path:
            stream, name = path.rsplit("/", 1)
            sequences.setdefault(stream, []).append(int(name.split("-")[1]))
    assert any(len(each) > 1 for each in sequences.values())
    assert all(each[0] == min(each) for each in sequences.values()), sequences
    assert daemon.stop() == 0


def test_a_segment_that_is_refused_for_good_is_put_aside_alone(world, rclone, far_end):
    poison = Switch(Trouble.TOO_LARGE)
    end = far_end(rclone.port, lambda method, path, number: poison.now
                  if method == "PUT" and "/segments/session-000002" in path else Trouble.PASS)
    world.configure('[segments]\nmax_lines = 5\n' + rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    (session,) = sessions_of(world, "poison", 1, 20_000)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    entry = world.wait_health("quarantined")
    assert "EntityTooLarge" in entry["message"] and "quarantine list" in entry["hint"]
    (item,) = world.ctl_lines("quarantine", "list")
    assert item["sid"] == session.sid and item["seq"] == 2 and "EntityTooLarge" in item["reason"], item
    assert b"EntityTooLarge" in world.ctl_run("quarantine", "list").stdout
    assert len(spooled(world)) == 1

    def manifest():
        store = rclone.mirror(world.base / os.urandom(3).hex())
        return json.loads((store / "sessions" / session.sid / "manifest.json").read_bytes())
    (gap,) = manifest()["gaps"]
    assert gap["seq"] == 2 and "EntityTooLarge" in gap["reason"]
    assert [each["seq"] for each in manifest()["segments"]][:2] == [1, 3]
    asked = len(end.seen)
    # Nobody tries it unasked, a restart neither.
    assert daemon.stop() == 0
    daemon = world.daemon()
    world.wait_health("quarantined")
    world.ctl_run("flush", "--wait", check=False)
    assert not [each for each in end.seen[asked:] if each[2] == Trouble.TOO_LARGE]
    assert world.ctl_run("quarantine", "drop", check=False).returncode == 4, "it asks"
    poison.now = Trouble.PASS
    assert world.ctl("quarantine", "retry", str(item["id"])) == {"segments": 1}
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    require_all(rclone.mirror(world.base / "mirror"), world, [session])
    assert "gaps" not in manifest() or manifest()["gaps"] == []
    assert world.ctl_run("quarantine", "retry", check=False).returncode == 1
    assert spooled(world) == [] and daemon.stop() == 0


def test_what_is_given_up_leaves_the_spool_and_is_not_taken_again(world, rclone, far_end):
    end = far_end(rclone.port, lambda method, path, number: Trouble.TOO_LARGE
                  if method == "PUT" and "/segments/session-000001" in path else Trouble.PASS)
    world.configure('[segments]\nmax_lines = 5\n' + rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    sessions_of(world, "given up", 1, 20_000)
    daemon = world.daemon()
    world.wait_health("quarantined")
    assert world.ctl("quarantine", "drop", "--yes") == {"segments": 1}
    world.wait_healthy()
    assert daemon.stop() == 0
    world.once()
    assert spooled(world) == []


def test_pause_lasts_until_somebody_resumes_it(world):
    world.configure(folder(world, "one") + folder(world, "two"))
    first = sessions_of(world, "before", 1)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    assert world.ctl_run("pause", "nobody", check=False).returncode == 1
    assert world.ctl("pause", "one") == {"changed": ["one"], "paused": ["one"]}
    daemon.kill()
    daemon = world.daemon()
    sessions = sessions_of(world, "while it is paused", 3)
    world.ctl_run("flush", "--wait", check=False)
    require_all(pathlib.Path(world.base, "two"), world, first + sessions)
    assert not (pathlib.Path(world.base, "one") / "sessions" / sessions[0].sid).exists()
    assert world.wait_health("destination_paused")["subject"] == "one"
    states = {each["name"]: each["state"] for each in world.ctl("status", check=False)["destinations"]}
    assert states["one"] == "paused" and states["two"] != "paused"
    assert world.ctl("resume") == {"changed": ["one"], "paused": []}
    world.ctl_run("flush", "--wait")
    require_all(pathlib.Path(world.base, "one"), world, first + sessions)
    world.wait_healthy()
    assert daemon.stop() == 0


def test_no_more_is_sent_than_a_limit_says_until_it_is_lifted(world, rclone, far_end):
    end = far_end(rclone.port)
    # Some 4 MB that nothing compresses: eight minutes at that rate.
    world.configure(
        '[[watch]]\nagent = "generic"\nroot = "~/logs"\n' + PLAIN + '[merge]\nenabled = false\n' +
        rclone.destination(endpoint=end.endpoint, limit="8KiB/s"))
    rclone.write_key(world)
    for number in range(200):
        world.write(f"logs/{number}.jsonl", b'{"text":"%s"}\n' % os.urandom(10_000).hex().encode())
    begun = time.monotonic()
    daemon = world.daemon()
    (destination,) = world.ctl("status", check=False)["destinations"]
    assert destination["limit"] == 8 << 10
    end.wait(lambda: end.received > 50_000)
    with end.changed:
        sent, taken = end.received, time.monotonic() - begun
    print(f"limit {8 << 10} B/s, measured {sent / taken:.0f} B/s")
    # Besides half a second's worth at once. How much less it may be is shown by a clock that no other program slows.
    assert sent <= (8 << 10) * (taken + 0.5)
    assert world.ctl_lines("limit", "off", "bucket")[1] == {"destination": "bucket"}
    world.ctl_run("flush", "--wait")
    assert world.ctl_lines("limit", "1MiB/s")[0] == {"limit": 1 << 20}
    assert world.ctl_run("limit", "fast", check=False).returncode == 2
    assert world.ctl_run("limit", "1MiB/s", "nobody", check=False).returncode == 1
    assert daemon.stop() == 0


def test_a_session_that_never_rests_is_delivered_again(world, rclone, far_end):
    end = far_end(rclone.port, Switch(Trouble.DELAY))
    world.configure(f'[[watch]]\nroot="{world.home}/logs"\n[segments]\nquiet="51ms"\nmax_lines=4\n'
                    + rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    path = world.write("logs/restless.jsonl", b"")
    over, written = threading.Event(), []

    def write():
        while not over.wait(0.02):
            with path.open("ab") as file:
                file.write(b'{"n":%d}\n' % len(written))
            written.append(1)
    daemon = world.daemon()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        world.wait_status(lambda status: status["sessions"]["known"] == 1)
        world.ctl_run("flush", "--wait")
        for _ in range(2):
            reply = world.ctl("resend", "restless", timeout=PATIENCE)
            assert writer.is_alive() and reply["left"] == []
            assert reply["unchanged"] > 0, "what was there by then was read"
    finally:
        over.set()
        writer.join()
    assert daemon.stop() == 0


class Writers:
    """A thread that appends to a few files until the block ends; `size` is what is in them."""

    def __init__(self, world, names, line, pause):
        self.size = dict.fromkeys(names, 0)
        self.over = threading.Event()

        def write():
            while not self.over.wait(pause):
                for name in names:
                    world.write(f"logs/{name}.jsonl", line, "ab")
                    self.size[name] += len(line)
        self.thread = threading.Thread(target=write)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_a_flush_ends_though_writers_keep_the_spool_full(world, rclone, far_end):
    end = far_end(rclone.port, Switch(Trouble.DELAY))
    world.configure(f'[[watch]]\nroot="{world.home}/logs"\n[spool]\nmax_bytes="1MiB"\n'
                    + rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    world.daemon()
    # It does not compress: 8 MB a second.
    with Writers(world, ["a", "b", "c", "d"], b'{"t":"%s"}\n' % os.urandom(50_000).hex().encode(), 0.05) as writers:
        world.wait_status(lambda status: status["spool"]["bytes"] > status["spool"]["max_bytes"] * 3 // 4)
        asked = dict(writers.size)
        assert world.ctl_run("flush", "--wait", timeout=PATIENCE).returncode == 0
        assert writers.thread.is_alive()
        mirror = rclone.mirror(world.base / "mirror")
        for name, size in asked.items():
            assert len(manifest_reader.read(mirror, name).latest()) >= size, name


def test_a_flush_says_what_is_refused_however_often_others_ask(world, rclone, far_end):
    def slow(method, path, number):
        # What a slow network is: the refusal comes while the others are on their way.
        time.sleep(0.7 if "/bad/" in path else 0.15 if method == "PUT" else 0)
        return Trouble.PASS
    end = far_end(rclone.port, slow)
    world.configure(f'[[watch]]\nroot="{world.home}/logs"\n[segments]\nquiet="100ms"\nmax_lines=50\n'
                    + rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    unknown = {"version": 1, "layout": 1, "requires": ["future"], "sid": "bad", "writer": "0" * 32, "epoch": 1,
               "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "active_seq": 1,
               "segments": [], "checkpoints": [], "streams": {}, "session": {}}
    rclone.client().put_object(
        Bucket=rclone.bucket, Key="sessions/bad/manifest.json", Body=json.dumps(unknown).encode())
    world.write("logs/bad.jsonl", b'{"bad":1}\n')
    world.daemon()
    world.wait_health("delivery_conflict")
    over = threading.Event()

    def ask():
        while not over.wait(1.7):
            world.ctl_run("flush", check=False)
    others = threading.Thread(target=ask)
    with Writers(world, ["a", "b", "c", "d"], b'{"t":"%s"}\n' % (b"x" * 300), 0.05):
        others.start()
        try:
            for _ in range(2):
                assert world.ctl_run("flush", "--wait", check=False, timeout=PATIENCE).returncode == 5
        finally:
            over.set()
            others.join()
