"""Disks that are full or may not be written, under the state, under the store and under both: nothing is lost, it is said,
and it goes on by itself when there is room."""

import contextlib
import os
import shutil
import subprocess

import pytest

import manifest_reader

pytestmark = pytest.mark.root

SMALL, LARGE = "5m", "200m"


class Disk:
    """A file system of a few megabytes, in memory."""

    def __init__(self, path, size):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", path], check=True)

    def change(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize


@pytest.fixture
def disk(world):
    disks = []

    def make(path, size=SMALL):
        disks.append(Disk(path, size))
        return disks[-1]
    yield make
    for daemon in world.daemons:
        daemon.kill()
    for each in reversed(disks):
        subprocess.run(["umount", "--lazy", each.path], check=True)


def configure(world, store=None):
    destination = f'[[destination]]\nname = "archive"\ntype = "directory"\npath = "{store}"\n' if store else ""
    world.configure('[segments]\nquiet = "100ms"\nmax_bytes = "256KiB"\n' + destination)


def session(world, number, mebibytes):
    """A session that hardly shrinks."""
    lines = [b'{"type":"user","message":"%s"}\n' % os.urandom(5_000).hex().encode() for _ in range(mebibytes * 100)]
    return world.write(f".claude/projects/p/{number}.jsonl", b"".join(lines))


def is_whole(world, store, paths):
    for path in paths:
        assert manifest_reader.read(store, path.stem).latest() == path.read_bytes()


# What is short, and which health entries say so.
CASES = {"state": {"persistence_failed"}, "store": {"destination_failing"}, "both": {"persistence_failed", "destination_failing"}}


@pytest.mark.parametrize("short", CASES)
def test_a_full_disk_is_said_and_goes_on_when_there_is_room(world, disk, short):
    store = world.base / "archive"
    disks = []
    if short in ("state", "both"):
        disks.append(disk(world.state))
    if short in ("store", "both"):
        disks.append(disk(store))
    if short == "state":
        # On one disk: store and spool take the room from each other.
        store = world.state / "store"
    configure(world, store)
    daemon = world.daemon()
    paths = [session(world, number, 5) for number in range(4)]
    status = world.wait_status(lambda status: {entry["kind"] for entry in status["health"]} & CASES[short])
    assert any("No space left" in entry["message"] or "free space" in (entry["hint"] or "") or "room" in entry["message"]
               for entry in status["health"]), status["health"]
    assert world.ctl_run("status", check=False).returncode == 1
    # A crash now, and a start on the full disk: it starts, or says why not, and loses nothing.
    daemon.kill()
    daemon = world.daemon()
    world.wait_status(lambda status: status["health"])
    for each in disks:
        each.change(f"size={LARGE}")
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    is_whole(world, store, paths)
    assert daemon.stop() == 0


def test_a_state_directory_that_becomes_read_only_is_said_and_goes_on(world, disk):
    state = disk(world.state, LARGE)
    store = world.base / "archive"
    configure(world, store)
    daemon = world.daemon()
    first = session(world, 1, 1)
    world.wait_status(lambda status: status["sessions"]["known"] == 1)
    world.ctl_run("flush", "--wait")
    # Open files hold a remount off.
    daemon.stop()
    state.change("ro")
    failed = world.daemon(wait=False)
    assert failed.wait_exit() == 6
    assert "Read-only file system" in failed.text() and "state directory" in failed.text()
    assert not world.socket.exists()
    state.change("rw")
    second = session(world, 2, 1)
    world.daemon()
    world.wait_status(lambda status: status["sessions"]["known"] == 2)
    world.ctl_run("flush", "--wait")
    is_whole(world, store, [first, second])


def test_a_state_directory_that_its_user_may_not_write_is_said(world):
    world.become_ordinary()
    world.state.mkdir(mode=0o500)
    world.give(world.state)
    failed = world.daemon(wait=False)
    assert failed.wait_exit() == 6
    assert "Permission denied" in failed.text() and "--state-dir" in failed.text()


@contextlib.contextmanager
def through_fuse(behind, mounted):
    """`mounted` shows what is in `behind` through a process: what is written behind it no kernel announces there."""
    if not shutil.which("bindfs") or not os.path.exists("/dev/fuse"):
        pytest.skip("needs bindfs and /dev/fuse")
    for path in (behind, mounted):
        path.mkdir(parents=True)
    # The kernel must not remember attributes: nobody tells it when they change.
    subprocess.run(["bindfs", "-o", "attr_timeout=0,entry_timeout=0", behind, mounted], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)


def test_a_root_behind_fuse_is_polled_and_said(world):
    """What another machine, or the program behind the mount, writes there is seen without any event."""
    behind, root = world.base / "behind", world.home / ".claude/projects"
    world.configure('[segments]\nquiet = "50ms"\n[watching]\npoll = "50ms"\n')
    with through_fuse(behind, root):
        daemon = world.daemon()
        entry = world.wait_health("root_polled", str(root))
        assert "FUSE" in entry["message"] and "watching.poll" in entry["hint"]
        states = {each["root"]: each["state"] for each in world.ctl("status", check=False)["watching"]["roots"]}
        assert states[str(root)] == "polled", states
        (behind / "p").mkdir()
        path = behind / "p/first.jsonl"
        path.write_bytes(b'{"n":1}\n')
        world.wait_status(lambda status: taken(world, path))
        with path.open("ab") as file:
            file.write(b'{"n":2}\n')
        world.wait_status(lambda status: taken(world, path))
        assert daemon.stop() == 0


def taken(world, path):
    folder = world.store / "sessions" / path.stem
    return (folder / "manifest.json").exists() and \
        manifest_reader.read(world.store, path.stem).latest() == path.read_bytes()
