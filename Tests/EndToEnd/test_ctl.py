"""uploaderctl as a clumsy and as a hostile user uses it: no wrong word leaves anything half done, or unsaid."""

import json
import os
import pty
import shutil
import signal
import subprocess

import pytest

import daemon as programs
import manifest_reader
from conservation import Ledger

LINE = b'{"type":"user","n":%d}\n'


def lines(count, first=1):
    return b"".join(LINE % number for number in range(first, first + count))


@pytest.fixture
def watched(world):
    """A world with one root of generic files at ~/logs, in which there is a session of ten lines, `ten`."""
    world.configure('[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n')
    world.write("logs/ten.jsonl", lines(10))
    world.daemon()
    world.ctl_run("flush", "--wait")
    return world


def refused(world, *words, code, **options):
    """Runs what has to fail with that code, plainly and as JSON; returns the error as an object."""
    plain = world.ctl_run(*words, check=False, **options)
    assert plain.returncode == code, (words, plain)
    text = plain.stderr.decode()
    assert text.startswith("uploaderctl: ") and "Fatal error" not in text, text
    assert plain.stdout == b"", words
    done = world.ctl_run(*words, "--json", check=False, **options)
    assert done.returncode == code and done.stdout == b"", done
    error = json.loads(done.stderr)
    assert error["exit"] == code and error["error"] in text
    return error


# flush PATH.

def test_a_file_outside_the_roots_is_taken_once_as_it_came_open(watched, tmp_path):
    path = tmp_path / "elsewhere.jsonl"
    path.write_bytes(lines(20))
    assert watched.ctl("flush", path, "--wait")["sealed"] == 1
    ledger = Ledger(watched.store)
    wanted = {("ten", "main"): [lines(10)], ("elsewhere", "main"): [lines(20)]}
    ledger.expect(wanted)
    # The same again is nothing; more of it goes on.
    assert watched.ctl("flush", path, "--wait")["sealed"] == 0
    path.write_bytes(lines(30))
    assert watched.ctl("flush", path, "--wait")["sealed"] == 1
    wanted["elsewhere", "main"] = [lines(30)]
    ledger.expect(wanted)
    # Nobody looks there unless asked with the file: not at a start, not for a session, not for all.
    with path.open("ab") as file:
        file.write(lines(5, 31))
    assert watched.daemons[-1].stop() == 0
    watched.daemon()
    for words in ([], ["elsewhere"]):
        assert watched.ctl("flush", *words, "--wait")["sealed"] == 0
    ledger.expect(wanted)
    assert watched.ctl("status")["health"] == []
    watched.ctl_run("flush", path, "--wait")
    wanted["elsewhere", "main"] = [lines(35)]
    ledger.expect(wanted)


def test_another_file_of_that_name_is_another_stream(watched, tmp_path):
    for number, folder in enumerate(["a", "b"]):
        path = tmp_path / folder / "same.jsonl"
        path.parent.mkdir()
        path.write_bytes(lines(20, 1 + 100 * number))
        watched.ctl_run("flush", path, "--wait")
    found = Ledger(watched.store).look()
    held = sorted(stream.generations[1] for stream in found["same"].streams.values())
    assert held == sorted([lines(20), lines(20, 101)])
    # A copy of what was taken is no second stream.
    (tmp_path / "c").mkdir()
    (tmp_path / "c/same.jsonl").write_bytes(lines(25))
    watched.ctl_run("flush", tmp_path / "c/same.jsonl", "--wait")
    assert len(Ledger(watched.store).look()["same"].streams) == 2
    assert manifest_reader.read(watched.store, "same").latest() == lines(25)


def test_a_watched_file_is_flushed_by_its_path(watched):
    with (watched.home / "logs/ten.jsonl").open("ab") as file:
        file.write(lines(3, 11))
    watched.ctl_run("flush", "logs/ten.jsonl", "--wait")
    Ledger(watched.store).expect({("ten", "main"): [lines(13)]})


@pytest.mark.parametrize("where", ["watched", "elsewhere", "all", "session"])
def test_a_line_without_its_end_is_not_called_delivered(watched, tmp_path, where):
    path = watched.home / "logs/torn.jsonl" if where != "elsewhere" else tmp_path / "torn.jsonl"
    path.write_bytes(lines(3) + b'{"type":"user"')
    watched.wait_status(lambda status: where == "elsewhere" or any(
        session["sid"] == "torn" for session in watched.ctl_lines("sessions")))
    words = [] if where == "all" else ["torn"] if where == "session" else [path]
    plain = watched.ctl_run("flush", *words, "--wait", check=False)
    assert plain.returncode == 5 and b"all delivered" not in plain.stdout, plain
    assert f"{path} ends in a line without its end, 14 bytes long" in plain.stderr.decode()
    answer = watched.ctl_run("flush", *words, "--wait", "--json", check=False)
    assert answer.returncode == 5 and len(json.loads(answer.stdout)["not_taken"]) == 1
    # Nobody waits: it is said, and no failure.
    assert watched.ctl_run("flush", *words).returncode == 0
    assert watched.ctl("status")["health"] == []
    with path.open("ab") as file:
        file.write(b"}\n")
    assert watched.ctl("flush", *words, "--wait")["not_taken"] == []
    Ledger(watched.store).expect({("ten", "main"): [lines(10)], ("torn", "main"): [path.read_bytes()]})


def test_a_link_below_a_root_is_not_called_delivered(watched):
    path = watched.home / "logs/link.jsonl"
    path.symlink_to("ten.jsonl")
    done = watched.ctl_run("flush", path, "--wait", check=False)
    assert done.returncode == 5 and str(path) in done.stderr.decode() and b"all delivered" not in done.stdout


@pytest.mark.root
def test_the_daemon_opens_no_path_that_it_is_told(world, tmp_path):
    """In its own mounts the daemon sees another file at that path: what it takes is what the caller sees."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "it.jsonl").write_bytes(lines(7))
    world.configure('[[watch]]\nagent = "generic"\nroot = "~/logs"\n')
    plain = world.command

    def command(name):
        if name != "uploaderd":
            return plain(name)
        script = (f"mount -t tmpfs none '{hidden}' && echo '{{\"wrong\":1}}' > '{hidden}/it.jsonl' "
                  f"&& echo secret > '{hidden}/only.jsonl' && exec \"$@\"")
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *plain(name)]

    world.command = command
    world.daemon()
    world.ctl_run("flush", hidden / "it.jsonl", "--wait")
    Ledger(world.store).expect({("it", "main"): [lines(7)]})
    # A name alone gives nothing.
    error = refused(world, "flush", hidden / "only.jsonl", code=1)
    assert "there is no file" in error["error"] and error["hint"]
    Ledger(world.store).expect({("it", "main"): [lines(7)]})


def test_what_is_no_regular_file_is_not_taken(watched, tmp_path):
    os.mkfifo(tmp_path / "fifo.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    for path in (tmp_path / "fifo.jsonl", tmp_path / "folder.jsonl", "/dev/null"):
        error = refused(watched, "flush", path, code=2)
        assert "regular file" in error["hint"]
    # By a name alone, too, where no session has it; a session is never hidden by a folder of its name.
    for name in ("fifo.jsonl", "folder.jsonl"):
        error = refused(watched, "flush", name, code=2, cwd=tmp_path)
        assert str(tmp_path / name) in error["error"] and "regular file" in error["hint"]
    (tmp_path / "ten").mkdir()
    assert watched.ctl_run("flush", "ten", cwd=tmp_path).returncode == 0
    for path in (tmp_path / "none.jsonl", watched.home / "logs/none.jsonl"):
        assert f"there is no file {path}" in refused(watched, "flush", path, code=1)["error"]
    error = refused(watched, "config", "check", tmp_path / "none.toml", code=2)
    assert f"there is no file {tmp_path / 'none.toml'}" in error["error"] and "--config" not in error["hint"]


# show.

def test_a_store_that_is_not_there_is_called_by_its_destinations_name(world):
    world.configure('[[watch]]\nagent = "generic"\nroot = "~/logs"\n'
                    f'[[destination]]\nname = "archive"\npath = "{world.base / "archive"}"\n')
    world.write("logs/ten.jsonl", lines(10))
    world.once()
    (world.base / "archive").rename(world.base / "away")
    world.daemon()
    deliveries = [delivery for segment in world.ctl("show", "ten")["segments"] for delivery in segment["deliveries"]]
    assert [delivery["destination"] for delivery in deliveries] == ["archive"]


# restore.

def listing(folder):
    return sorted(os.listdir(folder))


def test_restore_takes_nobodys_place(watched, tmp_path):
    file, folder, link, dangling = (tmp_path / name for name in ("file", "folder", "link", "dangling"))
    file.write_bytes(b"mine\n")
    folder.mkdir()
    link.symlink_to("file")
    dangling.symlink_to("nowhere")
    before = listing(tmp_path)
    for path in (file, folder, link, dangling):
        assert refused(watched, "restore", "ten", "--to", path, code=4)["hint"]
    assert refused(watched, "restore", "ten", "--to", folder, "--force", code=4)["hint"]
    assert listing(tmp_path) == before and file.read_bytes() == b"mine\n" and not os.path.exists(dangling)
    # The link is replaced, never what it leads to.
    for path in (link, dangling):
        watched.ctl_run("restore", "ten", "--to", path, "--force")
        assert path.read_bytes() == lines(10) and not path.is_symlink()
    assert file.read_bytes() == b"mine\n" and listing(tmp_path) == before
    watched.ctl_run("restore", "ten", "--to", file, "--force")
    assert file.read_bytes() == lines(10) and file.stat().st_mode & 0o777 == 0o600
    assert listing(tmp_path) == before


def test_a_restored_file_in_a_watched_root_is_no_new_session(watched):
    """Not before somebody goes on with it: then it is one like any other."""
    def sessions():
        watched.ctl_run("flush", "--wait")
        return {entry["sid"]: entry["lines"] for entry in watched.ctl_lines("sessions")}

    root = watched.home / "logs"
    try:
        os.setxattr(root, "user.uploaderd.test", b"")
    except OSError:
        pytest.skip("the file system of the tests keeps no extended attributes")
    copy = root / "copy.jsonl"
    watched.ctl_run("restore", "ten", "--to", copy)
    assert sessions() == {"ten": 10}
    assert watched.daemons[-1].stop() == 0
    watched.daemon()
    assert sessions() == {"ten": 10}
    with copy.open("ab") as file:
        file.write(b'{"n":"on"}\n')
    assert sessions() == {"ten": 10, "copy": 11}
    assert watched.ctl_run("replay", "copy").stdout == copy.read_bytes()
    # Where its own file is gone a session goes on in the restored one.
    (root / "ten.jsonl").unlink()
    watched.ctl_run("restore", "ten", "--to", root / "again.jsonl")
    with (root / "again.jsonl").open("ab") as file:
        file.write(b'{"n":"on"}\n')
    assert sessions() == {"ten": 11, "copy": 11}


def test_restore_replaces_no_device_and_no_fifo(watched, tmp_path):
    # Never a device of the machine's: root may replace it.
    os.mkfifo(tmp_path / "fifo")
    assert "is no file" in refused(watched, "restore", "ten", "--to", tmp_path / "fifo", "--force", code=4)["error"]
    assert (tmp_path / "fifo").is_fifo()


def test_follow_ends_at_no_checkpoint(watched):
    refused(watched, "replay", "ten", "--follow", "--to-checkpoint", "latest", code=2)


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_follow_ends_behind_the_last_line_that_was_asked_for(watched, words):
    def line(*options):
        return watched.ctl_run("replay", "ten", *words, *options).stdout

    assert line("--follow", "--lines", "1:2") == line("--lines", "1:2")
    # The last line is to come yet.
    following = subprocess.Popen([*watched.command("uploaderctl"), "--socket", watched.socket, "replay", "ten",
                                  "--follow", "--lines", "9:11"], env=watched.environment(), stdout=subprocess.PIPE)
    try:
        assert following.stdout.read(len(lines(2, 9))) == lines(2, 9)
        watched.write("logs/ten.jsonl", lines(2, 11), "ab")
        watched.ctl_run("flush", "--wait")
        assert following.stdout.read() == lines(1, 11) and following.wait(programs.PATIENCE) == 0
    finally:
        following.kill()


@pytest.mark.parametrize("words", [["status", "--watch"], ["status", "--watch", "--json"], ["replay", "ten", "--follow"],
                                   ["replay", "ten", "--follow", "--json"]])
def test_what_goes_on_ends_when_nobody_reads_it_any_more(watched, words):
    watching = subprocess.Popen([*watched.command("uploaderctl"), "--socket", watched.socket, *words],
                                env=watched.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert watching.stdout.readline()
        watching.stdout.close()
        # Nothing changes any more that would be written.
        assert watching.wait(programs.PATIENCE) == 0 and watching.stderr.read() == b""
    finally:
        watching.kill()


def test_restore_that_cannot_succeed_leaves_nothing(watched, tmp_path):
    assert "replay" in refused(watched, "restore", "ten", "--to", "-", code=2)["hint"]
    assert refused(watched, "restore", "ten", code=2)["hint"]
    assert "directory" in refused(watched, "restore", "ten", "--to", tmp_path / "none/x", code=6)["hint"]
    assert refused(watched, "restore", "none", "--to", tmp_path / "x", code=1)["hint"]
    assert refused(watched, "restore", "ten", "--to-checkpoint", "latest", "--to", tmp_path / "x", code=1)["hint"]
    assert refused(watched, "restore", "ten", "--to", tmp_path / ("x" * 300), code=6)
    assert listing(tmp_path) == [] and not (watched.home / "-").exists()


@pytest.mark.root
def test_restore_without_permission(world, tmp_path):
    world.configure('[[watch]]\nroot = "~/logs"\n')
    world.write("logs/ten.jsonl", lines(10))
    world.become_ordinary()
    world.daemon()
    world.ctl_run("flush", "--wait")
    tmp_path.chmod(0o755)
    error = refused(world, "restore", "ten", "--to", "/etc/ten.jsonl", code=4)
    assert "Permission denied" in error["error"]


@pytest.mark.root
def test_restore_to_a_full_disk(watched, tmp_path):
    watched.write("logs/big.jsonl", lines(100_000))
    watched.ctl_run("flush", "--wait")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", tmp_path], check=True)
    try:
        (tmp_path / "old").write_bytes(b"old\n")
        for words in (["--to", tmp_path / "new"], ["--to", tmp_path / "old", "--force"]):
            assert "space" in refused(watched, "restore", "big", *words, code=6)["hint"]
        assert listing(tmp_path) == ["old"] and (tmp_path / "old").read_bytes() == b"old\n"
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def written_by(process):
    """Bytes that a process has written so far; None when it has ended."""
    try:
        with open(f"/proc/{process.pid}/io") as file:
            return int(file.read().split()[3])
    except OSError:
        return None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_restore_that_is_interrupted_leaves_nothing(watched, tmp_path, number):
    data = lines(400_000)
    watched.write("logs/big.jsonl", data)
    watched.ctl_run("flush", "--wait")
    (tmp_path / "old").write_bytes(b"old\n")
    interrupted = 0
    for part, words in [(part, words) for part in (0, 1, 5, 9) for words in (["new"], ["old", "--force"])]:
        process = subprocess.Popen(
            [*watched.command("uploaderctl"), "--socket", watched.socket, "restore", "big", "--to", tmp_path / words[0],
             *words[1:]], env=watched.environment(), stdout=subprocess.DEVNULL)
        while (written := written_by(process)) is not None and written < len(data) * part // 10:
            pass
        process.send_signal(number)
        interrupted += process.wait() != 0
        for name in listing(tmp_path):
            # Whole, or not at all.
            assert name in ("new", "old"), name
            assert (tmp_path / name).read_bytes() in ([b"old\n", data] if name == "old" else [data])
        (tmp_path / "new").unlink(missing_ok=True)
        (tmp_path / "old").write_bytes(b"old\n")
    assert interrupted


# replay.

def test_replay_into_a_pipe_that_is_closed_ends_quietly(watched):
    watched.write("logs/big.jsonl", lines(200_000))
    watched.ctl_run("flush", "--wait")
    for words in (["replay", "big"], ["replay", "big", "--json"], ["show", "big", "--json"], ["sessions", "--json"]):
        process = subprocess.Popen([*watched.command("uploaderctl"), "--socket", watched.socket, *words],
                                   env=watched.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert (process.wait(), errors) == (0, b""), words
    # The daemon minds as little.
    assert watched.ctl_run("replay", "ten").stdout == lines(10)


def test_a_standard_stream_that_came_closed_is_no_socket(watched):
    """Whoever writes to standard output is told, at once, that there is none; and the daemon's connection is not it."""
    def closed(streams, *words):
        return subprocess.run(
            ["sh", "-c", f'exec "$@" {streams}', "sh", *watched.command("uploaderctl"), "--socket", watched.socket, *words],
            env=watched.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=programs.PATIENCE)
    for words in (["replay", "ten"], ["status"], ["sessions", "--json"]):
        done = closed(">&-", *words)
        assert done.returncode == 6 and b"could not write to standard output" in done.stderr, (words, done)
    assert closed("<&- 2>&-", "replay", "ten").stdout == lines(10)
    for streams in (">&-", "2>&-", "<&- >&- 2>&-"):
        run = subprocess.run(
            ["sh", "-c", f'exec "$@" {streams}', "sh", *watched.command("uploaderd"), "--once", "--state-dir",
             watched.base / "other", "--runtime-dir", watched.base / "run2"],
            env=watched.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=programs.PATIENCE)
        assert run.returncode == 0, (streams, run)


def test_edges_of_lines(watched):
    whole = lines(10).splitlines(keepends=True)
    for text, wanted in {"1:": whole, ":": whole, ":10": whole, "1:10": whole, "10:": whole[9:], "10:10": whole[9:],
                         ":1": whole[:1], "3:4": whole[2:4], "8:99": whole[7:], f":{2**62}": whole}.items():
        assert watched.ctl_run("replay", "ten", "--lines", text).stdout == b"".join(wanted), text
    for text in ("0:0", "5:2", "0:3", ":0", "", "x", "1:x", "-1:3", "1:2:3", f"{2**70}:"):
        error = refused(watched, "replay", "ten", f"--lines={text}", code=2)
        assert "no range of lines" in error["error"] and error["hint"], text
    for text in ("11:", "11:20", f"{2**62}:"):
        assert "from 1 to 10" in refused(watched, "replay", "ten", "--lines", text, code=1)["hint"]
    assert watched.ctl_run("replay", "ten", "--max-lines", "3").stdout == b"".join(whole[7:])
    assert refused(watched, "replay", "ten", "--max-lines", "0", code=2)
    assert refused(watched, "replay", "ten", "--generation", "7", code=1)
    assert refused(watched, "replay", "ten", "--stream", "agents/none", code=1)
    assert refused(watched, "replay", "ten", "--from", "nowhere", code=1)["hint"] == "there is store"
    assert refused(watched, "replay", "ten", "--to-checkpoint", "none", code=1)["hint"]


def test_a_session_that_is_not_known(watched):
    for words in (["replay"], ["show"], ["flush"], ["verify"]):
        error = refused(watched, *words, "no-such-session", code=1)
        assert "no-such-session" in error["error"] and "uploaderctl sessions" in error["hint"], words
        assert refused(watched, *words, "a b", code=2)["hint"]


def test_words_that_begin_with_a_dash(watched):
    watched.write("logs/-x.jsonl", lines(2))
    watched.ctl_run("flush", "--wait")
    assert watched.ctl_run("replay", "--", "-x").stdout == lines(2)
    assert refused(watched, "replay", "-x", code=2)["hint"]
    assert watched.ctl_run("replay", "--lines=1:1", "--", "-x").stdout == lines(1)
    # Behind it --json is a name, not an option.
    assert watched.ctl_run("replay", "--", "--json", check=False).stderr.startswith(b"uploaderctl: ")


# Every command.

WITHOUT = [["version"], ["help"], ["completions", "bash"], ["config", "check"]]
SINGLE = [["status"], ["show", "ten"], ["flush"], ["flush", "--wait"], ["reload"], ["version"], ["config", "check"],
          ["completions", "fish"]]
LISTS = [["sessions"], ["replay", "ten"], ["verify"], ["verify", "--deep"], ["config", "show"], ["help"]]


def test_without_a_daemon(world):
    for words in [words for words in SINGLE + LISTS if words[0] not in ("version", "completions", "help")
                  and words != ["config", "check"]] + [["restore", "ten", "--to", "x"]]:
        assert "make run" in refused(world, *words, code=3)["hint"], words
    for words in WITHOUT:
        assert world.ctl_run(*words).stdout
        for line in world.ctl_run(*words, "--json").stdout.splitlines():
            assert isinstance(json.loads(line), dict), words


def test_json_of_every_command(watched, tmp_path):
    """One object, or for lists one a line, and nothing on standard error."""
    for words in SINGLE + LISTS + [["restore", "ten", "--to", tmp_path / "ten"]]:
        done = watched.ctl_run(*words, "--json")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(isinstance(value, dict) for value in found) and done.stderr == b"", words
        assert len(found) == 1 if words not in LISTS else found, words
    for words in ([], ["nonsense"], ["status", "--nonsense"], ["replay"], ["sessions", "--since", "never"],
                  ["sessions", "--agent", "hal"], ["completions", "cmd"], ["verify", "--sample", "3"], ["config"]):
        done = watched.ctl_run(*words, "--json", check=False)
        assert done.returncode == 2 and done.stdout == b"", words
        if words:
            assert json.loads(done.stderr)["exit"] == 2, words


# Terminals.

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


# Completions.

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
