"""The real programs in a world of their own: a home, state and runtime directories, and nobody else's environment."""

import atexit
import contextlib
import functools
import itertools
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Long, because it is only ever waited out when something is broken, and machines are slow.
PATIENCE = 60

# The exit code of a daemon that was killed.
KILLED = -signal.SIGKILL


class DaemonFailed(AssertionError):
    pass


def binary(name):
    """The path of a built program: $UPLOADERD or $UPLOADERCTL, else what `make build` made."""
    path = pathlib.Path(os.environ.get(name.upper()) or ROOT / ".build/release" / name).resolve()
    if not os.access(path, os.X_OK):
        raise DaemonFailed(f"{path} is not there: run `make build`, or set {name.upper()}")
    return path


class Notices:
    """What a service tells its manager (sd_notify(3)), received on a real socket."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        # The daemon may run as another user.
        os.chmod(path, 0o666)
        self.changed = threading.Condition()
        self.messages = []
        # Always read: the queue of a datagram socket is short, and a daemon that is not listened to would block.
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                return
            if data == b"close":
                return
            message = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
            with self.changed:
                self.messages.append((time.monotonic(), message))
                self.changed.notify_all()

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"close", str(self.path))
        self.reader.join(timeout=PATIENCE)
        self.socket.close()
        self.path.unlink()

    def seen(self, since=0, **wanted):
        """The times at which a message with these values came, or with values of which these are true.

        The first `since` messages do not count.
        """
        def fits(value, wanted):
            return value is not None and wanted(value) if callable(wanted) else value == wanted

        with self.changed:
            return [at for at, message in self.messages[since:]
                    if all(fits(message.get(name), value) for name, value in wanted.items())]


class Daemon:
    """One run of uploaderd. Made by `World.daemon`."""

    def __init__(self, world, arguments, environment, wait):
        self.world = world
        number = next(world.numbers)
        self.log = world.base / f"uploaderd.{number}.log"
        self.notices = Notices(world.base / f"notify.{number}")
        self.started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*world.command("uploaderd"), "--state-dir", world.state, "--runtime-dir", world.runtime,
                 *map(str, arguments)],
                env=world.environment(NOTIFY_SOCKET=str(self.notices.path), **environment), cwd=world.home,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        world.daemons.append(self)
        # Whoever waits for a message must learn of the end, too.
        threading.Thread(target=self._watch_end, daemon=True).start()
        if wait:
            self.wait_ready()

    def _watch_end(self):
        # waitid leaves the process to be reaped by Popen, which is not told by two threads at once.
        try:
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass
        with self.notices.changed:
            self.notices.changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_notice(self, timeout=PATIENCE, **wanted):
        """Waits for a message that is `seen`; fails at once if the daemon ends before."""
        deadline = time.monotonic() + timeout
        while True:
            with self.notices.changed:
                if self.notices.seen(**wanted):
                    return
                if self.running:
                    self.notices.changed.wait(max(0.0, min(1.0, deadline - time.monotonic())))
            if not self.running and not self.notices.seen(**wanted):
                raise DaemonFailed(f"uploaderd ended with {self.process.returncode} before {wanted}\n{self.text()}")
            if time.monotonic() > deadline and not self.notices.seen(**wanted):
                raise DaemonFailed(f"no {wanted} from uploaderd within {timeout} s\n{self.text()}")

    def wait_ready(self, timeout=PATIENCE):
        self.wait_notice(timeout, READY="1")

    def wait_exit(self, timeout=PATIENCE):
        """The exit code, or minus the signal."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise DaemonFailed(f"uploaderd did not end within {timeout} s\n{self.text()}") from None

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE):
        """Asks it to stop, and returns its exit code."""
        if self.running:
            self.send(number)
        return self.wait_exit(timeout)

    def kill(self):
        """kill -9: the crash that everything must survive."""
        if self.running:
            self.process.kill()
        return self.wait_exit()


@functools.cache
def shared_cache():
    """The cache directories of all worlds of this run: to compile the redaction rules takes a second for each new one."""
    folder = tempfile.mkdtemp(prefix="ud-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class World:
    """A home and the directories of one user's daemon. Made by the fixture `world`."""

    def __init__(self):
        # Short: the path of a Unix socket has at most 107 bytes. $UPLOADER_TEST_DIR chooses another file system.
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="ud-", dir=os.environ.get("UPLOADER_TEST_DIR")))
        self.home = self.base / "home"
        self.state = self.base / "state"
        self.runtime = self.base / "run"
        self.home.mkdir()
        self.daemons = []
        self.numbers = itertools.count()
        self.uid = None

    @property
    def store(self):
        """The directory store that there is without any configuration."""
        return self.state / "store"

    @property
    def socket(self):
        return self.runtime / "control.sock"

    def environment(self, **more):
        """Nothing of the tester's own: no agent's variables, no XDG directories, no journal, no other notify socket."""
        kept = {name: value for name, value in os.environ.items()
                if name in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "TMPDIR")}
        cache = {"XDG_CACHE_HOME": shared_cache()} if self.uid is None else {}
        return {**kept, **cache, "HOME": str(self.home), "LANG": "C.UTF-8", "USER": "tester", **more}

    def command(self, name):
        """The words that run a program as this world's user."""
        if self.uid is None:
            return [binary(name)]
        # The checkout may lie where that user cannot go.
        own = self.base / name
        if not own.exists():
            shutil.copy(binary(name), own)
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--", own]

    def become_ordinary(self):
        """From now on the programs run as an ordinary user, whom modes bind, and who owns what is here. Needs root."""
        self.uid = random.SystemRandom().randrange(20000, 60000)
        self.give()

    def give(self, path=None):
        """Makes all at and below a path (else: of this world) the user's."""
        for folder, folders, files in os.walk(path or self.base):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(folder, name), self.uid, self.uid, follow_symlinks=False)

    def write(self, relative, data, mode="wb"):
        """Writes a file of the user's below its home, and the folders to it; `mode` as of open()."""
        path = self.home / relative
        # A daemon that reads between the truncation and the writing begins a generation of it.
        assert mode != "wb" or path.suffix != ".jsonl" or not path.exists() or not path.stat().st_size \
            or not any(daemon.running for daemon in self.daemons), f"append to {relative} ('ab'), or stop the daemon first"
        missing = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode) as file:
            file.write(data)
        for each in [path, *missing] if self.uid is not None else []:
            os.chown(each, self.uid, self.uid)
        return path

    def configure(self, text):
        """Writes uploaderd.toml where the daemon looks for it."""
        return self.write(".config/uploaderd/uploaderd.toml", text, "w")

    def daemon(self, *arguments, wait=True, env=None):
        """Starts the daemon; returns when it has said READY=1, unless `wait` is off."""
        return Daemon(self, arguments, env or {}, wait)

    def once(self, *arguments, env=None, timeout=PATIENCE * 5, code=0):
        """`uploaderd --once`: takes everything, delivers it, ends. Fails unless it ends with `code`."""
        daemon = self.daemon("--once", *arguments, wait=False, env=env)
        ended = daemon.wait_exit(timeout)
        assert ended == code, f"uploaderd --once ended with {ended}, not {code}\n{daemon.text()}"
        return daemon

    def ctl_run(self, *arguments, check=True, input=None, timeout=PATIENCE, env=None, cwd=None):
        """Runs uploaderctl against this world's daemon; the result's output is bytes."""
        done = subprocess.run(
            [*self.command("uploaderctl"), "--socket", str(self.socket), *map(str, arguments)],
            env=self.environment(**(env or {})), cwd=cwd or self.home, input=input,
            stdin=None if input is not None else subprocess.DEVNULL, capture_output=True, timeout=timeout)
        if check and done.returncode != 0:
            raise DaemonFailed(f"uploaderctl {' '.join(map(str, arguments))} → {done.returncode}\n"
                               f"{done.stderr.decode(errors='replace')}{done.stdout[:2000].decode(errors='replace')}")
        return done

    def ctl(self, *arguments, **options):
        """The object that a command with --json answers."""
        return json.loads(self.ctl_run(*arguments, "--json", **options).stdout)

    def ctl_lines(self, *arguments, **options):
        """The objects, one a line, that a list command with --json answers."""
        return [json.loads(line) for line in self.ctl_run(*arguments, "--json", **options).stdout.splitlines()]

    def flush_but_ends(self, *arguments, besides=(), **options):
        """`flush --wait` where files may end in a line without its end, or give one of the reasons `besides`, and nothing
        else is left; the answer."""
        done = self.ctl_run("flush", *arguments, "--wait", "--json", check=False, **options)
        if done.returncode not in (0, 5):
            raise DaemonFailed(f"flush --wait → {done.returncode}\n{done.stderr.decode(errors='replace')}")
        state = json.loads(done.stdout)
        ends = [sentence for sentence in state["not_taken"]
                if any(reason in sentence for reason in ("line without its end", *besides))]
        left = (state["queued"], state["unresolved"], state["held"], len(state["not_taken"]) - len(ends))
        if left != (0, 0, [], 0) or (done.returncode == 5) != bool(ends):
            raise DaemonFailed(f"flush --wait → {done.returncode} {state}")
        return state

    def wait_status(self, accepts, timeout=PATIENCE, newest=False):
        """Follows `status --watch` until `accepts(status)`; returns that status.

        `newest`: of those that came while `accepts` looked only the last one is given to it, and again every second: what it
        looks at is in the store, and the last manifest there changes nothing in a status.
        """
        watch = subprocess.Popen(
            [*self.command("uploaderctl"), "--socket", str(self.socket), "status", "--watch", "--json"],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        # Whoever waits for the next line is woken by the end of the output.
        timer = threading.Timer(timeout, watch.kill)
        timer.start()
        last = None
        try:
            for line in watch.stdout:
                last = json.loads(line)
                if newest and select.select([watch.stdout], [], [], 0)[0]:
                    continue
                if accepts(last):
                    return last
                while newest and not select.select([watch.stdout], [], [], 1)[0]:
                    if accepts(last):
                        return last
        finally:
            timer.cancel()
            watch.kill()
            watch.wait()
            watch.stdout.close()
        raise DaemonFailed(f"no such status within {timeout} s, the last one was\n{json.dumps(last, indent=1)}")

    def wait_health(self, kind, subject=None):
        """Waits until health has such an entry, and returns it."""
        def entry(status):
            return next((entry for entry in status["health"] if entry["kind"] == kind
                         and subject in (None, entry["subject"])), None)
        return entry(self.wait_status(entry))

    def wait_healthy(self):
        """Waits until nothing is wrong any more."""
        return self.wait_status(lambda status: not status["health"])

    def captures(self):
        """The sessions that hooks told of, each as often as it is noted; of a daemon that has stopped."""
        with contextlib.closing(sqlite3.connect(self.state / "catalog.db")) as catalog:
            return [sid for sid, in catalog.execute("SELECT sid FROM captures ORDER BY sid")]

    def forget(self, daemon):
        """Of a daemon that has ended nothing is kept: thousands of them would fill the table of open files."""
        self.daemons.remove(daemon)
        daemon.notices.close()
        daemon.log.unlink()

    def logs(self):
        return "\n".join(f"== {daemon.log.name}\n{daemon.text()}" for daemon in self.daemons)

    def close(self):
        for daemon in self.daemons:
            daemon.kill()
            daemon.notices.close()
        # A test may have taken the rights away from what it then finds unreadable.
        subprocess.run(["chmod", "-R", "u+rwX", str(self.base)], check=False, capture_output=True)
        shutil.rmtree(self.base, ignore_errors=True)
