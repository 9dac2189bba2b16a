"""The hooks' queue as files, whatever is in them, and another program's that is taken over."""

import json
import os

import pytest

import manifest_reader
from conservation import Ledger
from hooks import Hooks, payload
from test_hooks import LINE, manifest_lines, session_end, wait_end

SNAPSHOT = "sessions.snapshot.4711.0000abcd.txt"


@pytest.fixture
def hooks(world):
    return Hooks(world)


def fill(hooks, **files):
    hooks.queue.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (hooks.queue / name).write_bytes(data)


def test_leftover_snapshots_are_imported_before_what_is_there_now(hooks, world, tmp_path):
    for sid in ("old", "both", "new"):
        (tmp_path / f"{sid}.jsonl").write_bytes(LINE)
    (tmp_path / "other.jsonl").write_bytes(LINE * 2)
    fill(hooks, **{
        SNAPSHOT: f"old\t{tmp_path}/old.jsonl\nboth\t{tmp_path}/both.jsonl\nboth\t{tmp_path}/other.jsonl\n".encode(),
        "sessions.txt": f"both\t{tmp_path}/other.jsonl\n{tmp_path}/new.jsonl\n".encode(),
        ".tmp-2147483647.0000abcd": b"half"})
    daemon = world.daemon()
    hooks.wait_empty()
    world.wait_status(lambda _: all(manifest_lines(world, sid) for sid in ("old", "both", "new")))
    # The first line of a session counts.
    Ledger(world.store).expect({(sid, "main"): [LINE] for sid in ("old", "both", "new")})
    assert daemon.stop() == 0
    assert world.captures() == ["both", "new", "old"]
    assert os.listdir(hooks.queue) == ["lock"]


def test_a_queue_of_garbage_harms_nothing(hooks, world, tmp_path):
    (tmp_path / "good.jsonl").write_bytes(LINE)
    event = {"agent": "claude", "at": "2026-11-22T00:00:00Z", "kind": "end", "sid": "good", "reason": "logout",
             "path": str(tmp_path / "good.jsonl")}
    garbage = [b"", b"\xff\xfe\x00", b"{", b"[]", b"null", b"x" * 20_000, b"a\tb\tc\td", b"\t/x", b"../x", b"/x\x00y",
               json.dumps({**event, "sid": "a b"}).encode(), json.dumps({**event, "path": "rel"}).encode(),
               json.dumps({**event, "kind": "?"}).encode(), json.dumps({**event, "pid": -1, "pid_started": 0, "boot": ""}).encode(),
               b"[" * 5_000]
    fill(hooks, **{"sessions.txt": b"\n".join([*garbage, f"good\t{tmp_path}/good.jsonl".encode(), b"torn\t/no"]),
                   "events.jsonl": b"\n".join([*garbage, json.dumps(event).encode(), b'{"torn'])})
    daemon = world.daemon()
    hooks.wait_empty()
    wait_end(world, "good", "logout")
    assert world.ctl("status")["health"] == []
    assert daemon.stop() == 0
    assert [sid for sid in world.captures() if sid not in ("a", "torn")] == ["good"]


def test_what_is_put_into_the_queue_of_a_running_daemon_is_imported(hooks, world, tmp_path):
    (tmp_path / "late.jsonl").write_bytes(LINE)
    daemon = world.daemon()
    # A hook that could not reach it: its socket is named wrong.
    world_socket, world.runtime = world.socket, world.base / "nowhere"
    hooks.run(payload("late", tmp_path / "late.jsonl"))
    world.runtime = world_socket.parent
    hooks.wait_empty()
    world.wait_status(lambda _: manifest_lines(world, "late") == LINE)
    assert daemon.stop() == 0


def test_once_takes_what_waits_in_the_queue(hooks, world, tmp_path):
    (tmp_path / "away.jsonl").write_bytes(LINE)
    path = world.write(".claude/projects/-p/here.jsonl", LINE)
    hooks.run(payload("away", tmp_path / "away.jsonl"))
    hooks.run(payload("here", path, "SessionEnd", reason="clear"))
    world.once()
    Ledger(world.store).expect({("away", "main"): [LINE], ("here", "main"): [LINE]})
    assert session_end(world, "here") == "clear"
    assert hooks.waiting() == []


def test_a_queue_that_cannot_be_read_is_said(hooks, world):
    world.state.mkdir()
    hooks.queue.write_bytes(b"in the way")
    world.daemon()
    entry = world.wait_health("queue_unreadable")
    assert str(hooks.queue) in entry["message"] + entry["subject"] and entry["hint"]


# agnes

@pytest.fixture
def workspace(world, tmp_path):
    """What agnes has left in a workspace: two sessions to send, one that failed, one that was sent."""
    for sid in ("one", "two", "failed", "bare"):
        (tmp_path / f"{sid}.jsonl").write_bytes(LINE)
    watched = world.write(".claude/projects/-p/watched.jsonl", LINE)
    folder = tmp_path / "ws/.claude"
    folder.mkdir(parents=True)
    (folder / "agnes-sessions.txt").write_text(
        f"two\t{tmp_path}/two.jsonl\t2026-06-24T10:00:00Z\none\t{tmp_path}/two.jsonl\n{tmp_path}/bare.jsonl\n"
        f"watched\t{watched}\ngone\t{tmp_path}/gone.jsonl\n")
    (folder / "agnes-sessions.snapshot.7.0000abcd.txt").write_text(f"one\t{tmp_path}/one.jsonl\n")
    (folder / "agnes-sessions-failed.txt").write_text(f"2026-06-24T10:00:00Z\tfailed\t413\t{tmp_path}/failed.jsonl\nx\n")
    (folder / "agnes-sessions-uploaded.txt").write_text(f"2026-06-24T10:00:00Z\t{tmp_path}/sent.jsonl\n")
    (tmp_path / "sent.jsonl").write_bytes(LINE)
    return folder


def test_agnes_queue_is_taken_over(world, workspace):
    world.daemon()
    for _ in range(2):  # the second time changes nothing
        answer = world.ctl("import-queue", workspace.parent)
        assert answer == {"watched": 1, "taken": 4, "missing": 1, "noted": 1, "not_taken": [], "passed_over": 1,
                          "private": 0}
        world.flush_but_ends()
        # What was sent to agnes' server alone is not ours to take.
        Ledger(world.store).expect({(sid, "main"): [LINE] for sid in ("one", "two", "failed", "bare", "watched")})
    said = world.ctl_run("import-queue", workspace / "agnes-sessions-uploaded.txt").stdout
    assert b"1 upload to agnes' server noted. Your stores do not have them by that" in said


def test_nothing_is_imported_where_what_is_private_could_not_be_kept_so(world, workspace):
    """The private list comes first: as long as it is not in force, nothing follows."""
    (workspace / "agnes-sessions-private.txt").write_text("two\n")
    world.daemon()
    done = world.ctl_run("import-queue", workspace, check=False)
    if done.returncode == 0:
        world.flush_but_ends()
        wanted = ("one", "failed", "bare", "watched")
    else:
        assert done.returncode == 4 and b"nothing was imported" in done.stderr
        wanted = ("watched",)
        world.flush_but_ends()
    Ledger(world.store).expect({(sid, "main"): [LINE] for sid in wanted})


@pytest.mark.parametrize("written, is_read", [
    (b"\xef\xbb\xbf two \t\r\n\n", True), (b"TWO\n", True), (b"one-more\ntwo # mine\n", False), (b"two\0\n", False),
    ("two\n".encode("utf-16"), False), (b"one\rtwo\n", False)])
def test_a_private_list_that_is_written_otherwise_is_read_or_nothing_is_imported(world, workspace, written, is_read):
    (workspace / "agnes-sessions-private.txt").write_bytes(written)
    world.daemon()
    done = world.ctl_run("import-queue", workspace, check=False)
    assert done.returncode == (0 if is_read else 4), done.stderr
    if not is_read:
        assert b"private list" in done.stderr and b"nothing was imported" in done.stderr
    world.flush_but_ends()
    wanted = ("one", "failed", "bare", "watched") if is_read else ("watched",)
    Ledger(world.store).expect({(sid, "main"): [LINE] for sid in wanted})


def test_files_that_are_no_sessions_are_not_imported(world, workspace, tmp_path):
    (tmp_path / "secret").write_bytes(b"x\n")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "secret")
    queue = tmp_path / "queue.txt"
    queue.write_text(f"a\t{tmp_path}/secret\nb\t{tmp_path}/link.jsonl\n")
    world.daemon()
    done = world.ctl_run("import-queue", queue, check=False)
    assert done.returncode == 5
    assert done.stderr.count(b"is not taken") == 2
    assert world.ctl_run("import-queue", tmp_path / "none", check=False).returncode == 1
    assert world.ctl_run("import-queue", world.home, check=False).returncode == 1
    world.flush_but_ends()
    Ledger(world.store).expect({("watched", "main"): [LINE]})


def test_a_restart_asks_again_for_what_was_not_taken(hooks, world, tmp_path):
    """A daemon that is killed between the event and the file that it names."""
    path = tmp_path / "away.jsonl"
    path.write_bytes(LINE)
    daemon = world.daemon(env={"UPLOADERD_FAULT": "seal.2:1"})
    hooks.run(payload("away", path))
    daemon.wait_exit()
    world.daemon()
    world.wait_status(lambda _: manifest_lines(world, "away") == LINE)
    assert manifest_reader.read(world.store, "away").latest() == LINE


def test_a_sub_agents_file_in_a_queue_is_no_session_of_its_own(world, tmp_path):
    """What another machine left: the path says whose it is, whatever the line calls it."""
    sid = "0198f1a2-2222-4000-8000-000000000000"
    main = tmp_path / f"old/projects/-p/{sid}.jsonl"
    agent = tmp_path / f"old/projects/-p/{sid}/subagents/agent-a1.jsonl"
    for path, line in [(main, LINE), (agent, LINE * 2)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(line)
    queue = tmp_path / "agnes-sessions.txt"
    queue.write_text(f"agent-a1\t{agent}\n{sid}\t{main}\n")
    world.daemon()
    for _ in range(2):
        assert world.ctl("import-queue", queue)["taken"] == 2
        world.flush_but_ends()
        Ledger(world.store).expect({(sid, "main"): [LINE], (sid, "agents/a1"): [LINE * 2]})
