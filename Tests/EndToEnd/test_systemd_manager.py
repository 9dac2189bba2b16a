"""The harness itself: without it working, nothing that test_systemd.py says would mean anything."""

import os
import pathlib
import textwrap

import pytest

import systemd_manager
from systemd_manager import SystemdManager

pytestmark = pytest.mark.skipif(bool(systemd_manager.unavailable()), reason=str(systemd_manager.unavailable()))

# Says READY late, answers on an inherited socket, feeds the watchdog until it is told to hang.
SERVICE = textwrap.dedent('''
    import os, select, signal, socket, sys, time
    def notify(text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(text.encode(), os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
    time.sleep(0.5)
    open(os.path.expanduser("~/state/ready"), "w").close()
    notify("READY=1")
    listener = socket.socket(fileno=3)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        if not os.path.exists(os.path.expanduser("~/state/hang")):
            notify("WATCHDOG=1")
        if select.select([listener], [], [], 0.2)[0]:
            client, _ = listener.accept()
            client.sendall(f"{os.getpid()}\\n".encode())
            client.close()
''')


@pytest.fixture
def manager():
    with SystemdManager() as manager:
        manager.write("service.py", SERVICE)
        (manager.home / "state").mkdir()
        manager.give(manager.home)
        manager.write(".config/systemd/user/trivial.service", textwrap.dedent('''
            [Service]
            Type=notify
            ExecStart=/usr/bin/python3 %h/service.py
            WatchdogSec=1s
            Restart=on-failure
            RestartSec=50ms
            PrivateUsers=yes
            ProtectSystem=strict
            ProtectHome=read-only
            ReadWritePaths=%h/state
            LoadCredential=secret:%h/service.py
            [Install]
            WantedBy=default.target
        '''))
        manager.write(".config/systemd/user/trivial.socket", textwrap.dedent('''
            [Socket]
            ListenStream=%t/trivial/control.sock
            [Install]
            WantedBy=sockets.target
        '''))
        yield manager


def test_start_returns_after_ready_and_the_journal_is_there(manager):
    manager.systemctl("enable", "--now", "trivial.socket", "trivial.service")
    assert (manager.home / "state/ready").exists()
    assert manager.property("trivial.service", "ActiveState") == "active"
    started = [entry for entry in manager.journal("trivial.service") if "Started" in str(entry["MESSAGE"])]
    assert started


def test_a_missed_watchdog_restarts(manager):
    manager.systemctl("start", "trivial.socket", "trivial.service")
    (manager.home / "state/hang").touch()
    manager.wait_for("trivial.service", "NRestarts", lambda value: int(value) >= 1)
    (manager.home / "state/hang").unlink()
    manager.wait_for("trivial.service", "ActiveState", "active")


def test_a_socket_starts_the_service_and_outlives_it(manager):
    manager.systemctl("start", "trivial.socket")
    assert manager.property("trivial.service", "ActiveState") == "inactive"
    call = ["python3", "-c", "import os,socket;s=socket.socket(socket.AF_UNIX);"
            "s.connect(os.environ['XDG_RUNTIME_DIR']+'/trivial/control.sock');print(s.makefile().read())"]
    assert manager.run(*call).stdout.strip().isdigit()
    assert manager.property("trivial.service", "ActiveState") == "active"
    manager.systemctl("stop", "trivial.service")
    assert manager.property("trivial.socket", "ActiveState") == "active"
    assert manager.run(*call).stdout.strip().isdigit()


def test_a_sandbox_holds(manager):
    manager.write(".config/systemd/user/probe.service", textwrap.dedent('''
        [Service]
        Type=oneshot
        PrivateUsers=yes
        ProtectSystem=strict
        ProtectHome=read-only
        ReadWritePaths=%h/state
        ExecStart=/bin/sh -c 'touch %h/state/inside; ! touch %h/outside'
    '''))
    manager.systemctl("daemon-reload")
    manager.systemctl("start", "probe.service")
    assert (manager.home / "state/inside").exists() and not (manager.home / "outside").exists()


def test_nothing_is_left_behind():
    with SystemdManager() as manager:
        base, pid = manager.base, manager.init_pid
        assert pathlib.Path(f"/proc/{pid}").exists()
    assert not base.exists()
    assert not pathlib.Path(f"/proc/{pid}").exists()
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    assert os.path.basename(base) not in mounts
    # Where the groups can be seen from out here, ours is gone.
    for line in mounts.splitlines():
        kind, where = line.split()[2], line.split()[1]
        if kind == "cgroup2":
            assert not os.path.exists(os.path.join(where, os.path.basename(base)))
