"""A secret of every rule in every position: none is in the store, and everything around each is what it was, byte for byte."""

import gzip
import json

import pytest

import manifest_reader
import planted
from conservation import printed_seed

EDGE = 1 << 20


@pytest.fixture
def planter(world):
    rng, _ = printed_seed("planted secrets")
    return planted.Planter(world.ctl_lines("rules"), rng)


def all_bytes(world, daemons):
    """What is in the store, the spool, the catalog and all else of the state directory, and what the daemons said."""
    every = [daemon.log.read_bytes() for daemon in daemons]
    for path in world.state.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            every.append(gzip.decompress(data) if path.suffix == ".gz" else data)
    return b"\0".join(every)


def kept_lines(world, sid):
    return manifest_reader.read(world.store, sid).latest().splitlines(keepends=True)


def test_every_rule_in_every_position(world, planter):
    lines = list(planter.lines())
    assert {line.rule for line in lines} == {rule["id"] for rule in planter.rules} and len(planter.rules) > 200
    data = b"".join(line.line for line in lines)
    # Many segments, and many members in some: lines end where they do.
    daemon = world.once("--seg-bytes", "400000", "--file", world.write("one.jsonl", data))
    kept = kept_lines(world, "one")
    assert len(kept) == len(lines)
    for line, planted_line in zip(kept, lines):
        planted.check_kept(line, planted_line)
    cores = [core for line in lines for core in line.cores]
    assert planted.leaks(all_bytes(world, [daemon]), cores) == []


def test_without_redaction_each_of_them_is_found(world, planter):
    """The control: what looks for secrets in the test above would have found every one."""
    lines = list(planter.lines())
    data = b"".join(line.line for line in lines)
    world.once("--no-redaction", "--seg-bytes", "400000", "--file", world.write("one.jsonl", data))
    kept = kept_lines(world, "one")
    assert kept == [line.line for line in lines]
    for line, planted_line in zip(kept, lines):
        assert planted.leaks(line, planted_line.cores) == planted_line.cores, str(planted_line)
        with pytest.raises(AssertionError, match="nothing was removed"):
            planted.check_kept(line, planted_line)


@pytest.mark.parametrize("redacted", [True, False])
def test_a_line_of_10_mb_has_none_of_them(world, planter, redacted):
    """One line, read in pieces and looked at in windows; on every multiple of a window's size lies a secret."""
    between, secrets = planter.long_line(10_500_000, EDGE)
    line = b"".join(part + text for part, (text, _) in zip(between, [*secrets, (b"", [])]))
    assert len(line) > 10_000_000
    around = b'{"a":1}\n'
    daemon = world.once(*([] if redacted else ["--no-redaction"]),
                        "--file", world.write("one.jsonl", around + line + around))
    first, kept, last = kept_lines(world, "one")
    assert (first, last) == (around, around)
    json.loads(kept)
    cores = [core for _, each in secrets for core in each]
    if not redacted:
        assert kept == line and planted.leaks(kept, cores) == cores
        return
    at = 0
    for part, (text, each), following in zip(between, secrets, between[1:]):
        # What stands between two secrets is there as it was, and between it and the next one only markers are new.
        assert kept.startswith(part, at), f"not {part[:60]!r} but {kept[at:at + 200]!r}, before {text!r}"
        at += len(part)
        end = kept.index(following[:200], at)
        planted.check_pieces(kept[at:end], text, each, text)
        at = end
    assert kept[at:] == between[-1]
    assert planted.leaks(all_bytes(world, [daemon]), cores) == []


def test_a_line_that_is_written_in_two_halves_has_none_of_them(world, planter):
    """The agent writes on while the daemon reads: every write ends in the middle of a secret."""
    rng = planter.rng
    lines = [line for line in planter.lines() if line.place == "between line breaks"]
    lines = rng.sample(lines, 60)
    path = world.write("logs/one.jsonl", b"")
    world.configure('[segments]\nquiet = "50ms"\n[[watch]]\nagent = "generic"\nroot = "~/logs"\n')
    daemon = world.daemon()
    rest = b""
    for line in lines:
        half = len(line.before) + len(line.text) // 2
        with path.open("ab") as file:
            file.write(rest + line.line[:half])
        rest = line.line[half:]
        if rng.random() < 0.3:
            # What is there is taken; the half line waits for its end.
            world.flush_but_ends()
    with path.open("ab") as file:
        file.write(rest)
    world.ctl_run("flush", "--wait")
    kept = kept_lines(world, "one")
    assert len(kept) == len(lines)
    for line, planted_line in zip(kept, lines):
        planted.check_kept(line, planted_line)
    cores = [core for line in lines for core in line.cores]
    assert planted.leaks(all_bytes(world, [daemon]), cores) == []
    assert daemon.stop() == 0


# The rules themselves

def test_rules_are_listed_with_those_of_ones_own(world):
    world.configure('[redaction]\n[[redaction.rule]]\nname = "acme"\npattern = "acme_[0-9a-f]{32}"\ntype = "acme_token"\n'
                    'keywords = ["ACME"]\n[[redaction.rule]]\nname = "pin"\nfield = "door_pin"\n')
    rules = {rule["id"]: rule for rule in world.ctl_lines("rules")}
    assert list(rules)[:2] == ["acme", "pin"] and list(rules)[-1] == "sensitive-field"
    assert rules["acme"] == {"examples": [], "expression": "acme_[0-9a-f]{32}", "id": "acme", "keywords": ["acme"],
                             "near_misses": [], "own": True, "type": "acme_token"}
    assert rules["pin"]["fields"] == ["door_pin"] and "expression" not in rules["pin"]
    assert all(rule["source"] and rule["examples"] and rule["near_misses"] for rule in rules.values() if not rule["own"])
    assert {"*password", "token"} <= set(rules["sensitive-field"]["fields"])
    assert world.ctl("rules", "npm-token")["type"] == "npm_token"
    shown = world.ctl_run("rules").stdout.decode()
    assert "acme" in shown and "your configuration" in shown and "github-token" in shown
    one = world.ctl_run("rules", "github-token").stdout.decode()
    assert "[REDACTED:github_token]" in one and "ghp_{alnum:36}" in one
    unknown = world.ctl_run("rules", "github-tokens", check=False)
    assert unknown.returncode == 1 and b"did you mean github-token?" in unknown.stderr
    world.configure("[redaction]\nenabled = false\n")
    assert world.ctl_lines("rules") == [] and b"nothing is looked for" in world.ctl_run("rules").stdout
    assert not world.state.exists()
