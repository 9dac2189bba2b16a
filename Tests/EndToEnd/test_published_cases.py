"""The cases by which other collectors are tested, or were found wanting, by the names they are known by.

Each line is in the store exactly once, whatever file, stream and generation it ended up in, with the daemon killed in
the middle and without.
"""

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess

import pytest

import manifest_reader
from conservation import Ledger, printed_seed

KILLED = pytest.mark.parametrize("killed", [False, True], ids=["", "killed"])


def lines(name, first, last):
    return b"".join(b'{"file":"%s","n":%d}\n' % (name.encode(), number) for number in range(first, last + 1))


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def configure(world, more=""):
    world.configure(f'[[watch]]\nroot = "{world.home}/odd"\n[segments]\nquiet = "50ms"\n{more}')
    (world.home / "odd").mkdir(exist_ok=True)
    return world.home / "odd"


def stored_lines(store):
    """Every line that the store has, of all sessions, streams and generations, and how often."""
    found = collections.Counter()
    for session in Ledger(store).look().values():
        for stream in session.streams.values():
            for data in stream.generations.values():
                found.update(data.splitlines(keepends=True))
    return found


def expect(store, *wanted):
    """Exactly the lines of `wanted`, each once."""
    found, lines = stored_lines(store), b"".join(wanted).splitlines(keepends=True)
    assert len(set(lines)) == len(lines), "the test's own lines are not different"
    lost, strange = set(lines) - set(found), set(found) - set(lines)
    assert not lost and not strange, f"{len(lost)} lost, such as {sorted(lost)[:3]}; strange {sorted(strange)[:3]}"
    assert not (twice := [line for line, count in found.items() if count > 1]), f"taken twice: {sorted(twice)[:3]}"


def end(daemon, killed):
    assert daemon.kill() if killed else daemon.stop() == 0


def next_life(world, daemon, killed):
    """The daemon goes on, or is killed and started again."""
    if not killed:
        return daemon
    daemon.kill()
    return world.daemon()


@KILLED
def test_file_rotate_create(world, killed):
    path = configure(world) / "it.jsonl"
    old, new = lines("old", 1, 5), lines("new", 1, 5)
    daemon = world.daemon()
    path.write_bytes(old)
    path.rename(path.with_name("it-1.jsonl"))
    daemon = next_life(world, daemon, killed)
    path.write_bytes(new)
    world.ctl_run("flush", "--wait")
    expect(world.store, old, new)
    # And both go on.
    append(path.with_name("it-1.jsonl"), lines("old", 6, 9))
    daemon = next_life(world, daemon, killed)
    append(path, lines("new", 6, 9))
    world.ctl_run("flush", "--wait")
    expect(world.store, lines("old", 1, 9), lines("new", 1, 9))
    assert daemon.stop() == 0


@KILLED
def test_file_rotate_create_while_down(world, killed):
    """The old files are found under their new names before anything else takes their place."""
    folder = configure(world)
    names = [f"f{number}" for number in range(40)]
    for name in names:
        (folder / f"{name}.jsonl").write_bytes(lines(name, 1, 20))
    daemon = world.daemon()
    world.ctl_run("flush")
    end(daemon, killed)
    for name in names:
        append(folder / f"{name}.jsonl", lines(name, 21, 30))
        (folder / f"{name}.jsonl").rename(folder / f"{name}-1.jsonl")
        (folder / f"{name}.jsonl").write_bytes(lines(name, 31, 60))
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    expect(world.store, *(lines(name, 1, 60) for name in names))
    found = Ledger(world.store).look()
    assert all(found[name].latest() == lines(name, 1, 30) for name in names)
    assert daemon.stop() == 0


@KILLED
def test_file_rotate_truncate(world, killed):
    """The copy is no session; what was not read before a file was truncated nobody can read any more."""
    path = configure(world) / "it.jsonl"
    old, new = lines("old", 1, 5), lines("new", 1, 5)
    daemon = world.daemon()
    path.write_bytes(old)
    world.ctl_run("flush")
    shutil.copyfile(path, path.with_name("it.jsonl.1"))
    daemon = next_life(world, daemon, killed)
    os.truncate(path, 0)
    append(path, new)
    world.ctl_run("flush", "--wait")
    expect(world.store, old, new)
    assert daemon.stop() == 0


@KILLED
def test_file_truncate(world, killed):
    path = configure(world) / "it.jsonl"
    daemon = world.daemon()
    wanted = []
    for round in range(5):
        # Longer and shorter than what was there before, and as long.
        new = lines(f"round {round}", 1, [5, 9, 3, 3, 40][round])
        path.write_bytes(new)
        wanted.append(new)
        world.ctl_run("flush")
        daemon = next_life(world, daemon, killed)
    world.ctl_run("flush", "--wait")
    expect(world.store, *wanted)
    Ledger(world.store).expect({("it", "main"): wanted})
    assert daemon.stop() == 0


@KILLED
def test_truncate_and_regrow_while_down(world, killed):
    path = configure(world) / "it.jsonl"
    old, new = lines("old", 1, 50), lines("new", 1, 500)
    daemon = world.daemon()
    path.write_bytes(old)
    world.ctl_run("flush")
    end(daemon, killed)
    path.write_bytes(new)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    Ledger(world.store).expect({("it", "main"): [old, new]})
    assert daemon.stop() == 0


@KILLED
def test_disk_buffer_persistence(world, killed):
    """The destination is away, the source goes away, the daemon dies: the spool has it all."""
    archive, away = world.base / "archive", world.base / "away"
    folder = configure(world, f'[[destination]]\nname = "archive"\npath = "{archive}"\n')
    # In a daemon's very first life a store that does not answer might know the session: its lines wait in their source.
    world.once()
    daemon = world.daemon()
    (folder / "it.jsonl").write_bytes(lines("it", 1, 10))
    world.ctl_run("flush", "--wait")
    archive.rename(away)
    append(folder / "it.jsonl", lines("it", 11, 1_000))
    (folder / "other.jsonl").write_bytes(lines("other", 1, 1_000))
    world.ctl_run("flush")
    for path in folder.iterdir():
        path.unlink()
    for _ in range(3):
        end(daemon, killed)
        daemon = world.daemon()
    end(daemon, killed)
    away.rename(archive)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    Ledger(archive).expect({("it", "main"): [lines("it", 1, 1_000)], ("other", "main"): [lines("other", 1, 1_000)]})
    assert daemon.stop() == 0


@KILLED
def test_sighup(world, killed):
    """Line 1 to A, reload, line 2 to B; when both are configured both have both."""
    def destinations(*names):
        return configure(world, "".join(f'[[destination]]\nname = "{name}"\npath = "{world.base / name}"\n'
                                        for name in names))

    def reload(daemon):
        if killed:
            # The signal is on its way, or half obeyed.
            daemon.send(signal.SIGHUP)
            daemon.kill()
            return world.daemon()
        before = len(daemon.notices.seen(READY="1"))
        daemon.send(signal.SIGHUP)
        with daemon.notices.changed:
            assert daemon.notices.changed.wait_for(lambda: len(daemon.notices.seen(READY="1")) > before, timeout=60)
        return daemon

    folder = destinations("A")
    daemon = world.daemon()
    (folder / "one.jsonl").write_bytes(lines("one", 1, 1))
    world.ctl_run("flush", "--wait")
    destinations("B")
    daemon = reload(daemon)
    (folder / "two.jsonl").write_bytes(lines("two", 2, 2))
    # What has left the spool is in A alone, which is not configured: that is said, and holds up nothing else.
    waiting = json.loads(world.ctl_run("flush", "--wait", "--json", check=False).stdout)
    assert (waiting["queued"], waiting["held"]) == (1, ["B"])
    expect(world.base / "A", lines("one", 1, 1))
    expect(world.base / "B", lines("two", 2, 2))
    destinations("A", "B")
    daemon = reload(daemon)
    append(folder / "one.jsonl", lines("one", 2, 2))
    world.ctl_run("flush", "--wait")
    for name in ("A", "B"):
        Ledger(world.base / name).expect({("one", "main"): [lines("one", 1, 2)], ("two", "main"): [lines("two", 2, 2)]})
    assert daemon.stop() == 0


@KILLED
def test_a_thousand_files_of_100_lines_rotated_and_1000_lines_more(world, scale, killed):
    """1,100,000 lines, ten times; in the short form a tenth of the files, once."""
    rng, seed = printed_seed(f"rotated {killed}")
    files = scale(100, 1_000)
    for turn in range(scale(1, 10)):
        folder = configure(world)
        daemon = world.daemon()
        kills = set(rng.sample(range(files), 3)) if killed else set()
        wanted = []
        for number in range(files):
            name = f"t{turn}-f{number}"
            path = folder / f"{name}.jsonl"
            path.write_bytes(lines(name, 1, 100))
            path.rename(folder / f"{name}-rotated.jsonl")
            if number in kills:
                daemon.kill()
                daemon = world.daemon(wait=False)
            path.write_bytes(lines(name, 101, 1_100))
            wanted.append(lines(name, 1, 1_100))
        daemon.wait_ready()
        world.ctl_run("flush", "--wait", timeout=600)
        found = stored_lines(world.store)
        assert sum(found.values()) == files * 1_100 and len(found) == files * 1_100
        expect(world.store, *wanted)
        assert daemon.stop() == 0
        # The next turn begins with nothing.
        shutil.rmtree(folder)
        shutil.rmtree(world.state)
    print(f"{files * 1_100} lines")


@contextlib.contextmanager
def mounted(world, kind, *options):
    """A file system of that kind in a file, mounted below the world's home."""
    image, place = world.base / f"{kind}.img", world.home / "odd"
    with image.open("wb") as file:
        file.truncate(512 << 20)
    subprocess.run([f"mkfs.{kind}", "-q", *options, image], check=True, capture_output=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True, capture_output=True)
    try:
        yield place
    finally:
        # Whatever happened: nobody else unmounts it.
        for daemon in world.daemons:
            daemon.kill()
        subprocess.run(["umount", place], check=True)


def make_again(path, data):
    """Deletes a file, and makes it with the same inode number: XFS gives that not at once, but when all is on the disk."""
    inode = path.stat().st_ino
    path.unlink()
    for attempt in range(200):
        os.sync()
        path.write_bytes(b"")
        if path.stat().st_ino == inode:
            path.write_bytes(data)
            return
        path.rename(path.with_name(f".other-{attempt}"))
    raise AssertionError(f"the file system does not give the number {inode} again")


@pytest.mark.root
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
@KILLED
def test_inode_reuse(world, kind, up, killed):
    """Deleted and made again within a moment: the number is the same, the file is another one."""
    configure(world)
    with mounted(world, kind) as folder:
        path = folder / "it.jsonl"
        generations = [lines("first", 1, 60)]
        path.write_bytes(generations[0])
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        for turn in range(4):
            if not up:
                end(daemon, killed)
            # Shorter than what was read, as long, and longer.
            new = lines(f"turn {turn}", 1, [20, 20, 200, 60][turn])
            make_again(path, new)
            generations.append(new)
            if not up:
                daemon = world.daemon()
            elif killed:
                daemon = next_life(world, daemon, killed)
            world.ctl_run("flush", "--wait")
            Ledger(world.store).expect({("it", "main"): generations})
        # Under another name, too: it is another session, not the first one renamed.
        path.unlink()
        path = folder / "another.jsonl"
        path.write_bytes(lines("another", 1, 300))
        world.ctl_run("flush", "--wait")
        Ledger(world.store).expect({("it", "main"): generations, ("another", "main"): [lines("another", 1, 300)]})
        assert daemon.stop() == 0
    assert manifest_reader.sessions(world.store) == ["another", "it"]


@pytest.mark.root
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_few_bytes_that_change_names_where_no_time_of_birth_is_kept(world, up):
    """Numbers and bytes together say whose they are."""
    configure(world)
    with mounted(world, "ext4", "-I", "128") as folder:
        names = ["a", "b", "log", "log-1", "log-2"]
        wanted = {name: lines(name, 1, 5) for name in names}
        path = {name: folder / f"{name}.jsonl" for name in [*names, "log-3", "aside"]}
        for name in names:
            path[name].write_bytes(wanted[name])
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        if not up:
            assert daemon.stop() == 0
        for old, new in [("a", "aside"), ("b", "a"), ("aside", "b"), ("log-2", "log-3"), ("log-1", "log-2"),
                         ("log", "log-1")]:
            path[old].rename(path[new])
        wanted["new"] = lines("new", 1, 4)
        path["log"].write_bytes(wanted["new"])
        for name, now in [("a", "b"), ("log-1", "log-2")]:
            more = lines(name, 6, 9)
            append(path[now], more)
            wanted[name] += more
        if not up:
            daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        expect(world.store, *wanted.values())
        assert daemon.stop() == 0


@pytest.mark.root
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_a_number_of_a_deleted_file_makes_no_other_file_its_own(world, up):
    """Without birth times it may be any file's, and many sessions begin with the same line."""
    configure(world)
    with mounted(world, "ext4", "-I", "128") as folder:
        first = b'{"first":"the same line of two sessions, and long enough to be known by"}\n'
        gone, other = folder / "gone.jsonl", folder / "other.jsonl"
        gone.write_bytes(first)
        other.write_bytes(lines("other", 1, 30))
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        if not up:
            assert daemon.stop() == 0
        number, new = gone.stat().st_ino, folder / "new"
        gone.unlink()
        new.write_bytes(first + lines("new", 1, 9))
        assert new.stat().st_ino == number, "the file system does not give it again"
        new.rename(other)
        if not up:
            daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        Ledger(world.store).expect({("gone", "main"): [first],
                                    ("other", "main"): [lines("other", 1, 30), first + lines("new", 1, 9)]})
        assert daemon.stop() == 0
