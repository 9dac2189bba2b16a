"""The daemon under a real systemd user manager, installed as a user installs it: `make install PREFIX=~/.local`.

Faults are scripted through the environment variable UPLOADERD_FAULT (docs/operations.md):

    stall:store                the lane "store" stops answering at the first segment it is to seal after READY=1
    stall:destinations:FIFO    every destination hangs in open(2), as a dead network file system does
    slow:deliver               each put to a destination takes five seconds longer, awaited as a slow network is
"""

import gzip
import json
import os
import sqlite3
import struct
import subprocess
import time

import pytest

import generator
import manifest_reader
import systemd_manager
from daemon import binary
from hooks import wait_until
from systemd_manager import HOME, SystemdManager
from test_catalog import kinds

pytestmark = pytest.mark.skipif(bool(systemd_manager.unavailable()), reason=str(systemd_manager.unavailable()))

SERVICE, SOCKET = "uploaderd.service", "uploaderd.socket"
MESSAGE = kinds()
LINE = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"%d"}\n'


@pytest.fixture
def manager(tmp_path):
    for name in ("uploaderd", "uploaderctl"):
        (tmp_path / name).symlink_to(binary(name))
    with SystemdManager() as manager:
        manager.install(tmp_path)
        yield manager


@pytest.fixture
def session(manager):
    """A small session of Claude Code's, in the user's home."""
    session = generator.session("systemd", "claude", 60_000, children=1)
    session.apply(manager.home)
    manager.give(manager.home)
    return session


def configure(manager, text):
    return manager.write(".config/uploaderd/uploaderd.toml", text)


def grow(manager, session, *lines):
    """Appends lines to the session's main file; returns what the file holds now."""
    path = manager.home / next(path for path, stream in session.streams.items() if stream == "main")
    with path.open("ab") as file:
        file.write(b"".join(lines))
    return path.read_bytes()


def ctl(manager, *arguments, **options):
    return manager.run("uploaderctl", *arguments, **options)


def status(manager):
    return json.loads(ctl(manager, "status", "--json", check=False).stdout)


def store(manager):
    return manager.home / ".local/state/uploaderd/store"


def is_whole(manager, session, where=None):
    """Every stream of the session, as its manifest in the store tells it, equals its file."""
    stored = manifest_reader.read(where or store(manager), session.sid)
    for path, stream in session.streams.items():
        assert stored.latest(stream) == (manager.home / path).read_bytes(), stream


def entries(manager, kind):
    return manager.journal(SERVICE, f"MESSAGE_ID={MESSAGE[kind]}")


def test_enable_now_returns_only_after_ready(manager, session):
    # Whoever enables it can talk to it in the next moment.
    manager.systemctl("enable", "--now", SERVICE)
    returned = time.monotonic()
    assert manager.property(SERVICE, "ActiveState") == "active"
    assert manager.property(SERVICE, "StatusText")
    assert status(manager)["pid"] == int(manager.property(SERVICE, "MainPID"))
    # It was active when it said so itself, and not when it was started; its log is written by another thread.
    assert manager.property(SERVICE, "Type").startswith("notify")
    assert 0 < int(manager.property(SERVICE, "ActiveEnterTimestampMonotonic")) / 1e6 <= returned
    assert len(entries(manager, "ready")) == 1
    # Also= in the unit: the socket is enabled with it.
    assert manager.systemctl("is-enabled", SOCKET).stdout.strip() == "enabled"
    ctl(manager, "flush", "--wait")
    is_whole(manager, session)


def test_a_client_starts_it_through_the_socket_that_outlives_it(manager, session):
    manager.systemctl("enable", "--now", SOCKET)
    assert manager.property(SERVICE, "ActiveState") == "inactive"
    first = status(manager)["pid"]
    assert manager.property(SERVICE, "ActiveState") == "active"
    manager.systemctl("stop", SERVICE)
    assert manager.property(SERVICE, "Result") == "success"
    assert manager.property(SOCKET, "ActiveState") == "active"
    second = status(manager)["pid"]
    assert second != first
    # A restart by the manager keeps it, too.
    manager.systemctl("restart", SERVICE)
    assert status(manager)["pid"] not in (first, second)


AGENT = """
import subprocess, sys
subprocess.run(["uploaderctl", "capture"], input=sys.argv[1].encode(), check=True)
print("told", flush=True)
sys.stdin.read()
"""


def test_hooks_are_heard_through_the_sandbox(manager, session):
    """With the socket alone a hook finds nobody in its ten milliseconds, and starts who reads the queue; then the process of
    the agent is seen to end, from inside of the sandbox."""
    manager.systemctl("enable", "--now", SOCKET)
    path = f"{HOME}/{next(path for path, stream in session.streams.items() if stream == 'main')}"
    event = {"session_id": session.sid, "transcript_path": path, "hook_event_name": "SessionStart", "source": "startup"}

    def end():
        return manifest_reader.read(store(manager), session.sid).manifest["session"].get("end_reason")

    with manager.start("/usr/bin/python3", "-c", AGENT, json.dumps(event), stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE) as agent:
        assert agent.stdout.readline() == b"told\n"
        ctl(manager, "flush", "--wait")
        is_whole(manager, session)
        assert end() is None
    wait_until(store(manager) / "sessions" / session.sid, lambda: end() == "process_gone")
    is_whole(manager, session)


def spooled(manager, sid):
    """(seconds since 1970 at which it was written, header, unpacked bytes) of each file in the session's spool."""
    folder = manager.home / ".local/state/uploaderd/spool" / manifest_reader.escaped(sid)
    found = []
    for path in sorted(folder.rglob("*.seg")):
        data = path.read_bytes()
        assert data[:8] == b"UPSPOOL1", path
        (length,) = struct.unpack("<I", data[8:12])
        found.append((path.stat().st_mtime, json.loads(data[16:16 + length]), gzip.decompress(data[16 + length:])))
    return sorted(found, key=lambda each: each[1]["record"]["seq"])


def test_sigterm_seals_to_the_spool_within_two_seconds(manager, session):
    # The store cannot be written, so that what is sealed stays in the spool, where it can be seen.
    archive = manager.home / "elsewhere"
    archive.mkdir()
    manager.give(archive)
    configure(manager, f'''
        [segments]
        quiet = "1h"
        max_age = "1h"
        [[destination]]
        name = "archive"
        type = "directory"
        path = "{HOME}/elsewhere"
    ''')
    manager.systemctl("start", SERVICE)
    whole = grow(manager, session, *(LINE % number for number in range(1000)))
    asked = time.time()
    manager.systemctl("stop", SERVICE)
    assert manager.property(SERVICE, "Result") == "success"
    found = [each for each in spooled(manager, session.sid) if each[1]["record"]["stream"]["stream"] == "main"]
    assert b"".join(data for _, _, data in found) == whole
    assert max(written for written, _, _ in found) - asked <= 2
    assert found[-1][1]["record"]["cut"] == "shutdown"
    # Once the unit names the folder everything arrives.
    manager.drop_in(SERVICE, f"[Service]\nReadWritePaths={HOME}/elsewhere\n")
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    is_whole(manager, session, archive)


def test_a_store_that_the_unit_does_not_name_is_held_and_said(manager, session):
    archive = manager.home / "elsewhere"
    archive.mkdir()
    manager.give(archive)
    configure(manager, f'[[destination]]\nname = "archive"\ntype = "directory"\npath = "{HOME}/elsewhere"\n')
    manager.systemctl("start", SERVICE)
    manager.wait_for(SERVICE, "ActiveState", lambda _: bool(entries(manager, "destinationHeld")))
    (held, *_) = entries(manager, "destinationHeld")
    assert held["UPLOADER_DESTINATION"] == "archive" and held["PRIORITY"] == "3"
    assert "ReadWritePaths" in held["UPLOADER_HINT"]
    seen = status(manager)
    health = [entry for entry in seen["health"] if entry["kind"] == "destination_failing"]
    assert health and health[0]["subject"] == "archive" and "ReadWritePaths" in health[0]["hint"]
    assert seen["destinations"][0]["state"] == "held"
    assert manager.property(SERVICE, "NRestarts") == "0"


def test_the_journal_has_our_fields(manager, session):
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    path = manager.home / next(path for path, stream in session.streams.items() if stream == "main")
    # In one step: cut off and then written it is empty for a moment, and whoever looks then and again later sees its new
    # generation begin twice.
    other = manager.write(path.parent.relative_to(manager.home) / ".other", LINE % 1)
    os.replace(other, path)
    manager.wait_for(SERVICE, "ActiveState", lambda _: bool(entries(manager, "generationStarted")))
    (entry,) = entries(manager, "generationStarted")
    assert entry["UPLOADER_SESSION"] == session.sid
    assert entry["PRIORITY"] == "5" and entry["SYSLOG_IDENTIFIER"] == "uploaderd"
    assert entry["_SYSTEMD_USER_UNIT"] == SERVICE
    manager.systemctl("stop", SERVICE)
    ours = [entry for entry in manager.journal(SERVICE) if entry.get("SYSLOG_IDENTIFIER") == "uploaderd"]
    known = set(MESSAGE.values())
    for entry in ours:
        # Native entries: none came in as a line of text.
        assert entry["MESSAGE_ID"] in known and entry["PRIORITY"] in "34567" and entry["_TRANSPORT"] == "journal"
    seen = {entry["MESSAGE_ID"] for entry in ours}
    assert {MESSAGE[kind] for kind in ("started", "ready", "stopping", "stopped")} <= seen


BROKEN = '''
[segments]
max_lines = "many"
no_such_key = 1
[spool]
max_bytes = "-4GiB"
'''


def test_a_broken_file_is_refused_whole_and_the_old_one_stays(manager, session):
    configure(manager, "[segments]\nmax_lines = 4321\n")
    manager.systemctl("start", SERVICE)
    before = ctl(manager, "config", "show").stdout
    assert "4321" in before
    pid = manager.property(SERVICE, "MainPID")

    path = configure(manager, BROKEN)
    refused = manager.systemctl("reload", SERVICE, check=False)
    assert refused.returncode != 0
    said = ctl(manager, "reload", check=False)
    assert said.returncode == 1
    for key in ("max_lines", "no_such_key", "max_bytes"):
        assert key in said.stdout + said.stderr
    assert path.name in said.stdout + said.stderr
    assert entries(manager, "reloadRefused")
    assert manager.property(SERVICE, "MainPID") == pid and manager.property(SERVICE, "ActiveState") == "active"
    assert ctl(manager, "config", "show").stdout == before

    # SIGHUP means the same, and nobody waits for its verdict.
    refusals = len(entries(manager, "reloadRefused"))
    manager.systemctl("kill", "--signal=HUP", "--kill-who=main", SERVICE)
    manager.wait_for(SERVICE, "ActiveState", lambda _: len(entries(manager, "reloadRefused")) > refusals)

    configure(manager, "[segments]\nmax_lines = 1234\n")
    manager.systemctl("reload", SERVICE)
    assert entries(manager, "reloaded")
    assert "1234" in ctl(manager, "config", "show").stdout
    assert manager.property(SERVICE, "MainPID") == pid


def test_a_stalled_lane_is_restarted_by_the_watchdog(manager, session):
    manager.drop_in(SERVICE, "[Service]\nWatchdogSec=2s\nRestartSec=100ms\nEnvironment=UPLOADERD_FAULT=stall:store\n")
    manager.systemctl("start", SERVICE)
    grow(manager, session, LINE % 1)
    manager.wait_for(SERVICE, "NRestarts", lambda value: int(value) >= 1)
    assert [entry for entry in manager.journal(SERVICE) if "Watchdog timeout" in str(entry["MESSAGE"])]
    stalled = entries(manager, "laneStalled")
    assert stalled and stalled[0]["UPLOADER_LANE"] == "store"
    # Whatever it was in the middle of, nothing is lost by it.
    manager.drop_in(SERVICE, "[Service]\nWatchdogSec=2s\n")
    manager.systemctl("restart", SERVICE)
    ctl(manager, "flush", "--wait")
    is_whole(manager, session)


def test_a_slow_destination_is_not_restarted(manager, session):
    # Known before: a new state directory would wait for a store that is slow to open.
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    manager.systemctl("stop", SERVICE)
    manager.drop_in(SERVICE, "[Service]\nWatchdogSec=2s\nEnvironment=UPLOADERD_FAULT=slow:deliver\n")
    grow(manager, session, b'{"type":"user","message":"slow"}\n')
    begun = time.monotonic()
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait", timeout=180)
    assert time.monotonic() - begun > 4, "the destination was not slow: the test shows nothing"
    is_whole(manager, session)
    assert manager.property(SERVICE, "NRestarts") == "0"
    assert not entries(manager, "laneStalled")


def test_a_destination_that_hangs_does_not_hold_up_ready(manager, session):
    os.mkfifo(manager.home / "hangs")
    manager.give(manager.home)
    manager.drop_in(SERVICE, f"[Service]\nTimeoutStartSec=10s\nEnvironment=UPLOADERD_FAULT=stall:destinations:{HOME}/hangs\n")
    manager.systemctl("enable", "--now", SERVICE)
    text = manager.property(SERVICE, "StatusText")
    assert text.startswith("unhealthy: destination store has not answered for 3 s"), text
    # It goes on where it hung, by itself, and says that it does.
    os.close(os.open(manager.home / "hangs", os.O_WRONLY))
    manager.wait_for(SERVICE, "StatusText", lambda text: text.startswith("healthy"))
    ctl(manager, "flush", "--wait")
    is_whole(manager, session)
    assert entries(manager, "destinationRecovered")
    assert manager.property(SERVICE, "NRestarts") == "0"


def test_a_destination_that_hangs_does_not_hold_up_the_stop(manager, session):
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    manager.systemctl("stop", SERVICE)
    grow(manager, session, *(LINE % number for number in range(10)))
    os.mkfifo(manager.home / "hangs")
    manager.give(manager.home)
    manager.drop_in(SERVICE, f"[Service]\nEnvironment=UPLOADERD_FAULT=stall:destinations:{HOME}/hangs\n")
    manager.systemctl("start", SERVICE)
    manager.systemctl("stop", SERVICE, timeout=60)
    # Not by the manager's time-out and SIGKILL; what was sealed is in the spool.
    assert manager.property(SERVICE, "Result") == "success"
    assert spooled(manager, session.sid)
    manager.drop_in(SERVICE, "")
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    is_whole(manager, session)


def test_a_crash_is_restarted_and_loses_nothing(manager, session):
    manager.drop_in(SERVICE, "[Service]\nRestartSec=50ms\n")
    manager.systemctl("start", SERVICE)
    for number in range(3):
        grow(manager, session, LINE % number)
        manager.systemctl("kill", "--signal=KILL", "--kill-who=main", SERVICE)
        manager.wait_for(SERVICE, "NRestarts", str(number + 1))
        manager.wait_for(SERVICE, "ActiveState", "active")
    ctl(manager, "flush", "--wait")
    is_whole(manager, session)


def is_refused(manager, code):
    """A start fails with that code and is not tried again; a client hears so soon, instead of having it tried for ever."""
    assert manager.systemctl("start", SERVICE, check=False).returncode != 0
    assert manager.property(SERVICE, "ExecMainStatus") == code
    assert manager.property(SERVICE, "ActiveState") == "failed" and manager.property(SERVICE, "NRestarts") == "0"
    said = ctl(manager, "status", check=False)
    assert said.returncode == 3 and "journalctl --user -u uploaderd" in said.stderr, said.stderr
    assert manager.property(SERVICE, "ActiveState") == "failed" and manager.property(SERVICE, "NRestarts") == "0"
    assert len(entries(manager, "started")) < 30


def is_put_right(manager, session):
    """What operations.md tells the person to do who has mended what was wrong."""
    manager.systemctl("reset-failed", SERVICE, SOCKET)
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    is_whole(manager, session)


def test_a_configuration_that_cannot_be_used_is_not_tried_again(manager, session):
    path = configure(manager, BROKEN)
    is_refused(manager, "2")
    path.unlink()
    is_put_right(manager, session)


def set_catalog_version(manager, version):
    """Returns the version that it had."""
    with sqlite3.connect(manager.home / ".local/state/uploaderd/catalog.db") as catalog:
        (before,) = catalog.execute("PRAGMA user_version").fetchone()
        catalog.execute(f"PRAGMA user_version = {version}")
    manager.give(manager.home)
    return before


def test_a_catalog_of_a_newer_version_is_not_tried_again(manager, session):
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    manager.systemctl("stop", SERVICE)
    before = set_catalog_version(manager, 4711)
    is_refused(manager, "4")
    set_catalog_version(manager, before)
    is_put_right(manager, session)


def test_a_state_directory_that_another_daemon_holds_is_not_tried_again(manager, session):
    # By hand, in a terminal, with a socket of its own.
    other = manager.start("uploaderd", "--runtime-dir", f"{HOME}/other", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in other.stdout:
        if "ready" in line:
            break
    is_refused(manager, "4")
    aside = ["--socket", f"{HOME}/other/control.sock"]
    ctl(manager, *aside, "flush", "--wait")
    pid = json.loads(ctl(manager, *aside, "status", "--json", check=False).stdout)["pid"]
    manager.run("sh", "-c", f"kill {pid}")
    assert other.wait(60) == 0
    other.stdout.close()
    is_put_right(manager, session)


def test_a_fault_that_no_restart_cures_ends_in_failed(manager, session):
    manager.systemctl("start", SERVICE)
    ctl(manager, "flush", "--wait")
    manager.systemctl("stop", SERVICE)
    # As a disk that fails: neither usage nor refusal.
    spool = manager.home / ".local/state/uploaderd/spool"
    spool.chmod(0)
    # Without the growing pauses of newer managers, which older ones do not know.
    manager.drop_in(SERVICE, "[Service]\nRestartSec=10ms\nRestartSteps=0\n")
    assert manager.systemctl("start", SERVICE, check=False).returncode != 0
    manager.wait_for(SERVICE, "ActiveState", "failed", timeout=120)
    assert manager.property(SERVICE, "ExecMainStatus") == "6"
    assert 90 <= int(manager.property(SERVICE, "NRestarts")) <= 100
    assert len(entries(manager, "started")) <= 101
    spool.chmod(0o700)
    is_put_right(manager, session)
