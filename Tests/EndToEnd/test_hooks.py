"""Agents' hooks: silent, always 0, bounded in time, with a daemon, without one, and with one that hangs; and the settings that run them."""

import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

import manifest_reader
from conservation import Ledger, printed_seed
from daemon import PATIENCE
from hooks import Hooks, notification, payload, told

LINE = b'{"type":"user","message":"one"}\n'
#: Its number: syscalls(2).
RENAMEAT2 = {"x86_64": 316}.get(platform.machine(), 276)


@pytest.fixture
def hooks(world):
    return Hooks(world)


def session_end(world, sid):
    """Of the manifest in the store; None while there is none."""
    path = world.store / "sessions" / sid / "manifest.json"
    session = json.loads(path.read_bytes())["session"] if path.exists() else {}
    return session.get("ended_at") and session.get("end_reason")


def wait_end(world, sid, reason):
    """Waits until the store's manifest says how the session ended, and has all that was taken."""
    world.wait_status(lambda _: session_end(world, sid) == reason)
    # The end is told as soon as the last segment is sealed, which may be on its way.
    world.flush_but_ends()
    assert session_end(world, sid) == reason


# Silent, and 0

@pytest.mark.parametrize("data", [
    b"", b"not json", b"[1", b"[]", b'{"session_id":"a b"}', b'{"session_id":7}', b"\xff\x00\xfe", b"{" * 100_000,
    b'{"session_id":"a","transcript_path":"\\u0000/x"}', b'{"x":"' + b"y" * (18 << 20) + b'","session_id":"a"}',
])
def test_a_hook_says_nothing_whatever_it_is_given(hooks, data):
    hooks.run(data)


@pytest.mark.parametrize("arguments", [["--bogus"], ["--state-dir"], ["a", "b"], ["{"], ["--json", "--", "--"]])
def test_a_hook_says_nothing_whatever_it_is_called_with(hooks, arguments):
    hooks.run(b"", *arguments)


@pytest.mark.parametrize("missing", ["HOME", "stdin", "stdout", "stderr", "all streams"])
def test_a_hook_needs_nothing_that_it_may_not_have(hooks, world, missing):
    """What it has not is closed before it begins, as a shell does it."""
    closed = {"stdin": "<&-", "stdout": ">&-", "stderr": "2>&-", "all streams": "<&- >&- 2>&-"}.get(missing, "")
    environment = world.environment()
    if missing == "HOME":
        del environment["HOME"]
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", *map(str, world.command("uploaderctl")), "capture"]
    if missing == "HOME":
        words += ["--socket", str(world.socket)]
    done = subprocess.run(words, env=environment, input=payload("a", "/x/a.jsonl"), capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_hook_whose_reader_is_gone_ends_with_0(hooks):
    process = hooks.start()
    process.stdout.close()
    process.stderr.close()
    process.communicate(payload("a", "/x/a.jsonl"), timeout=PATIENCE)
    assert process.returncode == 0


def test_a_hook_does_not_wait_for_an_agent_that_says_nothing(hooks):
    process = hooks.start()
    assert process.wait(timeout=PATIENCE) == 0
    # What came before the silence is taken, if it is whole.
    process = hooks.start()
    process.stdin.write(payload("whole", "/x/whole.jsonl"))
    process.stdin.flush()
    assert process.wait(timeout=PATIENCE) == 0
    assert hooks.waiting() == ["whole"]


def test_a_hook_that_cannot_write_says_nothing(hooks, world):
    """No state directory can be made, the queue is a file, or a file may not grow: a full disk looks like that."""
    world.state.write_bytes(b"in the way")
    hooks.run(payload("a", "/x/a.jsonl"))
    world.state.unlink()
    world.state.mkdir()
    hooks.queue.write_bytes(b"in the way")
    hooks.run(payload("a", "/x/a.jsonl"))
    hooks.queue.unlink()
    hooks.run(payload("a", "/x/a.jsonl"))
    before = {path.name: path.read_bytes() for path in hooks.queue.iterdir()}
    size = len(before["events.jsonl"])
    for limit in size + 9, 0:
        hooks.run(payload("b", "/x/b.jsonl"),
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        # Nothing of a line that does not fit.
        assert hooks.lines("events.jsonl") == before["events.jsonl"].splitlines()
    hooks.run(payload("c", "/x/c.jsonl"))
    assert hooks.waiting() == ["a", "c"]


# What is noted

def test_the_queue_holds_what_was_told_and_no_conversation(hooks, world):
    path = world.home / ".claude/projects/-p/s.jsonl"
    hooks.run(payload("s", path, "SessionStart", source="startup"))
    hooks.run(payload("s", path, "UserPromptSubmit", prompt="secret question"))
    hooks.run(b"", notification("0198f1a2-0000-7000-8000-000000000000"))
    hooks.run(payload("s", path, "SessionEnd", reason="logout"))
    assert hooks.lines("sessions.txt") == [f"s\t{path}".encode()] * 3
    events = [json.loads(line) for line in hooks.lines("events.jsonl")]
    assert [(event["kind"], event["agent"]) for event in events] == [
        ("start", "claude"), ("prompt", "claude"), ("turn", "codex"), ("end", "claude")]
    assert events[0]["payload"]["source"] == "startup" and events[3]["payload"]["reason"] == "logout"
    assert b"secret" not in (hooks.queue / "events.jsonl").read_bytes()
    # The agent is who ran the hook: here that is the test.
    assert {event["pid"] for event in events} == {os.getpid()}
    for name, mode in [("", 0o700), ("events.jsonl", 0o600), ("sessions.txt", 0o600), ("lock", 0o600)]:
        assert stat.S_IMODE((hooks.queue / name).stat().st_mode) == mode, name


def test_the_agent_is_found_behind_its_shell(hooks, world):
    words = " ".join(f"'{word}'" for word in hooks.words())
    subprocess.run(["sh", "-c", f"sh -c \"{words}; true\"; true"], env=world.environment(), input=payload("s", "/x/s.jsonl"),
                   check=True, timeout=PATIENCE)
    assert [json.loads(line)["pid"] for line in hooks.lines("events.jsonl")] == [os.getpid()]


def test_a_private_session_is_neither_told_nor_queued(hooks, world):
    world.state.mkdir()
    (world.state / "private.txt").write_bytes(b"2026-11-22T05:00:00Z private other\n2026-11-22T05:00:00Z private mine\n")
    hooks.run(payload("mine", "/x/mine.jsonl"))
    assert not hooks.queue.exists()
    hooks.run(payload("min", "/x/min.jsonl"))
    assert hooks.waiting() == ["min"]


# A storm

def homes(world, number):
    """Sessions in a watched root, and the payloads of their hooks."""
    sessions = {}
    for index in range(number):
        sid = f"storm-{index:03}"
        path = world.write(f".claude/projects/-p/{sid}.jsonl", LINE * (index % 3 + 1))
        sessions[sid] = (path, LINE * (index % 3 + 1))
    return sessions, [payload(sid, path) for sid, (path, _) in sessions.items()]


@pytest.mark.parametrize("daemon", ["up", "down", "hung", "starting"])
def test_a_hundred_hooks_at_once(hooks, world, daemon, capsys):
    sessions, payloads = homes(world, 100)
    if daemon in ("up", "hung"):
        running = world.daemon()
    if daemon == "hung":
        running.send(signal.SIGSTOP)
    if daemon == "starting":
        running = world.daemon(wait=False)
    times = hooks.storm(payloads)
    with capsys.disabled():
        print(f"\n  daemon {daemon}: {told(times)}")
    if daemon == "hung":
        running.send(signal.SIGCONT)
    if daemon == "down":
        assert sorted(hooks.waiting()) == sorted(sessions)
        running = world.daemon()
    running.wait_ready()
    hooks.wait_empty()
    world.flush_but_ends()
    Ledger(world.store).expect({(sid, "main"): [data] for sid, (_, data) in sessions.items()})
    assert sorted(session["sid"] for session in world.ctl_lines("sessions")) == sorted(sessions)
    assert running.stop() == 0
    assert world.captures() == sorted(sessions)


def test_hooks_that_are_killed_leave_a_queue_that_can_be_read(hooks, world, scale):
    rng, seed = printed_seed("killed hooks")
    sure = []
    for number in range(scale(60, 600)):
        process = hooks.start()
        # At any moment of its about ten milliseconds.
        timer = threading.Timer(rng.random() * 0.012, process.kill)
        timer.start()
        try:
            process.stdin.write(payload(f"s{number}", f"/x/s{number}.jsonl"))
            process.stdin.close()
        except BrokenPipeError:
            pass
        if process.wait(timeout=PATIENCE) == 0:
            sure.append(f"s{number}")
        timer.cancel()
        process.stdout.close()
        process.stderr.close()
    hooks.run(payload("last", "/x/last.jsonl"))
    daemon = world.daemon()
    hooks.wait_empty()
    assert world.ctl("status")["health"] == []
    assert daemon.stop() == 0
    captured = world.captures()
    assert set(sure) | {"last"} <= set(captured) <= {f"s{number}" for number in range(scale(60, 600))} | {"last"}
    assert not [name for name in os.listdir(hooks.queue) if name != "lock"]


# Ends

def test_the_end_of_a_session_is_in_its_manifest(hooks, world):
    path = world.write(".claude/projects/-p/s.jsonl", LINE * 3)
    daemon = world.daemon()
    hooks.run(payload("s", path, "SessionEnd", reason="prompt_input_exit"))
    wait_end(world, "s", "prompt_input_exit")
    session = next(each for each in world.ctl_lines("sessions") if each["sid"] == "s")
    assert session["end_reason"] == "prompt_input_exit" and session["ended_at"]
    # It goes on: then it has not ended.
    with path.open("ab") as file:
        file.write(LINE)
    hooks.run(payload("s", path, "SessionStart", source="resume"))
    world.ctl_run("flush", "--wait")
    world.wait_status(lambda _: session_end(world, "s") is None)
    assert daemon.stop() == 0


def test_the_end_is_told_though_nobody_was_there_to_hear_it(hooks, world):
    path = world.write(".claude/projects/-p/s.jsonl", LINE * 3)
    hooks.run(payload("s", path, "SessionEnd", reason="logout"))
    world.daemon()
    wait_end(world, "s", "logout")
    Ledger(world.store).expect({("s", "main"): [LINE * 3]})


def test_an_end_that_is_told_before_the_first_line_is_there_follows_it_soon(hooks, world):
    path = world.write(".claude/projects/-p/s.jsonl", b"")
    daemon = world.daemon()
    hooks.run(payload("s", path, "SessionEnd", reason="logout"))
    # By the time that another one is told, this one was tried.
    other = world.write(".claude/projects/-p/t.jsonl", LINE)
    hooks.run(payload("t", other, "SessionEnd", reason="logout"))
    wait_end(world, "t", "logout")
    path.write_bytes(LINE)
    begun = time.monotonic()
    wait_end(world, "s", "logout")
    assert time.monotonic() - begun < 30
    Ledger(world.store).expect({("s", "main"): [LINE], ("t", "main"): [LINE]})
    assert daemon.stop() == 0


def test_a_daemon_that_was_killed_tells_the_end_at_its_next_start(hooks, world):
    path = world.write(".claude/projects/-p/s.jsonl", LINE * 3)
    # It is stopped before the first segment is a row.
    daemon = world.daemon(env={"UPLOADERD_FAULT": "seal.2:1"}, wait=False)
    hooks.run(payload("s", path, "SessionEnd", reason="logout"))
    daemon.wait_exit()
    world.daemon()
    wait_end(world, "s", "logout")


class Agent:
    """A process that runs hooks as its children, and has its transcript open."""

    SCRIPT = """
import os, subprocess, sys
file = open(sys.argv[1], "ab", buffering=0)
for line in sys.stdin:
    word, _, rest = line.rstrip("\\n").partition(" ")
    if word == "hook":
        subprocess.run(sys.argv[2:], input=rest.encode(), check=True)
    elif word == "write":
        file.write(rest.encode())
    print("done", flush=True)
"""

    def __init__(self, hooks, path):
        self.process = subprocess.Popen(
            ["python3", "-c", self.SCRIPT, str(path), *map(str, hooks.words())], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=hooks.world.environment())

    def say(self, words):
        self.process.stdin.write(words + b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n"

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.mark.parametrize("daemon", ["up", "down"])
def test_the_end_of_the_process_ends_the_session_and_its_last_line_is_taken(hooks, world, daemon):
    path = world.write(".claude/projects/-p/s.jsonl", LINE)
    running = world.daemon()
    agent = Agent(hooks, path)
    agent.say(b"hook " + payload("s", path))
    agent.say(b'write {"torn":')
    if daemon == "up":
        # The process has the file open: the line may go on.
        assert "line without its end" in world.flush_but_ends()["not_taken"][0]
        Ledger(world.store).expect({("s", "main"): [LINE]})
    else:
        assert running.stop() == 0
    agent.end()
    if daemon == "down":
        world.daemon()
    wait_end(world, "s", "process_gone")
    Ledger(world.store).expect({("s", "main"): [LINE + b'{"torn":']})


def test_the_reason_of_a_hook_stays_when_its_process_is_gone(hooks, world):
    path = world.write(".claude/projects/-p/s.jsonl", LINE)
    world.daemon()
    agent = Agent(hooks, path)
    agent.say(b"hook " + payload("s", path, "SessionEnd", reason="logout"))
    wait_end(world, "s", "logout")
    # Agents write once more after their hook.
    agent.say(b"write " + LINE.strip() + b" ")
    agent.end()
    wait_end(world, "s", "logout")


# Elsewhere

def test_a_transcript_outside_the_roots_is_taken_when_a_hook_names_it(hooks, world, tmp_path):
    (world.home / ".claude/projects").mkdir(parents=True)
    path = tmp_path / "away.jsonl"
    hooks.run(payload("away", path))
    path.write_bytes(LINE)
    hooks.run(payload("away", path, "UserPromptSubmit", prompt="x"))
    daemon = world.daemon()
    world.wait_status(lambda _: manifest_lines(world, "away") == LINE)
    path.write_bytes(LINE * 2 + b'{"torn"')
    hooks.run(payload("away", path, "SessionEnd", reason="other"))
    wait_end(world, "away", "other")
    assert manifest_lines(world, "away") == LINE * 2 + b'{"torn"'
    assert world.ctl_lines("sessions")[0]["agent"] == "claude"
    assert daemon.stop() == 0


def manifest_lines(world, sid):
    path = world.store / "sessions" / sid / "manifest.json"
    return manifest_reader.read(world.store, sid).latest() if path.exists() else None


@pytest.mark.parametrize("hostile", ["link", "fifo", "directory", "other name", "excluded", "device"])
def test_a_hook_cannot_name_what_is_no_session(hooks, world, tmp_path, hostile):
    path = tmp_path / "x.jsonl"
    secret = tmp_path / "id_rsa"
    secret.write_bytes(b"secret\n")
    if hostile == "link":
        path.symlink_to(secret)
    elif hostile == "fifo":
        os.mkfifo(path)
    elif hostile == "directory":
        path.mkdir()
    elif hostile == "device":
        path = pathlib.Path("/dev/zero")
    elif hostile == "other name":
        path = secret
    else:
        world.configure(f'[[watch]]\nagent = "claude"\nroot = "{tmp_path}"\nexclude = ["x.jsonl"]\n')
        path.write_bytes(b"secret\n")
    good = tmp_path / "good.jsonl" if hostile != "excluded" else world.write("good.jsonl", b"")
    good.write_bytes(LINE)
    daemon = world.daemon()
    hooks.run(payload("x", path))
    hooks.run(payload("good", good))
    world.wait_status(lambda _: manifest_lines(world, "good") == LINE)
    assert [session["sid"] for session in world.ctl_lines("sessions")] == ["good"]
    assert daemon.stop() == 0


@pytest.mark.root
def test_a_hook_cannot_name_another_users_file(hooks, world, tmp_path):
    world.become_ordinary()
    os.chmod(world.base, 0o755)
    path = world.home / "x.jsonl"
    path.write_bytes(b"of root\n")
    os.chmod(path, 0o644)
    good = world.write("good.jsonl", LINE)
    world.daemon()
    hooks.run(payload("x", path))
    hooks.run(payload("good", good))
    world.wait_status(lambda _: manifest_lines(world, "good") == LINE)
    assert [session["sid"] for session in world.ctl_lines("sessions")] == ["good"]


def test_codex_tells_only_its_sessions_id(hooks, world):
    sid = "0198f1a2-1111-7000-8000-000000000000"
    path = world.write(f".codex/sessions/2026/11/22/rollout-2026-11-22T00-00-00-{sid}.jsonl", LINE)
    daemon = world.daemon()
    hooks.run(b"", notification(sid))
    hooks.wait_empty()
    world.flush_but_ends()
    Ledger(world.store).expect({(sid, "main"): [path.read_bytes()]})
    assert daemon.stop() == 0
    assert world.captures() == [sid]


# The settings

def test_hooks_are_installed_shown_and_removed(world, hooks):
    settings = world.write(".claude/settings.json", b'{\n  "model": "opus"\n}\n')
    os.chmod(settings, 0o640)
    target = world.write("dotfiles/config.toml", b'model = "o"\n[tui]\n')
    (world.home / ".codex").mkdir()
    (world.home / ".codex/config.toml").symlink_to(target)
    before = settings.read_bytes(), target.read_bytes()
    assert {each["standing"] for each in world.ctl_lines("hooks", "show")} == {"absent"}
    arguments = ["--state-dir", world.state]
    world.ctl_run("hooks", "install", *arguments)
    assert {each["standing"] for each in world.ctl_lines("hooks", "show", *arguments)} == {"installed"}
    once = settings.read_bytes(), target.read_bytes()
    assert b"there already" in world.ctl_run("hooks", "install", *arguments).stdout
    assert (settings.read_bytes(), target.read_bytes()) == once
    assert stat.S_IMODE(settings.stat().st_mode) == 0o640 and (world.home / ".codex/config.toml").is_symlink()
    assert (settings.parent / "settings.json.uploaderd-backup").read_bytes() == before[0]
    # What stands there works: as a shell runs it, and as Codex does.
    command = json.loads(once[0])["hooks"]["SessionEnd"][0]["hooks"][0]["command"]
    done = subprocess.run(["sh", "-c", command], input=payload("s", "/x/s.jsonl"), env=world.environment(),
                          capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    words = json.loads(once[1].splitlines()[0].partition(b"=")[2].partition(b"#")[0])
    subprocess.run([*words, notification("t")], env=world.environment(), check=True, timeout=PATIENCE)
    assert hooks.waiting() == ["s", "t"]
    world.ctl_run("hooks", "remove")
    assert (settings.read_bytes(), target.read_bytes()) == before
    assert stat.S_IMODE(settings.stat().st_mode) == 0o640
    assert [path.name for path in settings.parent.iterdir()] == ["settings.json"]


def test_settings_that_are_not_there_are_made_and_removed_again(world):
    (world.home / ".claude").mkdir()
    world.ctl_run("hooks", "install")
    path = world.home / ".claude/settings.json"
    assert set(json.loads(path.read_bytes())["hooks"]) == {"SessionStart", "SessionEnd", "UserPromptSubmit"}
    assert not (world.home / ".codex").exists()
    world.ctl_run("hooks", "remove")
    assert not path.exists() and not list((world.home / ".claude").iterdir())


@pytest.mark.parametrize("text", [b"", b"// note\n{}", b'{"hooks": [', b'{"hooks": []}'])
def test_settings_that_cannot_be_read_are_left_alone(world, text):
    path = world.write(".claude/settings.json", text)
    for verb in ("install", "remove", "show"):
        done = world.ctl_run("hooks", verb, "claude", check=False)
        assert done.returncode == 4 and str(path) in done.stderr.decode() and b"mend the file" in done.stderr
    assert path.read_bytes() == text and len(list(path.parent.iterdir())) == 1


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace: packaging/install-deps --test")
@pytest.mark.parametrize("verb", ["install", "remove", "clear"])
def test_what_somebody_writes_in_the_last_moment_is_not_lost(world, verb):
    """After the comparison, before the rename: which waits in strace(1) until the agent has written."""
    (world.home / ".claude").mkdir()
    path = world.home / ".claude/settings.json"
    if verb != "clear":
        path.write_bytes(b'{"model":"a"}\n')
    if verb != "install":
        world.ctl_run("hooks", "install", "claude")
    # -D: the process that was started is the tool.
    words = ["strace", "-D", "-qq", "-o", str(world.base / "strace"), "-e", "trace=renameat2", "-e",
             "inject=renameat2:delay_enter=2000000:when=1", *world.command("uploaderctl"), "hooks",
             "install" if verb == "install" else "remove", "claude"]
    editing = subprocess.Popen(words, env=world.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    number = pathlib.Path(f"/proc/{editing.pid}/syscall")
    while editing.poll() is None and not number.read_text().startswith(f"{RENAMEAT2} "):
        os.sched_yield()
    theirs = world.home / ".claude/theirs"
    theirs.write_bytes(b'{"model":"b"}\n')
    theirs.rename(path)
    _, told = editing.communicate(timeout=PATIENCE)
    assert editing.returncode == 4 and b"changed by somebody else" in told
    assert path.read_bytes() == b'{"model":"b"}\n'
    assert not [each.name for each in path.parent.iterdir() if each.name.startswith(".tmp")]


def test_settings_are_not_replaced_under_somebody_elses_hands(world):
    """A link that leads nowhere, a file of several names, no agent at all."""
    done = world.ctl_run("hooks", "install", check=False)
    assert done.returncode == 1 and b"neither Claude Code nor Codex" in done.stderr
    path = world.write(".claude/settings.json", b"{}")
    os.link(path, world.home / "second")
    done = world.ctl_run("hooks", "install", check=False)
    assert done.returncode == 4 and b"several names" in done.stderr
    path.unlink()
    path.symlink_to(world.home / "nowhere")
    done = world.ctl_run("hooks", "install", check=False)
    assert done.returncode == 4 and b"leads nowhere" in done.stderr
    assert world.ctl_run("hooks", "install", "gemini", check=False).returncode == 2
