"""Rules that became stricter: what they find leaves nothing behind, in a store or here, and everything else stays as it is.

The secrets are found by a rule that is written after the sessions were delivered. The stores are looked through by a reader that
shares nothing with the product, every file of them, unpacked.
"""

import gzip
import os
import random
import subprocess
import threading

import pytest

import manifest_reader
from daemon import KILLED

WATCH = '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\nmax_lines = 7\n'
RULE = '[[redaction.rule]]\nname = "zebra"\npattern = "zebra-[0-9]{12}"\n'
MARKER = b"[REDACTED:zebra]"


def archive(world, name="archive"):
    return f'[[destination]]\nname = "{name}"\npath = "{world.base / name}"\n'


def secret(rng):
    return b"zebra-%012d" % rng.randrange(10 ** 12)


def line(rng, number, checkpoints=True):
    kind = rng.choice([0, 1, 2, 3, 4, 5, 6, 7] if checkpoints else [0, 1, 3, 4, 5, 6, 7])
    if kind == 0:
        return b'{"n":%d,"text":"before %s after"}\n' % (number, secret(rng))
    if kind == 1:
        return b'{"n":%d,"nested":"{\\"a\\":\\"%s\\"}"}\r\n' % (number, secret(rng))
    if kind == 2:
        return b'{"type":"compacted","n":%d,"payload":{"label":"%s"}}\n' % (number, secret(rng))
    if kind == 3:
        return b"\x00\xff no JSON " + secret(rng) + b"\n"
    return b'{"n":%d,"text":"plain %d"}\n' % (number, rng.randrange(10 ** 9))


def redacted(data):
    """What has to be in the store: the same bytes, but for the secrets."""
    out, at = [], 0
    while (found := data.find(b"zebra-", at)) >= 0:
        out += [data[at:found], MARKER]
        at = found + 18
    return b"".join(out) + data[at:]


def found(folder):
    """Files below the folder that hold a secret, whatever they are packed with."""
    left = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".gz":
                data = gzip.decompress(data)
            if b"zebra-" in data:
                left.append(str(path.relative_to(folder)))
    return sorted(left)


def sessions(world, rng, count=4, lines=40, long=True, checkpoints=True):
    texts = {}
    for number in range(count):
        text = b"".join(line(rng, each, checkpoints) for each in range(lines))
        if number == 0 and long:
            text += b'{"long":"' + b"plain text " * 500_000 + secret(rng) + b" and more" * 500_000 + b'"}\n'
            text += line(rng, lines)
        texts[f"s{number}"] = text
    texts["plain"] = b"".join(b'{"n":%d}\n' % each for each in range(30))
    for sid, text in texts.items():
        world.write(f"logs/{sid}.jsonl", text)
    return texts


def expect_clean(world, texts, *stores):
    for name in stores:
        assert found(world.base / name) == [], name
        for sid, text in texts.items():
            assert manifest_reader.read(world.base / name, sid).latest("main") == redacted(text), f"{name} {sid}"
    assert found(world.state / "spool") == [] and found(world.state / "manifests") == []


def test_stricter_rules_are_applied_to_what_was_delivered(world):
    rng = random.Random(seed := random.randrange(2 ** 32))
    print(f"seed {seed}")
    config = WATCH + archive(world) + archive(world, "mirror")
    world.configure(config)
    texts = sessions(world, rng)
    world.daemon()
    world.ctl_run("flush", "--wait", timeout=120)
    assert found(world.base / "archive") and found(world.base / "mirror")
    plain = {path: path.read_bytes() for path in (world.base / "archive/sessions/plain/segments").iterdir()}
    # The rule alone changes nothing of what left before it.
    world.configure(config + RULE)
    world.ctl_run("reload")
    assert found(world.base / "archive")
    assert world.ctl_run("resend", "--redact", "--all", check=False).returncode == 4
    assert world.ctl_run("resend", "--redact", check=False).returncode == 2
    assert world.ctl_run("resend", "--all", check=False).returncode == 2
    assert world.ctl_run("resend", "--redact", "nobody", "--yes", check=False).returncode == 1
    reply = world.ctl("resend", "--redact", "s1", "--yes", timeout=120)
    assert reply["left"] == [] and reply["failed"] == [] and reply["segments"] > 0
    assert not any("/s1/" in path for path in found(world.base / "archive"))
    assert any("/s0/" in path for path in found(world.base / "archive"))
    reply = world.ctl("resend", "--redact", "--all", "--yes", timeout=120)
    assert reply["left"] == [] and reply["failed"] == [] and reply["segments"] > 0 and reply["unchanged"] > 0
    expect_clean(world, texts, "archive", "mirror")
    for path, data in plain.items():
        assert path.read_bytes() == data
    assert world.ctl("status")["health"] == []
    assert world.ctl_run("verify", "--deep", timeout=120).returncode == 0
    # The sessions go on, and what comes is joined to what was made anew.
    for sid in texts:
        more = line(rng, 99) + b'{"n":100}\n'
        world.write(f"logs/{sid}.jsonl", more, "ab")
        texts[sid] += more
    world.ctl_run("flush", "--wait", timeout=120)
    expect_clean(world, texts, "archive", "mirror")
    assert world.ctl_run("replay", "s1").stdout == redacted(texts["s1"])


def test_what_no_store_has_yet_leaves_by_the_rules_in_force(world):
    rng = random.Random(seed := random.randrange(2 ** 32))
    print(f"seed {seed}")
    world.configure(WATCH + archive(world))
    # A file where the store is to be: nothing can be delivered.
    (world.base / "archive").write_bytes(b"")
    texts = sessions(world, rng)
    daemon = world.daemon()
    world.ctl_run("flush", check=False)
    world.wait_status(lambda status: status["sessions"]["known"] == len(texts) and not status["sessions"]["live"])
    assert daemon.stop() == 0
    os.unlink(world.base / "archive")
    world.configure(WATCH + archive(world) + RULE)
    world.daemon()
    world.ctl_run("flush", "--wait", timeout=120)
    expect_clean(world, texts, "archive")
    # Nothing was put and taken back: no manifest has a trace of another object.
    for sid in texts:
        session = manifest_reader.read(world.base / "archive", sid)
        assert len(manifest_reader.unlisted(session)) == 0
    assert world.ctl("status")["health"] == []


@pytest.mark.parametrize("point", [f"rewrite.{number}" for number in range(1, 7)])
def test_killed_at_a_point(world, point):
    rng = random.Random(seed := random.randrange(2 ** 32))
    print(f"seed {seed}")
    world.configure(WATCH + archive(world) + archive(world, "mirror"))
    texts = sessions(world, rng, count=2, long=point == "rewrite.1")
    world.once(timeout=120)
    world.configure(WATCH + archive(world) + archive(world, "mirror") + RULE)
    daemon = world.daemon(env={"UPLOADERD_FAULT": point})
    assert world.ctl_run("resend", "--redact", "--all", "--yes", check=False, timeout=120).returncode == 3
    assert daemon.wait_exit() == KILLED
    world.daemon()
    # Nobody asks again: the start goes on. That is waited for by asking, which changes nothing that is done.
    world.ctl("resend", "--redact", "--all", "--yes", timeout=120)
    world.ctl_run("flush", "--wait", timeout=120)
    expect_clean(world, texts, "archive", "mirror")
    assert world.ctl_run("verify", "--deep", timeout=120).returncode == 0


def test_killed_at_random_moments_while_somebody_reads(world, scale):
    rng = random.Random(seed := random.randrange(2 ** 32))
    print(f"seed {seed}")
    config = WATCH + archive(world) + archive(world, "mirror")
    world.configure(config)
    # A checkpoint's object has one name, old or new: between it and the manifest a reader of both sees one of each.
    texts = sessions(world, rng, count=scale(6, 20), lines=60, long=False, checkpoints=False)
    world.once(timeout=120)
    world.configure(config + RULE)
    kills = scale(8, 60)
    reads = 0
    asked = False
    for _ in range(kills):
        daemon = world.daemon(wait=True)
        timer = threading.Timer(rng.expovariate(1 / 0.25), daemon.process.kill)
        asking = None
        if not asked or rng.random() < 0.5:
            asking = subprocess.Popen(
                [*world.command("uploaderctl"), "--socket", str(world.socket), "resend", "--redact", "--all", "--yes"],
                env=world.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            asked = True
        timer.start()
        while daemon.running:
            sid = rng.choice(list(texts))
            done = world.ctl_run("replay", sid, check=False)
            # Old lines, new lines, or both; never none, while the daemon is there to answer.
            if done.returncode == 0:
                assert redacted(done.stdout) == redacted(texts[sid]), sid
                reads += 1
            else:
                assert done.returncode == 3 or not daemon.running or daemon.wait_exit() == KILLED, done.stderr
        assert daemon.wait_exit() == KILLED
        if asking:
            asking.wait()
        for sid, text in texts.items():
            assert redacted(manifest_reader.read(world.base / "archive", sid).latest("main")) == redacted(text)
    world.daemon()
    world.ctl("resend", "--redact", "--all", "--yes", timeout=120)
    world.ctl_run("flush", "--wait", timeout=120)
    expect_clean(world, texts, "archive", "mirror")
    print(f"{kills} kills, {reads} reads")


def test_a_session_is_delivered_again(world):
    world.configure(WATCH + archive(world) + archive(world, "mirror"))
    texts = sessions(world, random.Random(1), count=1, long=False)
    world.daemon()
    world.ctl_run("flush", "--wait", timeout=120)
    lost = sorted((world.base / "mirror/sessions/s0/segments").iterdir())[:2]
    kept = [path.read_bytes() for path in lost]
    for path in lost:
        path.unlink()
    reply = world.ctl("resend", "s0", "--dest", "mirror", timeout=120)
    assert reply["left"] == [] and reply["segments"] > 1
    assert [path.read_bytes() for path in lost] == kept
    assert manifest_reader.read(world.base / "mirror", "s0").latest("main") == texts["s0"]
    assert world.ctl("resend", "s0", timeout=120)["left"] == []
    assert world.ctl_run("resend", "s0", "--dest", "nowhere", check=False).returncode == 1
    assert world.ctl_run("resend", check=False).returncode == 2
    # Of what a store alone has, nothing can be put: that is said.
    for path in lost:
        path.unlink()
    for path in sorted((world.base / "archive/sessions/s0/segments").iterdir())[:2]:
        path.unlink()
    done = world.ctl_run("resend", "s0", check=False, timeout=120)
    assert done.returncode == 5, done.stderr


def test_an_agents_sessions_stay_here(world):
    watch = '[[watch]]\nagent = "%s"\nroot = "~/%s"\ninclude = ["**/*.jsonl"]\n'
    config = watch % ("generic", "logs") + watch % ("pi", "pi") + archive(world)
    world.configure(config + '[privacy]\nexclude_agents = ["generic"]\n')
    world.write("logs/a.jsonl", b'{"n":1}\n')
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    assert not (world.base / "archive/sessions/a").exists()
    assert [each["standing"] for each in world.ctl_lines("private", "list")] == ["excluded"]
    world.configure(config)
    world.ctl_run("reload")
    world.ctl_run("flush", "--wait", timeout=120)
    assert manifest_reader.read(world.base / "archive", "a").latest("main") == b'{"n":1}\n'
    world.configure(config + '[privacy]\nexclude_agents = ["nobody"]\n')
    assert world.ctl_run("reload", check=False).returncode == 1
    assert daemon.running
