"""What the stores have, of all machines, is listed from their manifests; those that did not change are read once."""

import json

import pytest

from daemon import World
from object_servers import Rclone

WATCH = '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n'


def lines(sid, count):
    return b"".join(json.dumps({"type": "user", "cwd": f"/home/u/{sid}", "n": number}).encode() + b"\n"
                    for number in range(count))


def destination(path, name="archive"):
    return f'[[destination]]\nname = "{name}"\npath = "{path}"\n'


@pytest.fixture
def other():
    """Another machine."""
    world = World()
    yield world
    world.close()


def private_cache(world):
    """The cache of this test alone; the rules are compiled again for it."""
    return {"XDG_CACHE_HOME": str(world.base / "cache")}


def listed(world, *words):
    return world.ctl_lines("sessions", "--remote", *words)


def kept(world):
    path, = (world.base / "cache/uploaderd/remote").iterdir()
    return path, [json.loads(line) for line in path.read_text().splitlines()]


def test_every_machines_sessions_are_listed_with_the_keys_of_sessions(world, other):
    shared = world.base / "shared"
    other.configure(WATCH + destination(shared))
    for number in range(40):
        other.write(f"logs/o{number:02}.jsonl", lines(f"o{number}", number + 1))
    other.once()
    world.configure(WATCH + destination(shared))
    world.write("logs/mine.jsonl", lines("mine", 3))
    daemon = world.daemon(env=private_cache(world))
    world.ctl_run("flush", "--wait")
    found = {each["sid"]: each for each in listed(world)}
    assert set(found) == {"mine", *(f"o{number:02}" for number in range(40))}
    assert list(found) == sorted(found)
    here = world.ctl_lines("sessions")[0]
    assert set(here) <= set(found["mine"]) and found["mine"]["destination"] == "archive"
    assert {**found["mine"], "safe_lines": 3} | {key: here[key] for key in here} == found["mine"]
    assert found["o07"]["lines"] == found["o07"]["safe_lines"] == 8
    path, before = kept(world)
    assert len(before) == 41 and path.stat().st_mode & 0o777 == 0o600
    # What the cache says is believed for the version that it names, and for no other.
    text = path.read_text().replace('"lines":8', '"lines":7')
    path.write_text(text)
    assert {each["sid"]: each["lines"] for each in listed(world)}["o07"] == 7
    other.write("logs/o07.jsonl", lines("o7", 2), "ab")
    other.once()
    assert {each["sid"]: each["lines"] for each in listed(world)}["o07"] == 10
    # Of a call that was cut off nothing stays that misleads the next one; nor does nonsense in the cache.
    daemon.kill()
    path.write_bytes(b"nonsense\n" + path.read_bytes()[:700])
    world.daemon(env=private_cache(world))
    assert [each["sid"] for each in listed(world)] == list(found)
    assert len(kept(world)[1]) == 41
    assert [each["sid"] for each in listed(world, "--agent", "claude")] == []
    assert len(world.ctl_run("sessions", "--remote", "--quiet").stdout.split()) == 41


def test_a_damaged_manifest_is_named_and_the_others_are_listed(world):
    world.configure(WATCH)
    for sid in ("a", "b", "c"):
        world.write(f"logs/{sid}.jsonl", lines(sid, 3))
    world.daemon(env=private_cache(world))
    world.ctl_run("flush", "--wait")
    manifest = world.store / "sessions/b/manifest.json"
    whole = manifest.read_bytes()
    for damaged in (whole[:-10], json.dumps({**json.loads(whole), "sid": "c"}).encode()):
        manifest.write_bytes(damaged)
        done = world.ctl_run("sessions", "--remote", "--json", check=False)
        assert done.returncode == 5 and b"sessions/b/manifest.json" in done.stderr
        assert [json.loads(line)["sid"] for line in done.stdout.splitlines()] == ["a", "c"]
    manifest.write_bytes(whole)
    assert [each["sid"] for each in listed(world)] == ["a", "b", "c"]


def test_a_forgotten_session_leaves_the_cache(world):
    world.configure(WATCH)
    for sid in ("secret", "other"):
        world.write(f"logs/{sid}.jsonl", lines(sid, 3))
    world.daemon(env=private_cache(world))
    world.ctl_run("flush", "--wait")
    listed(world)
    assert "/home/u/secret" in kept(world)[0].read_text()
    world.ctl_run("forget", "secret", "--yes")
    assert not list((world.base / "cache/uploaderd/remote").iterdir())
    assert [each["sid"] for each in listed(world)] == ["other"]


def test_a_bucket_is_listed_and_asked_for_versions_only_the_second_time(world):
    with_bucket = Rclone()
    try:
        with_bucket.start()
        with_bucket.write_key(world)
        world.configure(WATCH + with_bucket.destination())
        for number in range(5):
            world.write(f"logs/s{number}.jsonl", lines(f"s{number}", 3))
        world.daemon(env=private_cache(world))
        world.ctl_run("flush", "--wait")
        assert [(each["sid"], each["lines"]) for each in listed(world)] == [(f"s{n}", 3) for n in range(5)]
        path, _ = kept(world)
        path.write_text(path.read_text().replace('"lines":3', '"lines":4'))
        assert [(each["sid"], each["lines"]) for each in listed(world)] == [(f"s{n}", 4) for n in range(5)]
    finally:
        with_bucket.close()


def test_what_cannot_be_listed_says_why(world):
    world.configure(
        WATCH + destination(world.base / "archive") + '[[destination]]\nname = "blind"\ntype = "presigned"\n'
        'url = "http://127.0.0.1:9/base"\nrequired = false\ninsecure = true\n')
    world.write("logs/a.jsonl", lines("a", 3))
    world.daemon()
    world.ctl_run("flush", "--wait")
    done = world.ctl_run("sessions", "--remote", "--json", check=False)
    assert done.returncode == 5 and b"destination blind" in done.stderr
    assert json.loads(done.stdout)["sid"] == "a"
    assert [each["sid"] for each in listed(world, "--dest", "archive")] == ["a"]
    assert world.ctl_run("sessions", "--remote", "--dest", "blind", check=False).returncode in (4, 6)
    assert world.ctl_run("sessions", "--remote", "--dest", "nowhere", check=False).returncode == 1
    assert world.ctl_run("sessions", "--dest", "archive", check=False).returncode == 2
    assert world.ctl_run("sessions", "--remote", "--private", check=False).returncode == 2
