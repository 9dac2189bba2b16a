"""What of sessions a confab server gets, and in what form, where a line or a file is not like the others."""

import json
import os

import pytest

from confab_scene import check, claude, configure, destination, double, homes, said, settle, write_key  # noqa: F401
from conservation import backdate
from hooks import Hooks, payload
from http_double import Fault

SMALL = '[segments]\nmax_lines = 5\n'


def test_a_line_over_the_limit_is_withheld_alone(world, double):
    """14 MiB by the server's rule: the sum of each line and four bytes. What stands for it says so; the others are as they are."""
    configure(world, double)
    limit = 14 << 20
    sid, path = claude()
    lines = [said(1), b'"' + b"a" * (limit - 6) + b'"\n', b'"' + b"b" * (limit - 5) + b'"\n',
             b"\t" * (3 << 20) + b"\n", b"\t" * (2 << 20) + b"\n", said(2)]
    world.write(path, b"".join(lines))
    backdate(world.home)
    daemon = world.daemon()
    settle(world)
    found = double.lines(sid, f"{sid}.jsonl").splitlines(keepends=True)
    assert len(found) == len(lines)
    # The escapes of JSON count, too: a body has 16 MB.
    for number in (0, 1, 4, 5):
        assert found[number] == lines[number], number
    for number in (2, 3):
        assert json.loads(found[number]) == {
            "type": "uploaderd.withheld", "bytes": len(lines[number]) - 1, "reason": "too_long"}
    told = world.wait_health("not_taken_there")
    assert "too long" in told["message"] and told["subject"] == f"team/{sid}"
    world.write(path, said(3), mode="ab")
    settle(world)
    assert double.files(sid)[f"{sid}.jsonl"] == 7
    assert daemon.stop() == 0


def test_where_less_is_taken_chunks_become_shorter(world, double):
    """A proxy in front of the server has a limit of its own: halves are sent, and a line that is too long alone is withheld."""
    double.body_limit = 40_000
    configure(world, double)
    sid, path = claude()
    lines = [json.dumps({"n": number, "t": os.urandom(700).hex()}).encode() + b"\n" for number in range(200)]
    lines[100] = json.dumps({"t": os.urandom(60_000).hex()}).encode() + b"\n"
    world.write(path, b"".join(lines))
    backdate(world.home)
    world.once()
    found = double.lines(sid, f"{sid}.jsonl").splitlines(keepends=True)
    assert found[:100] + found[101:] == lines[:100] + lines[101:]
    assert json.loads(found[100])["reason"] == "too_long"
    refused = [each for each in double.asked if each.status == 413]
    assert len(refused) < 20, len(refused)


def test_bytes_that_are_no_text(world, double):
    """A string has no place for them: U+FFFD stands there. All else is as it is, line for line."""
    configure(world, double)
    sid, path = claude()
    data = (b'\xef\xbb\xbf{"a":1}\r\n\n\n{"nul":"\0\0"}\n{"a":"\xff\xc3(\xe2\x82"}\n'
            b'{"surrogate":"\xed\xa0\x80","high":"\xf4\x8f\xbf\xbf\xf4\x90"}\n{"tab":"\t\x1b[0m\\"}\n')
    world.write(path, data)
    backdate(world.home)
    world.once()
    wanted = data.replace(b"\xff\xc3(\xe2\x82", "\ufffd\ufffd(\ufffd\ufffd".encode()).replace(
        b"\xed\xa0\x80", ("\ufffd" * 3).encode()).replace(b"\xf4\x90", ("\ufffd" * 2).encode())
    assert double.lines(sid, f"{sid}.jsonl") == wanted
    world.daemon()
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert world.ctl_run("replay", sid).stdout == wanted


def test_a_last_line_without_its_end_waits_for_it(world, double):
    """It is taken by --once, and waits in the spool: a line there is never replaced. Nobody calls that a fault."""
    configure(world, double)
    sid, path = claude()
    file = world.write(path, said(1) + said(2)[:-9])
    backdate(world.home)
    world.once()
    assert double.files(sid)[f"{sid}.jsonl"] == 1
    world.daemon()
    status = world.ctl("status")
    assert not status["health"] and world.ctl("flush", "--wait")["queued"] == 0
    with open(file, "ab") as end:
        end.write(said(2)[-9:] + said(3))
    settle(world)
    check(world, double)


def test_a_last_line_without_its_end_goes_when_its_file_is_gone(world, double):
    configure(world, double)
    sid, path = claude()
    data = said(1) + said(2)[:-9]
    file = world.write(path, data)
    backdate(world.home)
    world.once()
    assert double.files(sid)[f"{sid}.jsonl"] == 1
    file.unlink()
    world.once()
    assert double.lines(sid, f"{sid}.jsonl") == data + b"\n"
    world.daemon()
    assert world.ctl_run("replay", sid).stdout == data


def test_a_file_that_is_written_anew_is_another_file(world, double):
    """Lines there are never replaced, and count from 1 in each life of the file."""
    configure(world, double)
    sid, path = claude()
    first, second = b"".join(map(said, range(10))), b"".join(said(number, "anew") for number in range(4))
    file = world.write(path, first)
    backdate(world.home)
    world.once()
    file.write_bytes(second)
    backdate(world.home)
    world.once()
    assert double.files(sid) == {f"{sid}.jsonl": 10, f"{sid}.g2.jsonl": 4}
    assert double.lines(sid, f"{sid}.jsonl") == first
    assert double.lines(sid, f"{sid}.g2.jsonl") == second
    world.daemon()
    for number, data in [(1, first), (2, second)]:
        assert world.ctl_run("replay", sid, "--generation", number, "--from", "team").stdout == data
        assert world.ctl_run("replay", sid, "--generation", number).stdout == data


def test_joining_disturbs_nothing(world, double):
    """What was sent in small segments is joined, before it is delivered and after: no line goes twice or out of order."""
    store = world.base / "store"
    world.configure(destination(world, double, '[[destination]]\nname = "disk"\ntype = "directory"\n'
                                f'path = "{store}"\n' + SMALL))
    sid, path = claude()
    # The server is away while many small segments are cut and joined.
    double.fault("POST", "/sync/", Fault(503), times=None)
    world.daemon()
    data = b""
    for number in range(40):
        data += said(number)
        world.write(path, said(number), mode="ab")
        if number % 5 == 4:
            world.ctl_run("flush")
    world.ctl_run("flush", "--wait", check=False)
    double.heal()
    settle(world)
    check(world, double)
    for number in range(40, 60):
        world.write(path, said(number), mode="ab")
        settle(world)
    check(world, double)
    assert world.ctl_run("verify", "--deep").returncode == 0


def workflow(world, sid):
    folder = f".claude/projects/-work/{sid}/subagents"
    world.write(f".claude/projects/-work/{sid}.jsonl", said(1) + said(2))
    world.write(f"{folder}/agent-abcdef1.jsonl", said(3))
    world.write(f"{folder}/workflows/wf_1/agent-abcdef2.jsonl", said(4) + said(5))
    world.write(f"{folder}/workflows/wf_1/journal.jsonl", b'{"type":"started","key":"v2:1","agentId":"abcdef2"}\n')
    backdate(world.home)


def test_agents_and_workflows_are_files_of_their_types(world, double):
    configure(world, double)
    sid, _ = claude()
    workflow(world, sid)
    world.once()
    kinds = {name: file.kind for name, file in double.session(sid).files.items()}
    assert kinds == {f"{sid}.jsonl": "transcript", "agent-abcdef1.jsonl": "agent",
                     "workflows/wf_1/agent-abcdef2.jsonl": "agent", "workflows/wf_1/journal.jsonl": "workflow_journal"}
    world.daemon()
    assert world.ctl_run("replay", sid, "--stream", "workflows/wf_1/journal", "--from", "team").stdout.count(b"\n") == 1
    assert world.ctl_run("replay", sid, "--stream", "workflows/wf_1/agents/abcdef2", "--from", "team").stdout == (
        said(4) + said(5))


@pytest.mark.parametrize("capabilities", [None, {"workflow_files": False, "workflow_journal": False}])
def test_a_server_that_knows_no_workflows_gets_the_rest(world, double, capabilities):
    """What it does not take stays in the spool and is said; a newer server gets it."""
    double.capabilities = capabilities
    configure(world, double)
    sid, _ = claude()
    workflow(world, sid)
    once = world.once(code=5)
    assert set(double.files(sid)) == {f"{sid}.jsonl", "agent-abcdef1.jsonl"}
    assert "team" in once.text()
    double.capabilities = {"workflow_files": True, "workflow_journal": True}
    world.once()
    assert len(double.files(sid)) == 4


def test_an_agent_that_the_server_does_not_know_is_said(world, double):
    configure(world, double)
    homes(world, 1)
    (copilot,) = homes(world, 1, agent="copilot")
    world.once(code=5)
    check(world, double, but={copilot.sid})
    world.daemon()
    assert "unknown provider copilot" in world.wait_health("delivery_refused")["message"]


def test_what_a_chunk_tells_of_its_session(world, double):
    configure(world, double)
    sid, path = claude()
    secret = "ghp_" + "A1b2C3d4E5" * 4
    lines = [
        {"type": "summary", "summary": "another's", "leafUuid": "7"},
        {"type": "user", "timestamp": "2026-11-20T10:00:00Z", "cwd": "/work", "gitBranch": "main", "isMeta": True,
         "message": {"role": "user", "content": "meta"}},
        {"type": "user", "timestamp": "2026-11-20T10:00:05Z", "cwd": "/work", "gitBranch": "main",
         "message": {"role": "user", "content": [{"type": "text", "text":
                                                  f"<b>Fix</b>  the\n parser &amp; 1 < 2, {secret} " + "é" * 4000}]}},
        {"type": "assistant", "timestamp": "2026-11-20T10:01:00Z", "message": {"model": "claude-opus-5", "content": []}},
        {"type": "assistant", "timestamp": "2026-11-20T09:00:00Z", "message": {"model": "<synthetic>", "content": []}},
        {"type": "summary", "summary": "A parser is fixed"},
    ]
    world.write(path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    backdate(world.home)
    world.once()
    (learnt,) = double.session(sid).learnt
    message = learnt.pop("first_user_message")
    assert message.startswith("Fix the parser & 1 < 2, [REDACTED:") and secret not in message
    assert len(message.encode()) <= 4096 and message.endswith("é...")
    assert learnt == {"summary": "A parser is fixed", "model": "claude-opus-5", "created_at": "2026-11-20T10:00:00Z",
                      "latest_message_at": "2026-11-20T10:01:00Z", "git_info": {"branch": "main"}}
    assert double.session(sid).summary == "A parser is fixed"


def test_the_end_is_told_with_what_the_hook_was_given(world, double):
    configure(world, double)
    sid, path = claude()
    file = world.write(path, said(1))
    world.daemon()
    settle(world)
    secret = "ghp_" + "A1b2C3d4E5" * 4
    Hooks(world).run(payload(sid, file, "SessionEnd", reason="logout", note=secret))
    double.wait_for(lambda: double.session(sid).events)
    (event,) = double.session(sid).events
    assert event["payload"]["reason"] == "logout" and event["payload"]["session_id"] == sid
    assert secret not in json.dumps(event)
    assert double.files(sid)[f"{sid}.jsonl"] == 1


LINK = "https://github.com/o/r/pull/7"


def test_links_are_kept_and_told(world, double):
    configure(world, double)
    sid, path = claude()
    world.write(path, said(1))
    daemon = world.daemon()
    settle(world)
    assert world.ctl("link", sid, LINK, "--title", "Fix the parser") == {"changed": True}
    assert world.ctl("link", sid, LINK) == {"changed": False}
    double.wait_for(lambda: double.session(sid).links)
    assert double.session(sid).links[LINK] == {"url": LINK, "title": "Fix the parser", "source": "manual"}
    # It is the session's, whatever comes: with the catalog gone, too, and where the server has it already.
    settle(world)
    assert daemon.stop() == 0
    for each in world.state.glob("catalog.db*"):
        each.unlink()
    world.write(path, said(2), mode="ab")
    world.daemon()
    settle(world)
    check(world, double)
    kept = json.loads(next((world.state / "manifests").glob("*.json")).read_text())
    assert [link["url"] for link in kept["session"]["links"]] == [LINK]
    assert not world.ctl("status")["health"]
    # One that the server does not take is said, and stops nothing.
    world.ctl_run("link", sid, "https://example.org/elsewhere")
    assert "not a link" in world.wait_health("not_taken_there")["message"]
    settle(world)


@pytest.mark.parametrize("words", [
    ("no-address",), ("ftp://h/x",), ("https://u:p@github.com/o/r/pull/7",), (LINK, "--title", "")])
def test_a_link_that_is_none_is_refused(world, words):
    world.daemon()
    assert world.ctl_run("link", "s", *words, check=False).returncode == 2


def test_a_link_to_a_session_that_nobody_knows(world):
    world.daemon()
    assert world.ctl_run("link", "s", LINK, check=False).returncode == 1


def test_private_and_forgotten(world, double):
    """A private session stops; a forgotten one is named as what that store cannot delete."""
    configure(world, double)
    sid, path = claude()
    world.write(path, said(1))
    world.daemon()
    settle(world)
    world.ctl_run("private", "add", sid)
    world.write(path, said(2), mode="ab")
    world.ctl_run("flush", "--wait", check=False)
    assert double.files(sid)[f"{sid}.jsonl"] == 1
    world.ctl_run("private", "remove", sid)
    settle(world)
    check(world, double)
    done = world.ctl_run("forget", sid, "--yes", check=False)
    assert done.returncode == 5
    assert b"team" in done.stdout + done.stderr and b"delete the session there yourself" in done.stdout + done.stderr or (
        "delete the session there yourself" in json.dumps(world.ctl("status", check=False)["health"]))
    world.write(path, said(3), mode="ab")
    world.ctl_run("flush", "--wait", check=False)
    assert double.files(sid)[f"{sid}.jsonl"] == 2
