"""Sessions at a confab server: every line once and in order, whatever it says and whenever somebody is killed."""

import json
import shutil

import pytest

import generator
from confab_scene import (check, claude, configure, destination, double, file_name, held, homes, said,  # noqa: F401
                          settle, write_key)
from conservation import backdate, sources, whole_lines
from http_double import Fault


def test_a_home_goes_there_line_for_line_and_comes_back(world, double):
    configure(world, double)
    homes(world, 8, 60_000)
    homes(world, 2, 60_000, "codex")
    world.once()
    check(world, double)
    begun = {each.body["external_id"]: each.body for each in double.requests("POST", "/sync/init")}
    for path, (sid, stream) in sources(world.home).items():
        if stream == "main":
            assert begun[sid]["provider"] == ("codex" if ".codex" in str(path) else "claude-code")
            assert begun[sid]["transcript_path"] == str(path)
            assert begun[sid]["metadata"]["username"] and begun[sid]["metadata"]["hostname"]
    assert all(each.headers["User-Agent"].startswith("uploaderd/") for each in double.asked)
    daemon = world.daemon()
    for path, (sid, stream) in sources(world.home).items():
        data = path.read_bytes()
        assert world.ctl_run("replay", sid, "--stream", stream, "--from", "team").stdout == data
        # The spool is empty and there is no other store.
        assert world.ctl_run("replay", sid, "--stream", stream).stdout == data
    for words in [("verify",), ("verify", "--deep")]:
        assert world.ctl_run(*words).returncode == 0
    # Nothing is sent twice.
    chunks = len(double.requests("POST", "/sync/chunk"))
    world.ctl_run("flush", "--wait")
    assert len(double.requests("POST", "/sync/chunk")) == chunks
    assert daemon.stop() == 0
    assert double.key not in daemon.text()


def test_real_sessions_go_there_and_come_back(world, double, corpus):
    """Agents that such a server knows; without redaction, so that each line can be compared with its file's."""
    configure(world, double)
    if corpus is None:
        corpus = world.base / "generated"
        for number, agent in enumerate(["claude", "codex", "claude", "codex"]):
            generator.session(f"confab corpus {number}", agent, 1_000_000).apply(corpus)
    shutil.copytree(corpus, world.home, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".copilot", ".pi"))
    backdate(world.home)
    world.once("--no-redaction")
    daemon = world.daemon("--no-redaction")
    files = {path: each for path, each in sources(world.home).items() if whole_lines(path.read_bytes())}
    for path, (sid, stream) in files.items():
        data = whole_lines(path.read_bytes())
        assert double.lines(sid, file_name(path, sid, stream)) == data, path
        assert world.ctl_run("replay", sid, "--stream", stream, "--from", "team").stdout == data
    assert sum(len(session.files) for session in double.sessions.values()) == len(files)
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files)} bytes, {len(double.chunk_bodies())} chunks")


@pytest.mark.parametrize("moment", range(4))
def test_killed_in_the_middle_it_goes_on(world, double, moment):
    configure(world, double, '[segments]\nmax_lines = 5\n[merge]\nenabled = false\n')
    homes(world, 6, 40_000)
    daemon = world.daemon(wait=False)
    double.wait_for(lambda: len(double.requests("POST", "/sync/chunk")) >= 1 + moment * 7)
    daemon.kill()
    world.once()
    check(world, double)


def test_a_lost_state_goes_on_where_the_server_is(world, double):
    configure(world, double)
    homes(world, 4, 20_000)
    world.once()
    chunks = len(double.chunk_bodies())
    shutil.rmtree(world.state)
    sid, path = claude()
    world.write(path, b"".join(said(number) for number in range(20)))
    backdate(world.home)
    world.once()
    check(world, double)
    assert len(double.chunk_bodies()) == chunks + 1, "what was there was sent again"


def test_what_its_own_client_has_sent_is_not_sent_again(world, double):
    configure(world, double)
    sid, path = claude()
    data = [said(number) for number in range(30)]
    world.write(path, b"".join(data))
    backdate(world.home)
    theirs = double.begin("u1", {"provider": "claude-code", "external_id": sid, "transcript_path": "/x"})
    other = [line.decode().strip().replace("x", "theirs") for line in data[:12]]
    double.chunk("u1", {"session_id": theirs["session_id"], "file_name": f"{sid}.jsonl", "file_type": "transcript",
                        "first_line": 1, "lines": other})
    world.once()
    assert double.lines(sid, f"{sid}.jsonl").splitlines(keepends=True)[12:] == data[12:]
    (body,) = double.chunk_bodies()
    assert body["first_line"] == 13


SLOW = {"Retry-After": "1", "Content-Type": "application/json"}
FAULTS = {
    "too many requests": Fault(429, b'{"error":"rate limit exceeded"}', SLOW),
    "too many requests, without a word when": Fault(429, b"{}"),
    "an internal error": Fault(500, b'{"error":"internal error"}'),
    "a gateway's page": Fault(502, b"<html>Bad gateway</html>"),
    "unavailable": Fault(503, b""),
    "no such session": Fault(404, b'{"error":"session not found"}'),
    "a reset before": Fault(before=True),
    "a reset after it was done": Fault(after=True),
    "half an answer": Fault(half=True),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", ["/sync/init", "/sync/chunk"])
def test_what_passes_is_waited_for(world, double, fault, part):
    """Whatever the server says of a request, and whether it did it: every line is there once in the end."""
    configure(world, double)
    homes(world, 2)
    double.fault("POST", part, FAULTS[fault], times=2)
    world.daemon()
    settle(world)
    check(world, double)
    assert not double.faults, "the fault was not met"


def test_a_server_that_hangs_and_one_that_restarts(world, double):
    configure(world, double, 'timeout = "1s"\n')
    homes(world, 2)
    double.fault("POST", "/sync/chunk", Fault(hang=True))
    world.daemon()
    settle(world)
    check(world, double)
    double.restart()
    sid, path = claude()
    world.write(path, said(1) + said(2))
    settle(world)
    check(world, double)


def test_a_storm_of_429_ends(world, double):
    """The server's own limit: a burst, then so many a second, and Retry-After."""
    double.upload_rate = (5, 2)
    configure(world, double, '[segments]\nmax_lines = 8\n[merge]\nenabled = false\n')
    homes(world, 4, 16_000)
    world.daemon()
    # By itself: whoever asks for a flush asks for another attempt.
    world.wait_status(
        lambda status: status["sessions"]["known"] >= 4 and not status["sessions"]["live"]
        and not any(each["queued"] for each in status["destinations"]), timeout=180)
    settle(world)
    check(world, double)
    refused = [each for each in double.asked if each.status == 429]
    assert refused and len(refused) <= len(double.asked) / 2, len(refused)


def test_a_wrong_key_holds_and_a_right_one_goes_on_by_itself(world, double):
    configure(world, double, key="cfb_" + "x" * 40)
    homes(world, 2)
    daemon = world.daemon()
    told = held(world)
    assert "cfb_…" in told or "cfb_\\u2026" in told, told
    assert str(world.home / ".config/uploaderd/key") in told
    assert not double.sessions
    write_key(world, double.key)
    settle(world)
    check(world, double)
    assert daemon.stop() == 0
    assert "x" * 40 not in daemon.text() + told


def test_an_address_that_is_no_confab_is_said_after_three_times(world, double):
    configure(world, double)
    homes(world, 2)
    double.fault("POST", "/sync/init", Fault(404, b"<html>nothing here</html>"), times=None)
    world.daemon()
    told = held(world)
    assert "answers in a row" in told and "the address of a confab server" in told, told
    double.heal()
    settle(world)
    check(world, double)


def test_a_page_instead_of_an_answer_is_no_confab(world, double):
    configure(world, double)
    homes(world, 1)
    double.fault("POST", "/sync/init", Fault(200, b"<html>Log in to the hotel</html>"), times=None)
    world.daemon()
    assert "none of confab's" in held(world)
    double.heal()
    settle(world)
    check(world, double)


def test_a_server_put_back_from_a_backup_gets_what_it_lacks(world, double):
    """What another destination has is sent again; what nobody has is said."""
    store = world.base / "store"
    world.configure(destination(world, double, '[[destination]]\nname = "disk"\ntype = "directory"\n'
                                f'path = "{store}"\n[segments]\nmax_lines = 5\n[merge]\nenabled = false\n'))
    sid, path = claude()
    world.write(path, b"".join(said(number) for number in range(20)))
    world.daemon()
    settle(world)
    check(world, double)
    double.drop(sid, f"{sid}.jsonl", 10)
    world.write(path, said(20) + said(21), mode="ab")
    world.ctl_run("flush", "--wait", check=False)
    # What the daemon knows is older: the server says so.
    settle(world)
    check(world, double)
    double.delete(sid)
    world.write(path, said(22), mode="ab")
    settle(world)
    check(world, double)


def test_only_there_what_the_server_lost_is_said(world, double):
    configure(world, double, '[segments]\nmax_lines = 5\n')
    sid, path = claude()
    world.write(path, b"".join(said(number) for number in range(20)))
    world.daemon()
    settle(world)
    double.delete(sid)
    world.write(path, said(20), mode="ab")
    world.ctl_run("flush", "--wait", check=False)
    told = world.wait_health("delivery_conflict")
    assert "has 0 lines" in told["message"] and "deleted" in told["hint"], told
    assert world.ctl("status", check=False)["health"]
    assert json.loads(world.ctl_run("verify", "--json", check=False).stdout.splitlines()[0])["state"] in (
        "MISSING", "DELAYED", "QUEUED")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_private_session_is_not_asked_for(world, double, is_there):
    """The server is told where a session runs by whoever asks what it has of it, and makes one that it has not got."""
    configure(world, double)
    sid, path = claude()
    daemon = world.daemon()
    if not is_there:
        world.ctl_run("pause", "team")
    world.write(path, said(1) + said(2))
    world.ctl_run("flush", *(["--wait"] if is_there else []))
    world.ctl_run("private", "add", sid)
    asked = len(double.asked)
    for restarts in (False, True):
        if restarts:
            assert daemon.stop() == 0
            daemon = world.daemon()
        for words in (["verify", sid], ["verify", "--deep"], ["replay", sid, "--from", "team"], ["replay", sid]):
            shown = world.ctl_run(*words, check=False)
            assert "team" not in words or shown.returncode != 0, shown.stdout
    with double.lock:
        told = [each for each in double.asked[asked:] if sid in json.dumps(each.body)]
    assert not told, told
    assert daemon.stop() == 0
    assert len(double.sessions) == is_there
