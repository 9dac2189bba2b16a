"""A source that is cut, swapped, renamed or deleted: what was taken stays, and what it holds now is taken."""

import contextlib
import os

import pytest

from conservation import Ledger, backdate, printed_seed

LINE = b'{"type":"user","n":%d,"text":"%s"}\n'


def lines(rng, count, start=0):
    return b"".join(LINE % (number, rng.randbytes(rng.randrange(1, 200)).hex().encode())
                    for number in range(start, start + count))


@pytest.fixture
def odd(world):
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{world.home}/odd"\n[segments]\nquiet = "30ms"\nmax_lines = 50\n')
    folder = world.home / "odd"
    folder.mkdir()
    return folder


def truncate_to_nothing(path, data, rng):
    new = lines(rng, 40, 1_000)
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(new)
    return [data, new]


def truncate_and_outgrow(path, data, rng):
    """Longer than before when it is looked at next: only the bytes tell."""
    new = lines(rng, 400, 2_000)
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(new)
    return [data, new]


def truncate_in_the_middle(path, data, rng):
    keep = data[:data.index(b"\n", len(data) // 2) + 1]
    new = keep + lines(rng, 5, 3_000)
    with path.open("r+b") as file:
        file.truncate(len(keep))
        file.seek(0, os.SEEK_END)
        file.write(new[len(keep):])
    return [data, new]


def replace_with_others(path, data, rng):
    new = lines(rng, 300, 4_000)
    beside = path.with_name("new.tmp")
    beside.write_bytes(new)
    beside.rename(path)
    return [data, new]


def replace_with_the_same_and_more(path, data, rng):
    """A restored home: another inode, the same content. The same generation goes on."""
    new = data + lines(rng, 10, 5_000)
    beside = path.with_name("new.tmp")
    beside.write_bytes(new)
    beside.rename(path)
    return [new]


def rewrite_the_first_byte(path, data, rng):
    with path.open("r+b") as file:
        file.write(b"[")
        file.seek(0, os.SEEK_END)
        file.write(lines(rng, 3, 6_000))
    return [data, path.read_bytes()]


def rewrite_the_last_line(path, data, rng):
    place = data.rindex(b"\n", 0, len(data) - 1) + 1
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data[place:].replace(b'"user"', b'"USER"'))
        file.seek(0, os.SEEK_END)
        file.write(lines(rng, 3, 7_000))
    return [data, path.read_bytes()]


def delete(path, data, rng):
    path.unlink()
    return [data]


def delete_and_make_again(path, data, rng):
    path.unlink()
    new = lines(rng, 30, 8_000)
    path.write_bytes(new)
    return [data, new]


CHANGES = [truncate_to_nothing, truncate_and_outgrow, truncate_in_the_middle, replace_with_others,
           replace_with_the_same_and_more, rewrite_the_first_byte, rewrite_the_last_line, delete, delete_and_make_again]


def expect(world, ledger, wanted):
    """The store holds these generations of each file, and replay gives them back."""
    ledger.expect({(name, "main"): generations for name, generations in wanted.items()})
    for name, generations in wanted.items():
        for source in [[], ["--from", "store"]]:
            for number, data in enumerate(generations, 1):
                found = world.ctl_run("replay", name, "--generation", str(number), *source).stdout
                assert found == data, f"{name}: generation {number} {source}"
            assert world.ctl_run("replay", name, *source).stdout == generations[-1], name


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_both_generations_are_kept(world, odd, up):
    """Each change to a file of its own, while the daemon looks on, and while it is down."""
    rng, seed = printed_seed(f"generations {up}")
    before = {change: lines(rng, 120) for change in CHANGES}
    for change, data in before.items():
        (odd / f"{change.__name__}.jsonl").write_bytes(data)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    expect(world, ledger, {change.__name__: [data] for change, data in before.items()})
    if not up:
        assert daemon.stop() == 0
    wanted = {change.__name__: change(odd / f"{change.__name__}.jsonl", data, rng) for change, data in before.items()}
    if not up:
        daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    expect(world, ledger, wanted)
    # And each goes on.
    for path in odd.iterdir():
        with path.open("ab") as file:
            file.write(b'{"more":1}\n')
        wanted[path.stem][-1] += b'{"more":1}\n'
    world.ctl_run("flush", "--wait")
    expect(world, ledger, wanted)
    assert daemon.stop() == 0


def cut_off(path, data):
    """As an agent does that finds its own torn line: up to the last whole line, behind which it goes on."""
    whole = path.read_bytes().rindex(b"\n") + 1
    os.truncate(path, whole)
    with path.open("ab") as file:
        file.write(data[whole:] + b'{"torn":"B')


def fill_in_place(path, data):
    """The file has its size before it has lines."""
    with path.open("r+b") as file:
        file.write(data)


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("torn, change", [(b'{"torn":"AAAA', cut_off), (bytes(1 << 16), fill_in_place)],
                         ids=["cut off", "filled in place"])
def test_a_line_without_its_end_that_was_only_read_may_go(world, odd, torn, change, up):
    """The generation goes on, and its open segment, with what the file holds behind what was taken."""
    rng, seed = printed_seed(f"untaken {up}")
    path = odd / "it.jsonl"
    data = lines(rng, 3)
    path.write_bytes(data + torn)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.flush_but_ends()
    ledger.expect({("it", "main"): [data]})
    for start in (10, 20):
        if not up:
            assert daemon.stop() == 0
        data += lines(rng, 2, start)
        change(path, data)
        if not up:
            daemon = world.daemon()
        world.flush_but_ends()
        ledger.expect({("it", "main"): [data]})
        assert world.ctl_run("replay", "it").stdout == data
    assert daemon.stop() == 0


def rename_in_its_folder(path):
    other = path.with_name("else.jsonl")
    path.rename(other)
    return other


def move_to_a_new_folder(path):
    other = path.parent / "new" / "er" / "else.jsonl"
    other.parent.mkdir(parents=True)
    path.rename(other)
    return other


def rename_its_folder(path):
    other = path.parent.with_name("moved")
    path.parent.rename(other)
    return other / path.name


@pytest.mark.parametrize("torn, change", [(b'{"torn":"AAAA', cut_off), (bytes(1 << 16), fill_in_place)],
                         ids=["cut off", "filled in place"])
@pytest.mark.parametrize("move", [rename_in_its_folder, move_to_a_new_folder, rename_its_folder])
@pytest.mark.parametrize("is_open", [False, True], ids=["closed", "open"])
def test_a_line_without_its_end_goes_with_its_file(world, odd, torn, change, move, is_open):
    """A rename ends nothing: under its new name the file may lose the line, and its generation goes on."""
    rng, seed = printed_seed(f"moved {move.__name__} {is_open}")
    folder = odd / "folder"
    folder.mkdir()
    path = folder / "it.jsonl"
    data = lines(rng, 3)
    path.write_bytes(data + torn)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    with path.open("ab") if is_open else contextlib.nullcontext():
        world.flush_but_ends()
        path = move(path)
        world.flush_but_ends()
        ledger.expect({("folder/it", "main"): [data]})
        data += lines(rng, 2, 10)
        change(path, data)
        world.flush_but_ends()
        ledger.expect({("folder/it", "main"): [data]})
    path.unlink()
    world.ctl_run("flush", "--wait")
    assert daemon.stop() == 0


@pytest.mark.parametrize("down", [False, True], ids=["flush", "stop"])
def test_a_line_without_its_end_is_taken_when_its_file_left_every_root(world, odd, down):
    """A stop looks for nothing: what it holds open is taken as it is. Should the file come back, its line goes on."""
    rng, seed = printed_seed(f"moved out {down}")
    path, away = odd / "it.jsonl", world.base / "away.jsonl"
    data = lines(rng, 3)
    path.write_bytes(data + b'{"torn":1')
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.flush_but_ends()
    path.rename(away)
    if down:
        assert daemon.stop() == 0
        daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    ledger.expect({("it", "main"): [data + b'{"torn":1']})
    away.rename(odd / "back.jsonl")
    data += b'{"torn":1}\n' + lines(rng, 2, 10)
    with (odd / "back.jsonl").open("ab") as file:
        file.write(data[data.index(b'{"torn":1') + 9:])
    world.ctl_run("flush", "--wait")
    ledger.expect({("it", "main"): [data]})
    assert daemon.stop() == 0


def test_a_long_line_that_is_overwritten_by_another(world, odd):
    """Over 8 MiB a line is not held in memory, so its end is looked for in the file, from where the search stopped."""
    rng, seed = printed_seed("long generations")
    path = odd / "it.jsonl"
    first = b'{"first":"' + rng.randbytes(64).hex().encode() * 80_000
    second = b"".join(b'{"second":"' + rng.randbytes(64).hex().encode() * count + b'"}\n' for count in (70_000, 1, 90_000, 2))
    path.write_bytes(b'{"a":1}\n' + first)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.flush_but_ends()
    ledger.expect({("it", "main"): [b'{"a":1}\n']})
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(second)
    world.ctl_run("flush", "--wait")
    found = ledger.look()["it"].bytes
    # What was in memory of the first line, which is nowhere else any more.
    held = found["main", 1].removeprefix(b'{"a":1}\n')
    assert first.startswith(held)
    assert found["main", 2] == second
    assert world.ctl_run("replay", "it").stdout == second
    assert daemon.stop() == 0


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_a_rename_changes_no_sid(world, odd, up):
    rng, seed = printed_seed(f"rename {up}")
    (odd / "deep").mkdir()
    path, other = odd / "it.jsonl", odd / "deep/else.jsonl"
    data = lines(rng, 70)
    path.write_bytes(data)
    ledger = Ledger(world.store)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    if not up:
        assert daemon.stop() == 0
    path.rename(other)
    more = lines(rng, 9, 500)
    with other.open("ab") as file:
        file.write(more)
    if not up:
        daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    ledger.expect({("it", "main"): [data + more]})
    assert daemon.stop() == 0


def test_a_file_at_rest_that_is_deleted_is_followed_while_somebody_has_it_open(world, odd):
    rng, seed = printed_seed("deleted at rest")
    path, data = odd / "log.jsonl", lines(rng, 20)
    with path.open("ab", buffering=0) as file:
        file.write(data)
        world.daemon()
        world.ctl_run("flush", "--wait")
        # Nothing is open there any more, and nothing is to be taken.
        world.wait_status(lambda status: status["spool"]["bytes"] == 0)
        path.unlink()
        for number in range(5):
            more = lines(rng, 3, 100 + 3 * number)
            file.write(more)
            data += more
            world.ctl_run("flush", "--wait")
    world.wait_status(lambda status: status["sessions"]["live"] == 0)
    Ledger(world.store).expect({("log", "main"): [data]})


def test_a_writer_that_goes_on_after_its_file_was_deleted_is_heard_to_the_end(world, odd):
    """Many of them: now and then one writes and closes just between the last read and the look at who has the file open."""
    rng, seed = printed_seed("deleted while open")
    paths = {odd / f"it{number:03}.jsonl": lines(rng, 5) for number in range(90)}
    files = {}
    for path, data in paths.items():
        files[path] = path.open("wb", buffering=0)
        files[path].write(data)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    for file in files.values():
        file.write(b'{"half":')
    world.flush_but_ends()
    for path, file in files.items():
        path.unlink()
        for _ in range(rng.randrange(400)):
            os.stat(odd)
        with file:
            file.write(b'1}\n{"last":true')
    ledger = Ledger(world.store)
    world.ctl_run("flush", "--wait")
    ledger.expect({(path.stem, "main"): [data + b'{"half":1}\n{"last":true'] for path, data in paths.items()})
    assert daemon.stop() == 0


def test_a_line_without_its_end_is_superseded_by_the_whole_one(world, odd):
    rng, seed = printed_seed("partial")
    path = odd / "it.jsonl"
    data = lines(rng, 20)
    ledger = Ledger(world.store)
    for part in (b'{"begun":', b'"and', b' ended"}\n', b"x"):
        with path.open("ab") as file:
            file.write(data + part if not file.tell() else part)
        world.once(code=0 if part.endswith(b"\n") else 5)
        backdate(world.home)
        world.once()
        ledger.expect({("it", "main"): [path.read_bytes()]})
        ledger.look()
    daemon = world.daemon()
    for source in [[], ["--from", "store"]]:
        assert world.ctl_run("replay", "it", *source).stdout == path.read_bytes()
    assert daemon.stop() == 0


@pytest.mark.parametrize("begun", [b"", b'{"a":1}\n'])
@pytest.mark.parametrize("other", [b'{"other":2}\n', b'{"oth', b'{"otherwise"'])
def test_a_line_without_its_end_is_not_superseded_by_another(world, odd, begun, other):
    path = odd / "it.jsonl"
    ledger = Ledger(world.store)
    daemon = world.daemon()
    path.write_bytes(begun + b'{"par')
    world.flush_but_ends()
    path.unlink()
    world.ctl_run("flush", "--wait")
    ledger.expect({("it", "main"): [begun + b'{"par']})
    assert daemon.stop() == 0
    path.write_bytes(begun + other)
    backdate(world.home)
    world.once()
    session = ledger.expect({("it", "main"): [begun + b'{"par', begun + other]})["it"]
    assert not session.manifest.get("superseded")


def test_files_without_an_end_keep_no_other_one_waiting(world, odd):
    """More of them than files are held open at once: each has its turn, again and again."""
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{odd}"\n[segments]\nquiet = "50ms"\n')
    files = {f"torn{number:03}": b'{"n":%d}\n{"half":' % number for number in range(600)}
    for name, data in files.items():
        (odd / f"{name}.jsonl").write_bytes(data)
    daemon = world.daemon()
    (odd / "whole.jsonl").write_bytes(b'{"n":1}\n')
    ledger = Ledger(world.store)
    answer = world.ctl("flush", "--wait", check=False)
    assert answer["not_taken"][100] == "500 more files" and (answer["queued"], answer["held"]) == (0, [])
    ledger.expect({("whole", "main"): [b'{"n":1}\n'],
                   **{(name, "main"): [data[:data.index(b"\n") + 1]] for name, data in files.items()}})
    for name in files:
        with (odd / f"{name}.jsonl").open("ab") as file:
            file.write(b"1}\n")
    assert world.ctl("flush", "--wait")["not_taken"] == []
    ledger.expect({("whole", "main"): [b'{"n":1}\n'], **{(name, "main"): [data + b"1}\n"] for name, data in files.items()}})
    assert daemon.stop() == 0


def test_status_counts_what_was_odd_and_knows_how_old_an_open_line_is(world, odd):
    world.configure(f'[[watch]]\nagent = "generic"\nroot = "{odd}"\n[segments]\nquiet = "1h"\nmax_age = "1h"\n')
    path = odd / "log.jsonl"
    path.write_bytes(b'{"n":1}\nno JSON\n')
    world.daemon()
    world.ctl_run("flush", "--wait")
    path.write_bytes(b'{"n":2}\n')
    world.ctl_run("flush", "--wait")
    status = world.ctl("status")
    assert status["noticed"]["generations"] == 1 and status["noticed"]["withheld_lines"] == 0
    assert sum(status["noticed"]["anomalies"].values()) == 1, status["noticed"]
    assert "oldest_unsafe_seconds" not in status["destinations"][0]
    with path.open("ab") as file:
        file.write(b'{"n":3}\n')
    world.wait_status(lambda status: "oldest_unsafe_seconds" in status["destinations"][0])
    world.ctl_run("flush", "--wait")
    assert "oldest_unsafe_seconds" not in world.ctl("status")["destinations"][0]
    assert b"1 new generation" in world.ctl_run("status").stdout
