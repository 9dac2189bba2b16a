"""uploaderctl where people type: on terminals, and in their shells' completions."""

import os
import pty
import shutil
import signal
import subprocess

import daemon as programs
from test_ctl import lines, watched  # noqa: F401: a fixture
from test_restore import listing


def on_terminal(world, *words, until=None, number=None):
    """Runs a command on a terminal of its own, sends it a signal when `until` was seen; returns the exit code and output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*world.command("uploaderctl"), "--socket", world.socket, *map(str, words)],
                               env=world.environment(TERM="xterm"), stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 65536):
            output += chunk
            if until is not None and until in output:
                process.send_signal(number)
                until = None
    except OSError:
        # EIO: nobody has the other end any more.
        pass
    os.close(ours)
    return process.wait(programs.PATIENCE), output


HOSTILE = "{\"a\":\"\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\"}\n".encode()


def test_what_could_steer_a_terminal_is_escaped_on_one_and_whole_elsewhere(watched):
    watched.write("logs/bad.jsonl", HOSTILE)
    watched.ctl_run("flush", "--wait")
    for words in (["replay", "bad"], ["replay", "bad", "--json"], ["show", "bad"], ["sessions"], ["status"]):
        code, output = on_terminal(watched, *words, "--no-color")
        assert code == 0
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(output.decode()), words
    assert HOSTILE.replace(b"\n", b"\r\n") in on_terminal(watched, "replay", "bad", "--raw")[1]
    assert watched.ctl_run("replay", "bad").stdout == HOSTILE
    assert watched.ctl_run("replay", "bad", "--raw").stdout == HOSTILE


def test_a_status_that_is_watched_ends_when_it_is_told(watched):
    code, output = on_terminal(watched, "status", "--watch", until=b"\x1b[J", number=signal.SIGINT)
    assert code in (0, 130, -signal.SIGINT)
    assert b"Fatal" not in output and b"Backtrace" not in output
    # The screen is the terminal's own: nothing was switched that would have to be switched back.
    assert b"\x1b[?" not in output
    assert watched.ctl("status")["health"] == []


def tmp_directory(world):
    """An empty directory, in which no pattern matches anything."""
    (world.base / "empty").mkdir(exist_ok=True)
    return world.base / "empty"


def completed(world, *words):
    """What bash offers for the last word."""
    script = (f'{world.ctl_run("completions", "bash").stdout.decode()}\n'
              f'uploaderctl() {{ "{world.command("uploaderctl")[0]}" --socket "{world.socket}" "$@"; }}\n'
              'COMP_WORDS=(uploaderctl "$@"); COMP_CWORD=$#\n_uploaderctl\nprintf "%s\\n" "${COMPREPLY[@]}"\n')
    done = subprocess.run(["bash", "-c", script, "bash", *words], env=world.environment(), cwd=world.home,
                          capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_completions_are_scripts_that_their_shells_understand(watched, tmp_path):
    for shell, check in {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}.items():
        path = tmp_path / shell
        path.write_bytes(watched.ctl_run("completions", shell).stdout)
        # Not every machine has every shell.
        if shutil.which(shell):
            done = subprocess.run([*check, path], capture_output=True)
            assert (done.returncode, done.stderr) == (0, b""), shell
    assert "status" in completed(watched, "sta")
    assert completed(watched, "replay", "t") == ["ten"]
    assert completed(watched, "config", "") == ["check", "show"]
    assert "--to-checkpoint" in completed(watched, "replay", "ten", "--to-c")


def test_no_session_id_is_run_by_completing_it(watched):
    """A file's name becomes a session id, and anybody may have made the file."""
    names = ["$(touch${IFS}owned)", "`touch${IFS}owned`", "a;touch${IFS}owned", "*", "~", "b'c\"d"]
    for name in names:
        watched.write(f"logs/{name}.jsonl", lines(1))
    watched.ctl_run("flush", "--wait")
    known = {session["sid"] for session in watched.ctl_lines("sessions")}
    assert set(names) <= known
    offered = completed(watched, "replay", "")
    assert not (watched.home / "owned").exists()
    # What is offered is quoted: as typed it is the session's id again.
    typed = subprocess.run(["bash", "-c", "printf '%s\\n' " + " ".join(offered)], cwd=tmp_directory(watched),
                           env={**watched.environment(), "IFS": " \t\n"}, capture_output=True, text=True, check=True)
    assert set(typed.stdout.split("\n")) - {""} == known
    assert not (watched.home / "owned").exists() and listing(tmp_directory(watched)) == []
