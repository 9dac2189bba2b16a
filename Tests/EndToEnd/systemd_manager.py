"""A real systemd user manager, with a journal of its own, for one ordinary user, in namespaces of its own.

    with SystemdManager() as manager:
        manager.write(".config/systemd/user/x.service", text)
        manager.run("systemctl", "--user", "enable", "--now", "x")

Nothing of the machine is touched: the user exists only in a private /etc/passwd, /run and /var/log are private tmpfs,
the cgroups are below one of our own. The home is a folder that the test can read and write, too, at `manager.home`;
inside it is /home/tester. It needs root, and
starts in a fraction of a second. Several can run side by side.

How it is built, outermost first; each stage is this very file, run with the stage's name:

    test       SystemdManager: holds the keeper's standard input; when that closes, all below ends
    keeper     own mount namespace; mounts cgroup2, makes a group, joins it; removes the group at the end
    init       own pid, mount and cgroup namespace; PID 1 there; mounts, starts journald and the user manager, reaps

A systemd is never booted on the real /: systemd-tmpfiles would empty /tmp.
"""

import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOURNALD = "/lib/systemd/systemd-journald"
SYSTEMD = "/lib/systemd/systemd"
NEEDED = [JOURNALD, SYSTEMD, "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/bin/setpriv", "/usr/bin/dbus-daemon"]
NAME = "tester"
HOME = f"/home/{NAME}"


class ManagerFailed(Exception):
    """The manager did not come up; the message holds what was said."""


def unavailable():
    """Why a manager cannot be started here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [path for path in NEEDED if not os.path.exists(path)]
    if missing:
        return f"needs {', '.join(missing)}: packaging/install-deps --test"
    return None


class SystemdManager:
    def __init__(self):
        # Not below pytest's tmp_path: root's, mode 0700, and the user has to reach its home.
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="uploaderd-sd-", dir="/var/tmp"))
        self.base.chmod(0o755)
        # Seen from inside it is /home/tester: ProtectSystem= and ProtectHome= treat /home as no other folder.
        self.root = self.base / "root"
        self.home = self.root / HOME[1:]
        # Above 1000, so that the journal is split for it, and below the dynamic users; see systemd's UIDS-GIDS.md.
        self.uid = random.SystemRandom().randrange(20000, 60000)
        self.runtime = f"/run/user/{self.uid}"
        self.keeper = None
        self.init_pid = None

    def __enter__(self):
        self.home.mkdir(mode=0o700, parents=True)
        os.chown(self.home, self.uid, self.uid)
        self.keeper = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--",
             sys.executable, __file__, "keeper", str(self.base), str(self.uid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(self.base / "log").open("wb"), text=True)
        said = self.keeper.stdout.readline()
        if not said.startswith("ready "):
            self._end()
            log = (self.base / "log").read_text(errors="replace")
            shutil.rmtree(self.base, ignore_errors=True)
            raise ManagerFailed(f"the manager did not come up: {said.strip()}\n{log}")
        self.init_pid = int(said.split()[1])
        return self

    def __exit__(self, *_):
        # A clean exit stops the units; whatever is left dies with the namespace.
        self.run("systemctl", "--user", "exit", check=False, timeout=20)
        self._end()
        shutil.rmtree(self.base, ignore_errors=True)

    def _end(self):
        self.keeper.stdin.close()
        try:
            self.keeper.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
        self.keeper.stdout.close()

    # What the user does.

    def environment(self, **more):
        return {
            "HOME": HOME, "USER": NAME, "LOGNAME": NAME, "SHELL": "/bin/sh", "LANG": "C.UTF-8",
            "PATH": f"{HOME}/.local/bin:/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": self.runtime,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.runtime}/bus", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", **more,
        }

    def run(self, *command, check=True, timeout=60, input=None, env=None):
        """Runs a command as the user, in the user's session; raises on failure unless `check` is off."""
        done = subprocess.run(
            self._enter(command, env or {}), capture_output=True, text=True, timeout=timeout, input=input,
            stdin=None if input is not None else subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(map(str, command))} → {done.returncode}\n{done.stdout}{done.stderr}\n{self.journal_text()}")
        return done

    def start(self, *command, env=None, **popen):
        """Starts a command as the user and returns its Popen."""
        return subprocess.Popen(self._enter(command, env or {}), **popen)

    def _enter(self, command, more):
        session = f"/sys/fs/cgroup/user.slice/user-{self.uid}.slice/session-1.scope/cgroup.procs"
        variables = [f"{name}={value}" for name, value in self.environment(**more).items()]
        return [
            "nsenter", f"--target={self.init_pid}", "--mount", "--pid", "--cgroup", "--",
            "sh", "-c", f'echo $$ >{session}; cd "$0"; exec "$@"', HOME,
            "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--init-groups",
            "env", "-i", *variables, *map(str, command),
        ]

    def systemctl(self, *arguments, **options):
        return self.run("systemctl", "--user", *arguments, **options)

    def property(self, unit, name):
        return self.systemctl("show", unit, f"--property={name}", "--value").stdout.strip()

    def wait_for(self, unit, name, wanted, timeout=30):
        """Waits until a property of the unit is `wanted` (a value, or a function of it); returns the value."""
        accepts = wanted if callable(wanted) else lambda value: value == wanted
        deadline = time.monotonic() + timeout
        with ManagerSignals(self) as signals:
            while not accepts(value := self.property(unit, name)):
                left = deadline - time.monotonic()
                if left < 0:
                    raise AssertionError(f"{unit}: {name} is still {value!r} after {timeout} s\n{self.journal_text()}")
                signals.wait(left)
        return value

    def journal(self, unit, *matches):
        """The user's own journal of a unit, as dictionaries, oldest first, with everything written until now."""
        subprocess.run(
            ["nsenter", f"--target={self.init_pid}", "--mount", "--pid", "--", "journalctl", "--sync"],
            check=True, capture_output=True, timeout=30)
        said = self.run("journalctl", "--user", f"--user-unit={unit}", "-o", "json", "--no-pager", "--quiet", *matches)
        return [json.loads(line) for line in said.stdout.splitlines()]

    def journal_text(self):
        said = self.run("journalctl", "--user", "--no-pager", "-n", "60", "-o", "short-monotonic", check=False)
        return said.stdout + said.stderr

    # Files of the user's.

    def write(self, relative, content, mode=0o644):
        """Writes a file of the user's, below its home, and the folders to it."""
        path = self.home / relative
        missing = [folder for folder in [path.parent, *path.parent.parents] if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        for each in [path, *missing]:
            os.chown(each, self.uid, self.uid)
        return path

    def install(self, binaries):
        """`make install PREFIX=~/.local`, of the programs in a folder; the journal's catalog is not touched by that."""
        environment = {"PATH": os.environ["PATH"], "HOME": HOME, "PREFIX": f"{HOME}/.local", "DESTDIR": str(self.root),
                       "UPLOADER_BIN": str(binaries)}
        done = subprocess.run(
            [ROOT / "packaging/install-files", "install"], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"make install: {done.stderr}")
        self.give(self.home)
        self.systemctl("daemon-reload")

    def give(self, path):
        """Makes everything at and below a path the user's."""
        for folder, folders, files in os.walk(path):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(folder, name), self.uid, self.uid, follow_symlinks=False)

    def drop_in(self, unit, text):
        self.write(f".config/systemd/user/{unit}.d/test.conf", text)
        self.systemctl("daemon-reload")


class ManagerSignals:
    """What the user manager tells whoever has subscribed: that something of a unit or job has changed. What it is nobody
    looks at here: it is a reason to ask."""

    def __init__(self, manager):
        # From inside: the manager takes nobody whose process id it cannot see.
        self.listener = manager.start(
            "python3", "-c", pathlib.Path(__file__).with_name("manager_signals.py").read_text(),
            f"{manager.runtime}/systemd/private", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # From here on nothing is missed.
        self.wait(30)

    def wait(self, timeout):
        """Returns when something was told, or after so many seconds."""
        if select.select([self.listener.stdout], [], [], timeout)[0]:
            assert os.read(self.listener.stdout.fileno(), 1 << 16), "the manager is gone"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.kill()
        self.listener.wait()
        self.listener.stdin.close()
        self.listener.stdout.close()


# The keeper.

def keeper(base, uid):
    groups = f"{base}/cgroup"
    os.mkdir(groups)
    subprocess.run(["mount", "-t", "cgroup2", "none", groups], check=True)
    mine = f"{groups}/{os.path.basename(base)}"
    os.mkdir(mine)
    pathlib.Path(mine, "cgroup.procs").write_text(str(os.getpid()))
    init = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--cgroup", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
         "--", sys.executable, __file__, "init", base, uid],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    said = init.stdout.readline().strip()
    # unshare's only child is PID 1 of the namespace; its number out here is what nsenter wants.
    children = pathlib.Path(f"/proc/{init.pid}/task/{init.pid}/children").read_text().split()
    if said == "ready" and children:
        print("ready", children[0], flush=True)
        sys.stdin.read()
    else:
        print("failed", said, flush=True)
    # With PID 1 the whole namespace ends. unshare waits for it, and so do we.
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    init.wait()
    # A group can be removed when the last process in it is gone, which the kernel does not do at once.
    pathlib.Path(groups, "cgroup.procs").write_text(str(os.getpid()))
    with open(f"{mine}/cgroup.events") as events:
        told = select.poll()
        # cgroups(7): a change of the file is told as POLLPRI.
        told.register(events, select.POLLPRI)
        while "populated 1" in events.read() and told.poll(30_000):
            events.seek(0)
    for folder, _, _ in os.walk(mine, topdown=False):
        os.rmdir(folder)
    subprocess.run(["umount", groups], check=False)


# PID 1.

def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def private_copy(base, path, line):
    copy = f"{base}/{os.path.basename(path)}"
    pathlib.Path(copy).write_text(pathlib.Path(path).read_text().rstrip("\n") + "\n" + line + "\n")
    mount("--bind", copy, path)


def wait_until(claim, what, timeout=30):
    deadline = time.monotonic() + timeout
    while not claim():
        if time.monotonic() > deadline:
            print(f"{what} did not come", flush=True)
            sys.exit(f"{what} did not come within {timeout} s")
        time.sleep(0.01)


def init(base, uid):
    number = int(uid)
    runtime = f"/run/user/{uid}"
    subprocess.run(["umount", "--recursive", "--lazy", "/sys/fs/cgroup"], check=False, stderr=subprocess.DEVNULL)
    mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/log")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/home")
    os.mkdir(HOME)
    mount("--bind", f"{base}/root{HOME}", HOME)
    private_copy(base, "/etc/passwd", f"{NAME}:x:{uid}:{uid}::{HOME}:/bin/sh")
    private_copy(base, "/etc/group", f"{NAME}:x:{uid}:")
    machine = pathlib.Path("/etc/machine-id").read_text().strip() if os.path.exists("/etc/machine-id") else ""
    if len(machine) != 32:
        machine = random.SystemRandom().randbytes(16).hex()
        pathlib.Path(base, "machine-id").write_text(machine + "\n")
        pathlib.Path("/etc/machine-id").touch()
        mount("--bind", f"{base}/machine-id", "/etc/machine-id")
    # sd_booted(3) looks for the first; without the others mount directives and LoadCredential= fail with 226 or 243.
    # unit-root is where systemd before 254 builds a service's root, mount-rootfs where later ones do.
    for folder in ["/run/systemd/system", "/run/systemd/journal", "/run/systemd/unit-root",
                   "/run/systemd/mount-rootfs", "/run/credentials",
                   "/run/lock", f"/var/log/journal/{machine}", "/run/user"]:
        os.makedirs(folder, exist_ok=True)
    os.mkdir(runtime, 0o700)
    os.chown(runtime, number, number)
    # As if systemd-journal-flush had run: only then are there journals on "disk", one for each user.
    pathlib.Path("/run/systemd/journal/flushed").touch()

    journald = subprocess.Popen([JOURNALD], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(lambda: os.path.exists("/run/systemd/journal/stdout"), "journald")

    # The path that logind would have made: journald takes _SYSTEMD_USER_UNIT from it.
    slice_ = pathlib.Path(f"/sys/fs/cgroup/user.slice/user-{uid}.slice")
    service = slice_ / f"user@{uid}.service"
    scope = service / "init.scope"
    session = slice_ / "session-1.scope"
    scope.mkdir(parents=True)
    session.mkdir()
    for folder in [service, scope]:
        for each in [folder, *(folder / name for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"))]:
            os.chown(each, number, number)
    environment = {
        "HOME": HOME, "USER": NAME, "LOGNAME": NAME, "SHELL": "/bin/sh", "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": runtime,
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus", "SYSTEMD_LOG_TARGET": "journal",
    }
    manager = subprocess.Popen(
        ["sh", "-c", f'echo $$ >{scope}/cgroup.procs; cd "$0"; exec "$@"', HOME,
         "setpriv", f"--reuid={uid}", f"--regid={uid}", "--init-groups", SYSTEMD, "--user"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def up():
        asked = subprocess.run(
            ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--init-groups", "systemctl", "--user", "is-system-running"],
            env=environment, capture_output=True, text=True)
        return asked.stdout.strip() in ("running", "degraded") or manager.poll() is not None

    wait_until(up, "the user manager")
    if manager.poll() is not None:
        print(f"the user manager ended with {manager.returncode}", flush=True)
        sys.exit(1)
    print("ready", flush=True)
    # PID 1 inherits orphans. It ends by a signal from the keeper only: journald is needed after the manager's exit.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.pause()


if __name__ == "__main__":
    {"keeper": keeper, "init": init}[sys.argv[1]](*sys.argv[2:])
