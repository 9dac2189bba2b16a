"""uploaderctl as a clumsy and as a hostile user uses it: no wrong word leaves anything half done, or unsaid."""

import json
import subprocess

import pytest

import daemon as programs

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


def test_a_store_that_is_not_there_is_called_by_its_destinations_name(world):
    world.configure('[[watch]]\nagent = "generic"\nroot = "~/logs"\n'
                    f'[[destination]]\nname = "archive"\npath = "{world.base / "archive"}"\n')
    world.write("logs/ten.jsonl", lines(10))
    world.once()
    (world.base / "archive").rename(world.base / "away")
    world.daemon()
    deliveries = [delivery for segment in world.ctl("show", "ten")["segments"] for delivery in segment["deliveries"]]
    assert [delivery["destination"] for delivery in deliveries] == ["archive"]


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


WITHOUT = [["version"], ["help"], ["completions", "bash"], ["config", "check"]]
SINGLE = [["status"], ["show", "ten"], ["flush"], ["flush", "--wait"], ["reload"], ["version"], ["config", "check"],
          ["completions", "fish"]]
LISTS = [["sessions"], ["replay", "ten"], ["verify"], ["verify", "--deep"], ["verify", "--sample", "1/2"], ["audit"], ["config", "show"], ["help"]]


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
