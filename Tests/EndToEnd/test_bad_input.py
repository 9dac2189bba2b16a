"""What lies below the roots, and what does not belong there: each gets a health entry, and nothing else is touched.

The daemon runs as an ordinary user, whom modes bind.
"""

import ctypes
import json
import os
import pathlib
import socket
import stat
import subprocess
import threading
import time

import pytest

import generator
import manifest_reader
from daemon import PATIENCE

pytestmark = pytest.mark.root

LINE = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"%s"}\n'
SECRET = b"what-lies-elsewhere"
QUICK = '[segments]\nquiet = "100ms"\n'


@pytest.fixture
def user(world):
    """A world of an ordinary user, with one root of generic files at ~/logs."""
    world.configure(QUICK + '[[watch]]\nagent = "generic"\nroot = "~/logs"\n')
    (world.home / "logs").mkdir()
    world.become_ordinary()
    return world


def stored(world, sid, stream="main"):
    """What the store has of the latest generation; None when it has no such session."""
    try:
        return manifest_reader.read(world.store, sid).latest(stream)
    except (FileNotFoundError, KeyError):
        return None


def wait_stored(world, sid, wanted):
    """Waits until the store has exactly that of the session, after a flush of it."""
    world.wait_status(lambda status: stored(world, sid) == wanted)


def cpu_seconds(daemon):
    """What all threads of the daemon have used so far."""
    fields = pathlib.Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_calm(daemon, share=0.2):
    """Whether the daemon uses less than that share of a core, measured over a second: no endless loop."""
    before, begun = cpu_seconds(daemon), time.monotonic()
    time.sleep(1)
    return cpu_seconds(daemon) - before < share * (time.monotonic() - begun)


def every_file(*folders):
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                if stat.S_ISREG((path := pathlib.Path(parent, name)).lstat().st_mode):
                    yield path


def holds_nothing_of(world, secret):
    """The secret is in no file of ours, packed or not."""
    for path in every_file(world.state, world.runtime):
        data = path.read_bytes()
        assert secret not in data, path
        if path.suffix == ".gz":
            assert secret not in subprocess.run(["zcat", path], capture_output=True, check=True).stdout, path
        if path.suffix == ".seg":
            begin = data.index(b"\x1f\x8b")
            assert secret not in subprocess.run(["zcat"], input=data[begin:], capture_output=True, check=True).stdout, path


# What cannot be read.

def test_an_unreadable_file_is_said_and_taken_once_it_can_be_read(user):
    closed = user.write("logs/closed.jsonl", LINE % b"closed")
    closed.chmod(0)
    opened = user.write("logs/open.jsonl", LINE % b"open")
    daemon = user.daemon()
    entry = user.wait_health("source_unreadable", str(closed))
    assert "Permission denied" in entry["message"] and entry["hint"]
    wait_stored(user, "open", opened.read_bytes())
    assert user.ctl_run("status", check=False).returncode == 1
    assert is_calm(daemon)
    closed.chmod(0o600)
    user.wait_healthy()
    wait_stored(user, "closed", LINE % b"closed")
    assert is_calm(daemon)
    assert daemon.text().count("could not open") == 1


def test_a_file_that_becomes_unreadable_while_it_grows_loses_nothing(user):
    path = user.write("logs/a.jsonl", LINE % b"1")
    daemon = user.daemon()
    wait_stored(user, "a", path.read_bytes())
    path.chmod(0)
    user.write("logs/a.jsonl", LINE % b"2", "ab")
    user.wait_health("source_unreadable", str(path))
    for number in range(100):
        user.write("logs/a.jsonl", LINE % b"%d" % number, "ab")
    assert is_calm(daemon)
    path.chmod(0o600)
    user.wait_healthy()
    wait_stored(user, "a", path.read_bytes())


def test_an_unreadable_folder_is_said_and_taken_once_it_can_be_read(user):
    path = user.write("logs/deep/er/a.jsonl", LINE % b"deep")
    path.parent.chmod(0)
    daemon = user.daemon()
    entry = user.wait_health("source_unreadable", str(path.parent))
    assert "Permission denied" in entry["message"]
    assert is_calm(daemon)
    path.parent.chmod(0o700)
    user.wait_healthy()
    wait_stored(user, "deep/er/a", LINE % b"deep")


def test_an_unreadable_root_is_said_and_taken_once_it_can_be_read(user):
    root = user.home / "logs"
    path = user.write("logs/a.jsonl", LINE % b"a")
    root.chmod(0)
    daemon = user.daemon()
    status = user.wait_status(lambda status: status["health"])
    assert str(root) in [entry["subject"] for entry in status["health"]]
    assert is_calm(daemon)
    root.chmod(0o700)
    user.wait_healthy()
    wait_stored(user, "a", path.read_bytes())


# What is no file of the root's.

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


# Lines.

def test_lines_that_say_absurd_things_are_lines(world):
    times = ["9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2262-04-11T23:47:16.999999999Z", "1677-09-21T00:12:43Z",
             "2026-13-45T99:99:99Z", "", "x" * 10_000, "2026-03-01T00:00:00+99:99"]
    values = [*map(json.dumps, times), "1e999", "-1", "null", "[]", "{}", "1" * 400, '"\\ud800"']
    lines = [f'{{"type":"{kind}","timestamp":{value},"sessionId":{value},"cwd":{value},"gitBranch":{value},'
             f'"subtype":"compact_boundary","payload":{value},"summary":{value},"message":{{"model":{value}}}}}\n'.encode()
             for kind in ("user", "system", "compacted", "session_meta", "session.start", "session") for value in values]
    roots = {"claude": "claude/p", "codex": "codex/2026/rollout-", "copilot": "copilot/", "pi": "pi/", "generic": "generic/"}
    world.configure(QUICK + "".join(f'[[watch]]\nagent = "{agent}"\nroot = "~/{agent}"\n' for agent in roots))
    for agent, where in roots.items():
        world.write(f"{where}/{agent}.jsonl" if where[-1] in "p/" else f"{where}{agent}.jsonl", b"".join(lines))
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    names = {"rollout-codex" if agent == "codex" else agent for agent in roots}
    assert {each["sid"] for each in world.ctl_lines("sessions")} == names
    for name in names:
        assert manifest_reader.read(world.store, name).latest() == b"".join(lines)
        world.ctl_run("show", name)
    assert daemon.stop() == 0


# Names.

ODD = ["x..", "a..b", "-rf", "%2e%2e%2fx", "a\\..\\x", "a b", "\u202egnp", "\x1b[31mred", "new\nline", "é" * 100,
       "x" * 240, "con", "~", "$(id)", "`id`", "'\"", "manifest", "_2E_2E", "\u00e9", "e\u0301", "nul\x01"]


def test_names_stay_names(world):
    world.configure(QUICK + '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[[watch]]\nagent = "claude"\nroot = "~/claude"\n')
    wanted = {}
    for name in ODD:
        wanted[name] = LINE % name.encode("unicode_escape").replace(b"\\", b"/").replace(b'"', b"")
        world.write(f"logs/{name}.jsonl", wanted[name])
    (world.home / "logs" / os.fsdecode(b"not-utf8-\xff.jsonl")).write_bytes(LINE % b"not taken")
    # Sub-agents' names become parts of paths, and so do the names that lines give.
    world.write("claude/p/../..x/subagents/agent-...jsonl", LINE % b"dots")
    world.write("claude/p/agent-7.jsonl", b'{"type":"user","sessionId":"../../x","agentId":"../../y","isSidechain":true}\n')
    world.daemon()
    # Its name is no text, so that it cannot be taken: then not all of it is safe, whoever asks.
    flushed = world.ctl_run("flush", "--wait", check=False)
    assert flushed.returncode == 5 and b"not-utf8-" in flushed.stderr and b"no UTF-8" in flushed.stderr
    (health,) = world.ctl("status", check=False)["health"]
    assert health["kind"] == "name_refused" and "no UTF-8" in health["message"]
    sessions = world.ctl_lines("sessions")
    found = {}
    for session in sessions:
        for stream in session["streams"]:
            whole = world.ctl_run("replay", "--stream", stream, "--", session["sid"]).stdout
            found[whole] = (session["sid"], stream)
            folder = world.store / "sessions" / manifest_reader.escaped(session["sid"])
            assert folder.parent == world.store / "sessions" and folder.is_dir()
            assert manifest_reader.read(world.store, session["sid"]).latest(stream) == whole
    assert set(wanted.values()) <= set(found)
    assert ("../../x", "agents/../../y") in found.values()
    # Only names that every store takes, and nothing outside.
    plain = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    for parent, folders, files in os.walk(world.store):
        for name in [*folders, *files]:
            assert set(name) <= plain and name not in (".", ".."), name
    assert sorted(os.listdir(world.base)) == ["home", "notify.0", "run", "state", "uploaderd.0.log"]
    assert sorted(os.listdir(world.home)) == [".config", "claude", "logs"]


@pytest.mark.parametrize("sid", ["../../x", "/etc/passwd", "..", ".", "a/b", "-x", "\u202e"])
def test_a_session_id_that_looks_like_a_path_is_a_name(world, sid):
    path = world.write("one.jsonl", LINE % b"one")
    world.once("--file", path, "--sid", sid)
    assert manifest_reader.read(world.store, sid).latest() == LINE % b"one"
    assert [each.name for each in (world.store / "sessions").iterdir() if each.is_dir()] == [manifest_reader.escaped(sid)]
    world.configure(QUICK)
    world.daemon()
    for command in ("show", "replay", "verify"):
        world.ctl_run(command, "--", sid)
    target = world.base / "restored"
    world.ctl_run("restore", "--to", target, "--", sid)
    assert target.read_bytes() == LINE % b"one"


@pytest.mark.parametrize("sid", ["", " ", "a b", "x\ny", "\t", "x" * 513])
def test_a_session_id_that_cannot_be_one_is_refused(world, sid):
    path = world.write("one.jsonl", LINE % b"one")
    daemon = world.once("--file", path, "--sid", sid, code=2)
    assert "--sid" in daemon.text()
    world.daemon()
    assert world.ctl_run("show", "--", sid, check=False).returncode == 2


# Stores that lie.

def lying(world, sid, change):
    """A store in which the manifest of a session says something else; the daemon has not seen it before."""
    path = world.write("logs/a.jsonl", LINE % b"a")
    world.once("--file", path, "--sid", sid)
    where = world.store / "sessions" / manifest_reader.escaped(sid) / "manifest.json"
    manifest = json.loads(where.read_bytes())
    change(manifest)
    where.write_text(json.dumps(manifest))
    kept = world.state / "store"
    aside = world.base / "store"
    kept.rename(aside)
    subprocess.run(["rm", "-r", str(world.state)], check=True)
    world.configure(QUICK + f'[[watch]]\nagent = "generic"\nroot = "~/logs"\n'
                    f'[[destination]]\nname = "archive"\ntype = "directory"\npath = "{aside}"\n')
    return aside


def path_of(path):
    def change(manifest):
        manifest["segments"][0]["path"] = path
    return change


@pytest.mark.parametrize("change", [
    lambda manifest: manifest.update(sid="../../x"),
    lambda manifest: manifest.update(sid="b"),
    path_of("../../../home/secret"), path_of("/etc/passwd"), path_of("segments/../../../home/secret"), path_of(""),
    path_of("segments/" + "x" * 300), path_of("segments/\x1b[2J"),
    lambda manifest: manifest.update(streams={"../../x": {"segments": manifest["segments"], "active_seq": 2}}),
    lambda manifest: manifest["checkpoints"].append({"id": "../../../x", "seq": 1, "line_idx": 1, "ts": 1}),
    lambda manifest: manifest["segments"][0].update(lines=1 << 62, first_line=1 << 62, bytes_uncompressed=1 << 62),
    lambda manifest: manifest["segments"][0].update(lines=1 << 40, bytes_uncompressed=1 << 40, bytes_gzip=1 << 40),
    lambda manifest: manifest["segments"][0].update(lines=-5, seq=-1, source_offset=-1),
    lambda manifest: manifest["segments"][0].update(first_ts=1 << 62, last_ts=-1 << 62),
    lambda manifest: manifest.update(created_at="9999-12-31T23:59:59Z", session={"started_at": "0000-01-01T00:00:00Z"}),
    lambda manifest: manifest["segments"].extend(manifest["segments"] * 3),
], ids=["sid", "other-sid", "path-up", "path-absolute", "path-inside", "path-empty", "path-long", "path-escape", "stream",
        "checkpoint", "huge", "large", "negative", "times", "dates", "repeated"])
def test_a_manifest_that_lies_leads_nowhere(world, change):
    secret = world.write("secret", SECRET)
    store = lying(world, "a", change)
    before = {path: path.read_bytes() for path in every_file(store)}
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    for sid in ("a", "b", "../../x"):
        for more in ((), ("--from", "archive")):
            done = world.ctl_run("replay", *more, "--", sid, check=False)
            assert done.returncode in (0, 1, 6), done.stderr
            assert SECRET not in done.stdout and b"root:" not in done.stdout
            if done.returncode:
                assert done.stderr.strip()
    world.ctl_run("verify", "--deep", check=False)
    assert daemon.running and is_calm(daemon)
    assert daemon.stop() == 0
    # No object was changed or taken away, nothing was put elsewhere, and the line is there or still here.
    for path, data in before.items():
        assert path.name == "manifest.json" or path.read_bytes() == data
    assert secret.read_bytes() == SECRET
    assert not (store / "x").exists() and not (world.base / "x").exists()
    holds_nothing_of(world, SECRET)
