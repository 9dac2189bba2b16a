"""Reading back: from what is left when copies are bad, and from what several writers have put."""

import json
import os
import pathlib
import random
import uuid

import pytest

import manifest_reader
from conservation import Ledger, printed_seed
from daemon import World
from test_bytes import split_lines
from test_destinations import destination, homes


def objects_of(store, session):
    return sorted((store / "sessions" / session.sid / "segments").glob("session-*"))


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def two_copies(world, **options):
    """A daemon, and a session of many segments that is in two directories and in the spool no more."""
    world.configure("[segments]\nmax_lines = 3\n[merge]\nenabled = false\n"
                    + destination(world, "archive") + destination(world, "mirror"))
    (session,) = homes(world, 1)
    world.once()
    assert not list((world.state / "spool").rglob("*.seg"))
    path = next(path for path, stream in session.streams.items() if stream == "main")
    return session, (world.home / path).read_bytes()


def test_a_damaged_or_missing_object_is_read_from_the_other_destination(world):
    session, data = two_copies(world)
    archive = objects_of(world.base / "archive", session)
    mirror = objects_of(world.base / "mirror", session)
    assert len(archive) >= 3
    flip(archive[0])
    archive[1].unlink()
    daemon = world.daemon()
    assert world.ctl_run("replay", session.sid).stdout == data
    world.ctl_run("restore", session.sid, "--to", world.base / "copy.jsonl")
    assert (world.base / "copy.jsonl").read_bytes() == data
    # What is missing is put again; the name of the damaged one is taken.
    world.ctl_run("flush", "--wait", check=False)
    assert archive[1].read_bytes() == mirror[1].read_bytes()

    def health():
        return [(entry["kind"], entry["subject"]) for entry in world.ctl("status", check=False)["health"]]

    damaged = ("object_damaged", f"archive/{session.sid}/main segments/{archive[0].name}")
    assert health() == [damaged]
    # One store alone cannot give it, and says which object it is.
    alone = world.ctl_run("replay", session.sid, "--from", "archive", check=False)
    assert alone.returncode != 0 and archive[0].name.encode() in alone.stderr
    assert data.startswith(alone.stdout)
    # However it is read, it is one object.
    assert health() == [damaged]
    # Where no copy is whole the answer is an error, and what went out before is right.
    flip(mirror[0])
    neither = world.ctl_run("replay", session.sid, check=False)
    assert neither.returncode == 6 and neither.stdout == b"", neither
    assert b"archive" in neither.stderr and b"mirror" in neither.stderr
    assert daemon.stop() == 0


@pytest.mark.parametrize("state, words", [("MISSING", []), ("DAMAGED", []), ("DAMAGED", ["--deep"])])
def test_verify_looks_at_the_only_copy_of_what_waits(world, state, words):
    (world.base / "away").write_text("a file, where the directory of a store would be\n")
    world.configure(f'[[destination]]\nname = "late"\npath = "{world.base}/away/store"\n')
    world.write(".claude/projects/p/waits.jsonl", b'{"n":1}\n{"n":2}\n')
    world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    only, = (world.state / "spool").rglob("*.seg")
    whole = only.read_bytes()

    def verified(*words):
        done = world.ctl_run("verify", "--json", *words, check=False)
        first, last = map(json.loads, done.stdout.splitlines())
        return done.returncode, first["state"], last["summary"]["read_back"]

    assert verified() == (0, "DELAYED", 0)
    assert verified("--deep") == (0, "DELAYED", 1)
    if state == "MISSING":
        only.unlink()
    elif words:
        only.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    else:
        only.write_bytes(whole[:-1])
    assert verified(*words) == (1, state, 0)
    only.write_bytes(whole)
    assert verified("--deep") == (0, "DELAYED", 1)


def test_verify_says_which_copy_is_bad_and_so_does_health(world):
    session, _ = two_copies(world)
    archive = objects_of(world.base / "archive", session)
    mirror = objects_of(world.base / "mirror", session)
    kept = mirror[1].read_bytes()
    flip(archive[0])
    for path in (archive[1], mirror[1]):
        path.unlink()
    daemon = world.daemon()
    done = world.ctl_run("verify", "--deep", "--json", check=False)
    assert done.returncode == 1

    def bad():
        return [(entry["kind"], entry["subject"].split("/")[0])
                for entry in world.ctl("status", check=False)["health"]]

    assert bad() == [("object_damaged", "archive"), ("object_missing", "archive"), ("object_missing", "mirror")]
    # What is put back is whole again as soon as somebody looks.
    archive[0].write_bytes(mirror[0].read_bytes())
    for path in (archive[1], mirror[1]):
        path.write_bytes(kept)
    world.ctl_run("verify", "--deep")
    assert world.ctl("status")["health"] == []
    # A sample counts what it read, and all samples together are the whole.
    def read_back(*words):
        return world.ctl_lines("verify", "--deep", *words)[-1]["summary"]["read_back"]

    whole, parts = read_back(), [read_back("--sample", f"{part}/5") for part in range(1, 6)]
    assert sum(parts) == whole and max(parts) < whole
    assert daemon.stop() == 0


def test_what_the_only_store_does_not_have_any_more_is_not_safe(world):
    """Whoever found it out, and in whichever life; a store that has it again is believed when it was looked at."""
    world.configure("[segments]\nmax_lines = 3\n[merge]\nenabled = false\n")
    (session,) = homes(world, 1)
    world.once()
    for path in session.streams:
        (world.home / path).unlink()
    gone = objects_of(world.store, session)[1]
    kept = gone.read_bytes()
    gone.unlink()

    def standing():
        (entry,) = world.ctl_lines("sessions")
        risky = world.ctl_lines("sessions", "--at-risk")
        flushed = world.ctl_run("flush", "--wait", check=False).returncode
        kinds = [entry["kind"] for entry in world.ctl("status", check=False)["health"]]
        return entry["safe_lines"], entry["at_risk"], len(risky), flushed, kinds

    daemon = world.daemon()
    assert standing() == (standing()[0], False, 0, 0, [])
    assert world.ctl_run("verify", check=False).returncode == 1
    lost = (3, True, 1, 5, ["object_missing"])
    assert standing() == lost
    assert daemon.stop() == 0
    daemon = world.daemon()
    assert standing() == lost
    assert daemon.stop() == 0
    world.once(code=5)
    gone.write_bytes(kept)
    daemon = world.daemon()
    world.ctl_run("verify")
    assert standing()[1:] == (False, 0, 0, [])
    assert daemon.stop() == 0
    world.once()


@pytest.mark.parametrize("source", ["there", "gone"])
def test_what_is_damaged_in_the_spool_is_cut_again_without_a_restart(world, source):
    """Or, where the source is gone, is a gap: what follows is delivered and listed."""
    store = world.base / "archive"
    world.configure("[segments]\nmax_lines = 2\n[merge]\nenabled = false\n" + destination(world, "archive"))
    path, lines = ".claude/projects/p/it.jsonl", [b'{"n":%d}\n' % number for number in range(12)]
    world.write(path, b"".join(lines[:4]))
    world.once()
    away = store.rename(world.base / "away")
    world.write(path, b"".join(lines))
    daemon = world.daemon()
    world.ctl_run("flush", check=False)
    daemon.kill()
    spooled = sorted((world.state / "spool").rglob("*.seg"))
    assert len(spooled) == 4
    whole = spooled[1].read_bytes()
    spooled[1].write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    away.rename(store)
    if source == "gone":
        (world.home / path).unlink()
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    kinds = [entry["kind"] for entry in world.ctl("status", check=False)["health"]]
    manifest = json.loads((store / "sessions/it/manifest.json").read_bytes())
    listed = [entry["first_line"] for entry in manifest["segments"]]
    assert [file.name for file in (world.state / "spool/.refused").iterdir()] == [spooled[1].name]
    assert not list((world.state / "spool").rglob("it/**/*.seg"))
    if source == "there":
        assert kinds == ["spool_file_refused"] and "gaps" not in manifest
        assert manifest_reader.read(store, "it").latest() == b"".join(lines)
        assert world.ctl_run("verify", "--deep").returncode == 0
    else:
        assert kinds == ["lines_lost", "spool_file_refused"]
        assert listed == [1, 3, 5, 9, 11]
        assert [(gap["first_line"], gap["lines"]) for gap in manifest["gaps"]] == [(7, 2)]
        lines += [b'{"n":%d}\n' % number for number in range(12, 15)]
        world.write(path, b"".join(lines))
        world.ctl_run("flush", "--wait")
        assert manifest_reader.read(store, "it").latest() == b"".join(lines)
        assert world.ctl_run("verify", "--deep").returncode == 0
        kinds = [entry["kind"] for entry in world.ctl("status", check=False)["health"]]
        assert kinds == ["spool_file_refused"]
    assert daemon.stop() == 0


def test_a_new_destination_is_filled_with_whole_objects_only(world):
    session, data = two_copies(world)
    archive = objects_of(world.base / "archive", session)
    flip(archive[0])
    world.configure("[segments]\nmax_lines = 3\n[merge]\nenabled = false\n"
                    + "".join(destination(world, name) for name in ("archive", "mirror", "third")))
    # The archive does not have all that was put there.
    world.once(code=5)
    third = objects_of(world.base / "third", session)
    mirror = objects_of(world.base / "mirror", session)
    assert [path.name for path in third] == [path.name for path in mirror]
    assert [path.read_bytes() for path in third] == [path.read_bytes() for path in mirror]


# Several writers.

MACHINE_ID = pathlib.Path("/etc/machine-id")
SMALL = '[segments]\nquiet = "30ms"\nmax_lines = 3\n[merge]\nenabled = false\n'


class OtherMachine(World):
    """A world whose daemon believes to be on a machine of its own, which needs root where this one has an id."""

    def command(self, name):
        words = super().command(name)
        if name != "uploaderd" or not MACHINE_ID.exists():
            return words
        identity = self.base / "machine-id"
        if not identity.exists():
            identity.write_text(random.SystemRandom().randbytes(16).hex() + "\n")
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                f'mount --bind "$0" {MACHINE_ID} && exec "$@"', identity, *words]


@pytest.fixture
def machines(world):
    """The world and two other machines, all with the same store."""
    if MACHINE_ID.exists() and os.geteuid() != 0:
        pytest.skip("needs root, to be another machine")
    others = [OtherMachine(), OtherMachine()]
    for machine in [world, *others]:
        machine.configure(SMALL + f'[[destination]]\nname = "archive"\npath = "{world.base / "archive"}"\n')
    yield [world, *others]
    for other in others:
        other.close()


def put(machine, path, data):
    path = machine.home / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def take(machine, path, data):
    """The machine has the file, and its store all of it."""
    put(machine, path, data)
    machine.once()


def a_session(seed):
    """A session's id, where its file is, and lines of many sizes."""
    rng = random.Random(seed)
    sid = str(uuid.UUID(bytes=rng.randbytes(16)))
    lines = [b'{"type":"user","message":"%s"}\n' % rng.randbytes(rng.choice([3, 300, 30_000])).hex().encode()
             for _ in range(24)]
    return sid, f".claude/projects/-home-tester-readers/{sid}.jsonl", lines


def replays(machine, sid, *arguments):
    """What `replay` gives from the one store, and without a word of where from."""
    named = machine.ctl_run("replay", sid, "--from", "archive", *arguments).stdout
    assert machine.ctl_run("replay", sid, *arguments).stdout == named
    return named


def test_a_session_that_goes_on_elsewhere_is_read_as_one(machines):
    rng, seed = printed_seed("goes on elsewhere")
    first, second, third = machines
    sid, path, lines = a_session(seed)
    a, b, c = sorted(rng.sample(range(3, len(lines)), 3))
    store = first.base / "archive"
    ledger = Ledger(store)
    parts = [b"".join(lines[:end]) for end in (a, b, c, len(lines))]
    for machine, data in zip(machines, parts):
        put(machine, path, data)
        machine.once()
        found = ledger.look()[sid]
        assert manifest_reader.joined_writers(found) == {1: data}
    assert len(found.writers) == 2
    daemons = [machine.daemon() for machine in machines]
    for machine in machines:
        assert replays(machine, sid) == parts[2]
        assert replays(machine, sid, "--lines", f"{a}:{b + 1}") == b"".join(lines[a - 1:b + 1])
        shown = machine.ctl("show", sid)["writers"]
        assert {each["writer"] for each in shown} == {found.manifest["writer"], *found.writers}
        assert [each["ours"] for each in shown] == [True, False, False]
    # It comes back to the first machine, and goes on there.
    put(first, path, parts[3])
    first.ctl_run("flush", "--wait")
    assert replays(second, sid) == parts[3]
    checked = [each for each in third.ctl_lines("verify", sid, "--deep") if "state" in each]
    assert {each["state"] for each in checked} == {"FOUND"}
    assert {each.get("writer") for each in checked} == {None, found.manifest["writer"], *found.writers} - {
        third.ctl("show", sid)["writers"][0]["writer"]}
    assert [daemon.stop() for daemon in daemons] == [0, 0, 0]


def test_two_that_go_on_from_one_line_come_one_after_the_other(machines):
    rng, seed = printed_seed("fork")
    first, second, third = machines
    sid, path, lines = a_session(seed)
    at = rng.randrange(2, len(lines) - 4)
    fork = [b'{"type":"user","message":"elsewhere %d"}\n' % number for number in range(5)]
    other = [b'{"type":"user","message":"at home %d"}\n' % number for number in range(4)]
    for machine, more in [(first, []), (second, fork), (third, other)]:
        put(machine, path, b"".join([*lines[:at], *more]))
        machine.once()
    take(first, path, b"".join(lines))
    found = Ledger(first.base / "archive").look()[sid]
    # Those that began within one second are told by their ids.
    forks = sorted(found.writers.values(), key=lambda each: (each.manifest["created_at"], each.manifest["writer"]))
    wanted = [*lines[:at], *(line for each in forks for line in split_lines(each.latest())[at:]), *lines[at:]]
    assert sorted(wanted) == sorted([*lines, *fork, *other])
    assert manifest_reader.joined_writers(found) == {1: b"".join(wanted)}
    daemon = second.daemon()
    assert replays(second, sid) == b"".join(wanted)
    for _ in range(4):
        begin = rng.randint(1, len(wanted))
        end = rng.randint(begin, len(wanted))
        assert replays(second, sid, "--lines", f"{begin}:{end}") == b"".join(wanted[begin - 1:end])
    assert daemon.stop() == 0


def test_files_of_one_name_that_have_nothing_in_common_lose_nothing(machines):
    _, seed = printed_seed("one name")
    first, second, _ = machines
    sid, path, lines = a_session(seed)
    mine = [b'{"n":%d}\n' % number for number in range(7)]
    take(first, path, b"".join(mine))
    take(second, path, b"".join(lines))
    # A second life of the second file is a second generation of the joined one.
    take(second, path, b"".join(lines[::-1]))
    wanted = {1: b"".join([*mine, *lines]), 2: b"".join(lines[::-1])}
    assert manifest_reader.joined_writers(Ledger(first.base / "archive").look()[sid]) == wanted
    daemon = first.daemon()
    assert replays(first, sid, "--generation", "1") == wanted[1]
    assert replays(first, sid) == wanted[2]
    assert daemon.stop() == 0


def test_a_checkpoint_of_another_writer_is_found(machines):
    _, seed = printed_seed("checkpoint")
    first, second, _ = machines
    sid, path, lines = a_session(seed)
    plain = [b'{"n":%d}\n' % number for number in range(9)]
    compacted = b'{"type":"system","subtype":"compact_boundary","timestamp":"2026-11-20T05:00:00Z"}\n'
    take(first, path, b"".join(plain[:4]))
    take(second, path, b"".join([*plain[:6], compacted, *plain[6:]]))
    daemon = first.daemon()
    assert replays(first, sid, "--to-checkpoint", "latest") == b"".join([*plain[:6], compacted])
    assert daemon.stop() == 0
