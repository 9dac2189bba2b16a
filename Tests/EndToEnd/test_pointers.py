"""codetether's pointers: bytes of a history, or of what would be in it, and never an empty answer."""

import base64
import json

import pytest

from confab_scene import claude, said, settle
from conservation import backdate
from history_scene import beside, configure, long_lines, name, rclone, server, shared  # noqa: F401: fixtures


def pointer(key, *span, bucket="sessions"):
    return json.dumps({"bucket": bucket, "key": key, **({"byte_range": list(span)} if span else {})})


@pytest.mark.parametrize("kind", ["a history", "beside", "segments"])
def test_pointers_lead_to_bytes(world, server, kind):
    {"a history": configure, "beside": beside,
     "segments": lambda *each: beside(*each, history=False)}[kind](world, server)
    sid, path = claude()
    data = long_lines(3_000, 400)
    world.write(path, data)
    backdate(world.home)
    world.once()
    daemon = world.daemon()
    settle(world)
    key = name(sid)

    def ask(*words, **more):
        return world.ctl_run("resolve", *words, check=False, **more)
    assert ask(pointer(key)).stdout == data
    assert ask(json.dumps({"bucket": "sessions", "key": key, "byte_range": None})).stdout == data
    for start, end in [(0, 1), (1_000, 2_000), (300_000, 700_000), (len(data) - 1, len(data)), (5, len(data) + 99)]:
        assert ask(pointer(key, start, end)).stdout == data[start:end], (start, end)
    chunks = world.ctl_lines("resolve", pointer(key, 100, 300_000))
    assert b"".join(base64.b64decode(each.get("data_base64", "")) for each in chunks) == data[100:300_000]
    assert chunks[0]["offset"] == 100 and chunks[-1]["total_bytes"] == 299_900
    for nothing in [(7, 7), (9, 3), (len(data), len(data) + 5)]:
        told = ask(pointer(key, *nothing))
        assert told.returncode and not told.stdout and b"no such byte" in told.stderr, told
    for other in ["sessions/nobody/history.jsonl", f"sessions/{sid}/manifest.json", "sessions/../history.jsonl",
                  f"sessions/{sid}/history.g7.jsonl"]:
        told = ask(pointer(other))
        assert told.returncode and not told.stdout and b"no such byte" in told.stderr, told
    assert b"no destination has a bucket" in ask(pointer(key, bucket="other")).stderr
    assert b"no pointer" in ask('{"bucket": "sessions"}').stderr
    assert daemon.stop() == 0


def test_a_pointer_into_a_store_that_is_gone_says_so(world, rclone):
    beside(world, rclone)
    sid, path = claude()
    world.write(path, said(1))
    backdate(world.home)
    world.once()
    world.daemon()
    settle(world)
    rclone.halt()
    told = world.ctl_run("resolve", pointer(name(sid)), check=False)
    assert told.returncode and not told.stdout and b"could not" in told.stderr, told
