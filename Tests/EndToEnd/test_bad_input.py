"""What lies below the roots, and what does not belong there: each gets a health entry, and nothing else is touched.

The daemon runs as an ordinary user, whom modes bind.
"""

import json
import os
import pathlib
import stat
import subprocess
import time

import pytest

import manifest_reader

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
