"""Lines with a planted secret of every rule, in every position, and what looks for them.

What is planted is drawn for each run from the examples that `uploaderctl rules --json` gives; nothing here is a secret of
anybody's. Which part of an example is the secret is told by Python's `re` and the rule's expression, and what is looked
for afterwards is that part, and each of its drawn pieces by itself: neither Vectorscan nor PCRE2 nor the redactor's reading
of JSON has a say in it.
"""

import dataclasses
import json
import re
import string

HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
ALPHABETS = {
    "hex": HEX, "HEX": HEX.upper(), "digit": string.digits, "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase, "alpha": string.ascii_letters, "alnum": ALNUM,
    "lowerdigit": string.ascii_lowercase + string.digits, "upperdigit": string.ascii_uppercase + string.digits,
    "word": ALNUM + "_-", "base64": ALNUM + "+/", "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
DRAWN = re.compile(r"\{(?:(uuid)|(" + "|".join(ALPHABETS) + r"):(\d+))\}")
MARKER = re.compile(rb"\[REDACTED:[a-z0-9_]+\]")
# A shorter piece stands in other texts by chance.
SHORTEST = 8


@dataclasses.dataclass
class Planted:
    """A line, where in it the example stands, and what must not be found of it."""
    rule: str
    place: str
    before: bytes
    text: bytes
    after: bytes
    cores: list
    is_json: bool = True

    @property
    def line(self):
        return self.before + self.text + self.after

    def __str__(self):
        return f"{self.rule}, {self.place}: {self.line[:2000]!r}"


def quoted(text, depth):
    """The text as content of a JSON string, which is in a string, which …: so many levels deep."""
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return text


def spelled(text, depth):
    """Every character as \\u00XX."""
    return quoted("".join(f"\\u{ord(letter):04x}" for letter in text), depth - 1)


HERE = "@HERE@"

# Name, the line around HERE, how deep the text is in strings, how it is spelled. `{{` is a brace.
PLACES = [
    ("at the start of a string", '{"type":"user","text":"@HERE@ is it","n":12345678901234567890}\n', 1, quoted),
    ("at the end of a string", '{"text":"it is @HERE@","e":1.50e3,"a":{ "b" : -0.0}}\n', 1, quoted),
    ("as a whole string", '{"text":"@HERE@","\\u00e9":"\\/"}\r\n', 1, quoted),
    ("before an escaped quote", '{"text":"say \\"@HERE@\\" now \\ud83d\\ude00"}\n', 1, quoted),
    ("between line breaks", '{"text":"first\\n@HERE@\\r\\nlast","z":null}\n', 1, quoted),
    ("in unicode escapes", '{"text":"x \\u2028 @HERE@ y","a":1e400}\n', 1, spelled),
    ("in a key", '{"a":{"@HERE@":true},"a":2}\n', 1, quoted),
    ("in an array", '{"a":["x","@HERE@","y",[1,2,{}]]}\n', 1, quoted),
    ("in JSON in a string", json.dumps({"a": json.dumps({"b": "c @HERE@ d"}), "é": "ü"}, ensure_ascii=False) + "\n", 2, quoted),
    ("in a key of JSON in a string", json.dumps({"a": json.dumps({"@HERE@": "c"})}) + "\n", 2, quoted),
    ("in unicode escapes of JSON in a string", json.dumps({"a": json.dumps({"b": "c @HERE@"})}) + "\n", 2, spelled),
    ("three levels deep",
     json.dumps({"a": json.dumps([json.dumps({"c": "x\n@HERE@\n"}), 5])}, ensure_ascii=False) + "\n", 3, quoted),
    ("in text that is no JSON", "$ echo @HERE@ ; done\n", 0, quoted),
    ("in half a line of JSON", '{"half":"of a line @HERE@ \n', 1, quoted),
]


class Planter:
    """Draws secrets of rules, and puts them into lines."""

    def __init__(self, rules, rng):
        self.rules = rules
        self.rng = rng

    def draw(self, alphabet, count):
        letters = ALPHABETS[alphabet]
        # Begins and ends with a letter or digit, so that a word boundary is one on both sides.
        edges = [letter for letter in letters if letter.isalnum()]
        return "".join(self.rng.choice(edges if place in (0, count - 1) else letters) for place in range(count))

    def sample(self, template):
        """The template's text, and its drawn pieces."""
        pieces = []

        def drawn(found):
            piece = self.draw(found[2], int(found[3])) if found[2] else self.uuid()
            pieces.append(piece)
            return piece

        return DRAWN.sub(drawn, template), pieces

    def uuid(self):
        text = "-".join(self.draw("hex", count) for count in (8, 4, 4, 4, 12))
        return text[:14] + "4" + text[15:]

    def secret(self, rule, template):
        """An example's text, and what of it is secret: all that the rule's expression says, and each drawn piece in that."""
        text, pieces = self.sample(template)
        if not rule.get("expression"):
            return text, pieces
        # Rules see a text without escapes.
        found = re.search(rule["expression"].encode(), unescaped(text.encode()))
        assert found, f"{rule['id']}: re does not find {text!r}"
        secret = next((group for group in found.groups() if group is not None), found[0]).decode()
        return text, [secret, *(piece for piece in pieces if piece in secret and len(piece) >= SHORTEST)]

    def everything(self):
        """Each example of each rule: the rule, the text, what of it is secret."""
        for rule in self.rules:
            for template in rule["examples"]:
                yield rule["id"], *self.secret(rule, template)

    def lines(self):
        """Each example of each rule in every place."""
        for place, around, depth, spelling in PLACES:
            before, after = around.split(HERE)
            for rule, text, cores in self.everything():
                # A line has no line break in it.
                if depth == 0 and "\n" in text:
                    continue
                is_json = depth > 0 and not place.startswith("in half")
                yield Planted(rule, place, before.encode(), spelling(text, depth).encode(), after.encode(), cores, is_json)

    def words(self, size):
        """So much harmless text without quotes or backslashes: short words of letters."""
        pool = ["".join(self.rng.choice("abcdefghiklmnoprstuvw") for _ in range(self.rng.randrange(2, 9))) for _ in range(97)]
        text = ""
        while len(text) < size:
            text += " ".join(self.rng.choices(pool, k=200)) + " "
        return text[:size - 1] + " "

    def long_line(self, size, edges):
        """One line of at least this size with every example in it, and one that lies over each multiple of `edges`.

        What is between them, what is planted (text, cores), in order; the line is those in turn, joined."""
        every = list(self.everything())
        self.rng.shuffle(every)
        gap = size // len(every)
        between, planted, filler = ['{"type":"user","text":"'], [], self.words(gap + 4096)
        length = len(between[0])
        while every or length < size:
            next_edge = (length // edges + 1) * edges
            text, cores = every.pop()[1:] if every else self.secret(*self.any_rule())
            text = quoted(text, 1)
            want = gap
            if length + gap + len(text) + 256 > next_edge:
                # Its middle lies on the edge.
                want = max(2, next_edge - length - len(text) // 2)
            between[-1] += filler[:want - 1] + " " if want <= len(filler) else self.words(want)
            planted.append((text.encode(), cores))
            length += want + len(text)
            between.append(" ")
            length += 1
        between[-1] += '","n":1}\n'
        return [part.encode() for part in between], planted

    def any_rule(self):
        rule = self.rng.choice(self.rules)
        return rule, self.rng.choice(rule["examples"])


ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b'"': b'"', b"/": b"/", b"\\": b"\\"}
ESCAPE = re.compile(rb'\\(?:u00([0-7][0-9a-fA-F])|([nrtbf"/\\]))')


def unescaped(data):
    """The data with one level of escapes taken off."""
    return ESCAPE.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else ESCAPES[found[2]], data)


def bare(data):
    """The data as it is, and with one level of escapes after the other taken off, to the last."""
    seen = [data]
    while (text := unescaped(seen[-1])) != seen[-1]:
        seen.append(text)
    return b"\0".join(seen)


def leaks(data, cores):
    """Which of the secrets are somewhere in the data, however they are spelled there."""
    text = bare(data)
    return [core for core in cores if core.encode() in text]


def check_kept(kept, planted):
    """The kept line is the source but for markers in the place of something in the example's own bytes."""
    assert kept != planted.line, f"nothing was removed: {planted}"
    assert kept.startswith(planted.before) and kept.endswith(planted.after), f"{kept!r} is not around {planted}"
    inside = kept[len(planted.before):len(kept) - len(planted.after)]
    check_pieces(inside, planted.text, planted.cores, planted)
    if planted.is_json:
        json.loads(kept)


def check_pieces(inside, text, cores, what):
    """Markers, and between them only what stands in the text, in its order, and nothing of a secret."""
    pieces = MARKER.split(inside)
    assert len(pieces) > 1, f"nothing was removed: {what}"
    assert text.startswith(pieces[0]) and text.endswith(pieces[-1]), f"{inside!r} is not of {what}"
    at = 0
    for piece in pieces:
        found = text.find(piece, at)
        assert found >= 0, f"{piece!r} was not in {what}"
        at = found + len(piece)
    left = bare(b"\0".join(pieces))
    # Not what the rule says with every secret, such as a label.
    for core in cores[1:] or cores:
        parts = (core[at:at + SHORTEST] for at in range(len(core) - SHORTEST + 1))
        assert not any(part.encode() in left for part in parts), f"some of {core!r} is left in {inside!r}: {what}"
