"""Sessions in Supabase Storage: all of them, once, whatever the service says and whenever somebody is killed."""

import gzip
import json
import os
import shutil
import time

import pytest
from storage3 import SyncStorageClient

import generator
import manifest_reader
from conservation import Ledger, backdate, printed_seed, sources
from daemon import PATIENCE
from http_double import Fault
from supabase_double import SupabaseDouble
from supabase_errors import StorageError
from test_foreign_store import uploaded


@pytest.fixture
def double():
    with SupabaseDouble() as double:
        yield double


def configure(world, double, more="", key=None):
    """A destination `cloud` at the double, its key in a file."""
    path = write_key(world, key or double.key)
    world.configure(f'[[destination]]\nname = "cloud"\ntype = "supabase"\nurl = "{double.url}"\n'
                    f'credentials = "{path}"\n{more}')


def write_key(world, key):
    path = world.home / ".config/uploaderd/key"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(key + "\n")
    return path


def homes(world, count, size=3_000):
    sessions = [generator.session(f"supabase {number}", "claude", size) for number in range(count)]
    for session in sessions:
        session.apply(world.home)
    backdate(world.home)
    return sessions


def expected(world):
    return {key: [path.read_bytes()] for path, key in sources(world.home).items()}


def check(world, double, **options):
    """What is in the bucket is what is in the home, no more and no less, by the independent reader; and it replays."""
    folder = world.base / f"bucket.{os.urandom(4).hex()}"
    double.write_to(folder)
    Ledger(folder).expect(expected(world), **options)


def settle(world):
    """Until all is delivered. A flush that meets a trouble is told of it; whoever asks again has it tried again."""
    deadline = time.monotonic() + PATIENCE * 2
    while world.ctl_run("flush", "--wait", check=False, timeout=PATIENCE).returncode != 0:
        assert time.monotonic() < deadline, world.logs()


def check_replays(world):
    for (sid, stream), (data,) in expected(world).items():
        if stream == "main":
            assert world.ctl_run("replay", sid, "--from", "cloud").stdout == data


def test_a_home_goes_there_and_comes_back(world, double):
    configure(world, double)
    homes(world, 12, 60_000)
    world.once()
    check(world, double)
    assert not double.requests("POST", "/upload/resumable"), "short objects go as they are"
    # The official client reads it as well.
    bucket = SyncStorageClient(
        f"{double.url}/storage/v1/", {"Authorization": f"Bearer {double.key}"}).from_("sessions")
    for (sid, stream), (data,) in expected(world).items():
        if stream == "main":
            folder = f"sessions/{manifest_reader.escaped(sid)}"
            manifest = json.loads(bucket.download(f"{folder}/manifest.json"))
            found = b"".join(gzip.decompress(bucket.download(f"{folder}/{each['path']}"))
                             for each in manifest["segments"])
            assert found == data
    daemon = world.daemon()
    check_replays(world)
    assert world.ctl_run("verify", "--deep").returncode == 0
    # Nothing is sent twice, and nothing is asked when nothing happens.
    puts = len(double.requests("POST", "/object/sessions/"))
    world.ctl_run("flush", "--wait")
    assert len(double.requests("POST", "/object/sessions/")) == puts
    assert daemon.stop() == 0
    assert double.key not in daemon.text()


@pytest.mark.parametrize("moment", range(4))
def test_killed_in_the_middle_it_goes_on(world, double, moment):
    configure(world, double, "concurrency = 2\n")
    homes(world, 12, 40_000)
    daemon = world.daemon(wait=False)
    double.wait_for(lambda: len(double.requests("POST", "/object/sessions/")) >= 1 + moment * 9)
    daemon.kill()
    world.once()
    check(world, double)
    # An earlier life's objects were recognised, not put beside ours.
    world.daemon()
    check_replays(world)


def test_a_lost_state_is_taken_up_from_the_bucket(world, double):
    configure(world, double)
    homes(world, 3)
    world.once()
    before = set(double.objects())
    for each in world.state.glob("catalog.db*"):
        each.unlink()
    world.once()
    assert set(double.objects()) == before
    check(world, double)


def held(world, name="cloud"):
    """Waits until the destination is held; its entry in status."""
    def entry(status):
        return next((each for each in status["destinations"] if each["name"] == name and each["state"] == "held"), None)
    return entry(world.wait_status(entry))


@pytest.mark.parametrize("stranger", [
    StorageError("InvalidJWT"), StorageError("AccessDenied", "invalid signature"),
    StorageError("InvalidJWT", '"exp" claim timestamp check failed', status=401)])
def test_a_wrong_key_holds_and_a_right_one_goes_on_by_itself(world, double, stranger):
    double.stranger = lambda: stranger
    configure(world, double, key="not.the.key")
    homes(world, 2)
    daemon = world.daemon()
    held(world)
    told = json.dumps(world.ctl("status", check=False))
    assert "service_role" in told and str(world.home / ".config/uploaderd/key") in told, told
    assert not double.objects()
    write_key(world, double.key)
    settle(world)
    check(world, double)
    assert daemon.stop() == 0
    assert "not.the.key" not in daemon.text() + told and double.key not in daemon.text()


def test_a_key_that_may_not_write_says_which_policy(world, double):
    double.keys["anon"] = frozenset(("select",))
    configure(world, double, key="anon")
    homes(world, 1)
    world.daemon()
    held(world)
    told = json.dumps(world.ctl("status", check=False))
    assert "row-level security" in told and "storage.objects" in told, told
    write_key(world, double.key)
    settle(world)
    check(world, double)


def test_a_bucket_that_is_not_there_is_asked_for(world, double):
    configure(world, double, 'bucket = "archive"\n')
    homes(world, 1)
    once = world.once(code=5)
    assert "make the bucket archive" in once.text(), once.text()
    SyncStorageClient(f"{double.url}/storage/v1/", {"Authorization": f"Bearer {double.key}"}).create_bucket("archive")
    world.once()
    assert double.objects("archive") and not double.objects()


def test_an_address_that_is_no_project_is_said(world, double):
    path = write_key(world, double.key)
    world.configure(f'[[destination]]\nname = "cloud"\ntype = "supabase"\nurl = "{double.url}/elsewhere"\n'
                    f'credentials = "{path}"\n')
    homes(world, 1)
    once = world.once(code=5)
    assert "Supabase project" in once.text()


SLOW = StorageError("SlowDown", headers={"Retry-After": "1"})
FAULTS = {
    "too many requests": Fault(error=SLOW),
    "too many requests, without a word when": Fault(error=StorageError("SlowDown")),
    "the database timed out": Fault(error=StorageError("DatabaseTimeout")),
    "an internal error": Fault(error=StorageError("InternalError")),
    "a lock": Fault(error=StorageError("LockTimeout")),
    "a gateway's page": Fault(502, b"<html>Bad gateway</html>"),
    "a reset before": Fault(before=True),
    "a reset after it was done": Fault(after=True),
    "half an answer": Fault(half=True),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method, part", [
    ("POST", "/segments/"), ("POST", "manifest.json"), ("POST", ".uploaderd.json"), ("GET", "/object/")])
def test_what_passes_is_waited_for(world, double, fault, method, part):
    """Whatever the service says of a request, and whether it did it: everything is there once in the end."""
    configure(world, double)
    homes(world, 2)
    # The store's identity is put once: half an answer later it is there.
    double.fault(method, part, FAULTS[fault], times=1 if part == ".uploaderd.json" else 2)
    world.daemon()
    settle(world)
    check(world, double)
    assert not double.faults, "the fault was not met"


def test_a_service_that_hangs_holds_nobody_for_ever(world, double):
    configure(world, double, 'timeout = "1s"\n')
    homes(world, 1)
    double.fault("POST", "/segments/", Fault(hang=True))
    world.daemon()
    settle(world)
    check(world, double)
    assert not double.faults


def test_what_is_there_already_counts_when_it_is_the_same(world, double):
    """Everything but the segments is gone, here and there: they are recognised by their bytes, and one that differs is told."""
    configure(world, double)
    session, other = homes(world, 2)
    world.once()
    segments = {key: stored for key, stored in double.objects().items() if "/segments/" in key}
    for key in set(double.objects()) - set(segments):
        del double.buckets["sessions"].objects[key]
    (wrong,) = [key for key in segments if manifest_reader.escaped(other.sid) in key]
    double.store("sessions", wrong, segments[wrong].data[:-1] + b"?", "application/gzip", True)
    shutil.rmtree(world.state)
    world.daemon()
    assert wrong in world.wait_health("delivery_conflict")["message"]
    world.ctl_run("flush", "--wait", check=False)
    folder = world.base / "bucket"
    double.write_to(folder)
    assert manifest_reader.read(folder, session.sid).latest("main")
    assert all(double.objects()[key].version == segments[key].version for key in segments if key != wrong)
    assert double.objects()[wrong].data[-1:] == b"?", "it was overwritten"


@pytest.mark.parametrize("old", [False, True])
def test_a_session_that_agent_uploader_stored_goes_on(world, double, old):
    """Its objects have no digests in their names, and its manifest none at all."""
    rng, seed = printed_seed(f"supabase foreign {old}")
    double.has_list_v2 = not old
    double.page = 3
    configure(world, double, '[segments]\nmax_lines = 40\n')
    session = generator.session(seed, "codex", size=100_000)
    session.apply(world.home)
    backdate(world.home)
    path = world.home / next(iter(session.streams))
    lines = path.read_bytes().splitlines(keepends=True)
    cut = len(lines) // 2
    theirs = world.base / "theirs"
    uploaded(theirs, session.sid, lines[:cut], rng)
    for file in theirs.rglob("*"):
        if file.is_file():
            # As its program does: octet-stream, always replacing.
            double.store("sessions", str(file.relative_to(theirs)), file.read_bytes(), "application/octet-stream", True)
    before = {key: stored.version for key, stored in double.objects().items() if not key.endswith("manifest.json")}
    count = len(json.loads((theirs / "sessions" / session.sid / "manifest.json").read_text())["segments"])
    world.once()
    assert all(double.objects()[key].version == version for key, version in before.items()), "an object was replaced"
    folder = world.base / "bucket"
    double.write_to(folder)
    found = manifest_reader.read(folder, session.sid)
    stored = found.streams["main"].generations
    assert stored[0] + stored[1] == path.read_bytes()
    assert found.manifest["segments"][count]["seq"] == count + 1
    world.daemon()
    assert world.ctl_run("replay", session.sid, "--from", "cloud").stdout == path.read_bytes()


def test_agent_uploaders_own_command_line_delivers(world, double):
    """Its flags and variables mean what they mean to it, and the key is in no list of processes."""
    homes(world, 1)
    data = b'{"n":1}\n{"n":2}\n'
    notes = world.write("notes.jsonl", data)
    daemon = world.daemon("--file", notes, "--supabase-url", double.url, "--supabase-key", double.key)
    command = open(f"/proc/{daemon.pid}/cmdline", "rb").read()
    assert double.key.encode() not in command
    world.ctl_run("flush", "--wait")
    assert world.ctl_run("replay", "notes", "--from", "supabase").stdout == data
    assert daemon.stop() == 0 and double.key not in daemon.text()
