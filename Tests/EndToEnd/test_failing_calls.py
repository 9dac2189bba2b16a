"""The real daemon, while the kernel refuses one kind of system call after the other: strace(1) injects the errors.

Whatever fails, at whichever time: the service starts or says why not, goes on, and when the calls succeed again nothing
that an agent wrote is missing, and nothing is there twice. What the store's own calls do when they fail is tested one by
one in StoreTests; here the whole program is seen, threads, SQLite, control socket and all.
"""

import shutil
import subprocess

import pytest

import daemon as parts
from conftest import SOAK
from conservation import Ledger, printed_seed

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace: packaging/install-deps --test")

FAST = '[[watch]]\nagent = "generic"\nroot = "{home}/odd"\n[segments]\nquiet = "30ms"\nmax_lines = 20\n'
# What the store does to its directory, and how that can fail.
FAULTS = [(call, error) for calls, errors in [
    (["pwrite64", "write"], ["EIO", "ENOSPC", "EINTR"]), (["fsync", "fdatasync"], ["EIO", "EINTR"]),
    (["renameat2", "unlink", "mkdir"], ["EIO", "ENOSPC"]), (["ftruncate"], ["EIO"]), (["openat"], ["EIO", "ENOSPC", "EMFILE"]),
    (["pread64"], ["EIO", "EINTR"]), (["statfs", "getdents64"], ["EIO"])] for call in calls for error in errors]


def lines(rng, name, start, count):
    return b"".join(b'{"of":"%s","n":%d,"text":"%s"}\n' % (name.encode(), number, rng.randbytes(40).hex().encode())
                    for number in range(start, start + count))


def traced(world, call, error, when):
    """A daemon of which these calls on its state directory fail: `when` as strace has it."""
    # Nobody but the stores truncates, renames, makes folders and removes: all of these, for strace knows a file by the exact
    # path only. Of what is also done to sessions' files and sockets, which are others' business, the catalog's and the folders'.
    paths = [] if call in ("renameat2", "unlink", "mkdir", "ftruncate") else [
        world.state, world.state / "catalog.db", world.state / "catalog.db-wal", world.state / "spool",
        world.state / "manifests",
        *[world.state / f"manifests/.tmp-session-{number}.{kind}" for number in range(3) for kind in ("json", "stores")]]
    # -D: strace stands aside, and the process that was started is the daemon.
    words = ["strace", "-D", "-f", "-qq", "-o", str(world.base / "strace"), "-e", f"trace={call}",
             *[word for path in paths for word in ("-P", str(path))], "-e", f"inject={call}:error={error}:when={when}"]
    own = world.command
    world.command = lambda name: [*words, *own(name)] if name == "uploaderd" else own(name)
    try:
        return world.daemon(wait=False)
    finally:
        world.command = own


# Six of them every day, drawn anew; all with `make soak`. strace knows a descriptor's path by /proc, which of a daemon (no
# core dumps: PR_SET_DUMPABLE) only root may read.
@pytest.mark.root
@pytest.mark.parametrize("number", range(len(FAULTS) if SOAK else 6))
def test_a_call_that_fails_loses_nothing(world, number):
    rng, _ = printed_seed(f"call {number}")
    call, error = FAULTS[number] if SOAK else rng.choice(FAULTS)
    print(f"{call}: {error}")
    world.configure(FAST.format(home=world.home))
    folder = world.home / "odd"
    folder.mkdir()
    ledger = Ledger(world.store)
    wanted = {}

    def grow():
        for number in range(3):
            name = f"session-{number}"
            text = lines(rng, name, len(wanted.get(name, b"")), 30)
            with (folder / f"{name}.jsonl").open("ab") as file:
                file.write(text)
            wanted[name] = wanted.get(name, b"") + text

    grow()
    assert world.daemon().running
    world.ctl_run("flush", "--wait")
    assert world.daemons[-1].stop() == 0
    # A call that is interrupted for ever is no fault that there is: it is repeated for ever.
    whens = ["1", "3+2", str(rng.randrange(1, 40)), *(["1+"] if error != "EINTR" else [])]
    whens = whens if SOAK else [rng.choice(whens)]
    failed = 0
    for when in whens:
        grow()
        daemon = traced(world, call, error, when)
        try:
            daemon.wait_ready(20)
            grow()
            # It answers, whatever it has to say.
            assert world.ctl_run("flush", "--wait", check=False, timeout=30).returncode in (0, 5, 6)
            assert world.ctl_run("status", check=False).returncode in (0, 1)
        except parts.DaemonFailed:
            # A start that failed says why, and with which code: the service manager tries again.
            assert daemon.wait_exit(30) in (4, 6), f"{when}: {daemon.text()}"
            assert "could not start: " in daemon.text(), daemon.text()
        except subprocess.TimeoutExpired:
            # Held up for as long as the call fails: what matters is what is there afterwards.
            assert daemon.running, daemon.text()
        finally:
            daemon.kill()
        failed += (world.base / "strace").read_text(errors="replace").count("(INJECTED)")
        ledger.expect({(name, "main"): [data] for name, data in wanted.items()}, prefix=True)
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        ledger.expect({(name, "main"): [data] for name, data in wanted.items()})
        assert daemon.stop() == 0
    # The first one of each kind does fail: else this test is about nothing.
    assert failed or "1" not in whens, f"no {call} was made"


@pytest.mark.root
def test_a_file_that_the_disk_cannot_look_up_is_said(world):
    """As after a bad sector: nobody can say what it is, so nobody may say that there is nothing to take."""
    path = world.write("odd/bad.jsonl", b'{"n":1}\n')
    world.write("odd/good.jsonl", b'{"n":2}\n')
    world.configure(FAST.format(home=world.home))
    own = world.command
    words = ["strace", "-D", "-f", "-qq", "-o", str(world.base / "strace"), "-e", "trace=statx", "-P", str(path),
             "-e", "inject=statx:error=EUCLEAN"]
    world.command = lambda name: [*words, *own(name)] if name == "uploaderd" else own(name)
    daemon = world.daemon()
    world.command = own
    flushed = world.ctl_run("flush", "--wait", check=False)
    assert flushed.returncode == 5 and b"bad.jsonl: Structure needs cleaning" in flushed.stderr, flushed.stderr
    assert world.wait_health("source_unreadable")["subject"] == str(path)
    assert daemon.stop() == 0
    world.daemon()
    world.ctl_run("flush", "--wait")
    Ledger(world.store).expect({("bad", "main"): [b'{"n":1}\n'], ("good", "main"): [b'{"n":2}\n']})
