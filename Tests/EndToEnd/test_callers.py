"""Who connects to the control socket and does not behave: nobody else is held up by it, and neither is the stop."""

import json
import os
import pathlib
import socket
import time

import pytest

import manifest_reader
from daemon import PATIENCE

LINE = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"%s"}\n'


def connected(world):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(str(world.socket))
    return client


def call(method, parameters=None, **more):
    return json.dumps({"method": method, "parameters": parameters or {}, **more}).encode() + b"\0"


def reply(client):
    """The next reply; None when the other side has closed."""
    data = b""
    while not data.endswith(b"\0"):
        piece = client.recv(65536)
        if not piece:
            assert not data, data
            return None
        data += piece
    return json.loads(data[:-1])


def resident(daemon):
    """Bytes of memory that the daemon has now."""
    text = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS:")).split()[1]) * 1024


@pytest.mark.root
def test_another_user_is_refused_and_said(world):
    world.become_ordinary()
    daemon = world.daemon()
    # Root can reach the socket, but is not who the sessions belong to.
    with connected(world) as stranger:
        assert reply(stranger)["error"] == "org.varlink.service.PermissionDenied"
        assert reply(stranger) is None
    assert world.ctl("status", check=False)["pid"] == daemon.pid
    # The log has a thread of its own, and is whole when the daemon has ended.
    assert daemon.stop() == 0
    assert "refused a control connection of user 0" in daemon.text()


@pytest.mark.root
def test_other_ordinary_users_cannot_even_reach_it(world):
    world.become_ordinary()
    daemon = world.daemon()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(world.uid + 1)
        os.setuid(world.uid + 1)
        try:
            connected(world)
        except PermissionError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert daemon.running


def test_half_a_request_holds_up_nobody(world, scale):
    daemon = world.daemon()
    waiting = [connected(world) for _ in range(10)]
    for client in waiting:
        client.sendall(b'{"method":"org.varlink.serv')
    assert world.ctl("status", check=False)["pid"] == daemon.pid
    # Who ends there hears why.
    waiting[0].shutdown(socket.SHUT_WR)
    assert reply(waiting[0])["error"] == "io.uploaderd.Control.BadRequest"
    assert reply(waiting[0]) is None
    if scale(False, True):
        begun = time.monotonic()
        # All that began together are ended together.
        for client in waiting[1:]:
            assert reply(client)["error"] == "io.uploaderd.Control.BadRequest"
            assert reply(client) is None
        assert 20 < time.monotonic() - begun < 40
        waiting.append(connected(world))
        waiting[-1].sendall(b'{"method":"org.varlink.serv')
        assert world.ctl("status", check=False)["pid"] == daemon.pid
    assert daemon.stop() == 0
    assert reply(waiting[-1]) is None
    for client in waiting:
        client.close()


def test_a_caller_that_never_reads_costs_neither_memory_nor_the_stop(world):
    path = world.write("a.jsonl", b"".join(LINE % os.urandom(500).hex().encode() for _ in range(30_000)))
    daemon = world.daemon("--file", path)
    world.ctl_run("flush", "--wait")
    assert len(world.ctl_run("replay", "a").stdout) == path.stat().st_size
    before = resident(daemon)
    deaf = [connected(world) for _ in range(20)]
    for client in deaf:
        client.sendall(call("io.uploaderd.Control.Replay", {"sid": "a"}, more=True))
    # Each has begun to be answered when the first bytes can be seen, without being taken.
    for client in deaf:
        assert client.recv(1, socket.MSG_PEEK)
    world.write("a.jsonl", LINE % b"more", "ab")
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()
    assert world.ctl("status", check=False)["pid"] == daemon.pid
    # Twenty answers of 30 MB, of which each holds a few pieces.
    assert resident(daemon) - before < 100 << 20
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < 30
    for client in deaf:
        client.close()


def test_a_call_that_waits_for_a_silent_store_does_not_hold_up_the_stop(world):
    os.mkfifo(world.base / "hangs")
    world.write(".claude/projects/p/a.jsonl", LINE % b"a")
    daemon = world.daemon(env={"UPLOADERD_FAULT": f"stall:destinations:{world.base}/hangs"})
    with connected(world) as client:
        client.sendall(call("io.uploaderd.Control.Flush", {"wait": True}, more=True))
        assert reply(client)["continues"]
        assert daemon.stop() == 0


def test_a_replay_into_what_nobody_can_write_or_into_two_pipes_is_refused_with_the_reason(world):
    world.write(".claude/projects/p/a.jsonl", LINE % b"a")
    world.daemon()
    world.ctl_run("flush", "--wait")
    reading, writing = os.pipe()
    for passed, words in (([reading], "reading end"), ([writing, reading], "several descriptors")):
        with connected(world) as client:
            socket.send_fds(client, [call("io.uploaderd.Control.Replay", {"sid": "a"})], passed)
            answer = reply(client)
            assert answer["error"] == "io.uploaderd.Control.BadRequest" and words in answer["parameters"]["message"]
    with connected(world) as client:
        client.sendall(call("io.uploaderd.Control.GetStatus", upgrade=True))
        assert "upgrade" in reply(client)["parameters"]["message"]
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("kind", ["fifo", "folder", "missing"])
def test_what_a_path_leads_to_is_said_when_it_is_no_file(world, kind):
    world.configure('[[watch]]\nagent = "generic"\nroot = "~/logs"\n')
    path = world.home / "logs/odd.jsonl"
    path.parent.mkdir()
    match kind:
        case "fifo": os.mkfifo(path)
        case "folder": path.mkdir()
        case "missing": pass
    world.daemon()
    with connected(world) as client:
        client.sendall(call("io.uploaderd.Control.Flush", {"path": str(path), "wait": True}))
        answer = reply(client)
    if kind == "missing":
        assert answer["error"] == "io.uploaderd.Control.NoMatch" and str(path) in answer["parameters"]["message"]
    else:
        [sentence] = answer["parameters"]["not_taken"]
        assert str(path) in sentence
