"""A manifest that is not what was put: said by verify, put again, and never in the way of what is here."""

import shutil

import pytest

import manifest_reader

LINES = [b'{"n":%d}\n' % number for number in range(30)]


@pytest.fixture
def stored(world):
    """A session in the store, whose manifest of 20 lines is kept aside: now it lists 30."""
    world.configure(f'[[watch]]\nroot="{world.home}/logs"\n[segments]\nmax_lines=5\n[merge]\nenabled=false\n')
    world.write("logs/f.jsonl", b"".join(LINES[:20]))
    world.write("logs/g.jsonl", b"".join(LINES[:3]))
    world.daemon()
    world.ctl_run("flush", "--wait")
    world.manifest = world.store / "sessions/f/manifest.json"
    world.older = world.manifest.read_bytes()
    with (world.home / "logs/f.jsonl").open("ab") as file:
        file.write(b"".join(LINES[20:]))
    world.ctl_run("flush", "--wait")
    assert world.ctl_run("verify", "--deep").returncode == 0
    return world


def ended(world, code, *arguments):
    done = world.ctl_run(*arguments, check=False)
    assert done.returncode == code, done
    return done


def restarted(world, does):
    if does:
        assert world.daemons[-1].stop() == 0
        world.daemon()


HURTS = {
    "gone": lambda world: world.manifest.unlink(),
    "older": lambda world: world.manifest.write_bytes(world.older),
    "its folder is gone": lambda world: shutil.rmtree(world.manifest.parent),
}


@pytest.mark.parametrize("restarts", [False, True], ids=["live", "restarted"])
@pytest.mark.parametrize("hurt", HURTS)
def test_it_is_put_again_once_it_is_missed(stored, hurt, restarts):
    restarted(stored, restarts)
    HURTS[hurt](stored)
    verdict = ended(stored, 1, "verify").stdout.decode()
    assert "Not good" in verdict and ("MISSING" in verdict or "DAMAGED" in verdict)
    if hurt == "its folder is gone":
        # The objects are nowhere else, and their lines are in the agent's file alone.
        return
    stored.ctl_run("flush", "--wait")
    assert stored.ctl_run("verify", "--deep").stdout.startswith(b"Good")
    assert manifest_reader.read(stored.store, "f").latest() == b"".join(LINES)
    assert stored.ctl_run("replay", "f", "--from", "store").stdout == b"".join(LINES)


@pytest.mark.parametrize("restarts", [False, True], ids=["live", "restarted"])
@pytest.mark.parametrize("junk", [b"{]", b'{"version":'], ids=["garbage", "cut off"])
def test_one_that_cannot_be_read_is_said_and_hides_nothing_of_ours(stored, junk, restarts):
    stored.manifest.write_bytes(junk)
    restarted(stored, restarts)
    assert "DAMAGED" in ended(stored, 1, "verify", "f").stdout.decode()
    # It is ours, and the catalog knows what it said.
    assert stored.ctl_run("replay", "f").stdout == b"".join(LINES)
    assert b"held: store" in ended(stored, 5, "flush", "--wait").stderr
    assert [entry["kind"] for entry in stored.ctl("status", check=False)["health"]] == ["delivery_conflict"]
    assert stored.manifest.read_bytes() == junk
    stored.manifest.unlink()
    stored.ctl_run("flush", "--wait")
    assert stored.ctl_run("verify", "--deep").stdout.startswith(b"Good")
    assert manifest_reader.read(stored.store, "f").latest() == b"".join(LINES)


@pytest.mark.parametrize("hurt", ["gone", "older"])
def test_it_is_missed_by_a_life_that_did_not_put_it(stored, hurt):
    assert stored.daemons[-1].stop() == 0
    for name in ("catalog.db", "catalog.db-wal", "catalog.db-shm"):
        (stored.state / name).unlink(missing_ok=True)
    shutil.rmtree(stored.state / "manifests")
    stored.daemon()
    stored.ctl_run("flush", "--wait")
    assert stored.ctl_run("verify").stdout.startswith(b"Good")
    HURTS[hurt](stored)
    ended(stored, 1, "verify")
    stored.ctl_run("flush", "--wait")
    assert stored.ctl_run("verify", "--deep").stdout.startswith(b"Good")
    assert manifest_reader.read(stored.store, "f").latest() == b"".join(LINES)
