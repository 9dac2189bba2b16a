"""What lies below a root and is no file of its: links, folders that are swapped for links, FIFOs, sockets, devices."""

import ctypes
import os
import socket
import stat
import threading
import time

import pytest

import manifest_reader
from test_bad_input import LINE, SECRET, holds_nothing_of, is_calm, stored, user, wait_stored  # noqa: F401: a fixture

pytestmark = pytest.mark.root


def elsewhere(world):
    """A folder outside of the roots, readable, with a file whose content must not be found anywhere of ours."""
    folder = world.base / "elsewhere"
    for name in ("a.jsonl", "b.jsonl"):
        (folder / "in").mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(LINE % SECRET)
    world.give(folder)
    return folder


def test_symbolic_links_are_not_followed(user):
    other = elsewhere(user)
    user.write("logs/true.jsonl", LINE % b"true")
    links = {"file.jsonl": other / "in/a.jsonl", "folder": other / "in", "up": "..", "self": "self",
             "proc.jsonl": "/proc/self/environ", "inside.jsonl": "true.jsonl"}
    for name, target in links.items():
        (user.home / "logs" / name).symlink_to(target)
    daemon = user.daemon()
    user.ctl_run("flush", "--wait")
    refused = {entry["subject"] for entry in user.ctl("status", check=False)["health"] if entry["kind"] == "source_refused"}
    # A link with the name of a session file, or to a folder that could hold some: said. Others are nobody's business.
    assert {str(user.home / "logs" / name) for name in ("file.jsonl", "proc.jsonl", "inside.jsonl", "folder")} <= refused
    assert [each["sid"] for each in user.ctl_lines("sessions")] == ["true"]
    holds_nothing_of(user, SECRET)
    assert is_calm(daemon)
    for name in links:
        (user.home / "logs" / name).unlink()
    user.ctl_run("flush", "--wait")
    user.wait_healthy()


def test_a_folder_swapped_for_a_link_is_not_followed(user):
    other = elsewhere(user)
    real = user.write("logs/in/a.jsonl", LINE % b"real")
    daemon = user.daemon()
    wait_stored(user, "in/a", LINE % b"real")
    folder = real.parent
    folder.rename(user.base / "aside")
    folder.symlink_to(other / "in")
    (other / "in/a.jsonl").open("ab").write(LINE % SECRET)
    user.ctl_run("flush", "--wait", check=False)
    assert str(folder) in {entry["subject"] for entry in user.ctl("status", check=False)["health"]}
    assert stored(user, "in/a") == LINE % b"real" and stored(user, "in/b") is None
    holds_nothing_of(user, SECRET)
    # Back again: it goes on.
    folder.unlink()
    (user.base / "aside").rename(folder)
    user.write("logs/in/a.jsonl", LINE % b"more", "ab")
    user.wait_healthy()
    wait_stored(user, "in/a", LINE % b"real" + LINE % b"more")
    assert is_calm(daemon)


def exchange(one, other):
    """Swaps two names in one step, as nothing in Python's library does: renameat2(2), RENAME_EXCHANGE."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def test_a_folder_that_flickers_between_itself_and_a_link_leaks_nothing(user, scale):
    """Between a scan and an open there is always a moment: here the folder changes thousands of times a second."""
    other = elsewhere(user)
    real = user.write("logs/in/a.jsonl", LINE % b"real")
    user.write("logs/in/b.jsonl", LINE % b"real")
    link = user.home / "logs/in-link"
    link.symlink_to(other / "in")
    daemon = user.daemon()
    stopping = threading.Event()
    flips = 0

    def flicker():
        nonlocal flips
        while not stopping.is_set():
            exchange(real.parent, link)
            flips += 1
            time.sleep(0.0002)

    flickering = threading.Thread(target=flicker)
    flickering.start()
    try:
        for number in range(scale(60, 1000)):
            for folder in (user.home / "logs/in", other / "in"):
                for name in ("a.jsonl", "b.jsonl"):
                    try:
                        with open(folder / name, "ab") as file:
                            file.write(LINE % (SECRET if os.fstat(file.fileno()).st_ino in
                                               {(other / "in" / each).stat().st_ino for each in ("a.jsonl", "b.jsonl")}
                                               else b"real"))
                    except FileNotFoundError:
                        pass
            user.ctl_run("flush", check=False)
    finally:
        stopping.set()
        flickering.join()
    assert flips > 100
    if (user.home / "logs/in").is_symlink():
        exchange(real.parent, link)
    link.unlink()
    user.ctl_run("flush", "--wait")
    user.wait_healthy()
    holds_nothing_of(user, SECRET)
    # The folder has two names in turn, so a file is seen as renamed: its session has the name under which it was seen
    # first, or there is one of each name. Whatever they are called, each file is there whole, and nothing else is.
    files = [(user.home / f"logs/in/{name}.jsonl").read_bytes() for name in ("a", "b")]
    user.wait_status(lambda status: all(file in stored_streams(user) for file in files))
    for content in stored_streams(user):
        assert any(file.startswith(content) for file in files)
    assert daemon.running


def stored_streams(world):
    """The latest generation of each stream of each session in the store."""
    sessions = [manifest_reader.read(world.store, sid) for sid in manifest_reader.sessions(world.store)]
    return [session.latest(stream) for session in sessions for stream in session.streams]


def test_what_is_no_regular_file_is_never_opened(user):
    folder = user.home / "logs"
    os.mkfifo(folder / "fifo.jsonl")
    os.mknod(folder / "null.jsonl", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.jsonl"))
        user.write("logs/true.jsonl", LINE % b"true")
        user.give(folder)
        daemon = user.daemon()
        user.ctl_run("flush", "--wait")
        status = user.ctl("status", check=False)
        refused = {entry["subject"] for entry in status["health"] if entry["kind"] == "source_refused"}
        assert refused == {str(folder / f"{name}.jsonl") for name in ("fifo", "null", "socket")}
        # Nobody reads the FIFO: opening it for writing without blocking says so.
        with pytest.raises(OSError, match="ENXIO|No such device"):
            os.close(os.open(folder / "fifo.jsonl", os.O_WRONLY | os.O_NONBLOCK))
        wait_stored(user, "true", LINE % b"true")
        assert is_calm(daemon)
    # A file that takes their place is taken.
    for name in ("fifo", "null", "socket"):
        (folder / f"{name}.jsonl").unlink()
        user.write(f"logs/{name}.jsonl", LINE % name.encode())
    user.wait_healthy()
    for name in ("fifo", "null", "socket"):
        wait_stored(user, name, LINE % name.encode())
