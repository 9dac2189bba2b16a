"""The catalog, or the whole state directory, is lost: nothing else is, and nothing is uploaded twice."""

import json
import os
import shutil

import pytest

import generator
import manifest_reader
from conservation import Ledger, backdate, printed_seed, whole_lines
from test_crash import FAST, KILLED, Growth

QUIET = FAST + "[merge]\nenabled = false\n"
NAMES = ["catalog.db", "catalog.db-wal", "catalog.db-shm"]


class Catalog:
    """The catalog's files, to be hurt."""

    def __init__(self, world, rng):
        self.state = world.state
        self.rng = rng
        self.aside = world.base / "older-catalog"

    @property
    def files(self):
        return [self.state / name for name in NAMES if (self.state / name).exists()]

    def remember(self):
        shutil.rmtree(self.aside, ignore_errors=True)
        self.aside.mkdir()
        for path in self.files:
            shutil.copy(path, self.aside)

    def delete(self):
        for path in self.files:
            path.unlink()

    def delete_only_the_database(self):
        self.files[0].unlink()

    def delete_only_the_log(self):
        for path in self.files[1:]:
            path.unlink()

    def empty(self):
        for path in self.files:
            os.truncate(path, 0)

    def zero(self):
        for path in self.files:
            path.write_bytes(bytes(path.stat().st_size))

    def empty_only_the_database(self):
        os.truncate(self.files[0], 0)

    def truncate(self):
        self.delete_only_the_log()
        os.truncate(self.files[0], self.rng.randrange(1, self.files[0].stat().st_size))

    def truncate_everything(self):
        for path in self.files:
            os.truncate(path, self.rng.randrange(0, path.stat().st_size + 1))

    def fill_with_garbage(self):
        for path in self.files:
            path.write_bytes(self.rng.randbytes(path.stat().st_size))

    def scribble(self):
        """Some pages are not what they were, the first one is."""
        self.delete_only_the_log()
        size = self.files[0].stat().st_size
        with self.files[0].open("r+b") as file:
            for _ in range(4):
                file.seek(self.rng.randrange(4096, max(4097, size)))
                file.write(self.rng.randbytes(3000))

    def replace_by_the_older_copy(self):
        self.delete()
        for path in self.aside.iterdir():
            shutil.copy(path, self.state)


DAMAGES = ["delete", "delete_only_the_database", "delete_only_the_log", "empty", "zero", "empty_only_the_database", "truncate",
           "truncate_everything", "fill_with_garbage", "scribble", "replace_by_the_older_copy"]
# Where the daemon was killed: from "all is only in the spool" to "all but the spool is done". None: it ended well.
ENDS = [None, "seal.2", "seal.3", "deliver.4b", "deliver.6a", "deliver.6b", "retire.8"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_catalog_loses_nothing(world, damage, scale):
    rng, seed = printed_seed(f"catalog {damage}")
    world.configure(QUIET)
    ends = ENDS if scale(False, True) else [None, *rng.sample(ENDS[1:], 2)]
    growth = Growth(world, seed, rng, sessions=4, size=scale(80_000, 300_000), share=3 * len(ends))
    ledger = Ledger(world.store)
    for end in ends:
        catalog = Catalog(world, rng)
        growth.grow()
        world.once(code=growing(world, growth))
        catalog.remember()
        growth.grow()
        if end is None:
            world.once(code=growing(world, growth))
        else:
            daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"{end}:{rng.choice([1, 2])}"})
            assert daemon.wait_exit() in (KILLED, 0, 5)
        ledger.expect(growth.now(), prefix=True)
        getattr(catalog, damage)()
        if rng.random() < 0.7:
            growth.grow()
        world.once(code=growing(world, growth))
        once_each(ledger.expect(growth.now(whole_lines)))
        before = dict(ledger.seen)
        world.once(code=growing(world, growth))
        once_each(ledger.expect(growth.now(whole_lines)))
        assert ledger.seen == before, f"after {end}: taking nothing made something"
    while growth.grow():
        pass
    backdate(world.home)
    world.once()
    once_each(ledger.expect(growth.now()))


def growing(world, growth):
    """The exit code of `--once`: 5 while a file ends in a line without its end."""
    return 5 if any(not data.endswith(b"\n") for data, in growth.now().values() if data) else 0


def once_each(sessions):
    """No line was put twice: nothing had to be superseded, and every object is listed."""
    for session in sessions.values():
        assert not [each for each in session.manifest.get("superseded", [])
                    if not any(s.partial for stream in session.streams.values() for s in stream.segments)], session.sid


@pytest.mark.parametrize("damage", ["delete", "replace_by_the_older_copy", "fill_with_garbage"])
def test_a_catalog_lost_under_way_with_merges(world, damage, scale):
    """The same while small segments are joined, and the daemon that is killed is a live one."""
    rng, seed = printed_seed(f"merging catalog {damage}")
    world.configure('[segments]\nquiet = "20ms"\nmax_lines = 3\n')
    growth = Growth(world, seed, rng, sessions=3, size=scale(150_000, 600_000), share=scale(6, 24))
    ledger = Ledger(world.store)
    more = True
    while more:
        catalog = Catalog(world, rng)
        world.once(code=growing(world, growth))
        catalog.remember()
        daemon = world.daemon(wait=rng.random() < 0.7, env={"UPLOADERD_FAULT": rng.choice(
            ["", "merge.1", "deliver.6b:2", "retire.9"])})
        more = growth.grow()
        if daemon.running and rng.random() < 0.5 and daemon.notices.seen(READY="1"):
            world.ctl_run("flush", check=False)
        daemon.kill()
        ledger.expect(growth.now(), prefix=True)
        getattr(catalog, damage)()
        more = growth.grow() and more
        world.once(code=growing(world, growth))
        ledger.expect(growth.now(whole_lines))
    backdate(world.home)
    world.once()
    ledger.expect(growth.now())


# The whole state directory.

def elsewhere(world, more=""):
    store = world.base / "elsewhere"
    world.configure(QUIET + more + f'[[destination]]\nname = "archive"\ntype = "directory"\npath = "{store}"\n')
    return store


def test_a_lost_state_directory_is_taken_up_from_the_store(world, scale):
    rng, seed = printed_seed("state directory")
    store = elsewhere(world)
    growth = Growth(world, seed, rng, sessions=6, size=scale(100_000, 400_000), share=4)
    ledger = Ledger(store)
    for _ in range(3):
        growth.grow()
        world.once(code=growing(world, growth))
        ledger.expect(growth.now(whole_lines))
        writers = {sid: session.manifest["writer"] for sid, session in ledger.look().items()}
        before = dict(ledger.seen)
        shutil.rmtree(world.state)
        world.once(code=growing(world, growth))
        sessions = ledger.expect(growth.now(whole_lines))
        assert ledger.seen == before, "what is in the store already was put again"
        assert not any(session.writers for session in sessions.values())
        assert {sid: session.manifest["writer"] for sid, session in sessions.items()} == writers
        shutil.rmtree(world.state)
    while growth.grow():
        pass
    # A source that is gone is still a session here.
    path, (sid, stream) = next((p, key) for p, key in growth.streams.items() if key[1] == "main")
    wanted = growth.now()
    kept = world.home / path
    data = kept.read_bytes()
    stored = ledger.look()[sid].latest()
    kept.unlink()
    wanted[sid, "main"] = [stored]
    backdate(world.home)
    world.once()
    once_each(ledger.expect(wanted))
    daemon = world.daemon()
    assert sid in [each["sid"] for each in world.ctl_lines("sessions")]
    assert world.ctl_run("replay", sid).stdout == stored
    assert daemon.stop() == 0
    # And when it comes back it goes on.
    kept.write_bytes(data)
    backdate(world.home)
    world.once()
    once_each(ledger.expect(growth.now()))


def test_an_unreadable_store_makes_a_lost_session_wait(world):
    rng, seed = printed_seed("unresolved")
    store = elsewhere(world)
    growth = Growth(world, seed, rng, sessions=3, size=60_000, share=3)
    ledger = Ledger(store)
    growth.grow()
    world.once(code=growing(world, growth))
    ledger.expect(growth.now(whole_lines))
    growth.grow()
    # The catalog and the local manifests' contents are gone, but not that there was an earlier life.
    catalog = Catalog(world, rng)
    catalog.fill_with_garbage()
    shutil.rmtree(world.state / "manifests")
    hidden = world.base / "hidden"
    store.rename(hidden)
    store.write_bytes(b"not a directory")
    daemon = world.daemon()
    world.ctl_run("flush", check=False)
    health = world.ctl("status", check=False)["health"]
    assert {"session_unresolved", "destination_failing"} <= {entry["kind"] for entry in health}, health
    assert not list((world.state / "spool").rglob("*.seg")), "an unresolved session was cut"
    store.unlink()
    hidden.rename(store)
    growth.grow()
    daemon.stop()
    world.once(code=growing(world, growth))
    once_each(ledger.expect(growth.now(whole_lines)))


def test_a_manifest_that_cannot_be_read_makes_its_session_wait_and_is_said(world):
    """Of a state directory that is new nobody knows what that manifest has of it; others go on."""
    rng, seed = printed_seed("unreadable manifest")
    store = elsewhere(world)
    growth = Growth(world, seed, rng, sessions=2, size=20_000, share=1)
    growth.grow()
    backdate(world.home)
    world.once()
    wanted = growth.now()
    path = next(store.glob("sessions/*/manifest.json"))
    manifest = path.read_bytes()
    path.write_bytes(manifest[:len(manifest) // 2])
    shutil.rmtree(world.state)
    text = world.once(code=5).text()
    assert f"session {path.parent.name} waits for destination archive: " in text and "manifest.json" in text, text
    path.write_bytes(manifest)
    world.once()
    once_each(Ledger(store).expect(wanted))


@pytest.mark.parametrize("before, after", [(5, 7), (5, 5), (7, 5)])
def test_a_restored_home_takes_nothing_from_the_store(world, before, after):
    """Home and state directory come from a backup, the store is newer: it knows of lines that are not in the file now."""
    rng, seed = printed_seed("restored")
    store = elsewhere(world)

    def lines(count):
        return b"".join(b'{"type":"user","n":%d}\n' % rng.getrandbits(60) for _ in range(count))

    def once(code=0):
        backdate(world.home)
        world.once(code=code)

    world.write(".claude/projects/-p/it.jsonl", begun := lines(10))
    once()
    backup = world.base / "backup"
    shutil.copytree(world.state, backup, ignore=shutil.ignore_patterns("lock"))
    world.write(".claude/projects/-p/it.jsonl", old := begun + lines(before))
    once()
    shutil.rmtree(world.state)
    shutil.copytree(backup, world.state)
    world.write(".claude/projects/-p/it.jsonl", new := begun + lines(after))
    once(5)
    ledger = Ledger(store)
    assert not ledger.expect({("it", "main"): [old]})["it"].manifest.get("superseded")
    daemon = world.daemon()
    world.ctl_run("flush", check=False)
    assert "holds other lines" in world.wait_health("delivery_conflict")["message"]
    assert world.ctl_run("replay", "it").stdout == new
    assert world.ctl_run("replay", "it", "--from", "archive").stdout == old
    assert daemon.stop() == 0
    # What docs/operations.md says that helps.
    aside = world.base / "aside"
    aside.mkdir()
    for path in [*world.state.glob("catalog.db*"), world.state / "spool/it"]:
        path.rename(aside / path.name)
    once()
    ledger.expect({("it", "main"): [old, new]})


# What is missing is cut again, and nothing is silent about it.

def one_session(world, path=".claude/projects/-p/3ac7652c-cdf8-4404-0729-5e4299901c04.jsonl"):
    """A session's id, and a function that appends so many lines to its file and returns all of it."""
    file = world.write(path, b"")

    def add(count):
        first = file.read_bytes().count(b"\n")
        with file.open("ab") as out:
            out.write(b"".join(b'{"type":"user","n":%d}\n' % n for n in range(first, first + count)))
        return file.read_bytes()
    return "3ac7652c-cdf8-4404-0729-5e4299901c04", add


SHORT = '[segments]\nquiet = "30ms"\nmax_lines = 5\n'


def away(store):
    """Takes the store away, and returns what brings it back."""
    hidden = store.with_name("hidden")
    store.rename(hidden)
    store.write_bytes(b"not a directory")

    def back():
        store.unlink()
        hidden.rename(store)
    return back


def waiting(world, count):
    """Waits until so many segments are only in the spool; their files, in order."""
    world.wait_status(lambda status: sum(each["queued"] for each in status["destinations"]) >= count)
    return sorted((world.state / "spool").rglob("*.seg"))


def left_in_the_spool(world, count, segments):
    """A session of five delivered lines, and `count` more that only the spool of a killed daemon has: the store, the session,
    all its lines, the spool's files in order, and what brings the store back."""
    store = world.base / "elsewhere"
    world.configure(SHORT + f'[[destination]]\nname = "archive"\npath = "{store}"\n')
    sid, add = one_session(world)
    add(5)
    world.once()
    back = away(store)
    daemon = world.daemon()
    whole = add(count)
    world.ctl_run("flush")
    files = waiting(world, segments)
    daemon.kill()
    return store, sid, whole, files, back


@pytest.mark.parametrize("goes_on", ["as it was", "with a line", "written anew"])
def test_a_session_whose_last_segment_was_joined_is_recognised(world, goes_on):
    """Of lines with secrets no joint digest can be made, and those of its last parts tell."""
    world.configure('[segments]\nquiet = "20ms"\nmax_lines = 1\n')
    path = world.home / ".claude/projects/p/one.jsonl"
    path.parent.mkdir(parents=True)
    manifest = world.store / "sessions/one/manifest.json"

    def segments():
        return json.loads(manifest.read_bytes())["segments"]

    daemon = world.daemon()
    lines = 0
    while not manifest.exists() or "source_parts" not in segments()[-1]:
        lines += 1
        assert lines < 200, "nothing was joined"
        with path.open("ab") as file:
            file.write(b'{"n":%d,"t":"password=Hunter22hunter%d"}\n' % (lines, lines))
        world.ctl_run("flush", "--wait")
    assert daemon.stop() == 0
    before = segments()
    Catalog(world, None).delete()
    if goes_on == "with a line":
        with path.open("ab") as file:
            file.write(b'{"n":"on"}\n')
    elif goes_on == "written anew":
        path.write_bytes(path.read_bytes().replace(b'"n":%d,' % lines, b'"n":%d,' % (lines + 800)))
    world.once()
    after = segments()
    assert after[:len(before)] == before
    added = [(each["generation"], each["first_line"], each["lines"]) for each in after[len(before):]]
    if goes_on == "written anew":
        assert added[0][:2] == (2, 1) and sum(each[2] for each in added) == lines
    else:
        assert added == ([(1, lines + 1, 1)] if goes_on == "with a line" else [])


RENAMED = [("a", "d")]
EXCHANGED = [("a", "x"), ("b", "a"), ("x", "b")]
ROTATED = [("b", "c"), ("a", "b")]


@pytest.mark.parametrize("moved", [RENAMED, EXCHANGED, ROTATED, []])
@pytest.mark.parametrize("when", ["in life", "before it is lost", "when it is lost", "after it was lost"])
@pytest.mark.parametrize("lost", ["catalog", "state"])
def test_renamed_files_are_recognised_by_what_was_stored(world, moved, when, lost):
    """No name, number or mark tells any more, and none of them is taken for a fork of another."""
    world.configure(QUIET + f'[[watch]]\nagent = "generic"\nroot = "{world.home}/logs"\n')
    folder = world.home / "logs"
    folder.mkdir(parents=True)
    content = {sid: b"".join(b'{"%s":%d}\n' % (sid.encode(), n) for n in range(200)) for sid in "ab"}
    content["f"] = content["a"] + b'{"fork":1}\n'

    def move():
        for old, new in moved:
            (folder / f"{old}.jsonl").rename(folder / f"{new}.jsonl")

    def lose():
        if lost == "catalog":
            return Catalog(world, None).delete()
        for path in world.state.iterdir():
            if path.name != "store":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    for sid, data in content.items():
        (folder / f"{sid}.jsonl").write_bytes(data)
    if when == "in life":
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        move()
        world.ctl_run("flush", "--wait")
        assert daemon.stop() == 0
        lose()
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        assert daemon.stop() == 0
    else:
        world.once()
        for step in {"before it is lost": [move, world.once, lose], "when it is lost": [lose, move],
                     "after it was lost": [lose, world.once, move]}[when]:
            step()
        world.once()
    assert sorted(path.parent.name for path in world.store.glob("sessions/*/manifest.json")) == ["a", "b", "f"]
    for sid, data in content.items():
        session = manifest_reader.read(world.store, sid)
        assert session.latest() == data and {each["generation"] for each in session.manifest["segments"]} == {1}


@pytest.mark.parametrize("moved", [RENAMED, EXCHANGED, ROTATED])
def test_files_that_were_renamed_since_an_older_catalog_are_recognised(world, moved):
    world.configure(QUIET)
    folder = world.home / ".claude/projects/p"
    folder.mkdir(parents=True)
    catalog = Catalog(world, None)
    content = {}
    for sid in "ab":
        content[sid] = b"".join(b'{"%s":%d}\n' % (sid.encode(), n) for n in range(300))
        (folder / f"{sid}.jsonl").write_bytes(content[sid])
    world.once()
    catalog.remember()
    for sid in "ab":
        with (folder / f"{sid}.jsonl").open("ab") as file:
            file.write(b'{"on":"%s"}\n' % sid.encode())
        content[sid] = (folder / f"{sid}.jsonl").read_bytes()
    world.once()
    for old, new in moved:
        (folder / f"{old}.jsonl").rename(folder / f"{new}.jsonl")
    world.once()
    catalog.replace_by_the_older_copy()
    world.once()
    assert sorted(path.parent.name for path in world.store.glob("sessions/*/manifest.json")) == ["a", "b"]
    for sid, data in content.items():
        session = manifest_reader.read(world.store, sid)
        assert session.latest() == data and {each["generation"] for each in session.manifest["segments"]} == {1}


@pytest.mark.parametrize("lost", [[3], [0], [1, 2, 6]])
@pytest.mark.parametrize("killed", [False, True])
def test_a_hole_in_the_spool_behind_a_lost_catalog_is_cut_again(world, lost, killed):
    store, sid, whole, files, back = left_in_the_spool(world, 50, 10)
    for number in lost:
        files[number].unlink()
    Catalog(world, None).delete()
    if killed:
        # A life that cannot read the store leaves the session as it is; the next one says so, too.
        for _ in range(2):
            daemon = world.daemon()
            world.wait_health("session_unresolved", sid)
            flushed = world.ctl_run("flush", "--wait", "--json", check=False)
            assert flushed.returncode == 5 and json.loads(flushed.stdout)["unresolved"] == 1, flushed
            # What can be given is given, and that it is not all of it is said.
            assert world.ctl_run("replay", sid, check=False).returncode == 6
            daemon.kill()
    back()
    daemon = world.daemon()
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(store, sid).latest() == whole
    assert world.ctl_run("replay", sid).stdout == whole
    assert world.ctl("show", sid)["session"]["lines"] == 55
    assert daemon.stop() == 0


def test_lines_are_counted_once_after_spool_files_were_lost(world):
    store, sid, whole, files, back = left_in_the_spool(world, 20, 4)
    files[1].unlink()
    back()
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    assert world.ctl("show", sid)["session"]["lines"] == 25
    assert [each["lines"] for each in world.ctl_lines("sessions")] == [25]
    assert manifest_reader.read(store, sid).latest() == whole
    assert daemon.stop() == 0


@pytest.mark.parametrize("manifests", ["kept", "lost"])
@pytest.mark.parametrize("how", ["stopped", "reloaded"])
def test_the_store_that_there_was_before_a_destination_is_read_after_the_catalog_is_lost(world, manifests, how):
    world.configure(SHORT)
    sid, add = one_session(world)
    add(20)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    store = world.base / "archive"
    world.configure(SHORT + f'[[destination]]\nname = "archive"\npath = "{store}"\n')
    if how == "reloaded":
        world.ctl_run("reload")
        add(3)
        world.ctl_run("flush")
    daemon.kill()
    Catalog(world, None).delete()
    if manifests == "lost":
        shutil.rmtree(world.state / "manifests")
    objects = Ledger(world.store)
    objects.look()
    daemon = world.daemon()
    whole = add(3)
    world.ctl_run("flush", "--wait")
    assert world.ctl("status")["health"] == []
    assert manifest_reader.read(store, sid).latest() == whole
    assert world.ctl_run("replay", sid).stdout == whole
    objects.look()
    assert daemon.stop() == 0
    # The next life knows it, too.
    daemon = world.daemon()
    assert world.ctl_run("replay", sid).stdout == whole
    assert daemon.stop() == 0


def test_a_session_without_a_main_stream_is_taken_up(world):
    store = elsewhere(world)
    path = ".claude/projects/-p/3ac7652c-cdf8-4404-0729-5e4299901c04/subagents/agent-aa2a7ae.jsonl"
    sid, add = one_session(world, path)
    add(100)
    world.once()
    (before,) = Ledger(store).look().values()
    assert before.manifest["session"]["machine"] and before.manifest["session"]["user"]
    shutil.rmtree(world.state)
    whole = add(5)
    world.once()
    (session,) = Ledger(store).look().values()
    assert not session.writers and session.manifest["writer"] == before.manifest["writer"]
    assert [stream.generations[1] for stream in session.streams.values() if stream.segments] == [whole]
    daemon = world.daemon()
    (listed,) = world.ctl_lines("sessions")
    assert (listed["lines"], listed["safe_lines"], listed["source_path"]) == (105, 105, str(world.home / path)), listed
    # Where there is a main stream, that is what is told of the session.
    main = world.write(f".claude/projects/-p/{sid}.jsonl", b'{"type":"user","cwd":"/somewhere"}\n')
    world.ctl_run("flush", "--wait")
    add(1)
    world.ctl_run("flush", "--wait")
    (listed,) = world.ctl_lines("sessions")
    assert (listed["cwd"], listed["source_path"], listed["safe_lines"]) == ("/somewhere", str(main), 1), listed
    assert daemon.stop() == 0


@pytest.mark.parametrize("spooled", [True, False])
def test_a_store_that_comes_back_after_the_state_was_lost_gets_nothing_before_it_was_read(world, spooled):
    """Else what an earlier life put there would be another writer's, and ours a writer's that is no more."""
    store = world.base / "elsewhere"
    world.configure(SHORT + f'[[destination]]\nname = "archive"\npath = "{store}"\n')
    sid, add = one_session(world)
    add(7)
    world.once()
    writer = manifest_reader.read(store, sid).manifest["writer"]
    back = away(store)
    daemon = world.daemon()
    whole = add(20)
    world.ctl_run("flush")
    waiting(world, 4)
    daemon.kill()
    Catalog(world, None).delete()
    shutil.rmtree(world.state / "manifests")
    if not spooled:
        # There was an earlier life: that is all that is known.
        shutil.rmtree(world.state / "spool")
        (world.state / "catalog.db").write_bytes(b"no database" * 1000)
    for _ in range(2):
        daemon = world.daemon()
        world.wait_health("session_unresolved", sid)
        daemon.kill()
    daemon = world.daemon()
    back()
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    session = manifest_reader.read(store, sid)
    assert not session.writers and session.manifest["writer"] == writer and session.latest() == whole
    assert world.ctl("status")["health"] == []
    assert daemon.stop() == 0


@pytest.mark.parametrize("manifests", ["kept", "lost"])
def test_an_empty_mount_point_is_no_store_after_the_catalog_is_lost(world, manifests):
    """Only catalog.db is lost, and the disk of the destination is not mounted at that start."""
    store = world.base / "elsewhere"
    world.configure(SHORT + f'[[destination]]\nname = "archive"\npath = "{store}"\n')
    sid, add = one_session(world)
    add(7)
    world.once()
    Catalog(world, None).delete()
    if manifests == "lost":
        shutil.rmtree(world.state / "manifests")
    disk = store.rename(world.base / "disk")
    store.mkdir()
    daemon = world.daemon()
    whole = add(5)
    held = world.wait_health("destination_failing", "archive")
    assert "is not where it was" in held["message"] and "another name" in held["hint"], held
    assert list(store.iterdir()) == []
    assert daemon.stop() == 0
    store.rmdir()
    disk.rename(store)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    session = manifest_reader.read(store, sid)
    assert not session.writers and session.latest() == whole
    assert world.ctl("status")["health"] == []
    assert daemon.stop() == 0


# The store.

def older(world, store):
    """The store goes back to what it was before 20 of the 45 lines of a session came; returns the lines."""
    rng, seed = printed_seed("older store")
    lines = [b'{"type":"user","n":%d}\n' % rng.getrandbits(60) for _ in range(45)]

    def once(count, code=0):
        world.write(".claude/projects/-p/it.jsonl", b"".join(lines[:count]))
        backdate(world.home)
        world.once(code=code)

    once(20)
    backup = world.base / "store-backup"
    shutil.copytree(store, backup)
    once(40)
    shutil.rmtree(store)
    shutil.copytree(backup, store)
    return b"".join(lines), once


def test_an_older_store_lists_nothing_that_is_not_there(world):
    store = elsewhere(world)
    lines, once = older(world, store)
    place = store / "sessions/it/manifest.json"
    before = place.read_bytes()
    once(45, 5)
    assert place.read_bytes() == before
    daemon = world.daemon()
    world.ctl_run("flush", check=False)
    assert "is older than what was put there" in world.wait_health("delivery_conflict")["message"]
    # What is in the spool alone: its file goes while the store is away.
    back = away(store)
    gone = world.write(".claude/projects/-p/gone.jsonl", only := b'{"type":"user","n":"only"}\n' * 3)
    world.ctl_run("flush", check=False)
    gone.unlink()
    assert daemon.stop() == 0
    back()
    # What docs/operations.md says that helps.
    aside = world.base / "aside"
    aside.mkdir()
    for path in [*world.state.glob("catalog.db*"), world.state / "manifests"]:
        path.rename(aside / path.name)
    once(45)
    Ledger(store).expect({("it", "main"): [lines], ("gone", "main"): [only]})


def test_an_older_store_is_filled_from_another(world):
    mirror = world.base / "mirror"
    store = elsewhere(world, f'[[destination]]\nname = "mirror"\ntype = "directory"\npath = "{mirror}"\n')
    lines, once = older(world, store)
    once(45)
    for each in (store, mirror):
        once_each(Ledger(each).expect({("it", "main"): [lines]}))


def test_a_store_that_comes_back_after_the_whole_state_was_lost_is_read_before_anything_is_put(world):
    """What is in it is not put a second time, though it was cut again while the store was away."""
    store = world.base / "elsewhere"
    world.configure(SHORT + f'[[destination]]\nname = "archive"\npath = "{store}"\n')
    sid, add = one_session(world)
    add(10)
    world.once()
    ledger = Ledger(store)
    (before,) = ledger.look().values()
    shutil.rmtree(world.state)
    back = away(store)
    daemon = world.daemon()
    whole = add(10)
    world.ctl_run("flush")
    waiting(world, 4)
    back()
    world.ctl_run("flush", "--wait")
    world.wait_healthy()
    (session,) = ledger.look().values()
    assert not session.writers and session.manifest["writer"] == before.manifest["writer"]
    assert session.latest() == whole
    assert daemon.stop() == 0


@pytest.mark.parametrize("catalog", ["kept", "lost"])
@pytest.mark.parametrize("numbers", ["apart", "overlapping"])
def test_lines_that_were_cut_otherwise_before_the_store_came_back_are_a_further_writers(world, catalog, numbers):
    """The whole state was lost, and the store away: nobody knew how its lines were cut. They are read once, whoever put
    them, and nothing is held back."""
    store = world.base / "elsewhere"
    destination = f'[[destination]]\nname = "archive"\npath = "{store}"\n'
    world.configure(f'[segments]\nquiet = "30ms"\nmax_lines = {3 if numbers == "overlapping" else 5}\n' + destination)
    sid, add = one_session(world)
    add(10)
    world.once()
    ledger = Ledger(store)
    (before,) = ledger.look().values()
    shutil.rmtree(world.state)
    back = away(store)
    world.configure(f'[segments]\nquiet = "30ms"\nmax_lines = {5 if numbers == "overlapping" else 10}\n' + destination)
    daemon = world.daemon()
    whole = add(10)
    world.ctl_run("flush")
    waiting(world, 2)
    daemon.kill()
    if catalog == "lost":
        for path in world.state.glob("catalog.db*"):
            path.unlink()
    back()
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    world.wait_healthy()
    (session,) = ledger.look().values()
    assert session.manifest["writer"] == before.manifest["writer"] and len(session.writers) == 1
    assert manifest_reader.joined_writers(session) == {1: whole}
    assert world.ctl_run("replay", sid).stdout == whole
    assert world.ctl_run("verify", "--deep").returncode == 0
    # The next life goes on where this one was.
    assert daemon.stop() == 0
    daemon = world.daemon()
    whole = add(3)
    world.ctl_run("flush", "--wait")
    (again,) = ledger.look().values()
    assert list(again.writers) == list(session.writers)
    assert manifest_reader.joined_writers(again) == {1: whole}
    assert daemon.stop() == 0
