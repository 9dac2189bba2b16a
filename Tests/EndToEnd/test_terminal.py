"""The daemon and uploaderctl as a person sees them: on a terminal, a real one (pty)."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

import manifest_reader
from daemon import PATIENCE

LINE = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"%s"}\n'
# What the programs themselves write on a terminal: to the begin of the line, erase it, colours.
OWN = re.compile(rb"\r|\x1b\[K|\x1b\[[0-9;]*m|\x1b\[H|\x1b\[2?J")
EVIL = "x\x1b[31m\x1b]0;title\x07\u202egnp\x9b2J"


class Terminal:
    """A program that has a terminal of its own, with a keyboard that signals."""

    def __init__(self, command, world, env=None):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            list(map(str, command)), env=world.environment(TERM="xterm", **(env or {})), cwd=world.home,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.seen = b""

    def read(self, deadline):
        """Takes what comes next; False at the end."""
        if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"nothing more within {PATIENCE} s:\n{self.seen.decode(errors='replace')}")
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other side any more
            return False
        self.seen += data
        return bool(data)

    def wait(self, text):
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert self.read(deadline), f"it ended without {text}:\n{self.seen.decode(errors='replace')}"

    def press(self, key):
        os.write(self.master, key)

    def end(self):
        """Its exit code, when all that it wrote was seen."""
        deadline = time.monotonic() + PATIENCE
        while self.read(deadline):
            pass
        return self.process.wait(PATIENCE)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(world):
    with contextlib.ExitStack() as stack:
        def open(*command, env=None):
            made = Terminal(command, world, env)
            stack.callback(made.close)
            return made
        yield open


def daemon(world):
    return [*world.command("uploaderd"), "--state-dir", world.state, "--runtime-dir", world.runtime]


def ctl(world, *arguments):
    return [*world.command("uploaderctl"), "--socket", world.socket, *arguments]


def is_harmless(seen):
    """Nothing in it can do anything to a terminal, but for what is ours."""
    rest = OWN.sub(b"", seen).decode()
    for character in rest:
        assert character in "\n\t" or character.isprintable(), (character, rest)
        assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f", rest


CTRL_C = b"\x03"


def test_control_c_seals_drains_with_progress_and_ends(world, terminal):
    world.configure('[segments]\nquiet = "1h"\nmax_age = "1h"\n')
    world.once()
    path = world.write(".claude/projects/p/a.jsonl", LINE % b"1")
    shown = terminal(*daemon(world), env={"UPLOADERD_FAULT": "slow:deliver"})
    shown.wait(b"Ctrl-C seals")
    world.wait_status(lambda status: status["sessions"]["live"] == 1)
    shown.press(CTRL_C)
    shown.wait(b"to deliver (Ctrl-C again stops at once)")
    assert shown.end() == 0
    assert b"0B wait in the spool" in shown.seen
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()
    is_harmless(shown.seen)


def test_a_second_control_c_ends_at_once_and_loses_nothing(world, terminal):
    world.once()
    path = world.write(".claude/projects/p/a.jsonl", LINE % b"1")
    os.mkfifo(world.base / "hangs")
    shown = terminal(*daemon(world), env={"UPLOADERD_FAULT": f"stall:destinations:{world.base}/hangs"})
    shown.wait(b"Ctrl-C seals")
    world.wait_status(lambda status: status["spool"]["bytes"] > 0)
    shown.press(CTRL_C)
    shown.wait(b"to deliver (Ctrl-C again stops at once)")
    pressed = time.monotonic()
    shown.press(CTRL_C)
    assert shown.end() == 130
    assert time.monotonic() - pressed < 5
    world.once()
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()


def test_whom_a_flush_and_once_wait_for_is_said_and_a_flush_can_be_limited(world, terminal):
    archive = world.base / "archive"
    world.configure(f'[segments]\nquiet = "50ms"\n[[destination]]\nname = "archive"\npath = "{archive}"\n')
    world.once()
    path = world.write(".claude/projects/p/a.jsonl", LINE % b"1")
    os.mkfifo(world.base / "hangs")
    stalled = {"UPLOADERD_FAULT": f"stall:destinations:{world.base}/hangs"}
    once = terminal(*daemon(world), "--once", env=stalled)
    once.wait(b"waiting for archive")
    is_harmless(once.seen)
    once.press(CTRL_C)
    once.wait(b"Ctrl-C again stops at once")
    once.press(CTRL_C)
    once.end()
    hung = world.daemon(env=stalled)
    shown = terminal(*ctl(world, "flush", "--wait"))
    shown.wait(b"waiting for archive")
    is_harmless(shown.seen)
    shown.press(CTRL_C)
    shown.end()
    plain = world.ctl_run("flush", "--wait", "--timeout", "200ms", check=False)
    assert plain.returncode == 5 and b"waited for: archive" in plain.stderr, plain
    answer = world.ctl_run("flush", "--wait", "--timeout", "200ms", "--json", check=False)
    assert answer.returncode == 5 and json.loads(answer.stdout)["waiting_for"] == ["archive"], answer
    # What it was asked goes on: when the store is back, it ends, within its time.
    with open(world.base / "hangs", "wb"):
        assert world.ctl("flush", "--wait", "--timeout", "1h")["waiting_for"] == []
    assert manifest_reader.read(archive, "a").latest() == path.read_bytes()
    for words in (["--timeout", "5s"], ["--wait", "--timeout", "5"]):
        assert world.ctl_run("flush", *words, check=False).returncode == 2
    assert hung.stop() == 0


def test_without_any_agent_it_says_so_and_waits_for_one(world, terminal):
    shown = terminal(*daemon(world))
    shown.wait(b"No agent has written a session here yet")
    shown.wait(b"Ctrl-C seals")
    example = re.search(rb"to try it:  (\S*uploaderd --file \S+)", shown.seen)
    assert example and os.access(example[1].split()[0], os.X_OK)
    assert str(world.home / ".claude/projects").encode() in shown.seen and str(world.store).encode() in shown.seen
    path = world.write(".claude/projects/p/a.jsonl", LINE % b"1")
    world.wait_status(lambda status: status["sessions"]["known"] == 1)
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()
    shown.press(CTRL_C)
    assert shown.end() == 0


def test_nothing_that_comes_from_outside_reaches_the_terminal_as_it_is(world, terminal):
    """Names and lines with escape sequences and bidi controls: shown escaped, and through a pipe as they are."""
    name = f"{EVIL}.jsonl".replace("/", "")
    world.configure('[segments]\nquiet = "100ms"\n[[watch]]\nagent = "generic"\nroot = "~/logs"\n')
    # C1 controls and others are not even quoted in the line.
    line = b'{"type":"user","cwd":"/%s","summary":"%s","raw":"\x1b[2J\xc2\x9b2J"}\n' % ((EVIL.encode(),) * 2)
    path = world.write(f"logs/{name}", line)
    (world.home / "logs" / f"link{name}").symlink_to("/etc/passwd")
    shown = terminal(*daemon(world), "--verbose")
    shown.wait(b"Ctrl-C seals")
    world.wait_health("source_refused")
    world.ctl_run("flush", "--wait")
    (session,) = world.ctl_lines("sessions")
    sid = session["sid"]
    for command in (["status"], ["sessions"], ["show", "--", sid], ["replay", "--", sid], ["verify"], ["replay", "--", f"no{sid}"],
                    ["config", "show"]):
        asked = terminal(*ctl(world, *command))
        asked.end()
        assert asked.seen
        is_harmless(asked.seen)
    watch = terminal(*ctl(world, "status", "--watch"))
    watch.wait(b"source_refused")
    watch.press(CTRL_C)
    watch.end()
    is_harmless(watch.seen)
    shown.press(CTRL_C)
    assert shown.end() == 0
    is_harmless(shown.seen)
    assert b"link" in shown.seen and b"\\x1b[31m" in shown.seen
    # A program that reads it gets every byte.
    world.daemon()
    assert world.ctl_run("replay", "--", sid).stdout == path.read_bytes()
    dry = terminal(*daemon(world), "--dry-run")
    dry.end()
    is_harmless(dry.seen)
