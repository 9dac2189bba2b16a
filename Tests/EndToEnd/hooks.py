"""Agents' hooks: `uploaderctl capture`, run as an agent runs it."""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import select
import subprocess
import time

from daemon import PATIENCE


def payload(sid, path, event="SessionStart", **more):
    """What Claude Code writes to its hook's standard input."""
    return json.dumps({"session_id": sid, "transcript_path": str(path), "cwd": "/work", "hook_event_name": event,
                       **more}).encode()


def notification(sid):
    """What Codex gives its notify program as the last argument."""
    return json.dumps({"type": "agent-turn-complete", "thread-id": sid, "turn-id": "1", "cwd": "/work",
                       "input-messages": ["secret question"], "last-assistant-message": "secret answer"})


class Hooks:
    """The hooks of a world's agents."""

    def __init__(self, world):
        self.world = world
        self.queue = world.state / "queue"

    def words(self, *arguments):
        return [*self.world.command("uploaderctl"), "capture", "--state-dir", str(self.world.state), "--socket",
                str(self.world.socket), *arguments]

    def start(self, *arguments, **options):
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(self.words(*arguments), env=options.pop("env", self.world.environment()), **options)

    def run(self, data, *arguments, **options):
        """Runs one hook to its end, which is silent and 0 whatever happens; how long it took, in milliseconds."""
        begun = time.monotonic()
        process = self.start(*arguments, **options)
        output, errors = process.communicate(data, timeout=PATIENCE)
        took = (time.monotonic() - begun) * 1000
        assert (process.returncode, output or b"", errors or b"") == (0, b"", b"")
        return took

    def storm(self, payloads):
        """Runs a hook for each of them, all at once; how long each took, in milliseconds, shortest first."""
        with concurrent.futures.ThreadPoolExecutor(len(payloads)) as pool:
            return sorted(pool.map(self.run, payloads))

    def lines(self, name):
        """The lines of a file of the queue; none when it is not there."""
        path = self.queue / name
        return path.read_bytes().splitlines() if path.exists() else []

    def waiting(self):
        """The sids of all events that wait in the queue, in snapshots, too."""
        found = []
        for path in sorted(self.queue.glob("events.*")) if self.queue.is_dir() else []:
            # A snapshot may be imported, and deleted, at this moment.
            with contextlib.suppress(FileNotFoundError):
                found += [json.loads(line)["sid"] for line in path.read_bytes().splitlines()]
        return found

    def wait_empty(self):
        """Waits until the daemon has imported everything."""
        wait_until(self.queue, lambda: not [name for name in os.listdir(self.queue)
                                            if name.startswith(("sessions.", "events."))])


def wait_until(folder, claim):
    """Waits until `claim()` is true, which is asked whenever a file of the folder was moved or deleted: inotify(7)."""
    libc = ctypes.CDLL(None, use_errno=True)
    changes = libc.inotify_init1(os.O_CLOEXEC)
    try:
        # IN_MOVED_FROM, IN_MOVED_TO, IN_DELETE
        assert libc.inotify_add_watch(changes, os.fsencode(folder), 0x40 | 0x80 | 0x200) >= 0
        deadline = time.monotonic() + PATIENCE
        while not claim():
            ready, _, _ = select.select([changes], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"nothing more happens in {folder}: {sorted(os.listdir(folder))}"
            os.read(changes, 65536)
    finally:
        os.close(changes)


def told(times):
    """Sorted times, for people: what a run of the tests shows with -s, and in a bench."""
    return (f"{len(times)} hooks: median {times[len(times) // 2]:.0f} ms, 90 % below {times[len(times) * 9 // 10]:.0f} ms, "
            f"longest {times[-1]:.0f} ms")
