"""What there is little of, or too much: descriptors, watches, files, bytes. Memory stays bounded, it is said what to do, and
all is well when the limit is lifted."""

import base64
import os
import pathlib
import re
import shutil
import signal
import threading
import time

import pytest

import manifest_reader
from conservation import Ledger, printed_seed
from daemon import PATIENCE

QUEUE = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")
MEBI = 1 << 20


def peak(daemon):
    """Resident memory at its highest, in bytes (proc_pid_status(5))."""
    with open(f"/proc/{daemon.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1024


def own(daemon):
    """What it holds for itself now, in bytes: no file's pages, no program text."""
    with open(f"/proc/{daemon.pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+) kB", status.read())[1]) * 1024


def sessions(world, rng, count, size=300):
    """Small sessions of some folders; {(sid, "main"): [bytes]}."""
    wanted = {}
    for number in range(count):
        data = b'{"type":"user","n":%d,"text":"%s"}\n' % (number, rng.randbytes(size // 2).hex().encode())
        path = world.home / f"odd/{number % 97}/s{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        wanted[f"{number % 97}/s{number}", "main"] = [data]
    return wanted


def configure(world, more=""):
    (world.home / "odd").mkdir(parents=True, exist_ok=True)
    world.configure(f'[[watch]]\nroot = "{world.home}/odd"\n[segments]\nquiet = "50ms"\n{more}')


def limited(world, *words):
    """From now on the daemon is started through these words."""
    plain = world.command
    world.command = lambda name: [*words, *plain(name)] if name == "uploaderd" else plain(name)


def test_few_descriptors_cost_time_and_nothing_else(world, scale):
    """64 of them, for more sources than that at once."""
    rng, seed = printed_seed("descriptors")
    configure(world)
    count = scale(100, 400)
    wanted = sessions(world, rng, count)
    plain = world.command
    limited(world, "prlimit", "--nofile=64:64")
    daemon = world.daemon()
    world.wait_status(lambda status: status["sessions"]["known"] == len(wanted), timeout=600)
    for number in range(0, count, 3):
        path = world.home / f"odd/{number % 97}/s{number}.jsonl"
        more = b'{"more":%d}\n' % number
        with path.open("ab") as file:
            file.write(more)
        wanted[f"{number % 97}/s{number}", "main"][0] += more
    # What was short for a moment is tried again, and then nothing is wrong any more.
    world.wait_status(lambda status: not status["health"], timeout=600)
    world.ctl_run("flush", "--wait", timeout=600)
    Ledger(world.store).expect(wanted)
    assert daemon.stop() == 0
    world.command = plain
    world.daemon()
    world.ctl_run("flush", "--wait")
    Ledger(world.store).expect(wanted)


def test_a_folder_of_more_torn_lines_than_are_held_open_is_renamed(world):
    """Nothing is said of the old paths, though no pipeline stays for them."""
    configure(world)
    limited(world, "prlimit", "--nofile=64:64")
    folder, count = world.home / "odd/s", 100
    folder.mkdir()
    wanted = {}
    for number in range(count):
        (folder / f"f{number}.jsonl").write_bytes(b'{"n":%d}\n{"torn":' % number)
        wanted[f"s/f{number}", "main"] = [b'{"n":%d}\n{"torn":1}\n' % number]
    daemon = world.daemon()
    assert len(world.flush_but_ends()["not_taken"]) == count
    folder = folder.rename(world.home / "odd/t")
    for number in range(count):
        with (folder / f"f{number}.jsonl").open("ab") as file:
            file.write(b"1}\n")
    world.ctl_run("flush", "--wait")
    Ledger(world.store).expect(wanted)
    assert daemon.stop() == 0


def test_more_torn_lines_than_are_held_open_are_rotated(world):
    """Each file goes on in its stream, under its new name, and what took its name is another one."""
    configure(world)
    limited(world, "prlimit", "--nofile=64:64")
    count = 60
    away = world.home / "odd/old"
    away.mkdir()
    old = {number: b'{"n":%d}\n{"torn":' % number for number in range(count)}
    for number, data in old.items():
        (world.home / f"odd/f{number}.jsonl").write_bytes(data)
    daemon = world.daemon()
    world.flush_but_ends()
    new = {number: b'{"new":%d}\n' % number for number in range(count)}
    for number, data in new.items():
        path = world.home / f"odd/f{number}.jsonl"
        path.rename(away / f"g{number}.jsonl")
        path.write_bytes(data)
    for number in range(count):
        with (away / f"g{number}.jsonl").open("ab") as file:
            file.write(b"1}\n")
    world.ctl_run("flush", "--wait")
    found = sorted(data for session in Ledger(world.store).look().values() for stream in session.streams.values()
                   for data in stream.generations.values())
    assert found == sorted([data + b"1}\n" for data in old.values()] + list(new.values()))
    assert daemon.stop() == 0


def test_many_files_need_little_memory(world, scale):
    """A home of half a million old sessions: what is at rest is a row.

    At full length without fsync (libeatmydata): five million of them are hours of a disk's time, and no power fails here.
    """
    count = scale(4_000, 500_000)
    unsynced = scale({}, {"LD_PRELOAD": "libeatmydata.so"})
    configure(world)
    # Four in the store, two of its kept manifest, its own, and up to three while it is in the spool: a tmpfs may have fewer.
    # 0 of them at all: that file system makes them as it goes.
    inodes = os.statvfs(world.base)
    assert inodes.f_files == 0 or inodes.f_favail > 10 * count, f"too few inodes in {world.base}; see UPLOADER_TEST_DIR"
    text = b'{"type":"user","n":1}\n'
    for number in range(count):
        folder = world.home / f"odd/{number // 500}"
        if number % 500 == 0:
            folder.mkdir()
        (folder / f"s{number}.jsonl").write_bytes(text)
    daemon = world.daemon(env=unsynced)
    world.wait_status(lambda status: status["sessions"]["known"] == count, timeout=scale(300, 6 * 3600))
    world.ctl_run("flush", "--wait", timeout=scale(300, 6 * 3600))
    first = peak(daemon)
    assert len(world.ctl_lines("sessions", timeout=scale(60, 3600))) == count
    assert daemon.stop() == 0
    # Nothing to take: another life looks at all of them.
    daemon = world.daemon(wait=False, env=unsynced)
    daemon.wait_ready(timeout=600)
    ready = time.monotonic() - daemon.started
    world.wait_status(lambda status: all(root["state"] == "watching" for root in status["watching"]["roots"]), timeout=3600)
    world.ctl_run("flush", "--wait", timeout=3600)
    second = peak(daemon)
    print(f"{count} files: {first // MEBI} MiB while they are taken, {second // MEBI} MiB in the next life, of which "
          f"{own(daemon) // MEBI} MiB stay; ready after {ready:.1f} s")
    # However many there are: what looking at them took was given back.
    assert own(daemon) < 48 * MEBI
    assert second < 64 * MEBI + 1_000 * count
    assert first < 192 * MEBI + 1_000 * count
    assert daemon.stop() == 0


def test_a_large_backlog_needs_little_memory(world, scale):
    """Bounded by the budget of open segments, not by what waits: neither while the store is away, the spool full and reading
    stopped, nor when all of it is taken after that."""
    size, limit, files = scale(160 * MEBI, 5 << 30), scale(4, 64) * MEBI, 8
    archive = world.base / "archive"
    configure(world, f'[spool]\nmax_bytes = "{limit}"\n[[destination]]\nname = "archive"\npath = "{archive}"\n')
    # No folder can be made there.
    archive.touch()
    assert shutil.disk_usage(world.base).free > 3 * size
    # All that compressing saves of base64 is a quarter.
    block = b"".join(b'{"n":%d,"text":"%s"}\n' % (n, base64.b64encode(os.urandom(1500))) for n in range(512))
    for number in range(files):
        with (world.home / f"odd/s{number}.jsonl").open("wb") as file:
            for _ in range(size // files // len(block)):
                file.write(block)
    daemon = world.daemon()
    world.wait_health("destination_failing")
    world.wait_health("spool_full")
    flushed = world.ctl_run("flush", "--wait", check=False, timeout=600)
    assert flushed.returncode == 5 and b"the spool is full" in flushed.stderr, flushed.stderr
    held, waiting = world.ctl("status", check=False)["spool"]["bytes"], peak(daemon)
    assert limit * 7 // 8 <= held < limit + 64 * MEBI, held
    archive.unlink()
    world.ctl_run("flush", "--wait", timeout=scale(300, 7200))
    used = peak(daemon)
    print(f"{size // MEBI} MiB: {waiting // MEBI} MiB of memory while the spool is full, {used // MEBI} MiB at the end")
    assert used < 400 * MEBI
    world.wait_healthy()
    assert daemon.stop(timeout=600) == 0
    for number in range(files):
        path = world.home / f"odd/s{number}.jsonl"
        assert manifest_reader.read(archive, f"s{number}").latest() == path.read_bytes()


@pytest.mark.root
def test_few_watches_are_said_with_the_cure_and_taken_back(world):
    """The kernel's own limit, in a user namespace of its own; the next life has enough."""
    rng, seed = printed_seed("watches")
    configure(world, '[watching]\npoll = "20ms"\nrescan = "1s"\n')
    wanted = sessions(world, rng, 194)
    plain = world.command
    script = 'echo 10 > /proc/sys/user/max_inotify_watches && exec "$@"'
    limited(world, "unshare", "--user", "--map-root-user", "sh", "-c", script, "sh")
    daemon = world.daemon()
    entry = world.wait_health("watch_limit")
    assert "sysctl fs.inotify.max_user_watches" in entry["hint"]
    world.ctl_run("flush", "--wait")
    Ledger(world.store).expect(wanted)
    assert daemon.stop() == 0
    world.command = plain
    daemon = world.daemon()
    world.wait_healthy()
    assert daemon.stop() == 0


@pytest.mark.root
def test_an_overrun_queue_is_said_with_the_cure_and_everything_is_scanned(world):
    """The kernel's own limit: it is read when the daemon makes its queue, so it is low for that moment only."""
    rng, seed = printed_seed("queue")
    configure(world)
    wanted = sessions(world, rng, 97)
    # Time that a scan needs, and nothing to take.
    for number in range(5_000):
        (world.home / f"odd/empty/{number}").mkdir(parents=True)
    usual = QUEUE.read_text()
    try:
        QUEUE.write_text("16\n")
        limit = 16
    except OSError:
        # A sandbox that forbids it: the queue has its usual length, and more happens.
        limit = int(usual)
    try:
        daemon = world.daemon()
    finally:
        if limit == 16:
            QUEUE.write_text(usual)
    world.wait_status(lambda status: status["sessions"]["known"] == len(wanted))
    seen = threading.Event()

    def watch():
        entry = world.wait_health("queue_overflow")
        assert "sysctl fs.inotify.max_queued_events" in entry["hint"] and "restart" in entry["hint"]
        seen.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    number = len(wanted)
    here, there = world.home / "odd/empty/0", world.home / "odd/empty/elsewhere"
    # Again, if the scan was over before anybody looked.
    while not seen.is_set() and watcher.is_alive():
        daemon.send(signal.SIGSTOP)
        # Nobody reads meanwhile, so the queue is full of these when there is something to tell.
        for _ in range(limit // 2 + 1):
            here.rename(there)
            there.rename(here)
        for _ in range(10):
            data = b'{"n":%d,"text":"%s"}\n' % (number, rng.randbytes(20).hex().encode())
            (world.home / f"odd/{number % 97}/s{number}.jsonl").write_bytes(data)
            wanted[f"{number % 97}/s{number}", "main"] = [data]
            number += 1
        daemon.send(signal.SIGCONT)
        # No event tells of those, and nobody asks for a scan.
        world.wait_status(lambda status: status["sessions"]["known"] == len(wanted), timeout=600)
    watcher.join(PATIENCE)
    assert seen.is_set()
    assert "kernel dropped file events" in daemon.text() and "max_queued_events" in daemon.text()
    world.wait_healthy()
    world.ctl_run("flush", "--wait", timeout=600)
    Ledger(world.store).expect(wanted)
    assert daemon.stop() == 0
