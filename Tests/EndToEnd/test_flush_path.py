"""`uploaderctl flush PATH`: one file, of a root or of nobody, to its end."""

import json
import os

import pytest

import manifest_reader
from conservation import Ledger
from test_ctl import lines, refused, watched  # noqa: F401: a fixture


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
