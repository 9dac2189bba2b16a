"""What must hold whatever happens: every line is in the store, once, and no object ever changes.

    ledger = Ledger(world.store)
    …                                       whatever the test does to the daemon
    ledger.look()                           no object changed or went away, whatever is listed holds together
    ledger.expect({(sid, "main"): [data]})  and this is what there is, no more and no less

Everything is read by the independent reader, from the store alone.
"""

import hashlib
import pathlib
import random
import re
import subprocess

import generator
import manifest_reader
from manifest_reader import need

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
OBJECT = re.compile(r"(.*/)session-(\d{6,})-[0-9a-f]{16}(\.jsonl(?:\.gz|\.zst)?)\Z")
SPAN = 8 << 20


def sources(home):
    """Every session file of a home → (sid, stream), as the agents place them."""
    home = pathlib.Path(home)
    found = {}
    for path in sorted(home.glob(".claude/projects/*/*.jsonl")):
        found[path] = (path.stem, "main")
    for path in sorted(home.glob(".claude/projects/*/*/subagents/*.jsonl")):
        found[path] = (path.parts[-3], "agents/" + path.stem.removeprefix("agent-"))
    for path in sorted([*home.glob(".codex/sessions/**/rollout-*.jsonl"), *home.glob(".pi/agent/sessions/**/*.jsonl")]):
        found[path] = (UUID.findall(path.stem)[-1], "main")
    for path in sorted(home.glob(".copilot/session-state/*/events.jsonl")):
        found[path] = (path.parent.name, "main")
    return found


def whole_lines(data):
    return data[:data.rfind(b"\n") + 1]


class Ledger:
    """All that was ever seen in a store. Looking again checks that it is still there, and still the same."""

    def __init__(self, store):
        self.store = pathlib.Path(store)
        self.seen = {}
        self.may_go = set()
        self.looks = 0

    def a_day_passes(self):
        """What manifests name as superseded now may be gone from now on."""
        for session in self.look().values():
            folder = session.folder.relative_to(self.store)
            self.may_go |= {str(folder / each["path"]) for each in session.manifest.get("superseded", [])}

    def look(self):
        """Objects are final, and each manifest that there is holds together. Returns the sessions by sid."""
        self.looks += 1
        if not (self.store / "sessions/.uploaderd.json").exists():
            need(not self.seen, self.store, "has lost its identity")
            return {}
        # Sessions first: an object that a manifest names was there before the manifest.
        found = {sid: manifest_reader.read(self.store, sid) for sid in manifest_reader.sessions(self.store)}
        for session in found.values():
            bounded(session)
            merged_once(session)
        there = {}
        for path in self.store.rglob("*"):
            if path.name.startswith(".tmp-") or path.name == "manifest.json" or not path.is_file():
                continue
            there[str(path.relative_to(self.store))] = hashlib.sha256(path.read_bytes()).hexdigest()
        for name, digest in self.seen.items():
            need(name in there or name in self.may_go, name, "was there and is gone")
            need(there.get(name, digest) == digest, name, "has changed")
        self.seen.update(there)
        return found

    def expect(self, wanted, *, prefix=False, strays=False):
        """What the store has is exactly `wanted`: {(sid, stream): [bytes of each generation]}.

        `prefix`: of each stream's last generation whole lines from its beginning, as far as they were delivered; earlier
        generations may be cut short in the same way. `strays`: objects that no manifest names are no fault.
        """
        found = self.look()
        there = {(sid, stream): session.streams[stream].generations for sid, session in found.items()
                 for stream in session.streams if session.streams[stream].generations}
        if prefix:
            for key, generations in there.items():
                need(key in wanted, key, "is in the store, and no file is that")
                for number, data in generations.items():
                    need(number <= len(wanted[key]), key, f"has a generation {number}")
                    whole = wanted[key][number - 1]
                    need(whole.startswith(data), key, differs(data, whole))
                    need(data.endswith(b"\n") or data == whole, key, f"generation {number} ends inside a line")
            return found
        wanted = {key: [data for data in generations] for key, generations in wanted.items() if any(generations)}
        need(set(there) == set(wanted), self.store, f"has {sorted(set(there) - set(wanted))} too much, "
             f"{sorted(set(wanted) - set(there))} too little")
        for key, generations in wanted.items():
            need(sorted(there[key]) == list(range(1, len(generations) + 1)), key,
                 f"has generations {sorted(there[key])}, not {len(generations)}")
            for number, data in enumerate(generations, 1):
                need(there[key][number] == data, f"{key} generation {number}", differs(there[key][number], data))
        if not strays:
            for session in found.values():
                need(not manifest_reader.unlisted(session), session.folder,
                     f"has objects that no manifest names: {manifest_reader.unlisted(session)}")
        return found


def differs(found, wanted):
    at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
    return (f"{len(found)} bytes, not {len(wanted)}; differs from byte {at}: "
            f"{found[max(0, at - 30):at + 30]!r}, not {wanted[max(0, at - 30):at + 30]!r}")


def bounded(session, span=SPAN, spare=64):
    """A manifest lists at most an object per 8 MiB, and 64, and one per checkpoint, generation and codec."""
    listed = size = runs = 0
    for stream in session.streams.values():
        own = [segment for segment in stream.segments if segment.generation_number > 0]
        listed += len(own)
        size += sum(len(segment.data) for segment in own)
        runs += len({(segment.generation_number, segment.codec) for segment in own})
        runs += len(stream.entry.get("checkpoints", []))
    return listed, size // span + spare + runs


def merged_once(session):
    """A sequence number belongs to one run of bytes: a second object of that number is what it was merged into."""
    by_number = {}
    for path in session.folder.rglob("session-*"):
        name = str(path.relative_to(session.folder))
        match = OBJECT.match(name)
        if match and not name.startswith("writers/"):
            by_number.setdefault((match[1], match[2]), []).append(path)
    codecs = {extension: codec for codec, extension in manifest_reader.EXTENSIONS.items()}
    for (where, number), paths in by_number.items():
        if len(paths) < 2:
            continue
        data = sorted((manifest_reader.unpacked(codecs["".join(path.suffixes)], path.read_bytes(), path)
                       for path in paths), key=len)
        for short, long in zip(data, data[1:]):
            need(long.endswith(short), f"{session.folder}/{where}", f"number {number} stands for different bytes")


def concatenated(session, stream, generation):
    """What a stranger's tool makes of the objects put one behind the other."""
    segments = [s for s in session.streams[stream].segments if s.generation_number == generation]
    # A partial line is superseded by the whole one behind it.
    segments = [s for s, after in zip(segments, [*segments[1:], None])
                if not (s.partial and after is not None)]
    codec = segments[0].codec
    joined = b"".join((session.folder / s.path).read_bytes() for s in segments)
    if codec == "none":
        return joined
    tool = ["zcat"] if codec == "gzip" else ["zstd", "-dcq"]
    return subprocess.run(tool, input=joined, capture_output=True, check=True).stdout


def backdate(home, seconds=3600):
    """Every file under `home` has been quiet for so long."""
    import os
    import time
    at = time.time() - seconds
    for path in pathlib.Path(home).rglob("*.jsonl"):
        os.utime(path, (at, at))


def printed_seed(name):
    """A random source for one test, whose seed is printed; $UPLOADER_SEED repeats a run."""
    import os
    seed = os.environ.get("UPLOADER_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"{name}: UPLOADER_SEED={seed}")
    return random.Random(f"{name} {seed}"), seed


def sessions_of(world, name, count, size=4_000):
    """So many sessions of Claude Code's in the world's home, long enough ago that they are at rest."""
    sessions = [generator.session(f"{name} {number}", "claude", size) for number in range(count)]
    for session in sessions:
        session.apply(world.home)
    backdate(world.home)
    return sessions


def require_all(store, world, sessions):
    """Every byte is there, once: nothing lies there that no manifest lists."""
    for session in sessions:
        stored = manifest_reader.read(store, session.sid)
        for path, stream in session.streams.items():
            assert stored.latest(stream) == (world.home / path).read_bytes(), (session.sid, stream)
        assert not manifest_reader.unlisted(stored), session.sid
