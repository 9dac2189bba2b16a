"""Every file event, while the daemon looks on, while it is down, and where it can only poll: nothing lost, nothing twice.

Each event happens to files of its own, of which everything was taken. What the store has to hold after it is the event's
answer; the independent reader compares it with all generations, replay gives each of them back, and a restart changes
nothing. In the short form all events happen at once in one home, with `make soak` each in a world of its own, too.
"""

import base64
import contextlib
import ctypes
import os
import threading
import time
import uuid

import pytest

import codex_events
import file_events
from conservation import Ledger, printed_seed
from daemon import PATIENCE, World
from file_scene import CODEX, Scene, append, lines, zstd

EVENTS = file_events.EVENTS + codex_events.EVENTS


def expect(world, ledger, wanted):
    """The store holds these generations of each session, and replay gives each of them back."""
    ledger.expect(wanted)
    for (sid, _), generations in wanted.items():
        for number, data in enumerate(generations, 1):
            assert world.ctl_run("replay", sid, "--generation", str(number)).stdout == data, (sid, number)
        assert world.ctl_run("replay", sid, "--from", "store").stdout == generations[-1], sid


def configure(world):
    world.configure("".join(f'[[watch]]\nagent = "{agent}"\nroot = "{world.home}/{root}"\n' for agent, root in
                            [("generic", "odd"), ("generic", "other"), ("codex", ".codex/sessions")])
                    + '[segments]\nquiet = "30ms"\nmax_lines = 50\n[watching]\npoll = "20ms"\n')


def without_watches(world):
    """The daemon runs where the kernel gives it not one watch: a user namespace of its own with a limit of 0."""
    plain = world.command
    script = 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"'

    def command(name):
        words = plain(name)
        return ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *words] if name == "uploaderd" else words

    world.command = command


def run(world, events, mode):
    rng, seed = printed_seed(f"file events {mode}")
    configure(world)
    if mode == "polled":
        without_watches(world)
        # Nobody knows before the next look that a folder is elsewhere: what is written meanwhile to a file that is being read
        # may be taken.
        events = [event for event in events if event is not file_events.move_a_folder_out]
    for folder in ("odd", "other"):
        (world.home / folder).mkdir()
    scenes = {event: Scene(world, rng, event.__name__) for event in events}
    wanted = {key: value for scene in scenes.values() for key, value in scene.wanted({}).items()}
    ledger = Ledger(world.store)
    daemon = world.daemon()
    # A link in a file's place is none of ours, which is known when it is looked for again.
    world.flush_but_ends(besides=["symbolic links"])
    if mode == "polled":
        assert world.wait_health("watch_limit")
    expect(world, ledger, wanted)
    if mode == "down":
        assert daemon.stop() == 0
    wanted = {key: value for event, scene in scenes.items() for key, value in scene.wanted(event(scene)).items()}
    if mode == "down":
        daemon = world.daemon()
    if mode == "polled":
        # Nobody asks for a scan: polling alone finds it.
        world.wait_status(lambda status: holds(ledger, wanted), newest=True)
    world.flush_but_ends(besides=["symbolic links"])
    expect(world, ledger, wanted)
    # A life later it is all known, and nothing is taken again.
    assert daemon.stop() == 0
    daemon = world.daemon()
    world.flush_but_ends(besides=["symbolic links"])
    expect(world, ledger, wanted)
    assert daemon.stop() == 0


@pytest.mark.parametrize("mode", ["up", "down", pytest.param("polled", marks=pytest.mark.root)])
def test_no_event_loses_or_doubles_anything(world, mode, scale):
    run(world, EVENTS, mode)
    for event in scale([], EVENTS):
        print(event.__name__)
        with contextlib.closing(World()) as alone:
            run(alone, [event], mode)


def holds(ledger, wanted):
    found = ledger.look()
    return all(sid in found and [found[sid].streams[stream].generations.get(number) for number in
                                 range(1, len(generations) + 1)] == generations
               for (sid, stream), generations in wanted.items())


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_a_root_that_is_moved_away_and_comes_back_goes_on(world, up):
    """The root itself: while it is away nothing is taken, and what was written there is when it is back."""
    rng, seed = printed_seed(f"root {up}")
    configure(world)
    root, away = world.home / "odd", world.base / "away"
    root.mkdir()
    data, more = lines(rng, 60), lines(rng, 9, 500)
    (root / "it.jsonl").write_bytes(data)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    if not up:
        assert daemon.stop() == 0
    root.rename(away)
    if up:
        # Until it is heard of what is written there is the root's.
        world.wait_status(lambda status: {"agent": "generic", "root": str(root), "state": "waiting"}
                          in status["watching"]["roots"])
    append(away / "it.jsonl", more)
    if not up:
        daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    ledger.expect({("it", "main"): [data]})
    away.rename(root)
    if up:
        world.wait_status(lambda status: holds(ledger, {("it", "main"): [data + more]}))
    world.ctl_run("flush", "--wait")
    expect(world, ledger, {("it", "main"): [data + more]})
    assert daemon.stop() == 0


def test_content_decides_who_goes_on_after_a_night_of_changes(world):
    """Of two copies of a file that is gone one goes on; a file whose place another one has taken goes on where it is."""
    rng, seed = printed_seed("content")
    configure(world)
    root = world.home / "odd"
    root.mkdir()
    (world.home / "other").mkdir()
    files = {name: lines(rng, 90) for name in ("lost", "moved", "away")}
    for name, data in files.items():
        (root / f"{name}.jsonl").write_bytes(data)
    ledger = Ledger(world.store)
    assert_taken(world, ledger, {(name, "main"): [data] for name, data in files.items()})
    more, new = lines(rng, 7, 700), lines(rng, 60, 900)
    # Gone, and there are two copies of it.
    (root / "lost.jsonl").unlink()
    for name in ("one", "two"):
        (root / f"{name}.jsonl").write_bytes(files["lost"])
    # Copied elsewhere, and another file put in its place.
    (root / "sub").mkdir()
    (root / "sub/moved.jsonl").write_bytes(files["moved"] + more)
    (root / ".new").write_bytes(new)
    (root / ".new").rename(root / "moved.jsonl")
    # Restored below another root.
    (world.home / "other/away.jsonl").write_bytes(files["away"] + more)
    (root / "away.jsonl").unlink()
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    found = ledger.look()
    contents = {(sid, name): stream.generations for sid, session in found.items() for name, stream in session.streams.items()
                if stream.generations}
    assert contents.pop(("lost", "main")) == {1: files["lost"]}
    assert contents.pop(("moved", "main")) == {1: files["moved"] + more}
    assert contents.pop(("away", "main")) == {1: files["away"] + more}
    # What is left are the other copy and the new file, each a stream of its own.
    assert sorted(map(str, contents.values())) == sorted(map(str, [{1: files["lost"]}, {1: new}])), contents.keys()
    assert {sid for sid, _ in contents} <= {"one", "two", "moved"}
    assert daemon.stop() == 0
    before = dict(ledger.seen)
    world.once()
    ledger.look()
    assert {name for name in ledger.seen} == set(before), "taking nothing made something"


def exchange(one, other):
    """As `mv --exchange` does: renameat2(2), RENAME_EXCHANGE."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2) == 0, os.strerror(ctypes.get_errno())


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_files_that_exchange_their_names_go_on_each_in_its_stream(world, up):
    """Two, and three in a circle; and one that takes the name of another, which is gone by that."""
    rng, seed = printed_seed(f"exchange {up}")
    configure(world)
    root = world.home / "odd"
    (root / "deep").mkdir(parents=True)
    files = {name: lines(rng, count) for name, count in
             [("a", 60), ("deep/b", 70), ("one", 50), ("two", 80), ("three", 65), ("over", 40), ("gone", 30)]}
    path = {name: root / f"{name}.jsonl" for name in files}
    for name, data in files.items():
        path[name].write_bytes(data)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    if not up:
        assert daemon.stop() == 0
    exchange(path["a"], path["deep/b"])
    exchange(path["one"], path["two"])
    exchange(path["one"], path["three"])
    path["over"].rename(path["gone"])
    more = {name: lines(rng, 5, 500) for name in files if name != "gone"}
    for name, now in [("a", "deep/b"), ("deep/b", "a"), ("one", "two"), ("two", "three"), ("three", "one"),
                      ("over", "gone")]:
        append(path[now], more[name])
    wanted = {(name, "main"): [data + more.get(name, b"")] for name, data in files.items()}
    for _ in range(2):
        if not up:
            daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        expect(world, ledger, wanted)
        assert daemon.stop() == 0
        up = False
    assert set(ledger.look()) == set(files)


@pytest.mark.parametrize("goes", ["elsewhere", "out", "nowhere", "under"])
def test_what_takes_the_name_of_a_file_that_is_open_for_writing_is_in_the_store_after_a_flush(world, goes):
    """Nobody waits for whoever writes to the old one, though that is read on for a while."""
    rng, seed = printed_seed(f"held open {goes}")
    configure(world)
    (world.home / "odd").mkdir()
    path, new = world.home / "odd/it.jsonl", lines(rng, 20, 500)
    with path.open("ab", buffering=0) as writer:
        writer.write(lines(rng, 30))
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        if goes == "under":
            (world.home / "odd/.new").write_bytes(new)
            (world.home / "odd/.new").rename(path)
        else:
            if goes == "nowhere":
                path.unlink()
            else:
                path.rename(world.home / {"elsewhere": "odd/old.jsonl", "out": "it.jsonl.1"}[goes])
            path.write_bytes(new)
        world.ctl_run("flush", "--wait")
        found = [data for session in Ledger(world.store).look().values() for stream in session.streams.values()
                 for data in stream.generations.values()]
        assert found.count(new) == 1 and len(found) == 2
        if goes == "elsewhere":
            writer.write(lines(rng, 5, 900))
            world.ctl_run("flush", "--wait")
            assert any(len(data.splitlines()) == 35 for stream in Ledger(world.store).look()["it"].streams.values()
                       for data in stream.generations.values())
    assert daemon.stop() == 0


def test_a_first_line_that_two_sessions_share_makes_them_not_one(world):
    """The first one is gone, and the other has another name."""
    configure(world)
    (world.home / "odd").mkdir()
    first = b'{"type":"summary","summary":"what both begin with, and nothing says whose it is"}\n'
    one, other = world.home / "odd/one.jsonl", world.home / "odd/other.jsonl"
    one.write_bytes(first)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    world.ctl_run("private", "add", "one")
    one.unlink()
    other.write_bytes(first + b'{"n":1}\n')
    world.ctl_run("flush", "--wait")
    assert Ledger(world.store).look()["other"].streams["main"].generations == {1: first + b'{"n":1}\n'}
    assert daemon.stop() == 0


def test_a_new_file_that_exchanges_names_with_a_known_one_is_in_the_store_after_a_flush(world, scale):
    """Its path leads to the other file while it is looked at: what is named, and what is read, is one file."""
    rng, seed = printed_seed("exchange new")
    configure(world)
    (world.home / "odd/deep").mkdir(parents=True)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    wanted = {}
    for number in range(scale(30, 300)):
        known, new = lines(rng, 300), lines(rng, 310)
        one, other = world.home / f"odd/{number}.jsonl", world.home / f"odd/deep/{number}.jsonl"
        one.write_bytes(known)
        world.ctl_run("flush", "--wait")
        other.write_bytes(new)
        exchange(one, other)
        world.ctl_run("flush", "--wait")
        found = sorted(data for session in ledger.look().values() for stream in session.streams.values()
                       for data in stream.generations.values())
        wanted[number] = [known, new]
        assert found == sorted(data for each in wanted.values() for data in each), number
    assert daemon.stop() == 0


@pytest.mark.root
def test_a_flush_is_answered_for_a_file_that_nobody_told_of_and_that_ends_in_a_torn_line(world):
    """Nothing happens but that its pipeline begins: it stays for the line's end."""
    root = world.home / "odd"
    root.mkdir()
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{root}"\n[watching]\npoll = "1h"\n')
    without_watches(world)
    daemon = world.daemon()
    assert world.wait_health("watch_limit")
    data = b'{"n":1}\n'
    for name in ("a", "b"):
        (root / f"{name}.jsonl").write_bytes(data + b'{"torn')
        answer = world.ctl_run("flush", "--wait", str(root / f"{name}.jsonl"), check=False)
        assert answer.returncode == 5 and b"without its end" in answer.stdout + answer.stderr
    Ledger(world.store).expect({(name, "main"): [data] for name in ("a", "b")})
    assert daemon.stop() == 0


def assert_taken(world, ledger, wanted):
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    ledger.expect(wanted)
    assert daemon.stop() == 0


@contextlib.contextmanager
def reads_of(path):
    """Gives a function that says whether the file was read since it was asked last (inotify(7), IN_ACCESS)."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert libc.inotify_add_watch(descriptor, os.fsencode(path), 0x1) >= 0, os.strerror(ctypes.get_errno())

    def read():
        try:
            return bool(os.read(descriptor, 4096))
        except BlockingIOError:
            return False
    try:
        yield read
    finally:
        os.close(descriptor)


def test_a_cold_session_is_decompressed_once_and_a_damaged_one_is_said(world):
    configure(world)
    rng, seed = printed_seed("cold")
    sid, other = (str(uuid.UUID(bytes=rng.randbytes(16))) for _ in range(2))
    data = lines(rng, 3_000)
    for each in (sid, other):
        path = world.write(CODEX % each, data)
        os.utime(path, (1_600_000_000, 1_600_000_000))
        packed = zstd(path)
    whole = packed.read_bytes()
    packed.write_bytes(whole[:len(whole) // 2])
    world.daemon("--dry-run", wait=False).wait_exit()
    assert sid in world.daemons[-1].text()
    daemon = world.daemon()
    world.ctl_run("flush")
    # What there is of the damaged one waits with it: half of it may be a compression that is under way.
    entry = world.wait_health("source_unreadable", str(world.home / (CODEX % other)))
    assert "could not decompress" in entry["message"] and "zstd --test" in entry["hint"]
    Ledger(world.store).expect({(sid, "main"): [data]}, prefix=True)
    packed.write_bytes(whole)
    changed = time.time()
    world.ctl_run("flush", "--wait")
    world.wait_healthy()
    wanted = {(each, "main"): [data] for each in (sid, other)}
    Ledger(world.store).expect(wanted)
    assert daemon.stop() == 0
    # Looked into by the next lives, as long as it may have changed while they began to look; never again after that.
    began = changed
    while began < changed + 4:
        began = time.time()
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        assert daemon.stop() == 0
    with reads_of(packed) as read:
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        assert daemon.stop() == 0
        assert not read()
        packed.read_bytes()
        assert read(), "the test sees no read at all"
    Ledger(world.store).expect(wanted)


def test_a_cold_session_that_grows_beside_its_compressed_file_is_no_other_one(world):
    """`zstd -d` writes under the final name: the plain file is shorter than what was taken until it is whole."""
    configure(world)
    rng, seed = printed_seed("uncompressed")
    sid = str(uuid.UUID(bytes=rng.randbytes(16)))
    data = lines(rng, 9_000)
    path = world.write(CODEX % sid, data)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    packed = zstd(path)
    world.ctl_run("flush", "--wait")
    for is_whole in (False, True):
        with path.open("wb", buffering=0) as file:
            for part in range(0, len(data), len(data) // 7 + 1):
                file.write(data[part:part + len(data) // 7 + 1][:None if is_whole else len(data) // 9])
                # It was looked at: what it holds is taken, and there is nothing to wait for.
                world.ctl_run("flush", "--wait")
                if not is_whole:
                    break
        if not is_whole:
            # Broken off: somebody has to know that what is appended here now would not be seen soon.
            state = world.flush_but_ends(besides=["waits to become whole"])
            assert len(state["not_taken"]) == 1
            assert "remove it" in world.wait_health("source_unreadable", str(path))["hint"]
            path.unlink()
            world.ctl_run("flush", "--wait")
            world.wait_healthy()
    more = lines(rng, 9, 10_000)
    append(path, more)
    packed.unlink()
    world.ctl_run("flush", "--wait")
    ledger.expect({(sid, "main"): [data + more]})
    world.wait_healthy()
    assert daemon.stop() == 0


# What a daemon read is in /proc, which of it (no core dumps: PR_SET_DUMPABLE) only root may read.
@pytest.mark.root
def test_a_file_that_grows_faster_than_it_is_read_keeps_nobody_waiting(world):
    """A flush means what was there when it was asked; a stop, too; and nothing of the rest is lost."""
    world.configure(f'[[watch]]\nroot = "{world.home}/odd"\n')
    path = world.home / "odd/it.jsonl"
    path.parent.mkdir()
    path.write_bytes(b'{"n":0}\n')
    daemon = world.daemon()
    block = b"".join(b'{"n":1,"text":"%s"}\n' % base64.b64encode(os.urandom(3_000)) for _ in range(250))
    stop = threading.Event()
    written = []

    def write():
        # Always some way ahead of all that the daemon ever read, so that there is no end that it could come to.
        with (path.open("ab", buffering=0) as file, open(f"/proc/{daemon.pid}/io") as read,
              contextlib.suppress(ProcessLookupError)):
            while not stop.is_set() and len(written) < 3_000:
                read.seek(0)
                if len(block) * len(written) < (16 << 20) + int(read.readline().split()[1]):
                    file.write(block)
                    written.append(len(block))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        world.ctl_run("flush")
        assert writer.is_alive(), f"the flush came back only when the writer had ended, {sum(written)} bytes later"
        assert daemon.stop() == 0
    finally:
        stop.set()
        writer.join()
    print(f"{sum(written)} bytes were written meanwhile")
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", timeout=PATIENCE * 5)
    Ledger(world.store).expect({("it", "main"): [path.read_bytes()]})
    assert daemon.stop() == 0
