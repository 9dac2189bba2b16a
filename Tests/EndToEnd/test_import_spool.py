"""agent-uploader's spool is taken over: its lines as sessions, each once, and nothing of it is touched."""

import gzip
import json

import pytest

import manifest_reader
from daemon import KILLED

SECRET = "AKIAQX7JTKZ3LMNBVCPW"
WATCH = '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n'


def lines(sid, first, count, text="x"):
    return b"".join(json.dumps({"type": "user", "sid": sid, "n": number, "text": text}).encode() + b"\n"
                    for number in range(first, first + count))


class Spool:
    """A spool as agent-uploader writes it; names hold no session, so tests give numbers that do not meet."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("active", "queue", "manifests", "state"):
            (folder / name).mkdir(parents=True)

    def describe(self, name, remote, kind, created_at):
        (self.folder / "queue" / f"{name}.meta.json").write_text(json.dumps(
            {"remote_path": remote, "content_type": "application/octet-stream", "content_encoding": "gzip",
             "created_at": created_at, "kind": kind}, indent=2))

    def segment(self, sid, seq, data, created_at=(2026, 300, 10, 0, 0, 5, 0, 0, 0), packed=True):
        name = f"session-{seq:06}.jsonl" + (".gz" if packed else "")
        path = self.folder / "queue" / name
        path.write_bytes(gzip.compress(data) if packed else data)
        self.describe(name, f"sessions/{sid}/segments/{name}", "Segment",
                      list(created_at) if isinstance(created_at, tuple) else created_at)
        return path

    def manifest(self, sid, segments):
        (self.folder / "queue/manifest.json").write_text(json.dumps({"version": 1, "sid": sid, "segments": segments}))
        self.describe("manifest.json", f"sessions/{sid}/manifest.json", "Manifest", "2026-10-27T10:00:00Z")

    def files(self):
        return {path.relative_to(self.folder): path.read_bytes()
                for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def spool(world):
    return Spool(world.home / ".agent-uploader/spool")


def stored(world, sid):
    return manifest_reader.read(world.store, sid).latest("main") if (world.store / "sessions" / sid).exists() else None


def generations(world, sid):
    return max(entry.get("generation", 1)
               for entry in json.loads((world.store / "sessions" / sid / "manifest.json").read_text())["segments"])


@pytest.mark.parametrize("inner", [False, True], ids=["spool", "queue"])
def test_lines_are_taken_as_sessions_once_and_redacted(world, spool, inner):
    first, second, other = lines("a", 0, 50), lines("a", 50, 50, SECRET), lines("b", 0, 7)
    spool.segment("a", 1, first)
    spool.segment("a", 2, second, "2026-10-27T10:00:01Z", packed=False)
    spool.segment("b", 9, other)
    spool.manifest("a", [{"seq": 1, "bytes_uncompressed": len(first)}, {"seq": 2, "bytes": len(second)}])
    spool.describe("c.json", "sessions/a/checkpoints/c.json", "Checkpoint", [2026, 300, 10, 0, 0, 0, 0, 0, 0])
    before = spool.files()
    world.configure(WATCH)
    daemon = world.daemon()
    place = spool.folder / "queue" if inner else spool.folder
    for fresh in (107, 0):
        answer = world.ctl("import-queue", place)
        assert answer == {"taken": 2, "segments": 3, "lines": fresh, "watched": 0, "private": 0, "passed_over": 2,
                          "not_taken": []}
        world.ctl_run("flush", "--wait")
        assert stored(world, "a").startswith(first) and len(stored(world, "a").splitlines()) == 100
        assert SECRET.encode() not in stored(world, "a") and stored(world, "a").count(b"[REDACTED:") == 50
        assert stored(world, "b") == other
        daemon.kill()
        daemon = world.daemon()
    # More of it: the session goes on.
    spool.segment("a", 3, lines("a", 100, 5))
    assert world.ctl("import-queue", place)["lines"] == 5
    world.ctl_run("flush", "--wait")
    assert len(stored(world, "a").splitlines()) == 105 and generations(world, "a") == 1
    assert {path: data for path, data in spool.files().items() if path in before} == before
    assert world.ctl_run("verify", "--deep").returncode == 0


def test_what_is_private_is_not_taken_and_what_has_a_file_is_taken_from_that(world, spool):
    spool.segment("secret", 1, lines("secret", 0, 5))
    spool.segment("live", 2, lines("live", 0, 5))
    world.configure(WATCH)
    world.write("logs/live.jsonl", lines("live", 0, 9))
    world.daemon()
    world.ctl_run("private", "add", "secret")
    world.ctl_run("flush", "--wait")
    for _ in range(2):
        answer = world.ctl("import-queue", spool.folder)
        assert (answer["taken"], answer["private"], answer["watched"]) == (0, 1, 1)
    world.ctl_run("flush", "--wait")
    assert stored(world, "secret") is None and not (world.state / "spool/secret").exists()
    assert stored(world, "live") == lines("live", 0, 9)
    world.ctl_run("private", "remove", "secret")
    assert world.ctl("import-queue", spool.folder)["lines"] == 5


def test_what_is_damaged_is_named_and_left_and_the_rest_is_taken(world, spool):
    spool.segment("a", 1, lines("a", 0, 5))
    broken = spool.segment("a", 2, lines("a", 5, 5))
    whole = broken.read_bytes()
    spool.segment("a", 3, lines("a", 10, 5))
    spool.segment("b", 7, lines("b", 0, 5))
    foreign = spool.segment("c", 8, lines("c", 0, 5))
    spool.manifest("c", [{"seq": 8, "bytes_uncompressed": 1}])
    (spool.folder / "queue/x.meta.json").write_text("{")
    spool.describe("session-000011.jsonl", "sessions/../segments/session-000012.jsonl", "Segment", "2026-10-27T10:00:00Z")
    spool.describe("session-000013.jsonl", "sessions/d/segments/session-000013.jsonl", "Segment", "yesterday")
    (spool.folder / "active/session-000004.jsonl").write_bytes(lines("a", 15, 1))
    world.configure(WATCH)
    world.daemon()
    for damage in (whole[:-9], whole[:20] + b"\xff\xff" + whole[22:], b""):
        broken.write_bytes(damage)
        before = spool.files()
        done = world.ctl_run("import-queue", spool.folder, "--json", check=False)
        answer = json.loads(done.stdout)
        assert done.returncode == 5 and answer["taken"] == 2, answer
        told = "\n".join(answer["not_taken"])
        for name in (f"{broken} is left, and so are the 1 behind it", str(foreign), "x.meta.json",
                     "session-000011.jsonl.meta.json", "session-000013.jsonl.meta.json", "active/session-000004.jsonl"):
            assert name in told, (name, told)
        assert spool.files() == before
        world.ctl_run("flush", "--wait")
        assert stored(world, "a") == lines("a", 0, 5) and stored(world, "b") == lines("b", 0, 5)
        assert stored(world, "c") is None
    broken.write_bytes(whole)
    assert json.loads(world.ctl_run("import-queue", spool.folder, "--json", check=False).stdout)["lines"] == 10
    world.ctl_run("flush", "--wait")
    assert stored(world, "a") == lines("a", 0, 15) and generations(world, "a") == 1


@pytest.mark.parametrize("point", ["seal.1", "seal.2", "seal.3", "deliver.4b"])
def test_killed_while_it_imports(world, spool, point):
    for seq in range(1, 4):
        spool.segment("a", seq, lines("a", seq * 100, 100))
    world.configure(WATCH)
    daemon = world.daemon(env={"UPLOADERD_FAULT": point})
    world.ctl_run("import-queue", spool.folder, check=False)
    assert daemon.wait_exit() == KILLED
    world.daemon()
    world.ctl_run("import-queue", spool.folder)
    world.ctl_run("flush", "--wait")
    assert stored(world, "a") == lines("a", 100, 300) and generations(world, "a") == 1
    assert world.ctl("import-queue", spool.folder)["lines"] == 0


def test_a_spool_with_nothing_in_it_is_one(world, spool):
    world.daemon()
    assert world.ctl("import-queue", spool.folder)["taken"] == 0
    assert world.ctl_run("import-queue", world.home / "none", check=False).returncode == 1
