"""The sandbox of uploaderd.service, from the inside: each restriction is tried, in a real user manager.

The unit is the shipped one; only its program is replaced by a probe, so this needs no daemon. A directive that a
manager accepts and does not apply would look just as good in `systemd-analyze security`.
"""

import json
import subprocess
import textwrap

import pytest

import systemd_manager
from daemon import ROOT
from systemd_manager import SystemdManager

pytestmark = pytest.mark.skipif(bool(systemd_manager.unavailable()), reason=str(systemd_manager.unavailable()))

PROBE = textwrap.dedent('''
    import ctypes, errno, json, mmap, os, resource, socket, subprocess, sys
    home, runtime = os.environ["HOME"], os.environ["XDG_RUNTIME_DIR"]
    found = {}

    def probe(name, body):
        try:
            value = body()
            found[name] = "ok" if value is None else value
        except subprocess.CalledProcessError as error:
            found[name] = f"exit {error.returncode}"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]

    def write(path):
        with open(path, "w") as file:
            file.write("x")

    def reach(path):
        with socket.socket(socket.AF_UNIX) as out:
            out.connect(path)

    def call(name, *arguments):
        libc = ctypes.CDLL(None, use_errno=True)
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), name)

    probe("write profile", lambda: write(home + "/.profile"))
    probe("write unit", lambda: write(home + "/.config/systemd/user/x.service"))
    probe("write source", lambda: write(home + "/.claude/projects/x/s.jsonl"))
    probe("write tmp", lambda: write("/tmp/uploaderd-probe"))
    probe("write runtime", lambda: write(runtime + "/x"))
    probe("write state", lambda: write(home + "/.local/state/uploaderd/x"))
    probe("write cache", lambda: write(home + "/.cache/uploaderd/x"))
    probe("write archive", lambda: write(home + "/session-archive/x"))
    probe("write own runtime", lambda: write(runtime + "/uploaderd/x"))
    probe("read source", lambda: open(home + "/.claude/projects/x/s.jsonl").read())
    probe("read configuration", lambda: open(home + "/.config/uploaderd/uploaderd.toml").read())
    probe("read ssh", lambda: os.listdir(home + "/.ssh"))
    probe("bus", lambda: reach(runtime + "/bus"))
    probe("manager", lambda: reach(runtime + "/systemd/private"))
    probe("systemd-run", lambda: subprocess.run(["systemd-run", "--user", "true"], check=True, capture_output=True) and None)
    probe("journal", lambda: reach("/run/systemd/journal/stdout"))
    probe("run usr", lambda: subprocess.run(["/usr/bin/true"], check=True) and None)
    probe("run source", lambda: subprocess.run([home + "/.claude/tool"], check=True) and None)
    probe("run archive", lambda: subprocess.run([home + "/session-archive/tool"], check=True) and None)
    probe("write shm", lambda: write("/dev/shm/x"))
    probe("run state", lambda: subprocess.run([home + "/.local/state/uploaderd/tool"], check=True) and None)
    probe("user namespace", lambda: call("unshare", 0x10000000))
    probe("mount", lambda: call("mount", b"x", b"/mnt", b"tmpfs", 0, None))
    probe("suid", lambda: os.chmod(home + "/.local/state/uploaderd/x", 0o4700))
    # Not in @system-service: without the filter this would be EBADF.
    probe("pidfd_getfd", lambda: call("syscall", 438, -1, -1, 0))
    # In @privileged: anybody else may give a file to whom it belongs.
    probe("chown", lambda: os.chown(home + "/.local/state/uploaderd/x", os.getuid(), os.getgid()))
    probe("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close())
    probe("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close())
    probe("inet", lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close())
    probe("sysctl", lambda: write("/proc/sys/fs/inotify/max_user_watches"))
    probe("cgroup", lambda: os.mkdir("/sys/fs/cgroup" + open("/proc/self/cgroup").read().strip().split("::")[1] + "/x"))
    probe("kmsg", lambda: open("/dev/kmsg"))
    probe("devices", lambda: sorted(set(os.listdir("/dev")) & {"sda", "vda", "mem", "kvm", "fuse", "tty0"}))
    probe("jit", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close())
    probe("umask", lambda: oct(os.umask(0o077)))
    probe("core", lambda: resource.getrlimit(resource.RLIMIT_CORE)[0])
    probe("inotify", lambda: call("inotify_init1", 0))
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    found["capabilities"] = int(status["CapEff"], 16) | int(status["CapBnd"], 16)
    found["no new privileges"] = status["NoNewPrivs"]
    found["root is"] = os.stat("/usr").st_uid
    found["listens"] = [os.environ.get("LISTEN_FDS"), os.environ.get("LISTEN_FDNAMES")]
    found["watchdog"] = os.environ.get("WATCHDOG_USEC")
    with open(home + "/.local/state/uploaderd/found.json", "w") as file:
        json.dump(found, file)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
''')


@pytest.fixture(scope="module")
def found():
    with SystemdManager() as manager:
        for unit in ("uploaderd.service", "uploaderd.socket"):
            manager.write(f".config/systemd/user/{unit}", (ROOT / "packaging/systemd" / unit).read_text())
        manager.write("probe.py", PROBE)
        manager.write(".profile", "mine")
        manager.write(".ssh/id", "secret", 0o600)
        manager.write(".claude/projects/x/s.jsonl", "{}\n")
        manager.write(".config/uploaderd/uploaderd.toml", "# nothing\n")
        manager.write(".claude/tool", "#!/bin/sh\nexit 0\n", 0o755)
        manager.write(".local/state/uploaderd/tool", "#!/bin/sh\nexit 0\n", 0o755)
        manager.write("session-archive/tool", "#!/bin/sh\nexit 0\n", 0o755)
        manager.give(manager.home)
        manager.drop_in("uploaderd.service", "[Service]\nExecStart=\nExecStart=/usr/bin/python3 %h/probe.py\n")
        manager.systemctl("start", "uploaderd.service")
        found = json.loads((manager.home / ".local/state/uploaderd/found.json").read_text())
        found["profile"] = (manager.home / ".profile").read_text()
        found["modes"] = {name: oct((manager.home / name).stat().st_mode & 0o777)
                          for name in (".local/state/uploaderd/x", ".cache/uploaderd")}
        yield found


@pytest.mark.parametrize("what", ["write profile", "write unit", "write source", "write tmp", "write runtime"])
def test_it_writes_nowhere_else(found, what):
    assert found[what] == "EROFS"
    assert found["profile"] == "mine"


@pytest.mark.parametrize("what", [
    "write state", "write cache", "write archive", "write own runtime", "read source", "read configuration", "journal", "run usr",
    "inet", "inotify", "jit"])
def test_it_can_do_its_work(found, what):
    assert found[what] in ("ok", "{}\n", "# nothing\n")


@pytest.mark.parametrize("what", ["read ssh", "bus", "manager", "kmsg", "run state", "run source", "run archive", "write shm"])
def test_doors_are_shut(found, what):
    assert found[what] in ("EACCES", "ENOENT", "EPERM")


def test_it_cannot_have_something_run_outside(found):
    assert found["systemd-run"] == "exit 1"


@pytest.mark.parametrize("what", ["user namespace", "mount", "suid", "pidfd_getfd", "chown"])
def test_calls_are_refused(found, what):
    assert found[what] == "EPERM"


@pytest.mark.parametrize("what", ["netlink", "packet"])
def test_sockets_are_refused(found, what):
    assert found[what] in ("EAFNOSUPPORT", "EPERM")


def test_the_kernel_is_out_of_reach(found):
    assert found["sysctl"] in ("EROFS", "EACCES") and found["cgroup"] in ("EROFS", "EACCES", "ENOENT")
    assert found["devices"] == []


def test_it_holds_no_rights(found):
    assert found["capabilities"] == 0 and found["no new privileges"] == "1"
    assert found["root is"] == 65534


def test_its_files_are_its_users_alone(found):
    assert found["umask"] == "0o77" and found["core"] == 0
    assert found["modes"] == {".local/state/uploaderd/x": "0o600", ".cache/uploaderd": "0o700"}


def test_it_gets_the_socket_and_the_watchdog(found):
    assert found["listens"] == ["1", "control"] and found["watchdog"] == "60000000"


def test_a_start_without_any_directory_makes_them():
    """The first start on a fresh account: what is to be writable has to exist before the sandbox is built."""
    with SystemdManager() as manager:
        for unit in ("uploaderd.service", "uploaderd.socket"):
            manager.write(f".config/systemd/user/{unit}", (ROOT / "packaging/systemd" / unit).read_text())
        manager.write("probe.py", PROBE)
        manager.drop_in("uploaderd.service", "[Service]\nExecStart=\nExecStart=/usr/bin/python3 %h/probe.py\n")
        assert not (manager.home / ".local").exists()
        manager.systemctl("start", "uploaderd.service")
        found = json.loads((manager.home / ".local/state/uploaderd/found.json").read_text())
        assert found["write state"] == "ok" and found["write cache"] == "ok"


def test_a_private_installation_may_run_its_program(tmp_path):
    """PREFIX=~/.local: below the home nothing may run but what was installed there."""
    for name in ("uploaderd", "uploaderctl"):
        (tmp_path / name).write_text(f"#!/usr/bin/python3\n{PROBE if name == 'uploaderd' else 'print(1)'}")
        (tmp_path / name).chmod(0o755)
    with SystemdManager() as manager:
        manager.install(tmp_path)
        manager.systemctl("start", "uploaderd.service")
        assert (manager.home / ".local/state/uploaderd/found.json").exists()
