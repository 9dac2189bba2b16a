"""A store that agent-uploader wrote: its sessions go on where it ended, and nothing of its is changed."""

import gzip
import hashlib
import json

import pytest

import generator
from conservation import Ledger, backdate, printed_seed
from test_bytes import split_lines


def uploaded(store, sid, lines, rng, *, gz=True, modern=False):
    """What agent-uploader leaves of these lines: segments, checkpoints at `compacted`, a manifest. Returns its objects."""
    folder = store / "sessions" / sid
    (folder / "segments").mkdir(parents=True)
    segments, checkpoints, objects = [], [], {}
    sizes = ("bytes", "gzip_bytes") if modern else ("bytes_uncompressed", "bytes_gzip")
    while lines:
        count = rng.randint(1, max(1, len(lines) // 3))
        compacted = next((n for n, line in enumerate(lines[:count], 1) if b'"type":"compacted"' in line), None)
        count = compacted or count
        part, lines = lines[:count], lines[count:]
        seq = len(segments) + 1
        data = b"".join(part)
        stored = gzip.compress(data) if gz else data
        path = f"segments/session-{seq:06}.jsonl{'.gz' if gz else ''}"
        objects[path] = stored
        segments.append({"seq": seq, "path": path, "first_ts": 1772323200, "last_ts": 1772323300, "lines": count,
                         sizes[0]: len(data), sizes[1]: len(stored)})
        if compacted:
            entry = {"id": f"2026-03-01T00-00-00Z-s{seq:06}-l{count:06}", "label": "compacted", "seq": seq,
                     "line_idx": count, "ts": 1772323300}
            checkpoints.append(entry)
            objects[f"checkpoints/{entry['id']}.json"] = json.dumps(entry, indent=2).encode()
    for path, stored in objects.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(stored)
    (folder / "manifest.json").write_text(json.dumps({
        "version": 1, "sid": sid, "created_at": "2026-03-01T00:00:00Z", "updated_at": "2026-03-01T00:10:00Z",
        "segments": segments, "checkpoints": checkpoints, "active_seq": len(segments) + 1}, indent=2))
    return {f"sessions/{sid}/{path}": hashlib.sha256(stored).hexdigest() for path, stored in objects.items()}


def entries(store, sid):
    """Their manifest; sizes by the names that its program gives them, which are those that any manifest of ours has."""
    manifest = json.loads((store / "sessions" / sid / "manifest.json").read_text())
    for entry in manifest["segments"]:
        for old, new in (("bytes", "bytes_uncompressed"), ("gzip_bytes", "bytes_gzip")):
            if old in entry:
                entry[new] = entry.pop(old)
    return manifest


def ours(session):
    return [segment for segment in session.streams["main"].segments if segment.generation_number > 0]


@pytest.mark.parametrize("gz, modern", [(True, False), (False, False), (True, True)])
def test_an_uploaded_session_goes_on_at_its_next_number(world, gz, modern, scale):
    rng, seed = printed_seed(f"foreign {gz} {modern}")
    world.configure('[segments]\nquiet = "30ms"\nmax_lines = 40\n')
    session = generator.session(seed, "codex", size=scale(150_000, 2_000_000))
    session.apply(world.home)
    path = world.home / next(iter(session.streams))
    data = path.read_bytes()
    lines = split_lines(data)
    cut = rng.randrange(1, len(lines))
    ledger = Ledger(world.store)
    foreign = uploaded(world.store, session.sid, lines[:cut], rng, gz=gz, modern=modern)
    ledger.seen.update(foreign)
    before = entries(world.store, session.sid)
    backdate(world.home)
    world.once()
    found = ledger.look()[session.sid]
    assert not found.writers
    assert found.manifest["segments"][:len(before["segments"])] == before["segments"], "their entries were rewritten"
    assert found.manifest["checkpoints"][:len(before["checkpoints"])] == before["checkpoints"]
    assert found.manifest["created_at"] == before["created_at"]
    assert ours(found)[0].seq == before["active_seq"]
    assert ours(found)[0].first_line == cut + 1
    stored = found.bytes
    assert stored["main", 0] + stored["main", 1] == data
    check_replays(world, session.sid, data, rng)
    # It grows, is taken up again after everything here was lost, and grows again.
    more = b'{"timestamp":"2026-03-02T00:00:00Z","type":"event_msg","payload":{"type":"user_message"}}\n'
    for damage in (None, "catalog", "state"):
        with path.open("ab") as file:
            file.write(more)
        if damage == "catalog":
            for each in world.state.glob("catalog.db*"):
                each.unlink()
        backdate(world.home)
        world.once()
        stored = ledger.look()[session.sid].bytes
        assert set(stored) == {("main", 0), ("main", 1)}
        assert stored["main", 0] + stored["main", 1] == path.read_bytes()
    check_replays(world, session.sid, path.read_bytes(), rng)


def check_replays(world, sid, data, rng):
    lines = split_lines(data)
    daemon = world.daemon()
    for source in [[], ["--from", "store"]]:
        assert world.ctl_run("replay", sid, *source).stdout == data
        for _ in range(4):
            first = rng.randint(1, len(lines))
            last = rng.randint(first, len(lines))
            found = world.ctl_run("replay", sid, "--lines", f"{first}:{last}", *source).stdout
            assert found == b"".join(lines[first - 1:last]), (first, last, source)
    assert daemon.stop() == 0


def changed_first_line(lines):
    return [lines[0].replace(b"{", b"{ ", 1), *lines[1:]]


@pytest.mark.parametrize("what", ["other first line", "other middle", "shorter", "other sizes"])
def test_other_bytes_than_were_uploaded_are_a_new_generation(world, what, scale):
    rng, seed = printed_seed(f"foreign, {what}")
    world.configure('[segments]\nmax_lines = 40\n')
    session = generator.session(seed, "codex", size=100_000)
    session.apply(world.home)
    path = world.home / next(iter(session.streams))
    lines = split_lines(path.read_bytes())
    cut = len(lines) // 2
    sent = lines[:cut]
    if what == "other first line":
        sent = changed_first_line(sent)
    elif what == "other middle":
        # The same length, so that only the bytes tell.
        sent = [*sent[:cut // 2], sent[cut // 2].replace(b'"timestamp"', b'"timestamP"', 1), *sent[cut // 2 + 1:]]
    elif what == "shorter":
        path.write_bytes(b"".join(lines[:cut // 2]))
    else:
        sent = [line.rstrip(b"\n") + b"  \n" for line in sent]
    ledger = Ledger(world.store)
    foreign = uploaded(world.store, session.sid, sent, rng)
    ledger.seen.update(foreign)
    before = entries(world.store, session.sid)
    backdate(world.home)
    world.once()
    found = ledger.look()[session.sid]
    assert found.manifest["segments"][:len(before["segments"])] == before["segments"]
    assert found.bytes["main", 0] == b"".join(sent)
    generation = max(number for _, number in found.bytes)
    assert found.bytes["main", generation] == path.read_bytes() and generation > 0
    assert ours(found)[0].seq == before["active_seq"]
    daemon = world.daemon()
    for source in [[], ["--from", "store"]]:
        assert world.ctl_run("replay", session.sid, *source).stdout == path.read_bytes()
        assert world.ctl_run("replay", session.sid, "--generation", "1", *source).stdout == b"".join(sent)
    assert daemon.stop() == 0
