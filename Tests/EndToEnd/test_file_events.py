"""Every file event, while the daemon looks on, while it is down, and where it can only poll: nothing lost, nothing twice.

Each event happens to files of its own, of which everything was taken. What the store has to hold after it is the event's
answer; the independent reader compares it with all generations, replay gives each of them back, and a restart changes
nothing. In the short form all events happen at once in one home, with `make soak` each in a world of its own, too.
"""

import base64
import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
import time
import uuid

import pytest

from conservation import Ledger, printed_seed
from daemon import PATIENCE, World

LINE = b'{"type":"user","n":%d,"text":"%s"}\n'
CODEX = ".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-%s.jsonl"


def lines(rng, count, start=0):
    return b"".join(LINE % (number, rng.randbytes(rng.randrange(1, 200)).hex().encode())
                    for number in range(start, start + count))


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


class Scene:
    """One event's files, which the daemon has taken whole, and a source of more lines."""

    def __init__(self, world, rng, name):
        self.world = world
        self.rng = rng
        self.name = name
        self.root = world.home / "odd" / name
        self.beside = world.home / "other" / name
        self.outside = world.base / "outside" / name
        for folder in (self.root / "deep", self.beside, self.outside):
            folder.mkdir(parents=True)
        self.data = lines(rng, 120)
        self.path = self.root / "it.jsonl"
        self.path.write_bytes(self.data)
        self.codex = str(uuid.UUID(bytes=rng.randbytes(16)))
        self.rollout = world.home / (CODEX % self.codex)
        self.rollout.parent.mkdir(parents=True, exist_ok=True)
        self.rolled = lines(rng, 80)
        self.rollout.write_bytes(self.rolled)
        # Older than the daemon's first look: a later start need not look into what has not changed.
        for path in (self.path, self.rollout):
            os.utime(path, (1_600_000_000, 1_600_000_000))
        # What is expected besides an event's own answer.
        self.taken = {"it": [self.data], self.codex: [self.rolled]}

    def more(self, count=9, start=5_000):
        return lines(self.rng, count, start)

    def wanted(self, answer):
        """By stream: a session of the event's own folder is called by its path."""
        return {(sid if uuid_like(sid) else f"{self.name}/{sid}", "main"): generations
                for sid, generations in {**self.taken, **answer}.items()}


def uuid_like(sid):
    return len(sid) == 36 and sid.count("-") == 4


# Each event changes the files and returns what differs from `taken`.

def append_whole_lines(scene):
    more = scene.more()
    append(scene.path, more)
    return {"it": [scene.data + more]}


def append_half_a_line(scene):
    """It is taken when its end is there, and not before."""
    append(scene.path, b'{"half":')
    return {"it": [scene.data]}


def append_in_small_pieces(scene):
    more = scene.more(30)
    with scene.path.open("ab", buffering=0) as file:
        for start in range(0, len(more), 37):
            file.write(more[start:start + 37])
    return {"it": [scene.data + more]}


def truncate_to_nothing(scene):
    os.truncate(scene.path, 0)
    return {"it": [scene.data]}


def truncate_and_write_less(scene):
    new = scene.more(20)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def truncate_and_regrow_past_the_offset(scene):
    new = scene.more(500)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def truncate_in_the_middle(scene):
    keep = scene.data[:scene.data.index(b"\n", len(scene.data) // 2) + 1]
    os.truncate(scene.path, len(keep))
    return {"it": [scene.data, keep]}


def rewrite_with_the_same_size(scene):
    new = scene.data.replace(b'"user"', b'"USER"')
    with scene.path.open("r+b") as file:
        file.write(new)
    return {"it": [scene.data, new]}


def rewrite_with_the_same_size_and_time(scene):
    """As rsync --inplace --times does."""
    before = scene.path.stat()
    new = scene.data.replace(b'"user"', b'"USER"')
    with scene.path.open("r+b") as file:
        file.write(new)
    os.utime(scene.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return {"it": [scene.data, new]}


def copy_and_truncate(scene):
    """logrotate's copytruncate: the copy is called so that it is no session."""
    shutil.copyfile(scene.path, scene.root / "it.jsonl.1")
    os.truncate(scene.path, 0)
    new = scene.more(15)
    append(scene.path, new)
    return {"it": [scene.data, new]}


def renamed(scene, path):
    """The stream goes on under the file's new name."""
    scene.path.rename(path)
    more = scene.more()
    append(path, more)
    return {"it": [scene.data + more]}


def rename_in_its_folder(scene):
    return renamed(scene, scene.root / "else.jsonl")


def rename_to_another_folder(scene):
    return renamed(scene, scene.root / "deep/else.jsonl")


def rename_to_another_root(scene):
    return renamed(scene, scene.beside / "else.jsonl")


def rename_away_and_make_another(scene):
    """logrotate's create: the old file is a session by its new name no more than the new one is the old one's rest."""
    scene.path.rename(scene.root / "it.jsonl.1")
    new = scene.more(15)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def replace_atomically(scene):
    new = scene.more(200)
    beside = scene.path.with_name(".new.tmp")
    beside.write_bytes(new)
    beside.rename(scene.path)
    return {"it": [scene.data, new]}


def replace_atomically_by_more_of_the_same(scene):
    """As an editor, or a restored home, does: other inode, the same bytes and more."""
    more = scene.more()
    beside = scene.path.with_name(".new.tmp")
    beside.write_bytes(scene.data + more)
    beside.rename(scene.path)
    return {"it": [scene.data + more]}


def delete(scene):
    scene.path.unlink()
    return {"it": [scene.data]}


def delete_and_make_again(scene):
    scene.path.unlink()
    new = scene.more(40)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def delete_and_restore(scene):
    """From a backup that is older than what was taken, and then it goes on as it did."""
    scene.path.unlink()
    scene.path.write_bytes(scene.data[:len(scene.data) // 3])
    append(scene.path, scene.data[len(scene.data) // 3:])
    more = scene.more()
    append(scene.path, more)
    return {"it": [scene.data + more]}


def link_twice(scene):
    """The same bytes under two names are taken once, whichever of them is written to."""
    os.link(scene.path, scene.root / "twin.jsonl")
    more = scene.more()
    append(scene.root / "twin.jsonl", more)
    return {"it": [scene.data + more]}


def link_and_remove_the_first_name(scene):
    os.link(scene.path, scene.root / "twin.jsonl")
    scene.path.unlink()
    more = scene.more()
    append(scene.root / "twin.jsonl", more)
    return {"it": [scene.data + more]}


def link_symbolically(scene):
    """Never followed, wherever it leads."""
    (scene.outside / "secret.jsonl").write_bytes(scene.more())
    (scene.root / "file.jsonl").symlink_to(scene.outside / "secret.jsonl")
    (scene.root / "folder").symlink_to(scene.outside)
    (scene.root / "inside.jsonl").symlink_to("it.jsonl")
    return {}


def replace_by_a_symbolic_link(scene):
    (scene.outside / "it.jsonl").write_bytes(scene.data + scene.more())
    scene.path.unlink()
    scene.path.symlink_to(scene.outside / "it.jsonl")
    return {}


def move_a_folder_in(scene):
    (scene.outside / "in/deeper").mkdir(parents=True)
    one, two = scene.more(30), scene.more(40)
    (scene.outside / "in/a.jsonl").write_bytes(one)
    (scene.outside / "in/deeper/b.jsonl").write_bytes(two)
    (scene.outside / "in").rename(scene.root / "in")
    append(scene.root / "in/deeper/b.jsonl", b'{"more":1}\n')
    return {"in/a": [one], "in/deeper/b": [two + b'{"more":1}\n']}


def move_a_folder_out(scene):
    """What is written to it out there is none of ours."""
    scene.root.rename(scene.outside / "moved")
    append(scene.outside / "moved/it.jsonl", scene.more())
    return {}


def move_a_folder_out_and_in_again(scene):
    (scene.root / "deep").rename(scene.outside / "deep")
    scene.path.rename(scene.outside / "deep/it.jsonl")
    more = scene.more()
    append(scene.outside / "deep/it.jsonl", more)
    (scene.outside / "deep").rename(scene.root / "back")
    return {"it": [scene.data + more]}


def fork(scene):
    """A session that begins with a copy of another one is a session of its own, whole."""
    more = scene.more()
    fork = str(uuid.UUID(bytes=scene.rng.randbytes(16)))
    path = scene.world.home / (CODEX % fork)
    path.write_bytes(scene.rolled + more)
    return {fork: [scene.rolled + more]}


def go_back_in_time(scene):
    more = scene.more()
    append(scene.path, more)
    os.utime(scene.path, (86_400, 86_400))
    return {"it": [scene.data + more]}


def compress(scene):
    """Codex's cold sessions: the file is another one, the session is the same."""
    zstd(scene.rollout)
    return {}


def write_and_compress(scene):
    """What came before the compression may be nowhere else."""
    more = scene.more()
    append(scene.rollout, more)
    zstd(scene.rollout)
    return {scene.codex: [scene.rolled + more]}


def compress_and_go_on(scene):
    """A resumed session is uncompressed first; while both are there the plain one counts."""
    packed = zstd(scene.rollout)
    subprocess.run(["zstd", "-dq", packed, "-o", scene.rollout], check=True)
    more = scene.more()
    append(scene.rollout, more)
    packed.unlink()
    return {scene.codex: [scene.rolled + more]}


def come_compressed(scene):
    """A cold session that was there before us; more than one window of it."""
    cold = str(uuid.UUID(bytes=scene.rng.randbytes(16)))
    path = scene.world.home / (CODEX % cold)
    data = scene.more(12_000)
    path.write_bytes(data)
    zstd(path)
    return {cold: [data]}


def replace_by_more_and_rename(scene):
    """Neither its path nor its inode number is what it was."""
    replace_atomically_by_more_of_the_same(scene)
    more = scene.more(5)
    scene.path.rename(scene.root / "deep/else.jsonl")
    append(scene.root / "deep/else.jsonl", more)
    return {"it": [(scene.root / "deep/else.jsonl").read_bytes()]}


def restore_to_another_root(scene):
    """From a backup, when the file is gone: another inode, another path, perhaps another disk."""
    backup = scene.beside / ".backup.tmp"
    shutil.copyfile(scene.path, backup)
    scene.path.unlink()
    more = scene.more()
    append(backup, more)
    backup.rename(scene.beside / "restored.jsonl")
    return {"it": [scene.data + more]}


def copy_beside(scene):
    """Both exist: the copy is no continuation, though every byte that was taken is in it."""
    more = scene.more()
    (scene.root / ".copy.tmp").write_bytes(scene.data + more)
    (scene.root / ".copy.tmp").rename(scene.root / "copy.jsonl")
    return {"it": [scene.data], "copy": [scene.data + more]}


def copy_beside_and_truncate(scene):
    """The file that was read is still there: it begins anew, and its copy is another."""
    (scene.root / ".copy.tmp").write_bytes(scene.data)
    new = scene.more(15)
    scene.path.write_bytes(new)
    (scene.root / ".copy.tmp").rename(scene.root / "copy.jsonl")
    return {"it": [scene.data, new], "copy": [scene.data]}


def zstd(path):
    packed = path.with_name(path.name + ".zst")
    hidden = path.with_name("." + packed.name)
    subprocess.run(["zstd", "-q", path, "-o", hidden], check=True)
    hidden.rename(packed)
    path.unlink()
    return packed


EVENTS = [
    append_whole_lines, append_half_a_line, append_in_small_pieces, truncate_to_nothing, truncate_and_write_less,
    truncate_and_regrow_past_the_offset, truncate_in_the_middle, rewrite_with_the_same_size,
    rewrite_with_the_same_size_and_time, copy_and_truncate, rename_in_its_folder, rename_to_another_folder,
    rename_to_another_root, rename_away_and_make_another, replace_atomically, replace_atomically_by_more_of_the_same,
    delete, delete_and_make_again, delete_and_restore, link_twice, link_and_remove_the_first_name, link_symbolically,
    replace_by_a_symbolic_link, move_a_folder_in, move_a_folder_out, move_a_folder_out_and_in_again, fork,
    replace_by_more_and_rename, restore_to_another_root, copy_beside, copy_beside_and_truncate,
    go_back_in_time, compress, write_and_compress, compress_and_go_on, come_compressed,
]


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
        world.wait_status(lambda status: holds(ledger, wanted))
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
    while time.time() < changed + 4:
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
