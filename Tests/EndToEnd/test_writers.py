"""Two daemons on one store: no manifest is written over by who has not put it, and nothing of either is lost."""

import json

import pytest

import manifest_reader
from conservation import Ledger, printed_seed
from daemon import World
from test_bytes import split_lines
from test_readers import SMALL, a_session, machines, put, replays  # noqa: F401: a fixture


class Listings:
    """What every manifest of a store listed at any time."""

    def __init__(self, store):
        self.store = store
        self.seen = {}

    def look(self):
        """No manifest lost an entry, changed its writer or went back; of one that is superseded the lines are in another."""
        for path in sorted(self.store.rglob("manifest.json")):
            manifest = json.loads(path.read_bytes())
            entries = {entry["path"]: entry for entry in manifest["segments"]}
            writer, epoch, before = self.seen.get(path, (manifest["writer"], -1, {}))
            assert manifest["writer"] == writer, path
            assert manifest["epoch"] >= epoch, path
            superseded = {each["path"] for each in manifest.get("superseded", [])}
            for name, entry in before.items():
                # Two that cut the same lines for another reason have put the same object.
                assert name in entries or name in superseded and any(
                    covers(other, entry) for other in entries.values()), f"{path}: {name} is gone"
            self.seen[path] = (writer, manifest["epoch"], entries)


def covers(entry, other):
    return entry["generation"] == other["generation"] and entry["first_line"] <= other["first_line"] and (
        entry["first_line"] + entry["lines"] >= other["first_line"] + other["lines"])


def alternately(worlds, path, lines, rng, look):
    """Appends to one file that all of them see; they are made to look in turns."""
    while lines:
        count = rng.randint(1, 3)
        for world in worlds:
            with (world.home / path).open("ab") as file:
                file.write(b"".join(lines[:count]))
        lines = lines[count:]
        for world in rng.sample(worlds, rng.randint(1, len(worlds))):
            world.ctl_run("flush", check=False)
        look()
    for world in worlds:
        world.ctl_run("flush", "--wait", check=False)
    look()


def test_two_machines_that_begin_at_once_are_two_writers(machines, scale):
    rng, seed = printed_seed("two machines")
    worlds = machines[:2]
    store = worlds[0].base / "archive"
    listings, ledger = Listings(store), Ledger(store)
    daemons = [world.daemon() for world in worlds]
    wanted = {}
    for number in range(scale(2, 20)):
        sid, path, lines = a_session(f"{seed} {number}")
        for world in worlds:
            put(world, path, b"")
        alternately(worlds, path, lines, rng, lambda: (listings.look(), ledger.look()))
        wanted[sid] = b"".join(lines)
    assert all(world.ctl("status")["health"] == [] for world in worlds)
    for sid, data in wanted.items():
        found = ledger.look()[sid]
        assert len(found.writers) == 1 and manifest_reader.joined_writers(found) == {1: data}
        assert found.latest() == data and all(other.latest() == data for other in found.writers.values())
        assert [replays(world, sid) for world in worlds] == [data, data]
    assert [daemon.stop() for daemon in daemons] == [0, 0]


@pytest.fixture
def twin(world):
    """A second state directory of the same user on the same machine, for the same files and the same store."""
    twin = World()
    twin.home = world.home
    yield twin
    twin.close()


def test_two_daemons_with_one_identity_hold_what_they_disagree_on(world, twin, scale):
    """Each takes the other's manifests for its own, as after a state directory was copied."""
    rng, seed = printed_seed("twins")
    store = world.base / "archive"
    world.configure(SMALL + f'[[destination]]\nname = "archive"\npath = "{store}"\n')
    listings = Listings(store)
    daemons = [world.daemon()]
    sid, path, lines = a_session(seed)
    put(world, path, b"".join(lines[:5]))
    world.ctl_run("flush", "--wait")
    daemons.append(twin.daemon())
    worlds = [world, twin]
    given = lines[5:]
    while given:
        count = rng.randint(1, 3)
        with (world.home / path).open("ab") as file:
            file.write(b"".join(given[:count]))
        given = given[count:]
        for each in rng.sample(worlds, rng.randint(1, 2)):
            each.ctl_run("flush", check=False)
        listings.look()
        # Whatever it lists is there and holds together; what the other put beside it is only not listed.
        manifest_reader.read(store, sid)
    for each in worlds:
        each.ctl_run("flush", "--wait", check=False)
    listings.look()
    # Whoever put last has all of it; the other says that it holds back, or has the same.
    assert split_lines(manifest_reader.read(store, sid).latest()) == lines
    for each in worlds:
        kinds = {entry["kind"] for entry in each.ctl("status", check=False)["health"]}
        assert kinds <= {"delivery_conflict"}
        assert split_lines(each.ctl_run("replay", sid, "--from", "archive").stdout) == lines
        assert split_lines(each.ctl_run("replay", sid).stdout) == lines
    assert [daemon.stop() for daemon in daemons] == [0, 0]


def test_a_manifest_that_somebody_edited_is_left_to_them(world):
    _, seed = printed_seed("edited")
    world.configure(SMALL)
    sid, path, lines = a_session(seed)
    daemon = world.daemon()
    put(world, path, b"".join(lines[:9]))
    world.ctl_run("flush", "--wait")
    where = world.store / "sessions" / sid / "manifest.json"
    ours = where.read_bytes()
    where.write_text(json.dumps({**json.loads(ours), "writer": "00000000000000ff"}))
    theirs = where.read_bytes()
    put(world, path, b"".join(lines))
    flushed = world.ctl("flush", "--wait", check=False)
    world.wait_health("delivery_conflict", f"store/{sid}")
    assert where.read_bytes() == theirs and flushed["held"] == ["store"]
    assert world.ctl_run("replay", sid).stdout == b"".join(lines)
    # A field that we do not know is no conflict, and stays.
    where.write_text(json.dumps({**json.loads(ours), "note": "mine"}))
    world.ctl_run("flush", "--wait")
    manifest = json.loads(where.read_bytes())
    assert manifest["note"] == "mine"
    assert manifest_reader.read(world.store, sid).latest() == b"".join(lines)
    assert daemon.stop() == 0
