"""What the measurements share: corpora, processes and what they cost, a watch on a directory, medians."""

import concurrent.futures
import ctypes
import json
import os
import pathlib
import random
import select
import socket
import statistics
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))

import generator  # noqa: E402
from daemon import World, binary  # noqa: E402, F401

MB = 1_000_000


def note(text):
    """Progress, beside the results."""
    print(text, file=sys.stderr, flush=True)


# Corpora: made once, kept below .build, so that every run measures the same bytes.

def corpora():
    path = pathlib.Path(os.environ.get("UPLOADER_BENCH_DIR") or ROOT / ".build/bench")
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_session(home, seed, agent, size):
    generator.session(seed, agent, size).apply(home)


def corpus(name, sessions):
    """A home that holds these sessions, each (seed, agent, size)."""
    home = corpora() / name
    done = corpora() / f"{name}.done"
    if not done.exists():
        note(f"making the corpus {name}")
        subprocess.run(["rm", "-rf", str(home)], check=True)
        home.mkdir(parents=True)
        with concurrent.futures.ProcessPoolExecutor() as pool:
            for each in [pool.submit(write_session, home, *session) for session in sessions]:
                each.result()
        done.touch()
    return home


def many_sessions(size):
    """Sessions of the sizes that there are, `size` bytes together."""
    rng = random.Random(f"bench {size}")
    sessions, left = [], size
    while left > 0:
        each = int(min(max(generator.lognormal(rng, 1_000_000, 1.3), 2_000), 20 * MB, left))
        sessions.append((f"bench {len(sessions)}", rng.choices(generator.AGENTS, [5, 3, 1, 1])[0], each))
        left -= each
    return corpus(f"many-{size // MB}", sessions)


def one_session(size):
    return corpus(f"one-{size // MB}", [("bench one", "claude", size)])


def small_sessions(count):
    rng = random.Random(f"bench small {count}")
    sessions = [(f"bench small {index}", rng.choices(generator.AGENTS, [5, 3, 1, 1])[0], 20_000) for index in range(count)]
    return corpus(f"small-{count}", sessions)


def files(home):
    return sorted(path for path in home.rglob("*.jsonl") if path.is_file())


# Where states and stores are put.

def fast_place():
    return pathlib.Path("/dev/shm")


def disk_place():
    return corpora()


class Place:
    """A world (a home, a state and a runtime directory) on a file system of one's choice."""

    def __init__(self, where, home=None):
        before = os.environ.get("UPLOADER_TEST_DIR")
        os.environ["UPLOADER_TEST_DIR"] = str(where)
        try:
            self.world = World()
        finally:
            if before is None:
                del os.environ["UPLOADER_TEST_DIR"]
            else:
                os.environ["UPLOADER_TEST_DIR"] = before
        if home is not None:
            self.world.home = home

    def __enter__(self):
        return self.world

    def __exit__(self, *_):
        self.world.close()


# Costs.

class Cost:
    """Of one process, from start to end."""

    def __init__(self, wall, cpu, peak):
        self.wall = wall
        self.cpu = cpu
        self.peak = peak


def run(arguments, environment=None, cores=None, directory=None, log=None):
    """Runs a program to its end, on these cores only.

    Returns its exit code and its cost.
    """
    def pin():
        if cores:
            os.sched_setaffinity(0, cores)
    started = time.monotonic()
    with open(log or os.devnull, "wb") as output:
        process = subprocess.Popen(
            [str(each) for each in arguments], env=environment, cwd=directory, preexec_fn=pin,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    return process.returncode, cost


def cores(count):
    """The last `count` of the cores that we may use: the first one has most of the interrupts."""
    return set(sorted(os.sched_getaffinity(0))[-count:])


class Usage:
    """What a running process has used until now."""

    def __init__(self, pid):
        self.at = time.monotonic()
        self.cpu = 0
        self.switches = 0
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            self.cpu += int((task / "schedstat").read_text().split()[0]) / 1e9
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    self.switches += int(line.split()[1])
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        self.resident = int(status["VmRSS"].split()[0]) * 1024
        self.peak = int(status["VmHWM"].split()[0]) * 1024
        self.threads = int(status["Threads"])


# A watch: names of files that are complete, with the time at which we were told.

class Watch:
    MOVED_TO = 0x80
    CREATE = 0x100

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.folders = {}

    def add(self, folder, mask=MOVED_TO | CREATE):
        number = self.libc.inotify_add_watch(self.descriptor, os.fsencode(folder), mask)
        if number < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
        self.folders[number] = pathlib.Path(folder)

    def wait(self, timeout):
        """The next events, each (time, path); [] after `timeout` seconds."""
        if not select.select([self.descriptor], [], [], max(0, timeout))[0]:
            return []
        now = time.monotonic()
        data = os.read(self.descriptor, 65536)
        events, at = [], 0
        while at < len(data):
            number, _, _, length = struct.unpack_from("iIII", data, at)
            name = data[at + 16:at + 16 + length].rstrip(b"\0").decode()
            at += 16 + length
            if number in self.folders:
                events.append((now, self.folders[number] / name))
        return events

    def close(self):
        os.close(self.descriptor)


# The control socket, without a client process in between.

class Control:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))

    def call(self, method, **parameters):
        message = {"method": f"io.uploaderd.Control.{method}", "parameters": parameters}
        self.socket.sendall(json.dumps(message).encode() + b"\0")
        answer = b""
        while not answer.endswith(b"\0"):
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("the daemon hung up")
            answer += part
        reply = json.loads(answer[:-1])
        if "error" in reply:
            raise RuntimeError(reply)
        return reply["parameters"]

    def close(self):
        self.socket.close()


# Figures.

def median(values):
    return statistics.median(values)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(values):
    """p50, p99 and the worst, in milliseconds."""
    return {"p50": percentile(values, 50) * 1000, "p99": percentile(values, 99) * 1000, "worst": max(values) * 1000,
            "samples": len(values)}
