"""A store whose manifests lie: nobody is led out of it, and nothing of ours is lost."""

import json
import subprocess

import pytest

import manifest_reader
from test_bad_input import LINE, QUICK, SECRET, every_file, holds_nothing_of, is_calm

pytestmark = pytest.mark.root


def lying(world, sid, change):
    """A store in which the manifest of a session says something else; the daemon has not seen it before."""
    path = world.write("logs/a.jsonl", LINE % b"a")
    world.once("--file", path, "--sid", sid)
    where = world.store / "sessions" / manifest_reader.escaped(sid) / "manifest.json"
    manifest = json.loads(where.read_bytes())
    change(manifest)
    where.write_text(json.dumps(manifest))
    kept = world.state / "store"
    aside = world.base / "store"
    kept.rename(aside)
    subprocess.run(["rm", "-r", str(world.state)], check=True)
    world.configure(QUICK + f'[[watch]]\nagent = "generic"\nroot = "~/logs"\n'
                    f'[[destination]]\nname = "archive"\ntype = "directory"\npath = "{aside}"\n')
    return aside


def path_of(path):
    def change(manifest):
        manifest["segments"][0]["path"] = path
    return change


@pytest.mark.parametrize("change", [
    lambda manifest: manifest.update(sid="../../x"),
    lambda manifest: manifest.update(sid="b"),
    path_of("../../../home/secret"), path_of("/etc/passwd"), path_of("segments/../../../home/secret"), path_of(""),
    path_of("segments/" + "x" * 300), path_of("segments/\x1b[2J"),
    lambda manifest: manifest.update(streams={"../../x": {"segments": manifest["segments"], "active_seq": 2}}),
    lambda manifest: manifest["checkpoints"].append({"id": "../../../x", "seq": 1, "line_idx": 1, "ts": 1}),
    lambda manifest: manifest["segments"][0].update(lines=1 << 62, first_line=1 << 62, bytes_uncompressed=1 << 62),
    lambda manifest: manifest["segments"][0].update(lines=1 << 40, bytes_uncompressed=1 << 40, bytes_gzip=1 << 40),
    lambda manifest: manifest["segments"][0].update(lines=-5, seq=-1, source_offset=-1),
    lambda manifest: manifest["segments"][0].update(first_ts=1 << 62, last_ts=-1 << 62),
    lambda manifest: manifest.update(created_at="9999-12-31T23:59:59Z", session={"started_at": "0000-01-01T00:00:00Z"}),
    lambda manifest: manifest["segments"].extend(manifest["segments"] * 3),
], ids=["sid", "other-sid", "path-up", "path-absolute", "path-inside", "path-empty", "path-long", "path-escape", "stream",
        "checkpoint", "huge", "large", "negative", "times", "dates", "repeated"])
def test_a_manifest_that_lies_leads_nowhere(world, change):
    secret = world.write("secret", SECRET)
    store = lying(world, "a", change)
    before = {path: path.read_bytes() for path in every_file(store)}
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", check=False)
    for sid in ("a", "b", "../../x"):
        for more in ((), ("--from", "archive")):
            done = world.ctl_run("replay", *more, "--", sid, check=False)
            assert done.returncode in (0, 1, 6), done.stderr
            assert SECRET not in done.stdout and b"root:" not in done.stdout
            if done.returncode:
                assert done.stderr.strip()
    world.ctl_run("verify", "--deep", check=False)
    assert daemon.running and is_calm(daemon)
    assert daemon.stop() == 0
    # No object was changed or taken away, nothing was put elsewhere, and the line is there or still here.
    for path, data in before.items():
        assert path.name == "manifest.json" or path.read_bytes() == data
    assert secret.read_bytes() == SECRET
    assert not (store / "x").exists() and not (world.base / "x").exists()
    holds_nothing_of(world, SECRET)
