"""Destinations with encryption = "age": the store holds no text, the age tool reads it, and everything works as without."""

import gzip
import json
import shutil
import subprocess

import pytest

import age_tool
import manifest_reader
from age_tool import Key
from conservation import Ledger, backdate, printed_seed, require_all, sessions_of
from encryption_scene import folder, key, main_of, place, require_no_text  # noqa: F401: fixtures
from test_crash import FAST, KILLED, Growth, finish
from test_merge import SMALL, make_small
from test_presigned import PutServer
from test_readers import a_session, machines, put  # noqa: F401: a fixture


def test_the_age_tool_reads_every_object_of_a_home_and_the_store_holds_no_text(world, place, key):
    other = Key(world.base / "other")
    place.configure(other, key)
    sessions = sessions_of(world, "encrypted", 8, 30_000) + sessions_of(world, "long", 1, 2_000_000)
    world.once()
    stored = place.mirror()
    require_no_text(stored, world, sessions)
    for reader in (key, other):
        require_all(reader.open(stored, world.base / "plain"), world, sessions)
    segment = next(path for path in age_tool.files(world.base / "plain") if path.name.endswith(".jsonl.gz"))
    assert gzip.decompress(segment.read_bytes()).startswith(b"{")
    # And by our own reader, when nothing of it is in the spool any more.
    assert not list((world.state / "spool").rglob("*.seg"))
    daemon = world.daemon()
    for session in sessions:
        assert world.ctl_run("replay", session.sid).stdout == main_of(world, session)
    lines = main_of(world, sessions[-1]).splitlines(keepends=True)
    last = len(lines)
    for first, behind in [(1, 1), (last // 2, last // 2 + 3), (last, last)]:
        wanted = b"".join(lines[first - 1:behind])
        assert world.ctl_run("replay", sessions[-1].sid, "--lines", f"{first}:{behind}").stdout == wanted
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert world.ctl("status")["health"] == []
    assert daemon.stop() == 0
    logs = world.logs()
    assert key.secret not in logs and other.secret not in logs


def test_what_the_age_tool_encrypted_is_read(world, folder, key):
    folder.configure(key)
    sessions = sessions_of(world, "theirs", 3, 60_000)
    world.once()
    before = {}
    for path in age_tool.files(folder.folder):
        before[path] = path.read_bytes()
        path.write_bytes(key.encrypt(key.decrypt(before[path])))
        assert path.read_bytes() != before[path]
    shutil.rmtree(world.state)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    for session in sessions:
        assert world.ctl_run("replay", session.sid).stdout == main_of(world, session)
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0


def test_what_is_lost_here_is_known_from_the_store(world, place, key):
    place.configure(key)
    sessions = sessions_of(world, "lost", 3, 4_000)
    world.once()

    def segments():
        return {path.relative_to(place.folder): path.read_bytes()
                for path in age_tool.files(place.mirror()) if "segments" in path.parts}
    before = segments()
    shutil.rmtree(world.state)
    world.once()
    assert segments() == before
    require_all(key.open(place.mirror(), world.base / "plain"), world, sessions)


class OpenedLedger(Ledger):
    """Looks at what the age tool makes of a store; objects with final names are the same encrypted, too."""

    def __init__(self, key, store, plain):
        super().__init__(plain)
        self.key, self.encrypted, self.sealed = key, store, {}

    def look(self):
        for path in age_tool.files(self.encrypted) if self.encrypted.exists() else []:
            if path.parent.name in ("segments", "checkpoints") and path.name.endswith(age_tool.SUFFIX):
                assert self.sealed.setdefault(path, path.read_bytes()) == path.read_bytes(), path
        for left in self.encrypted.rglob(".tmp-*"):
            left.unlink()
        self.key.open(self.encrypted, self.store)
        return super().look()


@pytest.mark.parametrize("point", ["deliver.4", "deliver.4b", "deliver.6b"])
def test_killed_while_it_delivers_nothing_is_put_as_other_bytes(world, folder, key, point):
    rng, seed = printed_seed(f"encrypted {point}")
    folder.configure(key, more=FAST)
    growth = Growth(world, seed, rng, sessions=3, size=60_000, share=4)
    ledger = OpenedLedger(key, folder.folder, world.base / "plain")
    times = [1, 2, 3, 1, 2]
    more = True
    while more:
        more = growth.grow()
        time = times.pop(0)
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"{point}:{time}"})
        ended = daemon.wait_exit()
        assert ended == KILLED or time > 1, f"{point} was not reached: {ended}\n{daemon.text()}"
        ledger.expect(growth.now(), prefix=True)
    finish(world, growth, ledger)


def test_small_segments_are_merged_and_read_as_before(world, folder, key):
    rng, seed = printed_seed("encrypted merge")
    folder.configure(key, more=SMALL)
    growth = Growth(world, seed, rng, sessions=1, size=700_000, share=8)
    daemon = world.daemon()
    while growth.grow():
        make_small(world, growth)
        world.flush_but_ends()
    assert daemon.stop() == 0
    backdate(world.home)
    world.once()
    plain = key.open(folder.folder, world.base / "plain")
    (session,) = Ledger(plain).expect(growth.now()).values()
    assert session.manifest.get("superseded"), "nothing was merged"
    daemon = world.daemon()
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0


def test_a_session_that_goes_on_elsewhere_is_read_as_one(machines):
    first, second = machines[:2]
    key = Key(first.home / "identity")
    shutil.copy(key.path, second.home / "identity")
    store = first.base / "archive"
    for machine in (first, second):
        machine.configure(
            f'[segments]\nmax_lines = 3\n[[destination]]\nname = "archive"\npath = "{store}"\n' + age_tool.table(key))
    sid, path, lines = a_session("encrypted, elsewhere")
    put(first, path, b"".join(lines[:9]))
    backdate(first.home)
    first.once()
    put(second, path, b"".join(lines))
    backdate(second.home)
    second.once()
    assert list(store.glob("sessions/*/writers/*/manifest.json.age"))
    for machine in (first, second):
        daemon = machine.daemon()
        assert machine.ctl_run("replay", sid).stdout == b"".join(lines)
        assert machine.ctl_run("verify", "--deep").returncode == 0
        assert daemon.stop() == 0
    manifest_reader.read(key.open(store, first.base / "plain"), sid)


def test_a_changed_object_is_said_to_be_damaged_and_read_from_elsewhere(world, folder, key):
    folder.configure(key, more='[merge]\nenabled = false\n')
    with (world.home / ".config/uploaderd/uploaderd.toml").open("a") as file:
        file.write(f'[[destination]]\nname = "mirror"\npath = "{world.base / "mirror"}"\n')
    (session,) = sessions_of(world, "damaged", 1, 30_000)
    world.once()
    (segment, *_) = [path for path in age_tool.files(folder.folder)
                     if path.parent.name == "segments" and path.parent.parent.name == session.sid]
    whole = segment.read_bytes()
    daemon = world.daemon()
    for damaged in (whole[:len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1:],
                    whole[:-1], whole + b"x", whole[:40], b"", b"age-encryption.org/v1\n"):
        segment.write_bytes(damaged)
        verified = world.ctl_run("verify", "--deep", "--json", check=False)
        assert verified.returncode != 0 and b'"DAMAGED"' in verified.stdout, verified
        assert world.ctl_run("replay", session.sid).stdout == main_of(world, session)
        alone = world.ctl_run("replay", session.sid, "--from", "archive", check=False)
        assert alone.returncode != 0 and b"session-" in alone.stderr, alone
    segment.write_bytes(whole)
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0


def test_an_object_that_is_encrypted_to_others_is_no_good(world, folder, key):
    folder.configure(key)
    (session,) = sessions_of(world, "others", 1, 4_000)
    world.daemon()
    world.ctl_run("flush", "--wait")
    first = next(path for path in age_tool.files(folder.folder) if "segments" in path.parts)
    data = first.read_bytes()
    first.write_bytes(Key(world.base / "others").encrypt(key.decrypt(data)))
    done = world.ctl_run("verify", session.sid, "--deep", check=False)
    assert done.returncode == 1 and b"1 damaged" in done.stdout and b"encrypted to others" in done.stdout, done
    first.write_bytes(data)
    assert world.ctl_run("verify", session.sid, "--deep").returncode == 0


def test_without_an_identity_everything_is_put_and_nothing_read_and_forgetting_works(world, place, key):
    place.configure(key, identity=None)
    sessions = sessions_of(world, "write only", 3, 4_000)
    world.once()
    require_all(key.open(place.mirror(), world.base / "plain"), world, sessions)
    # The next life puts behind it.
    path = world.home / next(path for path, stream in sessions[0].streams.items() if stream == "main")
    with path.open("ab") as file:
        file.write(b'{"type":"user","message":"more"}\n')
    backdate(world.home)
    world.once()
    require_all(key.open(place.mirror(), world.base / "plain"), world, sessions)
    daemon = world.daemon()
    verified = world.ctl_run("verify", "--json", check=False)
    assert b"the destination has no identity" in verified.stdout and b'"missing":0' in verified.stdout
    replayed = world.ctl_run("replay", sessions[0].sid, check=False)
    assert replayed.returncode != 0 and b"can be read now" in replayed.stderr, replayed
    assert b"archive gives nothing back here, and uploaderctl verify says why" in replayed.stderr
    assert world.ctl("status", check=False)["health"] == []
    world.ctl_run("forget", sessions[0].sid, "--yes")
    left = [path for path in age_tool.files(place.mirror()) if sessions[0].sid in str(path)]
    assert [path.name for path in left] == ["forgotten.json.age"]
    assert json.loads(key.decrypt(left[0].read_bytes()))["sid"] == sessions[0].sid
    # With the identity it can be read from then on.
    place.configure(key)
    world.ctl_run("reload")
    world.ctl_run("flush", "--wait")
    assert world.ctl_run("replay", sessions[1].sid).stdout == main_of(world, sessions[1])
    assert daemon.stop() == 0


def test_a_wrong_identity_holds_the_destination_until_the_file_is_right(world, folder, key):
    folder.configure(key)
    sessions = sessions_of(world, "wrong", 2, 4_000)
    right = key.path.read_bytes()
    wrong = Key(world.base / "wrong")
    key.path.write_bytes(wrong.path.read_bytes())
    daemon = world.daemon()
    entry = world.wait_health("destination_failing")
    assert str(key.path) in entry["message"] and wrong.recipient in entry["hint"], entry
    key.path.write_bytes(right)
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    assert daemon.stop() == 0
    require_all(key.open(folder.folder, world.base / "plain"), world, sessions)
    # One that is a recipient's, of a store that others are the recipients of.
    folder.configure(wrong)
    key.path.write_bytes(wrong.path.read_bytes())
    daemon = world.daemon()
    entry = world.wait_health("destination_failing")
    assert "encrypted to others" in entry["message"] and str(key.path) in entry["message"], entry
    assert daemon.stop() == 0
    assert wrong.secret not in world.logs() and key.secret not in world.logs()


def test_a_store_is_encrypted_or_not_and_never_both(world, folder, key):
    sessions_of(world, "both", 1, 3_000)
    plain = f'[[destination]]\nname = "archive"\npath = "{folder.folder}"\n'
    world.configure(plain)
    world.once()
    before = age_tool.files(folder.folder)
    for identity in ("~/identity", None):
        folder.configure(key, identity=identity)
        daemon = world.daemon()
        assert "not encrypted" in world.wait_health("destination_failing")["message"]
        assert daemon.stop() == 0
    assert age_tool.files(folder.folder) == before
    shutil.rmtree(folder.folder)
    shutil.rmtree(world.state)
    folder.configure(key)
    world.once()
    before = age_tool.files(folder.folder)
    world.configure(plain)
    daemon = world.daemon()
    assert "is encrypted" in world.wait_health("destination_failing")["message"]
    assert daemon.stop() == 0
    assert age_tool.files(folder.folder) == before


def test_a_recipient_more_is_for_what_is_put_from_then_on(world, folder, key):
    folder.configure(key, identity=None)
    sessions = sessions_of(world, "first", 1, 3_000)
    world.once()
    other = Key(world.base / "other")
    folder.configure(key, other, identity=None)
    sessions += sessions_of(world, "second", 1, 3_000)
    world.once()
    require_all(key.open(folder.folder, world.base / "plain"), world, sessions)
    opened = 0
    for path in age_tool.files(folder.folder):
        try:
            other.decrypt(path.read_bytes())
            opened += 1
        except subprocess.CalledProcessError:
            assert sessions[0].sid in str(path) or path.name == ".uploaderd.json.age", path
    assert opened >= 2


def test_below_a_presigned_url_everything_is_encrypted(world, key):
    server = PutServer(world.base / "bucket")
    try:
        world.configure(f'[[destination]]\ntype = "presigned"\nurl = "{server.url}"\n'
                        + age_tool.table(key, identity=None))
        sessions = sessions_of(world, "presigned", 2, 4_000)
        world.once()
        world.once()
        require_no_text(server.folder, world, sessions)
        require_all(key.open(server.folder, world.base / "plain"), world, sessions)
    finally:
        server.close()
