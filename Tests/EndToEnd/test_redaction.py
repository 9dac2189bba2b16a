"""Secrets stay here: no object of the store has one, and everything around them is what it was.

What is planted is drawn for each run, in the forms that the vendors publish; nothing here is a secret of anybody's. The
store is looked through by a reader of its own, every line of every object, escapes taken off as often as there are any.
"""

import gzip
import json
import random
import re
import string

import pytest

import manifest_reader

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
MARKER = re.compile(rb"\[REDACTED:[a-z0-9_]+\]")


class Forge:
    """Draws secrets and remembers them."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.made = []

    def draw(self, alphabet, count):
        return "".join(self.rng.choice(alphabet) for _ in range(count))

    def secret(self):
        """One of some kinds: its text, and what of it must not be found anywhere."""
        kind = self.rng.randrange(8)
        if kind == 0:
            text = core = "gh" + self.rng.choice("pousr") + "_" + self.draw(ALNUM, 36)
        elif kind == 1:
            text = core = "AKIA" + self.draw(string.ascii_uppercase + "234567", 16)
        elif kind == 2:
            text = core = "sk-ant-api03-" + self.draw(ALNUM + "_-", 93) + "AA"
        elif kind == 3:
            core = self.draw(ALNUM, 400)
            kind_of_key = self.rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
            body = "\n".join(core[at:at + 64] for at in range(0, 400, 64))
            core = core[70:100]
            text = f"-----BEGIN {kind_of_key}PRIVATE KEY-----\n{body}\n-----END {kind_of_key}PRIVATE KEY-----"
        elif kind == 4:
            core = self.draw(ALNUM, 18) + "7"
            text = f"postgres://app:{core}@db.internal:5432/prod"
        elif kind == 5:
            text = core = ("eyJ" + self.draw(ALNUM, 30) + ".eyJ" + self.draw(ALNUM + "_-", 120) + "."
                           + self.draw(ALNUM, 43))
        elif kind == 6:
            core = self.draw(HEX, 32)
            text = f"export DATADOG_API_KEY={core}"
        else:
            core = self.draw(ALNUM, 20) + "3"
            text = json.dumps({"user": "me", "password": core})
        self.made.append(core)
        return text

    def line(self):
        """A line with a secret somewhere in it, two or three levels deep now and then."""
        text = self.secret()
        place = self.rng.randrange(7)
        filler = self.draw(string.ascii_lowercase + " \n\"\\é", self.rng.randrange(300))
        if place == 0:
            value = {"type": "user", "message": {"content": f"{filler} {text} {filler}"}}
        elif place == 1:
            value = {"type": "user", "list": [filler, text, 12345678901234567890, 1.5e300]}
        elif place == 2:
            value = {"type": "user", "result": json.dumps({"out": f"{filler}\n{text}\n{filler}"})}
        elif place == 3:
            value = {"type": "user", "result": json.dumps({"out": json.dumps([filler, f"\t{text}\r\n"])})}
        elif place == 4:
            value = {"type": "user", "keys": {text: filler}}
        elif place == 5:
            value = {"type": "user", "quoted": f'"{text}"', "rest": filler}
        else:
            value = {"type": "user", "text": text}
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.5).encode() + b"\n"


def bare(data):
    """Every spelling of the data that a person could read a secret in: without escapes, level by level."""
    seen = [data]
    for _ in range(4):
        text = re.sub(rb"\\u00([0-7][0-9a-f])", lambda found: bytes([int(found[1], 16)]), seen[-1])
        text = text.replace(b"\\n", b"\n").replace(b'\\"', b'"').replace(b"\\\\", b"\\")
        seen.append(text)
    return b"\0".join(seen)


def stored(world):
    """All that the store and the spool hold, decompressed where it is compressed."""
    every = []
    for path in [*world.state.rglob("*")]:
        if path.is_file() and path.suffix in (".gz", ".json", ".seg", ".zst", ".jsonl", ".db", ".db-wal"):
            every.append(path.read_bytes() if path.suffix != ".gz" else gzip.decompress(path.read_bytes()))
    return b"\0".join(every)


def leaks(forge, world, sid):
    data = bare(stored(world) + b"\0" + manifest_reader.read(world.store, sid).latest())
    return [core for core in forge.made if core.encode() in data]


def check_line(source, kept):
    """The kept line is the source with markers in the place of something, and JSON as before."""
    json.loads(kept)
    pieces = MARKER.split(kept)
    assert len(pieces) > 1, f"nothing was removed from {source!r}"
    at = 0
    for number, piece in enumerate(pieces):
        found = source.find(piece, at)
        assert found >= 0 and (number > 0 or found == 0), f"{piece!r} is not in {source!r}"
        at = found + len(piece)
    assert source.endswith(pieces[-1])


@pytest.fixture
def planted(request):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    forge = Forge(seed)
    return forge, [forge.line() for _ in range(600)]


def test_no_secret_is_in_the_store_and_all_around_it_is(world, planted):
    forge, lines = planted
    # Many segments: no secret lies across two of them, for lines are whole.
    world.once("--seg-bytes", "20000", "--file", world.write("one.jsonl", b"".join(lines)))
    session = manifest_reader.read(world.store, "one")
    kept = session.latest().splitlines(keepends=True)
    assert len(kept) == len(lines)
    for source, line in zip(lines, kept):
        check_line(source, line)
    assert leaks(forge, world, "one") == []
    manifest = json.loads((world.store / "sessions/one/manifest.json").read_bytes())
    for segment in manifest["segments"]:
        assert re.fullmatch("[0-9a-f]{16}", segment["rules"])
    counted = {}
    for segment in manifest["segments"]:
        for kind, count in segment["redactions"].items():
            counted[kind] = counted.get(kind, 0) + count
    assert sum(counted.values()) >= len(lines)
    assert {"github_token", "aws_access_key", "anthropic_key", "private_key", "url_password", "jwt"} <= set(counted)


def test_a_secret_in_the_name_of_a_folder_stays_here(world):
    token = "ghp_" + "4bCdEfGhIjKlMnOpQrStUvWxYz0123456789"
    path = world.write(f".claude/projects/-p-{token}/one.jsonl", b'{"type":"user","cwd":"/p/%s"}\n' % token.encode())
    world.once()
    assert manifest_reader.read(world.store, "one").latest() == b'{"type":"user","cwd":"/p/[REDACTED:github_token]"}\n'
    told = json.loads((world.store / "sessions/one/manifest.json").read_bytes())["session"]["source_path"]
    assert told == str(path).replace(token, "[REDACTED:github_token]")
    assert token.encode() not in b"".join(each.read_bytes() for each in world.store.rglob("*") if each.is_file())


def test_without_redaction_every_planted_secret_is_found(world, planted):
    """The control: what looks for secrets in the test above would have found them."""
    forge, lines = planted
    world.once("--no-redaction", "--file", world.write("one.jsonl", b"".join(lines)))
    assert manifest_reader.read(world.store, "one").latest() == b"".join(lines)
    assert sorted(leaks(forge, world, "one")) == sorted(forge.made)
    manifest = json.loads((world.store / "sessions/one/manifest.json").read_bytes())
    assert {segment["rules"] for segment in manifest["segments"]} == {"none"}


def test_a_line_of_10_mb_loses_its_secrets_and_nothing_else(world, planted):
    forge = Forge(planted[0].made[0])
    filler = json.dumps(forge.draw(ALNUM + " \n\"\\", 250_000))[1:-1]
    words = [json.dumps(forge.secret())[1:-1] for _ in range(40)]
    line = b'{"type":"user","text":"' + " ".join(filler + "\\n" + word + "\\n" for word in words).encode() + b'"}\n'
    assert len(line) > 10_000_000
    world.once("--file", world.write("one.jsonl", b'{"a":1}\n' + line + b'{"b":2}\n'))
    first, kept, last = manifest_reader.read(world.store, "one").latest().splitlines(keepends=True)
    assert (first, last) == (b'{"a":1}\n', b'{"b":2}\n')
    check_line(line, kept)
    assert leaks(forge, world, "one") == []


def test_a_line_that_cannot_be_redacted_is_withheld(world):
    """A password that is longer than what is held for the end of one value, in a line that is streamed."""
    line = b'{"password":"' + b"ab1 " * 5_000_000 + b'"}\n'
    world.once("--file", world.write("one.jsonl", b'{"a":1}\n' + line + b'{"b":2}\n'), code=5)
    notice = b'{"type":"uploaderd.withheld","bytes":%d,"reason":"redaction_failed"}\n' % len(line)
    assert manifest_reader.read(world.store, "one").latest() == b'{"a":1}\n' + notice + b'{"b":2}\n'
    assert b"ab1 ab1" not in stored(world)
    assert list((world.state / "spool").glob(".tmp-*")) == []
    # Who looks again finds all of it taken: the source's own bytes are what is compared.
    world.once("--file", world.home / "one.jsonl")
    assert len(manifest_reader.read(world.store, "one").streams["main"].segments) <= 3


def test_a_rule_of_ones_own_holds_from_a_reload_on(world):
    quick = "[segments]\nquiet = \"50ms\"\n[[watch]]\nagent = \"generic\"\nroot = \"~/logs\"\n"
    world.configure(quick)
    path = world.write("logs/one.jsonl", b'{"a":"acme-12345"}\n')
    world.daemon()
    world.ctl_run("flush", "--wait")
    before = world.ctl("status")["redaction"]["rules"]
    rule = "[[redaction.rule]]\nname = \"acme\"\npattern = \"acme-[0-9]{5}\"\ntype = \"acme_id\"\n"
    world.configure(quick + rule + rule.replace("{5}", "+").replace("\"acme\"", "\"wild\"") + "[[redaction.rule]]\nname = \"empty\"\n")
    refused = world.ctl_run("reload", check=False)
    assert refused.returncode == 1
    assert b"no longest length" in refused.stderr and b"neither a pattern nor a field" in refused.stderr
    assert world.ctl("status")["redaction"]["rules"] == before
    world.configure(quick + rule)
    world.ctl_run("reload")
    after = world.ctl("status")["redaction"]["rules"]
    assert after != before
    with path.open("ab") as file:
        file.write(b'{"a":"acme-12345"}\n')
    world.ctl_run("flush", "--wait")
    assert manifest_reader.read(world.store, "one").latest() == b'{"a":"acme-12345"}\n{"a":"[REDACTED:acme_id]"}\n'
    manifest = json.loads((world.store / "sessions/one/manifest.json").read_bytes())
    assert [segment["rules"] for segment in manifest["segments"]] == [before, after]


def test_redact_says_what_would_be_removed_and_sends_nothing(world):
    forge = Forge(world.base.name)
    token = "glpat-" + forge.draw(ALNUM, 20)
    path = world.write("one.jsonl", json.dumps({"a": "x\n" + token, "password": "hunter2"}).encode() + b"\n{}\n")
    first, second = world.ctl_lines("redact", path)
    assert first == {"begins": "glpa", "bytes": 26, "line": 1, "offset": 10, "rule": "gitlab-token", "type": "gitlab_token"}
    assert second["type"] in ("sensitive_field", "password") and second["bytes"] == 7 and second["begins"] == ""
    shown = world.ctl_run("redact", path).stdout
    assert b"gitlab-token" in shown and token.encode() not in shown and b"hunter2" not in shown
    nothing = world.write("none.jsonl", b'{"a":1}\n')
    assert b"nothing would be removed" in world.ctl_run("redact", nothing).stdout
    assert world.ctl_run("redact", world.home / "missing", check=False).returncode == 6
    assert not world.state.exists()
