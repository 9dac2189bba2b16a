"""Sessions at an agnes server: each stream one whole file, which only grows, whatever the server says and whoever is killed."""

import json
import shutil

import pytest

import generator
from agnes_scene import check, configure, destination, disk, double, file_name  # noqa: F401
from confab_scene import claude, held, homes, said, settle, write_key
from conservation import backdate, sources, whole_lines
from hooks import Hooks, payload
from http_double import Fault
from test_readers import machines  # noqa: F401: a fixture


def test_a_home_goes_there_file_for_file(world, double):
    configure(world, double)
    homes(world, 8, 60_000)
    homes(world, 2, 60_000, "codex")
    world.once()
    check(world, double)
    files = sources(world.home)
    # Each once, whole, packed, with its token.
    assert len(double.uploads()) == len(files)
    for each in double.uploads():
        assert each.headers["Authorization"] == f"Bearer {double.token}"
        assert each.headers["User-Agent"].startswith("uploaderd/")
    sent = sum(int(each.headers["Content-Length"]) for each in double.uploads())
    assert sent < sum(path.stat().st_size for path in files) / 2, "it was not packed"
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    assert len(double.uploads()) == len(files), "nothing is sent twice"
    team = next(each for each in world.ctl("status")["destinations"] if each["name"] == "team")
    assert team["state"] in ("active", "idle") and team["queued"] == 0, team
    # What cannot be looked at is not said to be there, and is not missing.
    found = [each for each in world.ctl_lines("verify", check=False) if each.get("destination") == "team"]
    assert found and all(each["state"] == "DELAYED" and "gives no files back" in each["detail"] for each in found)
    (sid, stream) = next(iter(files.values()))
    asked = world.ctl_run("replay", sid, "--stream", stream, "--from", "team", check=False)
    assert asked.returncode != 0 and b"gives no files back" in asked.stderr, asked
    outcomes = {each["outcome"] for each in world.ctl_lines("audit") if each.get("destination") == "team"}
    assert outcomes == {"sent"}, outcomes
    assert daemon.stop() == 0
    assert double.token not in daemon.text()


def test_real_sessions_go_there(world, double, corpus):
    configure(world, double)
    if corpus is None:
        corpus = world.base / "generated"
        for number, agent in enumerate(["claude", "codex", "claude", "codex"]):
            generator.session(f"agnes corpus {number}", agent, 1_000_000).apply(corpus)
    shutil.copytree(corpus, world.home, dirs_exist_ok=True)
    backdate(world.home)
    world.once("--no-redaction")
    files = {path: each for path, each in sources(world.home).items() if whole_lines(path.read_bytes())}
    assert double.names() == {file_name(*each) for each in files.values()}
    for path, each in files.items():
        # A last line without its end may grow.
        assert double.file(file_name(*each)) == whole_lines(path.read_bytes()), path
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files)} bytes")


def test_an_old_server_gets_plain_files(world, double):
    double.accepts = None
    configure(world, double)
    homes(world, 2)
    world.once()
    check(world, double)


def test_what_the_server_cannot_unpack_goes_plain(world, double):
    double.breaks_gzip = True
    configure(world, double)
    homes(world, 3)
    world.once()
    check(world, double)
    refused = [each for each in double.uploads() if each.status == 400]
    assert 1 <= len(refused) <= 4, "it is told once; what was under way beside it, too"


PASSES = {
    "a timeout": Fault(408),
    "too many requests": Fault(429, b'{"detail":"slow down"}', {"Retry-After": "1"}),
    "an internal error": Fault(500, b"Internal Server Error"),
    "a gateway's page": Fault(502, b"<html>Bad gateway</html>"),
    "unavailable": Fault(503),
    "a reset before": Fault(before=True),
    "a reset after it was done": Fault(after=True),
    "half an answer": Fault(half=True),
}


@pytest.mark.parametrize("fault", PASSES)
def test_what_passes_is_waited_for(world, double, fault):
    configure(world, double)
    homes(world, 2)
    double.fault("POST", "/api/upload/sessions", PASSES[fault], times=2)
    world.daemon()
    settle(world)
    check(world, double)
    assert not double.faults, "the fault was not met"


def test_a_server_that_hangs(world, double):
    """It has taken the file, and nobody hears of it."""
    configure(world, double, 'timeout = "1s"\n')
    homes(world, 2)
    double.fault("POST", "/api/upload/sessions", Fault(hang=True))
    world.daemon()
    settle(world)
    check(world, double)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_taken_holds_and_a_new_one_goes_on_by_itself(world, double, status):
    configure(world, double, token="pat.expired")
    if status == 403:
        double.fault("POST", "/api/upload/sessions", Fault(403, b'{"detail":"Not allowed"}'), times=None)
    homes(world, 2)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    told = held(world)
    assert "not taken, or has expired" in told and str(world.home / ".config/uploaderd/key") in told, told
    assert not double.names()
    double.heal()
    write_key(world, double.token)
    settle(world)
    check(world, double)
    assert daemon.stop() == 0
    assert "pat.expired" not in daemon.text() + told and double.token not in daemon.text()


ELSEWHERE = {
    "no such page": (Fault(404, b'{"detail":"Not Found"}'), "the address of an agnes server"),
    "created, which is not 200": (Fault(201, b'{"status":"ok"}'), "nobody of agnes's"),
    "no content": (Fault(204), "nobody of agnes's"),
    "a redirect": (Fault(302, b"", {"Location": "https://login.example/"}), "nobody of agnes's"),
    "a page instead of an answer": (Fault(200, b"<html>Log in to the hotel</html>"), "none of agnes's"),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_who_is_no_agnes_is_not_believed(world, double, kind):
    fault, words = ELSEWHERE[kind]
    configure(world, double)
    homes(world, 2)
    double.fault("POST", "/api/upload/sessions", fault, times=None)
    world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    assert words in held(world)
    double.heal()
    settle(world)
    check(world, double)


@pytest.mark.parametrize("kind", ["too large", "refused"])
def test_what_is_never_taken_stays_and_holds_up_no_other(world, double, kind):
    configure(world, double)
    if kind == "too large":
        double.limit = 20_000
    else:
        double.fault("POST", "/api/upload/sessions", Fault(422, b'{"detail":"field file is required"}'))
    sid, path = claude()
    world.write(path, b"".join(said(number, "long " * 20) for number in range(200)))
    world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    entry = world.wait_health("delivery_refused", f"team/{sid}")
    assert ("413" if kind == "too large" else "422") in entry["message"], entry
    other, second = claude(2)
    world.write(second, said(1))
    world.ctl_run("flush", "--wait", check=False)
    assert double.file(f"{other}.jsonl") == said(1)
    refused = [each for each in world.ctl_lines("audit") if each.get("destination") == "team" and each["sid"] == sid]
    assert refused and refused[0]["outcome"] == "refused", refused
    double.limit = 1 << 30
    settle(world)
    check(world, double)


def test_a_session_that_goes_on_is_sent_again_and_only_grows(world, double):
    configure(world, double)
    sid, path = claude()
    world.write(path, said(1) + said(2))
    world.daemon()
    settle(world)
    check(world, double)
    for number in range(3, 8):
        world.write(path, said(number), mode="ab")
        settle(world)
        check(world, double)
    assert len(double.uploads(f"{sid}.jsonl")) == 6
    # What is joined meanwhile is the same lines.
    settle(world)
    assert len(double.uploads(f"{sid}.jsonl")) == 6


def test_it_is_sent_when_the_session_ends_and_not_before(world, double):
    configure(world, double)
    sid, path = claude()
    hooks = Hooks(world)
    world.daemon()
    file = world.write(path, said(1))
    hooks.run(payload(sid, file))
    world.wait_status(lambda _: any(json.loads(each.read_text())["segments"]
                                    for each in (world.base / "disk").rglob("manifest.json")))
    assert not double.uploads(), "the session was not over"
    hooks.run(payload(sid, file, "SessionEnd", reason="clear"))
    double.wait_for(lambda: double.uploads())
    check(world, double)


def test_a_file_that_was_made_anew_is_another_file_there(world, double):
    configure(world, double)
    sid, path = claude()
    first = b"".join(said(number) for number in range(20))
    file = world.write(path, first)
    world.daemon()
    settle(world)
    anew = said(100, "quite another")
    file.unlink()
    world.write(path, anew)
    settle(world)
    assert double.file(file_name(sid, "main")) == first
    assert double.file(file_name(sid, "main", 2)) == anew
    # One that shrank: its first lines are as they were.
    world.write(path, said(101) + said(102), mode="ab")
    settle(world)
    file.write_bytes(anew)
    settle(world)
    assert double.file(file_name(sid, "main", 2)) == anew + said(101) + said(102)
    assert not double.broken


@pytest.mark.parametrize("point", ["deliver.4a", "deliver.4b", "deliver.5", "deliver.6b", "deliver.7", "retire.8"])
def test_killed_at_any_step_it_goes_on(world, double, point):
    configure(world, double)
    homes(world, 3, 20_000)
    for time in (1, 4):
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"{point}:{time}"})
        daemon.wait_exit()
    world.once()
    check(world, double)


@pytest.mark.parametrize("moment", range(3))
def test_killed_in_the_middle_it_goes_on(world, double, moment):
    configure(world, double)
    homes(world, 8, 40_000)
    daemon = world.daemon("--once", wait=False)
    double.wait_for(lambda: len(double.uploads()) > moment * 3)
    daemon.kill()
    sid, path = claude()
    world.write(path, said(1))
    backdate(world.home)
    world.once()
    check(world, double)


def test_a_lost_catalog_sends_nothing_shorter(world, double):
    configure(world, double)
    homes(world, 3, 20_000)
    sid, path = claude()
    file = world.write(path, said(1) + said(2))
    backdate(world.home)
    world.once()
    shutil.rmtree(world.state)
    # The agent has tidied up: only the store has these lines now.
    file.unlink()
    other, second = claude(2)
    world.write(second, said(1))
    backdate(world.home)
    world.once()
    assert double.file(f"{sid}.jsonl") == said(1) + said(2)
    assert double.file(f"{other}.jsonl") == said(1)
    assert not double.broken


def test_secrets_do_not_go_there(world, double):
    configure(world, double)
    sid, path = claude()
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    world.write(path, said(1, f"it is {secret} and {token}"))
    world.once()
    data = double.file(f"{sid}.jsonl")
    assert secret.encode() not in data and token.encode() not in data and b"[REDACTED:" in data
    for each in (world.state / "spool").rglob("*"):
        assert each.is_dir() or secret.encode() not in each.read_bytes()


def test_a_private_session_never_goes_there_and_forget_says_what_stays(world, double):
    configure(world, double)
    hidden, path = claude(1)
    sent, second = claude(2)
    world.daemon()
    world.ctl_run("private", "add", hidden)
    world.write(path, said(1))
    world.write(second, said(2))
    settle(world)
    assert double.names() == {f"{sent}.jsonl"}
    gone = world.ctl_run("forget", sent, "--yes", check=False)
    assert gone.returncode == 5, gone
    assert b"cannot be deleted from here" in gone.stdout + gone.stderr
    world.write(second, said(3), mode="ab")
    world.ctl_run("flush", "--wait", check=False)
    assert len(double.uploads()) == 1


def test_what_was_redacted_again_takes_the_place_of_what_is_there(world, double):
    configure(world, double)
    sid, path = claude()
    world.write(path, said(1, "acme_0123456789abcdef"))
    world.once()
    assert b"acme_0123456789abcdef" in double.file(f"{sid}.jsonl")
    configure(world, double, '[[redaction.rule]]\nname = "acme"\npattern = "acme_[0-9a-f]{16}"\ntype = "acme_token"\n')
    world.daemon()
    world.ctl_run("resend", sid, "--redact", "--yes")
    settle(world)
    assert double.file(f"{sid}.jsonl") == said(1, "[REDACTED:acme_token]")


def test_resend_puts_it_there_once_more(world, double):
    configure(world, double)
    homes(world, 1)
    sid = next(iter(sources(world.home).values()))[0]
    world.once()
    for path in double.root.rglob("*.jsonl"):
        path.unlink()
    world.daemon()
    world.ctl_run("resend", sid, "--dest", "team")
    check(world, double)


def test_another_machine_that_goes_on_sends_the_whole_file(machines, double):  # noqa: F811
    """Both deliver to one store and one server; the second has the first's file, and goes on with it."""
    sid, path = claude()
    first, second = machines[:2]
    data = b"".join(said(number) for number in range(20))
    for machine, lines in [(first, data), (second, data + said(20))]:
        machine.configure(disk(first.base / "disk") + destination(machine, double))
        machine.write(path, lines)
        backdate(machine.home)
        machine.once()
        assert double.file(f"{sid}.jsonl") == lines
    # The first one's is older now, and nobody asks for it.
    first.once()
    assert double.file(f"{sid}.jsonl") == data + said(20)
    # Both went on: neither's file has the other's lines, so none takes the other's place, and that is said.
    first.write(path, said(300), mode="ab")
    daemon = first.daemon()
    first.ctl_run("flush", "--wait", check=False)
    assert "another machine has lines" in first.wait_health("delivery_conflict", f"team/{sid}")["message"]
    assert daemon.stop() == 0
    assert double.file(f"{sid}.jsonl") == data + said(20) and not double.broken


def test_alone_it_is_refused(world, double):
    world.configure(destination(world, double))
    told = world.ctl_run("config", "check", check=False)
    assert told.returncode == 2 and b"gives nothing back" in told.stdout + told.stderr, told
    world.configure(disk(world.base / "disk") + destination(world, double))
    assert world.ctl_run("config", "check").returncode == 0


def test_a_destination_that_comes_later_gets_everything(world, double):
    world.configure(disk(world.base / "disk"))
    homes(world, 4, 30_000)
    world.once()
    configure(world, double)
    world.once()
    check(world, double)
    assert json.loads(next(world.state.glob("manifests/*.json")).read_text())["segments"]
