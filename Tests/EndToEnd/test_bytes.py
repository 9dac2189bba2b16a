"""Bytes are sacred: what the store holds, and what comes back from it, is the source, byte for byte."""

import json
import os
import pathlib
import shutil
import threading

import pytest

import conservation
import generator
import manifest_reader
from conservation import Ledger, backdate, concatenated, printed_seed, sources, whole_lines

CODECS = ["gzip", "zstd", "none"]


def take_and_compare(world, files, *, code=0):
    """`--once`, then everything that a reader can do with the store gives `files`: {path: (sid, stream)}."""
    backdate(world.home)
    world.once(code=code)
    wanted = {key: [path.read_bytes()] for path, key in files.items()}
    sessions = Ledger(world.store).expect(wanted)
    for (sid, stream), (data,) in wanted.items():
        if data:
            assert concatenated(sessions[sid], stream, 1) == data, f"{sid} {stream} by zcat"
    return sessions, wanted


def replays(world, sid, stream, data, rng, checkpoints=()):
    """replay and restore, whole, by lines and up to checkpoints, from the catalog and from the store alone."""
    lines = data.splitlines(keepends=True) if False else split_lines(data)
    of_stream = ["--stream", stream]
    for source in [[], ["--from", "store"]]:
        assert world.ctl_run("replay", sid, *of_stream, *source).stdout == data
        place = world.base / "restored"
        world.ctl_run("restore", sid, *of_stream, *source, "--to", place)
        assert place.read_bytes() == data
        place.unlink()
        for _ in range(3):
            first = rng.randint(1, len(lines))
            last = rng.randint(first, min(len(lines), first + rng.choice([0, 5, 500])))
            for text, wanted in [(f"{first}:{last}", lines[first - 1:last]), (f"{first}:", lines[first - 1:]),
                                 (f":{last}", lines[:last])]:
                found = world.ctl_run("replay", sid, *of_stream, *source, "--lines", text).stdout
                assert found == b"".join(wanted), f"{sid} {stream} lines {text} {source}"
        for checkpoint in checkpoints:
            found = world.ctl_run("replay", sid, *of_stream, *source, "--to-checkpoint", checkpoint["id"]).stdout
            assert found == b"".join(lines[:checkpoint["line"]]), checkpoint
        if checkpoints:
            found = world.ctl_run("replay", sid, *of_stream, *source, "--to-checkpoint", "latest").stdout
            assert found == b"".join(lines[:checkpoints[-1]["line"]])
            world.ctl_run("restore", sid, *of_stream, *source, "--to-checkpoint", "latest", "--to", place)
            assert place.read_bytes() == found
            place.unlink()


def split_lines(data):
    """At newlines only: bytes.splitlines also cuts at a lone carriage return."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return [line for line in lines if line]


def compactions(data):
    """Numbers of the lines that are checkpoints, found by parsing every line."""
    found = []
    for number, line in enumerate(split_lines(data), 1):
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                continue
            # Two objects glued together: the first says what the line is.
            value = json.loads(error.doc[:error.pos])
        except ValueError:
            continue
        if isinstance(value, dict) and (value.get("type") == "compacted" or
                                        value.get("type") == "system" and value.get("subtype") == "compact_boundary"):
            found.append(number)
    return found


def test_real_sessions_come_back_whole(world, corpus, scale):
    rng, seed = printed_seed("real sessions")
    if corpus is None:
        corpus = world.base / "generated"
        for each in generator.home(seed, sessions=8, size=1_500_000):
            each.apply(corpus)
    shutil.copytree(corpus, world.home, dirs_exist_ok=True)
    sessions, wanted = take_and_compare(world, sources(world.home))
    checkpointed = 0
    daemon = world.daemon()
    for (sid, stream), (data,) in wanted.items():
        listed = sessions[sid].streams[stream].entry.get("checkpoints", [])
        assert [checkpoint["line"] for checkpoint in listed] == compactions(data)
        checkpointed += len(listed)
        # What is asked for is the same everywhere; in the short form a few streams do.
        if listed or rng.random() < scale(0.2, 1):
            replays(world, sid, stream, data, rng, listed[-scale(2, 100):])
    assert daemon.stop() == 0
    print(f"{len(wanted)} streams, {sum(len(data) for data, in wanted.values())} bytes, {checkpointed} checkpoints")


@pytest.mark.parametrize("codec", CODECS)
def test_generated_homes_come_back_whole(world, codec, scale):
    rng, seed = printed_seed(f"generated {codec}")
    world.configure(f'[segments]\ncodec = "{codec}"\nmax_bytes = "{rng.choice(["40KiB", "300KiB", "8MiB"])}"\n'
                    f'max_lines = {rng.choice([40, 10_000])}\n')
    made = generator.home(seed, sessions=scale(6, 24), size=scale(400_000, 4_000_000), faults=list(generator.LINE_FAULTS))
    for each in made:
        each.apply(world.home)
    files = {world.home / path: (each.sid, stream) for each in made for path, stream in each.streams.items()}
    sessions, wanted = take_and_compare(world, files)
    daemon = world.daemon()
    for (sid, stream), (data,) in wanted.items():
        if data and rng.random() < scale(0.25, 1):
            checkpoints = sessions[sid].streams[stream].entry.get("checkpoints", [])
            assert [checkpoint["line"] for checkpoint in checkpoints] == compactions(data)
            replays(world, sid, stream, data, rng, checkpoints[-3:])
    assert daemon.stop() == 0


@pytest.mark.parametrize("codec", CODECS)
def test_whatever_a_file_holds_comes_back(world, codec):
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{world.home}/odd"\n[segments]\ncodec = "{codec}"\n')
    (world.home / "odd").mkdir()
    hostile = generator.hostile()
    for name, data in hostile.items():
        (world.home / f"odd/{name}.jsonl").write_bytes(data)
    files = {world.home / f"odd/{name}.jsonl": (name, "main") for name in hostile}
    sessions, _ = take_and_compare(world, files)
    assert {sid for sid in sessions} == {name for name, data in hostile.items() if data}
    assert all(segment.codec == codec for session in sessions.values() for segment in session.streams["main"].segments)
    daemon = world.daemon()
    for name, data in hostile.items():
        if data:
            for source in [[], ["--from", "store"]]:
                assert world.ctl_run("replay", name, *source).stdout == data, name
    # A long line between two short ones: only what was asked for.
    lines = split_lines(hostile["long-line"])
    for number in (1, 2, 3):
        assert world.ctl_run("replay", "long-line", "--lines", f"{number}:{number}").stdout == lines[number - 1]
    assert daemon.stop() == 0


def peak_memory(pid):
    """The most that the process ever had resident, in bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM"))


def test_a_gigabyte_without_a_newline_is_withheld_and_costs_no_memory(world):
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{world.home}/odd"\n[segments]\nquiet = "50ms"\n')
    path = world.home / "odd/giant.jsonl"
    path.parent.mkdir()
    before, after = b'{"before":1}\n', b'{"after":1}\n'
    path.write_bytes(before)
    os.truncate(path, len(before) + (1 << 30))
    daemon = world.daemon()
    world.flush_but_ends()
    ledger = Ledger(world.store)
    # While its end may still come it is waited for, and said.
    ledger.expect({("giant", "main"): [before]})
    health = world.ctl_run("status", "--json", check=False)
    assert "giant.jsonl" in json.dumps(json.loads(health.stdout)["health"])
    assert peak_memory(daemon.pid) < 200 << 20
    with path.open("ab") as file:
        file.write(b"\n" + after)
    world.ctl_run("flush", "--wait")
    withheld = {"type": "uploaderd.withheld", "bytes": (1 << 30) + 1}
    stored = ledger.look()["giant"].latest()
    lines = split_lines(stored)
    assert lines[0] == before and lines[2:] == [after]
    assert withheld.items() <= json.loads(lines[1]).items()
    assert "giant.jsonl" in json.dumps(json.loads(world.ctl_run("status", "--json", check=False).stdout)["health"])
    assert peak_memory(daemon.pid) < 200 << 20
    print(f"peak memory {peak_memory(daemon.pid) >> 20} MiB")
    assert daemon.stop() == 0


def test_a_line_over_max_line_is_withheld_however_short_that_is(world):
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{world.home}/odd"\n[segments]\nmax_line = "1KiB"\n')
    (world.home / "odd").mkdir()
    short, fits, over = b'{"n":1}\n', b"x" * 1023 + b"\n", b"y" * 1024 + b"\n"
    (world.home / "odd/lines.jsonl").write_bytes(short + fits + over + short)
    backdate(world.home)
    assert "1 lines were withheld" in world.once(code=5).text()
    notice = b'{"type":"uploaderd.withheld","bytes":1025,"reason":"too_long"}\n'
    assert manifest_reader.read(world.store, "lines").latest() == short + fits + notice + short


@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "link"])
def test_once_with_a_file_that_cannot_be_taken_is_not_done(world, what):
    path = world.home / "one.jsonl"
    match what:
        case "folder": path.mkdir()
        case "fifo": os.mkfifo(path)
        case "link":
            path.symlink_to("other")
            (world.home / "other").write_bytes(b"{}\n")
    daemon = world.once("--file", path, code=5)
    assert ("there is no such file" if what == "missing" else "no regular file") in daemon.text()
