"""Reads a directory store from its manifests alone, and believes nothing: an independent reader of docs/formats.md.

    python3 manifest_reader.py STORE                      the sessions, one a line
    python3 manifest_reader.py STORE SID                  what there is, and that it holds together
    python3 manifest_reader.py STORE SID main 1           the bytes of one generation, to standard output, of all writers

Shares no code with the project and uses the standard library only (and the `zstd` command for zstd segments). Every
rule of the format that a reader can check is checked; the first that is broken raises `Damaged`, which names the
object and the rule.
"""

import dataclasses
import gzip
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import zlib

from writer_join import joined_writers

EXTENSIONS = {"gzip": ".jsonl.gz", "zstd": ".jsonl.zst", "none": ".jsonl"}
CUTS = {"bytes", "lines", "age", "quiet", "checkpoint", "end", "truncated", "shutdown", "flush"}
MEMBER = 256 * 1024
PLAIN = re.compile(r"[A-Za-z0-9._/-]+\Z")
CHECKPOINT_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-s(\d{6,})-l(\d{6,})\Z")


class Damaged(Exception):
    pass


def need(claim, subject, rule):
    if not claim:
        raise Damaged(f"{subject}: {rule}")


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# Names.

def escaped(text):
    """One component of a name in the store, from any text: `a b` is `a_20b`."""
    source = text.encode()
    upper = b"0123456789ABCDEF"
    out = bytearray()
    for index, byte in enumerate(source):
        plain = chr(byte).isascii() and chr(byte).isalnum() or byte == ord("-")
        if byte == ord("."):
            plain = index > 0
        elif byte == ord("_"):
            following = source[index + 1:index + 3]
            plain = not (len(following) == 2 and all(digit in upper for digit in following))
        out += bytes([byte]) if plain else b"_%02X" % byte
    if not out:
        return "_"
    if len(out) > 200:
        hashed = 0xCBF29CE484222325
        for byte in source:
            hashed = ((hashed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
        out = out[:180] + b"_-%016X" % hashed
    return out.decode()


def sessions_folder(store, prefix=None):
    """The folder that holds `.uploaderd.json` and one folder for each session."""
    store = pathlib.Path(store)
    if prefix is not None:
        return store / prefix
    for folder in (store / "sessions", store):
        if (folder / ".uploaderd.json").exists():
            return folder
    raise Damaged(f"{store}: no .uploaderd.json in it, nor in its sessions/")


def sessions(store, prefix=None):
    """The sids of all sessions that have a manifest."""
    found = sessions_folder(store, prefix).glob("*/manifest.json")
    return sorted(json.loads(path.read_bytes())["sid"] for path in found)


# Bytes of objects.

def unpacked(codec, data, subject):
    if codec == "none":
        return data
    try:
        if codec == "gzip":
            return gzip.decompress(data)
        done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True)
        need(done.returncode == 0, subject, f"is no whole zstd: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged(f"{subject}: is no whole {codec}: {error}") from error


def line_count(data):
    return data.count(b"\n") + (1 if data and not data.endswith(b"\n") else 0)


# What is read.

@dataclasses.dataclass
class Segment:
    entry: dict
    data: bytes

    def __getattr__(self, name):
        return self.entry.get(name)

    @property
    def generation_number(self):
        return self.entry.get("generation", 0)


@dataclasses.dataclass
class Stream:
    name: str
    entry: dict
    segments: list
    generations: dict
    """Generation → its bytes; 0 holds what agent-uploader wrote, which knows no generations."""


@dataclasses.dataclass
class Session:
    sid: str
    folder: pathlib.Path
    manifest: dict
    streams: dict
    writers: dict
    """Further writers of the session: id → Session."""

    @property
    def bytes(self):
        """(stream, generation) → the bytes."""
        return {(name, generation): data for name, stream in self.streams.items()
                for generation, data in stream.generations.items()}

    def latest(self, stream="main"):
        """The bytes of the stream's last generation."""
        generations = self.streams[stream].generations
        return generations[max(generations)] if generations else b""


def read(store, sid, prefix=None):
    """Reads a session and checks all of it; raises `Damaged`, or FileNotFoundError if there is no manifest."""
    folder = sessions_folder(store, prefix) / escaped(sid)
    session = read_folder(folder, sid)
    for other in sorted((folder / "writers").glob("*/manifest.json")):
        session.writers[other.parent.name] = read_folder(other.parent, sid)
        need("continues" in session.writers[other.parent.name].manifest, other, "says not what it continues")
    return session


def read_folder(folder, sid):
    where = folder / "manifest.json"
    manifest = json.loads(where.read_bytes())
    need(manifest.get("version") == 1, where, "version is not 1")
    need(manifest.get("layout") in (None, 1), where, "layout is not 1")
    need(not manifest.get("requires"), where, f"requires {manifest.get('requires')}, unknown to this reader")
    need(manifest["sid"] == sid, where, f"sid is {manifest['sid']!r}, not {sid!r}")
    for name in ("created_at", "updated_at", "active_seq", "segments", "checkpoints"):
        need(name in manifest, where, f"has no {name}")
    superseded = {each["path"] for each in manifest.get("superseded", [])}
    midway = "continues" in manifest
    streams = {"main": read_stream(folder, "main", manifest, superseded, midway)}
    for name, entry in manifest.get("streams", {}).items():
        need(name != "main", where, "main is listed under streams")
        need("kind" in entry, where, f"stream {name} has no kind")
        streams[name] = read_stream(folder, name, entry, superseded, midway)
    session = Session(sid, folder, manifest, streams, {})
    check_chain(where, manifest, streams)
    return session


def read_stream(folder, name, entry, superseded, midway):
    at = "segments/" if name == "main" else "streams/" + "/".join(escaped(part) for part in name.split("/")) + "/"
    subject = f"{folder.name} {name}"
    segments = [read_segment(folder, at, each) for each in entry["segments"]]
    last = 0
    for segment in segments:
        need(segment.seq > last, segment.path, f"seq {segment.seq} follows {last}")
        need(segment.path not in superseded, segment.path, "is listed and superseded")
        last = segment.seq
    need(entry["active_seq"] > last, subject, f"active_seq {entry['active_seq']} is not past the last segment, {last}")
    stream = Stream(name, entry, segments, joined(subject, segments, midway))
    check_checkpoints(folder, stream, at)
    return stream


def read_segment(folder, at, entry):
    path = entry["path"]
    need(PLAIN.match(path) and ".." not in path.split("/"), path, "is no plain name")
    try:
        stored = (folder / path).read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{folder / path}: is listed and not there") from None
    subject = folder / path
    foreign = "object_checksum" not in entry
    codec = entry.get("codec") or next(
        (codec for codec, extension in EXTENSIONS.items() if path.endswith(extension)), "none")
    data = unpacked(codec, stored, subject)
    size = entry.get("bytes_gzip", entry.get("gzip_bytes"))
    length = entry.get("bytes_uncompressed", entry.get("bytes"))
    need(len(stored) == size, subject, f"holds {len(stored)} bytes, not {size}")
    need(len(data) == length, subject, f"unpacks to {len(data)} bytes, not {length}")
    need(line_count(data) == entry["lines"], subject, f"holds {line_count(data)} lines, not {entry['lines']}")
    if entry.get("checksum"):
        need(sha256(data) == entry["checksum"], subject, "checksum is not that of its bytes")
    if not foreign:
        digest = sha256(stored)
        need(digest == entry["object_checksum"], subject, "object_checksum is not that of the object")
        wanted = f"{at}session-{entry['seq']:06}-{digest[7:23]}{EXTENSIONS[codec]}"
        need(path == wanted, subject, f"should be called {wanted}")
        for name in ("checksum", "generation", "first_line", "source_offset", "source_bytes", "source_mac", "codec",
                     "cut", "rules"):
            need(name in entry, subject, f"has no {name}")
        need(entry["cut"] in CUTS, subject, f"cut is {entry['cut']!r}")
        need(bool(entry.get("partial")) == (not data.endswith(b"\n")), subject, "partial does not fit its last byte")
        need(not entry.get("partial") or entry["lines"] == 1, subject, "is partial and not one line")
        if not entry.get("redactions") and b'"uploaderd.withheld"' not in data:
            need(entry["source_bytes"] == len(data), subject, "source_bytes is not its size, and nothing was redacted")
        check_members(subject, codec, stored, data, entry)
    return Segment(entry, data)


def check_members(subject, codec, stored, data, entry):
    """Each member unpacks by itself, begins at a line, and is about 256 KiB unless it is one line."""
    members = entry.get("members") or [[entry["first_line"], 0, 0]]
    need(members[0] == [entry["first_line"], 0, 0], subject, "its first member begins not at its beginning")
    ends = [*members[1:], [entry["first_line"] + entry["lines"], len(data), len(stored)]]
    for (line, offset, place), (next_line, end, next_place) in zip(members, ends):
        need(line < next_line and offset < end and place < next_place, subject, "its members are not in order")
        piece = unpacked(codec, stored[place:next_place], f"{subject} member at {place}")
        need(piece == data[offset:end], subject, f"the member at {place} holds other bytes")
        need(line_count(piece) == next_line - line, subject, f"the member at {place} holds other lines")
        need(end == len(data) or piece.endswith(b"\n"), subject, f"the member at {place} ends inside a line")
        need(len(piece) <= 2 * MEMBER or next_line - line == 1, subject, f"the member at {place} is too large")


def joined(subject, segments, midway=False):
    """Generation → bytes: contiguous in lines and in the source, each generation from its first byte.

    `midway`: the first segment may begin later, because the manifest continues another writer's.
    """
    pieces = {}
    previous = None
    for segment in segments:
        number = segment.generation_number
        before = previous.generation_number if previous is not None else None
        need(before is None or before <= number, subject, f"{segment.path}: generation {number} follows {before}")
        if number == 0:
            pass
        elif before == number:
            if previous.partial:
                # The whole line supersedes the part of it, and begins where that began.
                pieces[number].pop()
                line, offset = previous.first_line, previous.source_offset
            else:
                line = previous.first_line + previous.lines
                offset = previous.source_offset + previous.source_bytes
            need(segment.first_line == line, segment.path, f"begins at line {segment.first_line}, not {line}")
            need(segment.source_offset == offset, segment.path, f"begins at byte {segment.source_offset}, not {offset}")
        elif before is not None and before > 0 or before is None and not midway:
            need((segment.first_line, segment.source_offset) == (1, 0), segment.path, "begins a generation midway")
        pieces.setdefault(number, []).append(segment.data)
        previous = segment
    return {number: b"".join(parts) for number, parts in pieces.items()}


def check_checkpoints(folder, stream, at):
    by_seq = {segment.seq: segment for segment in stream.segments}
    last = (0, 0)
    for entry in stream.entry.get("checkpoints", []):
        subject = f"{folder.name} {stream.name} checkpoint {entry['id']}"
        named = CHECKPOINT_ID.match(entry["id"])
        need(named, subject, "is no checkpoint id")
        need((int(named[1]), int(named[2])) == (entry["seq"], entry["line_idx"]), subject, "says another place")
        place = (entry.get("generation", 0), entry.get("line", entry["line_idx"]))
        need(place > last or "generation" not in entry, subject, "is not after the one before it")
        last = place
        if "generation" in entry:
            inside = [s for s in stream.segments if s.generation_number == entry["generation"]
                      and s.first_line <= entry["line"] < s.first_line + s.lines]
            need(inside, subject, f"line {entry['line']} is in no listed segment")
            # A merge may put the segment under a later number; an object's own place stays what it was.
            if entry["seq"] in by_seq and by_seq[entry["seq"]] is inside[0] and inside[0].cut == "checkpoint":
                need(entry["line"] == inside[0].first_line + inside[0].lines - 1, subject,
                     "is not its segment's last line")
        object_path = "checkpoints/" if stream.name == "main" else f"{at}checkpoints/"
        where = folder / object_path / f"{entry['id']}.json"
        need(where.exists(), where, "is listed and not there")
        need(json.loads(where.read_bytes()) == entry, where, "is not what the manifest says")


def check_chain(where, manifest, streams):
    chain = manifest.get("chain")
    if chain is None:
        return
    told = chain["streams"]
    lines = []
    for name, stream in streams.items():
        if 0 in stream.generations:
            continue
        found = {str(number): sha256(data) for number, data in stream.generations.items()}
        need(told.get(name, {}) == found, where, f"chain of {name} is {told.get(name)}, not {found}")
    for name in sorted(told, key=str.encode):
        for number in sorted(told[name], key=int):
            lines.append(f"{name} {number} {told[name][number].removeprefix('sha256:')}\n")
    need(chain["fold"] == sha256("".join(lines).encode()), where, "fold is not the fold of its chains")


def objects(session):
    """Every path below the session's folder → its bytes' digest: to compare a store with itself, later."""
    return {str(path.relative_to(session.folder)): sha256(path.read_bytes())
            for path in sorted(session.folder.rglob("*")) if path.is_file()}


def unlisted(session):
    """Segment objects that no manifest names: superseded ones are named; a crash before a manifest leaves some."""
    named = {segment.path for stream in session.streams.values() for segment in stream.segments}
    named |= {each["path"] for each in session.manifest.get("superseded", [])}
    return sorted(path for path in objects(session)
                  if "/session-" in path and not path.startswith("writers/") and path not in named)


def main(arguments):
    if len(arguments) == 1:
        print("\n".join(sessions(arguments[0])))
    elif len(arguments) == 2:
        session = read(*arguments)
        for (stream, generation), data in session.bytes.items():
            print(f"{stream} generation {generation}: {line_count(data)} lines, {len(data)} bytes, {sha256(data)}")
    elif len(arguments) == 4:
        sys.stdout.buffer.write(joined_writers(read(*arguments[:2]), arguments[2])[int(arguments[3])])
    else:
        sys.exit("usage: manifest_reader.py STORE [SID [STREAM GENERATION]]")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Damaged, FileNotFoundError, KeyError) as error:
        sys.exit(f"error: {error}")
