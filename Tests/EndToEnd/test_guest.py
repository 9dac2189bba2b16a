"""A good guest of its host: what it makes is its user's alone, and while nothing happens it does nothing."""

import os
import signal
import stat
import subprocess

import pytest

LINE = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"%d"}\n'


@pytest.mark.parametrize("once", [False, True])
def test_all_that_it_makes_is_its_users_alone(world, once):
    """Whatever the umask: here it forbids nothing."""
    world.configure('[segments]\nquiet = "100ms"\n[[destination]]\nname = "archive"\ntype = "directory"\npath = "~/new/archive"\n')
    for number in range(3):
        world.write(f".claude/projects/p/{number}.jsonl", LINE % number * 1000)
    before = os.umask(0)
    try:
        if once:
            world.once()
        else:
            daemon = world.daemon()
            world.ctl_run("flush", "--wait")
            world.ctl_run("restore", "0", "--to", world.base / "run/restored.jsonl")
    finally:
        os.umask(before)
    made = 0
    for top in (world.state, world.runtime, world.home / "new"):
        for folder, folders, files in os.walk(top):
            for name in [".", *files, *folders]:
                status = os.lstat(os.path.join(folder, name))
                wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
                assert stat.S_IMODE(status.st_mode) == wanted, os.path.join(folder, name)
                made += 1
    assert made > 10
    if not once:
        assert stat.S_ISSOCK(world.socket.lstat().st_mode)
        assert daemon.stop() == 0


# The daemon forbids its own user to trace it.
@pytest.mark.root
def test_at_rest_no_thread_wakes_up(world):
    """No system call ends within ten seconds, with sessions at rest and a client that watches: strace sees all of them."""
    for number in range(50):
        world.write(f".claude/projects/p/{number}.jsonl", LINE % number)
    daemon = world.daemon()
    world.wait_status(lambda status: status["sessions"]["known"] == 50 and status["sessions"]["live"] == 0)
    world.ctl_run("flush", "--wait")
    world.wait_healthy()

    def calls(seconds):
        """The calls that ended meanwhile."""
        seen = world.base / "strace"
        tracer = subprocess.Popen(["strace", "-f", "-p", str(daemon.pid), "-o", seen],
                                  stderr=subprocess.PIPE, text=True)
        # With all threads, in one line.
        assert "attached with" in tracer.stderr.readline()
        try:
            tracer.wait(seconds)
        except subprocess.TimeoutExpired:
            tracer.send_signal(signal.SIGINT)
        tracer.communicate()
        return [line for line in seen.read_text().splitlines() if " = " in line]

    # What the last calls of ours left behind (a connection's end, a manifest's schedule) is over.
    for _ in range(3):
        woken = calls(10)
        if not woken:
            break
    assert not woken
    world.write(".claude/projects/p/1.jsonl", LINE % 1, "ab")
    assert daemon.stop() == 0
