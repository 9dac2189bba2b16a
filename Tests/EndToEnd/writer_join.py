"""Joins what several writers have of one session: docs/formats.md, "Writers".

For `manifest_reader`, and as that shares no code with the project.
"""

import re

LINES = re.compile(rb"[^\n]*\n|[^\n]+\Z")
MARKER = re.compile(rb'(\\*")?\[REDACTED:[^\]]{1,64}\](?(1)\1)')
WITHHELD = re.compile(rb'\{"type":"uploaderd.withheld","bytes":(\d+),')


class Line:
    """A line, and the writers that go on from it."""

    def __init__(self, data, rules=None):
        self.data = data
        self.rules = rules
        self.followers = []


class Branch:
    """What one writer has of a stream."""

    def __init__(self, session, name):
        self.writer = session.manifest.get("writer", "")
        self.key = ("continues" in session.manifest, session.manifest["created_at"], self.writer)
        self.continues = session.manifest.get("continues") or {}
        self.name = name
        self.lines = {}
        """Generation → (the number of its first line, the lines)."""
        stream = session.streams.get(name)
        generations = dict(stream.generations) if stream else {}
        foreign = generations.pop(0, b"")
        if foreign:
            generations[1] = foreign + generations.get(1, b"")
        for number, data in generations.items():
            first = next((s.first_line for s in stream.segments if s.generation_number == number), 1)
            parts = LINES.findall(data)
            rules = [s.rules for s in (stream.segments if stream else []) if (s.generation_number or 1) == number
                     for _ in LINES.findall(s.data)]
            # A line that superseded its own beginning is there once, its segments may be there twice.
            rules += [None] * (len(parts) - len(rules))
            self.lines[number] = (1 if foreign and number == 1 else first,
                                  [Line(part, each) for part, each in zip(parts, rules)])
        self.parent = None
        self.offset = 0

    def ancestors(self):
        branch, found = self, []
        while branch is not None:
            found.append(branch)
            branch = branch.parent
        return found

    @property
    def anchor(self):
        """(generation, line) of the parent that it says it continues."""
        if self.parent and self.parent.writer == self.continues.get("writer") \
                and self.continues.get("stream", "main") == self.name:
            return self.continues["generation"], self.continues["line"]
        return None


def joined_writers(session, name="main"):
    """Generation → the bytes of all writers: docs/formats.md, "Writers"."""
    branches = sorted((Branch(each, name) for each in [session, *session.writers.values()]), key=lambda b: b.key)
    for branch in reversed(branches):
        parent = next((b for b in branches if b.writer and b.writer == branch.continues.get("writer")), None)
        if parent and branch not in parent.ancestors():
            branch.parent = parent
    for branch in branches[1:]:
        if branch.parent is None and branch not in branches[0].ancestors():
            branch.parent = branches[0]
    branches_down = sorted(branches, key=lambda b: (len(b.ancestors()), b.key))
    for branch in branches_down:
        if branch.parent:
            branch.offset = branch.parent.offset + (branch.anchor[0] - 1 if branch.anchor else 0)
    numbers = {number + branch.offset for branch in branches for number in branch.lines}
    return {number: joined_generation(branches_down, number) for number in sorted(numbers)}


def is_beginning(short, long):
    return len(short) < len(long) and long.startswith(short)


def is_same(one, other):
    """Whether one of two whole lines is the other with more of it removed."""
    if not (one.endswith(b"\n") and other.endswith(b"\n")):
        return False
    withheld = [int(found[1]) if (found := WITHHELD.match(each)) else None for each in (one, other)]
    if withheld != [None, None]:
        return (withheld[0] or len(one)) == (withheld[1] or len(other))
    return stands_for(one, other) or stands_for(other, one)


def stands_for(line, text):
    literals = [each for index, each in enumerate(MARKER.split(line)) if index % 2 == 0]
    if len(literals) < 2 or sum(map(len, literals)) < 16:
        return False
    return re.fullmatch(b".+?".join(map(re.escape, literals)), text, re.DOTALL) is not None


def in_common(given, own):
    """How many lines both have; the last may be, of one, only the beginning of what it is of the other."""
    count = 0
    for one, other in zip(given[1:], own):
        if one.data != other.data and not (one.rules != other.rules and is_same(one.data, other.data)):
            short, long = sorted([(one.data, len(given) - 1), (other.data, len(own))], key=lambda each: len(each[0]))
            return count + (count + 1 == short[1] and not short[0].endswith(b"\n") and long[0].startswith(short[0]))
        count += 1
    return count


def joined_generation(branches, number):
    held = {}
    roots = []
    for branch in branches:
        first, data = branch.lines.get(number - branch.offset, (1, []))
        own = [Line(each.data, each.rules) for each in data]
        if branch.parent is None:
            held[branch] = [Line(b""), *own]
            roots.append((branch.key, held[branch][0], own))
            continue
        before = held[branch.parent]
        anchor = branch.anchor
        anchored = anchor is not None and branch.parent.offset + anchor[0] == number
        line = min(anchor[1], len(before) - 1) if anchored else len(before) - 1
        if first > 1 and anchored:
            at = before[:first]
        else:
            candidates = [before, *held.values()]
            same = [in_common(each, own) for each in candidates]
            nearest = max(range(len(candidates)), key=lambda each: (same[each], -each))
            if same[nearest] >= min(line, len(data)):
                given, count = candidates[nearest], same[nearest]
                if count and is_beginning(given[count].data, own[count - 1].data):
                    # A last line without its end is the beginning of the other's whole one.
                    given.pop().data = b""
                    count -= 1
                elif count and is_beginning(own[count - 1].data, given[count].data):
                    own.pop()
                    count -= 1
                at, own = given[:count + 1], own[count:]
            else:
                at, own = None, [Line(each.data, each.rules) for each in data]
        if at is None:
            start = Line(b"")
            before[line].followers.append((branch.key, start, own))
            held[branch] = [start, *own]
        else:
            at[-1].followers.append((branch.key, None, own))
            held[branch] = [*at, *own]
    out = []

    def give(start, chain):
        for line in [*([start] if start else []), *chain]:
            out.append(line.data)
            for _, following, more in sorted(line.followers, key=lambda follower: follower[0]):
                give(following, more)

    for _, start, chain in sorted(roots, key=lambda root: root[0]):
        give(start, chain)
    return b"".join(out)
