"""The reader that the other tests trust: it accepts a right store, and sees each way in which one can be wrong."""

import copy
import gzip
import hashlib
import json

import pytest

import manifest_reader
from manifest_reader import Damaged, sha256

SID = "a b/../c"
FOLDER = "a_20b_2F.._2Fc"


def segment(seq, first_line, offset, data, cut="quiet", generation=1, members=1, at="segments/", partial=False):
    lines = data.splitlines(keepends=True)
    share = -(-len(lines) // members)
    stored, index, done, line = b"", [], 0, first_line
    for begin in range(0, len(lines), share):
        piece = b"".join(lines[begin:begin + share])
        index.append([line, done, len(stored)])
        stored += gzip.compress(piece, mtime=0)
        done, line = done + len(piece), line + len(lines[begin:begin + share])
    digest = hashlib.sha256(stored).hexdigest()
    entry = {"seq": seq, "path": f"{at}session-{seq:06}-{digest[:16]}.jsonl.gz", "lines": len(lines),
             "bytes_uncompressed": len(data), "bytes_gzip": len(stored), "checksum": sha256(data),
             "object_checksum": "sha256:" + digest, "generation": generation, "first_line": first_line,
             "source_offset": offset, "source_bytes": len(data), "source_mac": sha256(b"mac" + data),
             "codec": "gzip", "cut": cut, "rules": "none"}
    if len(index) > 1:
        entry["members"] = index
    if partial:
        entry["partial"] = True
    return entry, stored


@pytest.fixture
def store(tmp_path):
    """A store with one session: main of two generations and a checkpoint, and one agent."""
    sessions = tmp_path / "sessions"
    folder = sessions / FOLDER
    agent = "streams/agents/a1/"
    segments = [
        segment(1, 1, 0, b'{"a":1}\n{"type":"compacted"}\n', cut="checkpoint"),
        segment(2, 3, 29, b"".join(b'{"n":%d}\n' % n for n in range(50)), members=4),
        segment(5, 1, 0, b'{"new":1}\n', generation=2),
    ]
    agents = [segment(1, 1, 0, b'{"x":1}\n', at=agent), segment(2, 2, 8, b'{"half', at=agent, cut="end", partial=True)]
    checkpoint = {"id": "2026-03-01T00-00-00Z-s000001-l000002", "seq": 1, "line_idx": 2, "ts": 1772323200,
                  "generation": 1, "line": 2}
    main = gzip.decompress(segments[0][1]) + gzip.decompress(segments[1][1])
    chains = {"main": {"1": sha256(main), "2": sha256(b'{"new":1}\n')}, "agents/a1": {"1": sha256(b'{"x":1}\n{"half')}}
    fold = "".join(f"{name} {number} {chains[name][number][7:]}\n" for name in sorted(chains) for number in sorted(chains[name]))
    manifest = {
        "version": 1, "layout": 1, "requires": [], "sid": SID, "writer": "w", "epoch": 3, "created_at": "t",
        "updated_at": "t", "active_seq": 6, "segments": [entry for entry, _ in segments], "checkpoints": [checkpoint],
        "streams": {"agents/a1": {"kind": "agent", "active_seq": 3, "checkpoints": [],
                                  "segments": [entry for entry, _ in agents]}},
        "chain": {"streams": chains, "fold": sha256(fold.encode())},
    }
    for entry, stored in [*segments, *agents]:
        path = folder / entry["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / f"{checkpoint['id']}.json").write_text(json.dumps(checkpoint))
    (sessions / ".uploaderd.json").write_text("{}")

    def change(edit):
        changed = copy.deepcopy(manifest)
        edit(changed)
        (folder / "manifest.json").write_text(json.dumps(changed))
        return tmp_path

    change.folder = folder
    change(lambda manifest: None)
    return change


def test_a_right_store_is_read(store):
    session = manifest_reader.read(store(lambda manifest: None), SID)
    assert session.bytes["main", 1].startswith(b'{"a":1}\n{"type":"compacted"}\n{"n":0}\n')
    assert session.latest() == b'{"new":1}\n'
    assert session.latest("agents/a1") == b'{"x":1}\n{"half'
    assert manifest_reader.sessions(store.folder.parent.parent) == [SID]
    assert manifest_reader.unlisted(session) == []


def test_a_whole_line_supersedes_the_part_of_it(store):
    whole, stored = segment(3, 2, 8, b'{"half":true}\n', at="streams/agents/a1/")
    (store.folder / whole["path"]).write_bytes(stored)

    def edit(manifest):
        stream = manifest["streams"]["agents/a1"]
        stream["segments"].append(whole)
        stream["active_seq"] = 4
        del manifest["chain"]
    assert manifest_reader.read(store(edit), SID).latest("agents/a1") == b'{"x":1}\n{"half":true}\n'


WRONG = {
    "a future version": lambda m: m.update(version=2),
    "an unknown feature": lambda m: m.update(requires=["sealed"]),
    "another sid": lambda m: m.update(sid="other"),
    "a hole in the lines": lambda m: m["segments"][1].update(first_line=4),
    "a hole in the source": lambda m: m["segments"][1].update(source_offset=30),
    "a segment left out": lambda m: m["segments"].pop(0),
    "a segment twice": lambda m: m["segments"].insert(1, m["segments"][0]),
    "segments out of order": lambda m: m["segments"].reverse(),
    "a generation that begins midway": lambda m: m["segments"][2].update(first_line=2),
    "a wrong checksum": lambda m: m["segments"][0].update(checksum=sha256(b"")),
    "a wrong object checksum": lambda m: m["segments"][0].update(object_checksum=sha256(b"")),
    "a wrong size": lambda m: m["segments"][0].update(bytes_gzip=1),
    "a wrong length": lambda m: m["segments"][0].update(bytes_uncompressed=1),
    "a wrong count of lines": lambda m: m["segments"][0].update(lines=3),
    "a name without the digest": lambda m: m["segments"][0].update(path="segments/session-000001.jsonl.gz"),
    "a path out of the session": lambda m: m["segments"][0].update(path="../x"),
    "an unknown cut": lambda m: m["segments"][0].update(cut="whim"),
    "a partial one that is whole": lambda m: m["segments"][0].update(partial=True),
    "a member elsewhere": lambda m: m["segments"][1]["members"][1].__setitem__(2, 7),
    "a member's wrong line": lambda m: m["segments"][1]["members"][1].__setitem__(0, 5),
    "active_seq in the past": lambda m: m.update(active_seq=5),
    "a listed superseded object": lambda m: m.update(superseded=[{"path": m["segments"][0]["path"], "at": "t"}]),
    "a checkpoint elsewhere": lambda m: m["checkpoints"][0].update(line=1),
    "a checkpoint of another name": lambda m: m["checkpoints"][0].update(id="2026-03-01T00-00-00Z-s000001-l000001"),
    "a wrong chain": lambda m: m["chain"]["streams"]["main"].update({"2": sha256(b"")}),
    "a wrong fold": lambda m: m["chain"].update(fold=sha256(b"")),
    "no source_mac": lambda m: m["segments"][0].pop("source_mac"),
    "a stream without a kind": lambda m: m["streams"]["agents/a1"].pop("kind"),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_sees(store, what):
    with pytest.raises(Damaged):
        manifest_reader.read(store(WRONG[what]), SID)


def test_it_sees_a_changed_and_a_missing_object(store):
    path = next((store.folder / "segments").iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole[:9] + bytes([whole[9] ^ 1]) + whole[10:])
    with pytest.raises(Damaged):
        manifest_reader.read(store(lambda manifest: None), SID)
    path.unlink()
    with pytest.raises(Damaged):
        manifest_reader.read(store(lambda manifest: None), SID)
