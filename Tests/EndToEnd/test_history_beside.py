"""history = true: each session as one object beside its segments, in any store that keeps objects."""

import json

import age_tool
import manifest_reader
from age_tool import Key
from confab_scene import claude, homes, said, settle, write_key
from conservation import backdate, sources
from history_scene import beside, check, disk, ended, long_lines, name, one, rclone, server, shared  # noqa: F401: fixtures
from supabase_double import SupabaseDouble
from test_presigned import PutServer


def test_beside_its_segments_a_session_is_there_whole(world, server):
    beside(world, server)
    homes(world, 4, 30_000)
    sid, path = claude()
    file = world.write(path, said(1) + said(2))
    backdate(world.home)
    world.once()
    check(world, server)
    store = server.mirror(world.base / "mirror")
    for each, (session, stream) in sources(world.home).items():
        stored = manifest_reader.read(store, session)
        assert stored.latest(stream) == each.read_bytes()
        assert not manifest_reader.unlisted(stored)
    daemon = world.daemon()
    names = {each["name"]: each for each in world.ctl("status")["destinations"]}
    assert set(names) == {"bucket", "bucket/history"} and not names["bucket/history"]["required"], names
    found = [each for each in world.ctl_lines("verify", "--deep") if "destination" in each]
    assert {each["destination"] for each in found} == set(names)
    assert {each["state"] for each in found} == {"FOUND"}, found
    # What is gone is put again.
    server.client().delete_object(Bucket=server.bucket, Key=name(sid))
    assert any(each.get("state") == "MISSING" for each in world.ctl_lines("verify", sid, check=False))
    settle(world)
    assert one(server, sid) == file.read_bytes()
    world.ctl_run("pause", "bucket")
    assert set(world.ctl("pause", "bucket")["paused"]) == set(names)
    world.ctl_run("resume", "bucket")
    world.ctl_run("forget", sid, "--yes")
    assert set(server.objects(f"sessions/{sid}/")) == {f"sessions/{sid}/forgotten.json"}
    assert daemon.stop() == 0


def test_beside_them_in_a_directory(world):
    world.configure(disk(world, "history = true\n"))
    homes(world, 3, 30_000)
    world.once()
    for path, (sid, stream) in sources(world.home).items():
        below = "" if stream == "main" else f"streams/{stream}/"
        assert (world.base / "disk/sessions" / sid / below / "history.jsonl").read_bytes() == ended(path.read_bytes())


def test_encrypted_as_its_segments_are(world, rclone):
    key = Key(world.home / "identity")
    rclone.write_key(world)
    table = rclone.destination("bucket", history=True)
    for more in [age_tool.table(key, identity="~/identity"), age_tool.table(key, identity=None)]:
        world.configure(disk(world) + table + more)
        sid, path = claude()
        world.write(path, said(len(more)), mode="ab")
        backdate(world.home)
        world.once()
        objects = rclone.objects(f"sessions/{sid}/")
        assert name(sid) not in objects
        assert key.decrypt(objects[f"{name(sid)}.age"]) == (world.home / path).read_bytes()


def test_beside_them_in_supabase(world):
    with SupabaseDouble() as double:
        path = write_key(world, double.key)
        world.configure(
            f'[[destination]]\nname = "cloud"\ntype = "supabase"\nurl = "{double.url}"\ncredentials = "{path}"\n'
            "history = true\n")
        sid, path = claude()
        data = long_lines(8, 1 << 20)
        world.write(path, data)
        backdate(world.home)
        world.once()
        assert double.objects()[name(sid)].data == data
        world.write(path, said(100), mode="ab")
        backdate(world.home)
        world.once()
        assert double.objects()[name(sid)].data == data + said(100)


def test_beside_them_below_a_presigned_url(world):
    server = PutServer(world.base / "bucket")
    try:
        world.configure(
            disk(world) + f'[[destination]]\nname = "drop"\ntype = "presigned"\nurl = "{server.url}"\nhistory = true\n')
        sid, path = claude()
        for number in (1, 2):
            world.write(path, said(number), mode="ab")
            backdate(world.home)
            world.once()
            assert (world.base / "bucket" / name(sid)).read_bytes() == (world.home / path).read_bytes()
        ids = [json.loads(each.read_text())["id"] for each in (world.base / "bucket").rglob(".uploaderd.json")]
        assert len(ids) == 1
    finally:
        server.close()
