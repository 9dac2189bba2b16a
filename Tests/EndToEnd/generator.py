"""Makes sessions that look real, as schedules of appends, from a seed.

    session = generator.session(seed, "claude", size=300_000)
    for step in session.steps: step.apply(home)

A session is a list of `Step`s: at a time, to a file below the home, these bytes. Between two steps a line can be
half-written: agents' writes are torn anywhere, inside UTF-8 and inside JSON, and `torn` tears them further. The shapes
and figures (sizes, mixtures, gaps, compressibility) are those measured on real sessions of Claude Code, Codex, Copilot
CLI and pi. The same seed gives the same bytes, with any Python.

    python3 generator.py SEED HOME [AGENT [SIZE]]         writes one home full of sessions
"""

import dataclasses
import pathlib
import random
import sys

from agent_writers import Codex, Copilot, Pi
from claude_writer import Claude
from generated_session import FAULTS, LINE_FAULTS, lognormal  # noqa: F401: for those who generate

AGENTS = ["claude", "codex", "copilot", "pi"]


def session(seed, agent=None, size=None, faults=(), children=None):
    """One session. `size`: bytes of the main file, about; by default as sizes are: median 1 MB, at most 200 MB."""
    rng = random.Random(f"session {seed} {agent} {size} {sorted(faults)} {children}")
    agent = agent or rng.choices(AGENTS, [5, 3, 1, 1])[0]
    size = size or int(min(max(lognormal(rng, 1_000_000, 1.3), 2_000), 200_000_000))
    return WRITERS[agent](rng, seed, faults).written(size, children)


def home(seed, sessions=8, size=None, faults=()):
    """Several sessions of all agents, for one home."""
    rng = random.Random(f"home {seed} {sessions}")
    made = []
    for number in range(sessions):
        agent = AGENTS[number] if number < len(AGENTS) else None
        each = size and max(2_000, int(size * rng.uniform(0.3, 1.7)))
        made.append(session(f"{seed}.{number}", agent, each, faults))
    return made


def interleaved(sessions):
    """The steps of all sessions in the order of their times."""
    return sorted((step for each in sessions for step in each.steps), key=lambda step: (step.at, step.path))


def torn(steps, rng, pieces=4):
    """The same bytes in more appends, torn anywhere."""
    for step in steps:
        if step.operation != "append" or len(step.data) < 2:
            yield step
            continue
        cuts = sorted({rng.randrange(1, len(step.data)) for _ in range(rng.randrange(pieces))})
        for begin, end in zip([0, *cuts], [*cuts, len(step.data)]):
            yield dataclasses.replace(step, data=step.data[begin:end])


# Agents.


WRITERS = {each.name: each for each in (Claude, Codex, Copilot, Pi)}


def hostile(seed=1, long_line=80 * 1024 * 1024):
    """Name → a file's bytes: everything that a parser must survive, each in a file of its own."""
    rng = random.Random(f"hostile {seed}")
    plain = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"x"}\n'
    lone = b'{"type":"user","text":"\\ud800 and \\udfff"}\n'
    return {
        "crlf": plain.replace(b"\n", b"\r\n") * 3,
        "bom": b"\xef\xbb\xbf" + plain * 2,
        "nul-runs": plain + b"\0" * 5_000 + plain + b"\0\n\0\0\n" + plain + b"\0" * 70_000,
        "invalid-utf8": plain + b'{"a":"\xff\xfe\xc3(\xe2\x82"}\n' + bytes(range(256)).replace(b"\n", b"") + b"\n" + plain,
        "blank-lines": b"\n\n" + plain + b"\n \n\t\n\r\n" + plain + b"\n\n\n",
        "lone-surrogates": lone + plain + lone,
        "nested": b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n" + b"[" * 5_000 + b"\n" + plain,
        "long-line": plain + b'{"data":"' + rng.randbytes(4096).hex().encode() * (long_line // 8192) + b'"}\n' + plain,
        "empty": b"",
        "one-partial-line": b'{"type":"user","message":"no end',
        "partial-after-lines": plain * 3 + '{"type":"user","message":"é'.encode()[:-1],
        "not-objects": b'1\n"text"\nnull\n[1,2]\ntrue\n{}\n[]\nnot json at all\n',
        "duplicate-keys": b'{"type":"user","type":"compacted","type":"user","a":1,"a":2}\n' + plain,
        "glued": plain.strip() + plain.strip() + plain,
        "escaped-type": b'{"\\u0074ype":"user","x":"\\"type\\":\\"compacted\\""}\n' + plain,
        "only-newlines": b"\n" * 10_001,
        "only-nuls": b"\0" * 100_000,
        "one-byte": b"x",
        "one-newline": b"\n",
    }


def main(arguments):
    seed, where = arguments[0], pathlib.Path(arguments[1])
    agent = arguments[2] if len(arguments) > 2 else None
    size = int(arguments[3]) if len(arguments) > 3 else None
    made = [session(seed, agent, size)] if agent else home(seed, size=size)
    for each in made:
        each.apply(where)
        print(each.agent, each.sid, sum(len(step.data) for step in each.steps), "bytes")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: generator.py SEED HOME [AGENT [SIZE]]")
    main(sys.argv[1:])
