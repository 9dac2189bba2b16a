"""A daemon that delivers to the double of a confab server, and what is to be there in the end."""

import json
import time

import generator
import pytest
from confab_double import ConfabDouble
from conservation import backdate, sources
from daemon import PATIENCE


@pytest.fixture
def double(world):
    with ConfabDouble(world.base / "confab") as double:
        yield double


def write_key(world, key):
    path = world.home / ".config/uploaderd/key"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(key + "\n")
    return path


def destination(world, double, more="", key=None, name="team"):
    path = write_key(world, key or double.key)
    return f'[[destination]]\nname = "{name}"\ntype = "confab"\nurl = "{double.url}"\ncredentials = "{path}"\n{more}'


def configure(world, double, more="", key=None):
    world.configure(destination(world, double, more, key))


def homes(world, count, size=3_000, agent="claude"):
    sessions = [generator.session(f"confab {number}", agent, size) for number in range(count)]
    for session in sessions:
        session.apply(world.home)
    backdate(world.home)
    return sessions


def file_name(path, sid, stream):
    """What the server calls the file of a stream."""
    if stream == "main":
        return path.name if path.name.startswith("rollout-") else f"{sid}.jsonl"
    return "/".join([*stream.split("/")[:-2], f"agent-{stream.split('/')[-1]}.jsonl"])


def check(world, double, but=()):
    """Each file of the home is there line for line, and nothing else is; every chunk was taken once and in order."""
    wanted = {}
    for path, (sid, stream) in sources(world.home).items():
        if path.stat().st_size and sid not in but:
            wanted[sid, file_name(path, sid, stream)] = path.read_bytes()
    there = {(session.sid, name) for session in double.sessions.values() for name in session.files}
    assert there == set(wanted), (there - set(wanted), set(wanted) - there)
    for (sid, name), data in wanted.items():
        found = double.lines(sid, name)
        assert found == data, (sid, name, len(found), len(data))


def settle(world):
    """Until all is delivered. A flush that meets a trouble is told of it; whoever asks again has it tried again."""
    deadline = time.monotonic() + PATIENCE * 2
    while True:
        done = world.ctl_run("flush", "--wait", check=False, timeout=PATIENCE)
        if done.returncode == 0:
            return
        assert time.monotonic() < deadline, done.stderr.decode() + world.logs()


def held(world, name="team"):
    """Waits until the destination is held; what it says."""
    def entry(status):
        return next((each for each in status["destinations"] if each["name"] == name and each["state"] == "held"), None)
    return json.dumps(entry(world.wait_status(entry))) + json.dumps(world.ctl("status", check=False)["health"])


def claude(number=1):
    """A session's id, and its path below the home."""
    sid = f"00000000-0000-4000-8000-{number:012}"
    return sid, f".claude/projects/-work/{sid}.jsonl"


def said(number, text="x"):
    return json.dumps({"type": "user", "timestamp": f"2026-11-20T10:00:{number % 60:02}Z", "cwd": "/work",
                       "message": {"role": "user", "content": f"{text} {number}"}}).encode() + b"\n"
