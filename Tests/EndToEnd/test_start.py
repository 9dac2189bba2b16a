"""How the daemon starts: what it claims before it touches anything, and what it does not wait for."""

import os
import shutil
import sqlite3
import stat
import subprocess

import pytest

import manifest_reader
from daemon import PATIENCE

LINE = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"%d"}\n'


def known_sources(state):
    """How many files a catalog has heard of; a state directory without a catalog has heard of none."""
    with sqlite3.connect(f"file:{state}/catalog.db?mode=ro", uri=True) as catalog:
        return catalog.execute("SELECT count(*) FROM streams").fetchone()[0]


def test_a_daemon_whose_socket_is_taken_takes_no_line(world):
    """Another state directory, the same runtime directory: nothing may be cut before the socket is its own, too."""
    for number in range(20):
        world.write(f".claude/projects/p/{number}.jsonl", LINE % number)
    first = world.daemon()
    other = world.base / "other"
    # Finding out who has the socket takes half a second here: time in which an engine would begin.
    second = subprocess.run(
        ["strace", "--quiet=all", "-f", "-o", "/dev/null", "-e", "trace=connect", "-e", "inject=connect:delay_enter=500000",
         *world.command("uploaderd"), "--state-dir", other, "--runtime-dir", world.runtime],
        env=world.environment(), cwd=world.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 4
    assert "another uploaderd answers" in second.stderr
    assert known_sources(other) == 0
    assert not (other / "store").exists()
    assert first.running and world.ctl("status", check=False)["pid"] == first.pid


def answered(world, *arguments, **options):
    return subprocess.run([*world.command("uploaderd"), *arguments], env=world.environment(), cwd=world.home,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE, **options)


@pytest.mark.parametrize("flag", ["--check", "--dry-run", "--help", "--version"])
def test_an_answer_that_cannot_be_written_is_a_failure(world, flag):
    with open("/dev/full", "wb") as full:
        done = answered(world, flag, stdout=full)
    assert (done.returncode, done.stderr) == (6, b"could not write to standard output: No space left on device\n")
    assert answered(world, flag, stdout=subprocess.DEVNULL).returncode == 0


def test_a_state_directory_that_is_no_text_is_refused(world):
    done = answered(world, "--once", "--state-dir", bytes(world.base) + b"/st\xff", stdout=subprocess.PIPE)
    assert done.returncode == 2 and b"--state-dir: its value is no UTF-8" in done.stderr, done
    assert {path.name for path in world.base.iterdir()} == {"home"}


def test_a_named_root_that_is_not_there_is_told(world):
    world.write("there/a.jsonl", b'{"n":1}\n')
    named = ["--watch", f"generic:{world.home}/there", "--watch", f"claude:{world.home}/typo"]
    sentence = f"{world.home}/typo: there is no such directory"
    assert f"not safe yet: {sentence}" in world.once(*named, code=5).text()
    dry = answered(world, "--dry-run", *named, stdout=subprocess.PIPE)
    assert dry.returncode == 5 and f"would not take all: {sentence}".encode() in dry.stdout
    # What nobody names for this run is waited for: not every agent is installed.
    world.configure(f'[[watch]]\nagent = "claude"\nroot = "{world.home}/typo"\n')
    world.once()


def test_the_session_of_a_known_file_does_not_change(world):
    file = world.write("notes.jsonl", b'{"n":1}\n')
    world.once("--file", file)
    told = f"{file} could not be taken: it is session notes here already, and --sid says mine"
    assert told in world.once("--file", file, "--sid", "mine", code=5).text()
    world.once("--file", file, "--sid", "notes")
    world.once("--file", file, "--sid", "auto")
    assert manifest_reader.sessions(world.store) == ["notes"]


def test_a_daemon_whose_state_is_taken_leaves_the_socket_alone(world):
    first = world.daemon()
    second = world.daemon("--runtime-dir", world.base / "elsewhere", wait=False)
    assert second.wait_exit() == 4
    assert f"process id {first.pid}" in second.text()
    assert not (world.base / "elsewhere/control.sock").exists()
    assert world.ctl("status", check=False)["pid"] == first.pid


def test_a_start_that_fails_behind_the_socket_leaves_none(world):
    """The socket is claimed before the engine starts; when that fails nobody must be left to wait on it."""
    world.daemon().stop()
    with sqlite3.connect(world.state / "catalog.db") as catalog:
        catalog.execute("PRAGMA user_version = 4711")
    failed = world.daemon(wait=False)
    assert failed.wait_exit() == 4 and "newer" in failed.text()
    assert not world.socket.exists()


@pytest.mark.parametrize("once", [True, False])
def test_directories_of_ours_that_others_can_read_are_ours_alone_from_the_start(world, once):
    spool = world.base / "spool"
    for folder in (world.state, spool):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    path = world.write(".claude/projects/p/a.jsonl", LINE % 1)
    daemon = world.once("--spool-dir", spool) if once else world.daemon("--spool-dir", spool)
    for folder in (world.state, spool):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        assert f"{folder} was open to others, with mode 0777" in daemon.text()
    if not once:
        world.ctl_run("flush", "--wait")
        assert daemon.stop() == 0
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()
    assert "open to others" not in world.once("--spool-dir", spool).text()


def snapshot(folder):
    """Everything at and below, with modes and contents."""
    return {str(path): (stat.S_IMODE(path.lstat().st_mode), path.read_bytes() if path.is_file() else None)
            for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("words", [[], ["--once"], ["--dry-run"]])
@pytest.mark.parametrize("which", ["spool", "state"])
def test_a_directory_of_somebodys_files_is_refused_and_left_as_it_is(world, words, which):
    world.write(".claude/projects/p/a.jsonl", LINE % 1)
    docs = world.state if which == "state" else world.base / "docs"
    for name in ("README", ".tmp-notes", "a/deep/README", "a/.tmp-notes", "spool/src/main.c"):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(name)
    docs.chmod(0o1777)
    before = snapshot(docs)
    failed = world.daemon(*words, *(["--spool-dir", docs] if which == "spool" else []), wait=False)
    assert failed.wait_exit() == 4
    assert f"{docs} holds what is not uploaderd's" in failed.text(), failed.text()
    assert snapshot(docs) == before
    assert which == "state" or not world.state.exists()


def test_a_spool_has_one_daemon(world):
    spool = world.base / "spool"
    world.configure(f'[[destination]]\nname = "a"\ntype = "directory"\npath = "{world.base}/nas/store"\n')
    (world.base / "nas").write_text("")
    path = world.write(".claude/projects/p/a.jsonl", LINE % 1)
    first = world.daemon("--spool-dir", spool)
    world.wait_status(lambda status: status["spool"]["bytes"] > 0)
    before = snapshot(spool)
    second = subprocess.run(
        [*world.command("uploaderd"), "--state-dir", world.base / "other", "--runtime-dir", world.base / "elsewhere",
         "--spool-dir", spool, "--once"],
        env=world.environment(), cwd=world.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 4
    assert f"{spool} is in use by the daemon with process id {first.pid}" in second.stderr, second.stderr
    assert snapshot(spool) == before
    (world.base / "nas").unlink()
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.base / "nas/store", "a").latest() == path.read_bytes()
    assert first.stop() == 0


@pytest.mark.root
@pytest.mark.parametrize("words", [[], ["--once"]])
def test_a_state_directory_of_another_user_is_refused_and_left_as_it_is(world, words):
    world.become_ordinary()
    world.state.mkdir(exist_ok=True)
    os.chown(world.state, 0, 0)
    world.state.chmod(0o777)
    failed = world.daemon(*words, wait=False)
    assert failed.wait_exit() == 4
    assert f"{world.state} belongs to another user" in failed.text() and "directory of yours" in failed.text()
    assert list(world.state.iterdir()) == [] and stat.S_IMODE(world.state.stat().st_mode) == 0o777


@pytest.fixture
def stall(world):
    """What makes every destination hang in open(2), as a dead network file system does; `answer()` ends that."""
    class Stall:
        path = world.base / "hangs"
        fault = {"UPLOADERD_FAULT": f"stall:destinations:{path}"}

        def answer(self):
            os.close(os.open(self.path, os.O_WRONLY))
    os.mkfifo(Stall.path)
    return Stall()


def test_a_destination_that_hangs_holds_up_neither_ready_nor_an_answer(world, stall):
    world.once()
    path = world.write(".claude/projects/p/a.jsonl", LINE % 1)
    daemon = world.daemon(wait=False, env=stall.fault)
    # A client that is early is not refused: it waits for the answer.
    while not world.socket.exists():
        assert daemon.running
    early = world.ctl("status", check=False)
    assert early["pid"] == daemon.pid
    daemon.wait_ready()
    (ready,) = daemon.notices.seen(READY="1")
    assert ready - daemon.started < 10
    said = [message["STATUS"] for _, message in daemon.notices.messages if message.get("READY")]
    assert "store" in said[0] and "has not answered" in said[0], (ready - daemon.started, daemon.notices.messages)
    (destination,) = world.ctl("status", check=False)["destinations"]
    assert destination["state"] == "retrying" and "has not answered" in destination["last_error"]
    # Lines are taken meanwhile, and wait in the spool.
    world.wait_status(lambda status: status["spool"]["bytes"] > 0 and status["destinations"][0]["queued"] == 1)
    stall.answer()
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()
    assert daemon.stop() == 0


def test_a_session_that_a_silent_store_may_know_waits_for_it(world, stall):
    """Without catalog and kept manifests only the store knows how far a session was: until it answers nothing is cut."""
    path = world.write(".claude/projects/p/a.jsonl", LINE % 1)
    world.once()
    before = {file.name for file in (world.store / "sessions/a/segments").iterdir()}
    (world.state / "catalog.db").write_bytes(b"")
    for leftover in ("catalog.db-wal", "catalog.db-shm"):
        (world.state / leftover).unlink(missing_ok=True)
    shutil.rmtree(world.state / "manifests")
    world.write(".claude/projects/p/a.jsonl", LINE % 2, "ab")
    daemon = world.daemon(env=stall.fault)
    world.wait_health("session_unresolved", "a")
    assert world.ctl("status", check=False)["spool"]["bytes"] == 0
    stall.answer()
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    stored = manifest_reader.read(world.store, "a")
    assert stored.latest() == path.read_bytes()
    assert before < {file.name for file in (world.store / "sessions/a/segments").iterdir()}
    assert daemon.stop() == 0


def test_a_new_state_directory_waits_for_a_silent_store_too(world, stall):
    """Another life of this machine may have filled it: what it has is not uploaded a second time."""
    world.configure(f'[[destination]]\nname = "archive"\ntype = "directory"\npath = "{world.base}/archive"\n')
    path = world.write(".claude/projects/p/a.jsonl", LINE % 1)
    world.once()
    shutil.rmtree(world.state)
    world.write(".claude/projects/p/a.jsonl", LINE % 2, "ab")
    world.daemon(env=stall.fault)
    world.wait_health("session_unresolved", "a")
    # What was written first in this life is in no store: it is safe in the spool meanwhile.
    new = world.write(".claude/projects/p/b.jsonl", LINE % 3)
    world.wait_status(lambda status: status["spool"]["bytes"] > 0)
    stall.answer()
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.base / "archive", "a").latest() == path.read_bytes()
    assert manifest_reader.read(world.base / "archive", "b").latest() == new.read_bytes()
    assert not (world.base / "archive/sessions/a/writers").exists()


def test_a_destination_that_hangs_does_not_hold_up_a_reload(world, stall):
    world.configure("[segments]\nmax_lines = 10\n")
    daemon = world.daemon(env=stall.fault)
    world.configure("[segments]\nmax_lines = 20\n")
    world.ctl_run("reload", timeout=PATIENCE)
    assert b"20" in world.ctl_run("config", "show").stdout
    stall.answer()
    world.wait_healthy()
    path = world.write(".claude/projects/p/a.jsonl", LINE % 1)
    world.wait_status(lambda status: status["sessions"]["known"] == 1)
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.store, "a").latest() == path.read_bytes()
    assert daemon.stop() == 0


def test_a_reload_honours_what_it_says_or_refuses_it(world):
    daemon = world.daemon()
    world.configure(f'[control]\nsocket = "{world.base}/other.sock"\n')
    refused = world.ctl_run("reload", check=False)
    assert refused.returncode == 1 and b"control.socket cannot change" in refused.stderr and b"restart" in refused.stderr
    assert not (world.base / "other.sock").exists()
    world.configure('[host]\nlabel = "elsewhere"\n')
    assert world.ctl_run("reload", check=False).returncode == 1
    world.configure('[log]\nlevel = "error"\n')
    world.ctl_run("reload")
    said = daemon.text()
    world.configure('[log]\nlevel = "error"\n[segments]\nmax_lines = 20\n')
    world.ctl_run("reload")
    # A reload is a notice, which is not said any more.
    assert daemon.stop() == 0
    assert daemon.text() == said


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace: packaging/install-deps --test")
def test_no_thread_begins_with_a_signal_unblocked(world):
    """A signal for the process goes to any thread that does not block it, and ends it there, with nothing sealed. On a busy
    machine a thread may get no further than its beginning until long after the start."""
    trace = world.base / "strace"
    plain = world.command
    world.command = lambda name: ["strace", "-f", "-qq", "-o", trace, "-e", "trace=rt_sigprocmask", *plain(name)]
    world.once()
    first = {}
    for line in trace.read_text().splitlines():
        thread, call = line.split(maxsplit=1)
        if call.startswith("rt_sigprocmask("):
            first.setdefault(thread, call)
    # The first one of all is the main thread's, which a loop reads the signals for.
    threads = list(first.values())[1:]
    # strace's ~ is "all but these".
    bare = [call for call in threads if not (call.startswith("rt_sigprocmask(SIG_SETMASK, ~[") and "TERM" not in call)]
    assert len(threads) > 3 and not bare, bare
