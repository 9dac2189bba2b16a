"""codetether's history: each session one object that holds all its lines, in a bucket of its own."""

import json
import shutil
import threading

import pytest

from confab_scene import claude, homes, said, settle
from conservation import backdate
from daemon import PATIENCE
from far_end import FarEnd, Trouble
from history_scene import (  # noqa: F401: fixtures
    check, configure, disk, histories, long_lines, name, one, open_uploads, rclone, server, shared)
from test_memory import anonymous
from test_readers import machines  # noqa: F401: a fixture


def test_a_home_goes_there_line_for_line(world, server):
    configure(world, server)
    homes(world, 6, 40_000)
    homes(world, 2, 40_000, "codex")
    world.once()
    check(world, server)
    for data in histories(server).values():
        assert data.endswith(b"\n")
        for line in data.splitlines():
            json.loads(line)
    times = {each["Key"]: each["LastModified"] for each in
             server.client().list_objects_v2(Bucket=server.bucket)["Contents"]}
    world.daemon()
    world.ctl_run("flush", "--wait")
    assert times == {each["Key"]: each["LastModified"] for each in
                     server.client().list_objects_v2(Bucket=server.bucket)["Contents"]}, "nothing is put twice"
    outcomes = {each["outcome"] for each in world.ctl_lines("audit") if each.get("destination") == "team"}
    assert outcomes == {"sent"}, outcomes


def test_a_last_line_without_its_end_waits_and_then_gets_one(world, server):
    configure(world, server)
    sid, path = claude()
    file = world.write(path, said(1) + said(2)[:-1])
    backdate(world.home)
    world.once()
    assert one(server, sid) == said(1), "the line may grow"
    file.unlink()
    world.once()
    assert one(server, sid) == said(1) + said(2)


def test_it_only_grows(world, server):
    configure(world, server)
    sid, path = claude()
    world.write(path, said(1))
    world.daemon()
    settle(world)
    for number in range(2, 6):
        world.write(path, said(number), mode="ab")
        settle(world)
        check(world, server)


def test_codetethers_variables_say_where(world, rclone):
    world.configure(disk(world) + '[[destination]]\ntype = "history"\n')
    sid, path = claude()
    world.write(path, said(1))
    backdate(world.home)
    variables = {"CODETETHER_HISTORY_S3_ENDPOINT": f" {rclone.endpoint} ", "CODETETHER_HISTORY_S3_BUCKET": rclone.bucket,
                 "CODETETHER_HISTORY_S3_ACCESS_KEY": rclone.key, "CODETETHER_HISTORY_S3_SECRET_KEY": rclone.secret}
    for missing in variables:
        world.once(env={key: "  " if key == missing else value for key, value in variables.items()})
        assert not rclone.objects()
    world.once(env=variables)
    assert one(rclone, sid, prefix="history/") == said(1)
    world.configure(disk(world) + '[[destination]]\nname = "other"\ntype = "history"\n')
    world.once(env={**variables, "CODETETHER_HISTORY_S3_PREFIX": "elsewhere"})
    assert one(rclone, sid, prefix="elsewhere/") == said(1)


def test_a_long_session_goes_in_parts(world, server):
    configure(world, server)
    sid, path = claude()
    data = long_lines(40, 1 << 20)
    world.write(path, data)
    backdate(world.home)
    world.once()
    assert one(server, sid) == data and not open_uploads(server)
    # It has grown, and what is there is replaced.
    world.write(path, said(100), mode="ab")
    backdate(world.home)
    world.once()
    assert one(server, sid) == data + said(100) and not open_uploads(server)
    head = server.client().head_object(Bucket=server.bucket, Key=name(sid))
    assert head["ContentLength"] == len(data + said(100))


MOMENTS = {
    "it begins": lambda method, path: method == "POST" and "uploads=" in path,
    "a part is there": lambda method, path: "partNumber=2" in path,
    "all parts are there": lambda method, path: method == "POST" and "uploadId=" in path,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_middle_of_the_parts_it_goes_on_and_leaves_none(world, server, moment):
    held = threading.Event()

    def script(method, path, number):
        if held.is_set() or not MOMENTS[moment](method, path):
            return Trouble.PASS
        held.set()
        return Trouble.HANG
    end = FarEnd(server.port, script)
    try:
        left = killed_in_the_middle(world, server, end, held)
        assert left == (0 if moment == "it begins" else 1)
    finally:
        end.close()


def killed_in_the_middle(world, server, end, held):
    configure(world, server, endpoint=end.endpoint)
    sid, path = claude()
    data = long_lines(24, 1 << 20)
    world.write(path, data)
    backdate(world.home)
    daemon = world.daemon("--once", wait=False)
    assert held.wait(PATIENCE)
    daemon.kill()
    left = len(open_uploads(server))
    world.write(path, said(100), mode="ab")
    backdate(world.home)
    world.once()
    assert one(server, sid) == data + said(100)
    assert not open_uploads(server), f"{left} that the killed one began"
    return left


def test_a_file_that_was_made_anew_is_held_until_somebody_asks(world, server):
    configure(world, server)
    sid, path = claude()
    first = b"".join(said(number) for number in range(20))
    file = world.write(path, first)
    daemon = world.daemon()
    settle(world)
    anew = said(100, "quite another")
    file.unlink()
    world.write(path, anew)
    world.ctl_run("flush", "--wait", check=False)
    entry = world.wait_health("delivery_conflict", f"team/{sid}")
    assert "was made anew" in entry["message"] and f"resend {sid} --dest team" in entry["hint"], entry
    assert histories(server) == {name(sid): first}
    world.ctl_run("resend", sid, "--dest", "team")
    assert histories(server) == {name(sid): anew, name(sid, generation=1): first}
    world.wait_healthy()
    # One that shrank is another one, too.
    world.write(path, said(101) + said(102), mode="ab")
    settle(world)
    assert one(server, sid) == anew + said(101) + said(102)
    file.write_bytes(anew)
    world.ctl_run("flush", "--wait", check=False)
    world.wait_health("delivery_conflict", f"team/{sid}")
    assert one(server, sid) == anew + said(101) + said(102)
    assert daemon.stop() == 0


def test_a_destination_that_comes_later_gets_the_last_file_and_those_before_beside_it(world, server):
    world.configure(disk(world))
    sid, path = claude()
    file = world.write(path, said(1) + said(2))
    backdate(world.home)
    world.once()
    file.unlink()
    world.write(path, said(3, "another"))
    backdate(world.home)
    world.once()
    configure(world, server)
    world.once()
    assert histories(server) == {name(sid): said(3, "another"), name(sid, generation=1): said(1) + said(2)}


def test_what_somebody_else_put_there_stays(world, server):
    configure(world, server)
    sid, path = claude()
    world.write(path, said(1))
    daemon = world.daemon()
    settle(world)
    server.client().put_object(Bucket=server.bucket, Key=name(sid), Body=said(7, "not ours"))
    world.write(path, said(2), mode="ab")
    world.ctl_run("flush", "--wait", check=False)
    entry = world.wait_health("delivery_conflict", f"team/{sid}")
    assert "has other lines" in entry["message"], entry
    assert one(server, sid) == said(7, "not ours")
    found = [each for each in world.ctl_lines("verify", "--deep", check=False) if each.get("destination") == "team"]
    assert "DAMAGED" in {each["state"] for each in found}, found
    # What begins as ours does, and is less, is ours.
    server.client().put_object(Bucket=server.bucket, Key=name(sid), Body=said(1))
    settle(world)
    assert one(server, sid) == said(1) + said(2)
    server.client().put_object(Bucket=server.bucket, Key=name(sid), Body=said(7, "not ours"))
    world.ctl_run("resend", sid, "--dest", "team")
    assert one(server, sid) == said(1) + said(2)
    assert daemon.stop() == 0


def test_a_lost_catalog_puts_nothing_shorter(world, server):
    configure(world, server)
    homes(world, 3, 20_000)
    sid, path = claude()
    file = world.write(path, said(1) + said(2))
    backdate(world.home)
    world.once()
    shutil.rmtree(world.state)
    file.unlink()
    other, second = claude(2)
    world.write(second, said(1))
    backdate(world.home)
    world.once()
    assert one(server, sid) == said(1) + said(2) and one(server, other) == said(1)


@pytest.mark.parametrize("point", ["deliver.4a", "deliver.4b", "deliver.5", "deliver.6b"])
def test_killed_at_any_step_it_goes_on(world, server, point):
    configure(world, server)
    homes(world, 2, 20_000)
    for time in (1, 3):
        daemon = world.daemon("--once", wait=False, env={"UPLOADERD_FAULT": f"{point}:{time}"})
        daemon.wait_exit()
    world.once()
    check(world, server)


def test_forgotten_and_private(world, server):
    configure(world, server)
    sid, path = claude()
    world.write(path, said(1))
    hidden, second = claude(2)
    world.write(second, said(2))
    daemon = world.daemon()
    world.ctl_run("private", "add", hidden)
    settle(world)
    assert set(histories(server)) == {name(sid)}
    world.ctl_run("forget", sid, "--yes")
    assert set(server.objects(f"sessions/{sid}/")) == {f"sessions/{sid}/forgotten.json"}
    world.write(path, said(3), mode="ab")
    settle(world)
    assert not histories(server)
    assert daemon.stop() == 0


def test_a_tombstone_of_another_machine_is_heeded(machines, server):  # noqa: F811
    sid, path = claude()
    first, second = machines[:2]
    for machine in (first, second):
        configure(machine, server)
        machine.write(path, said(1))
        backdate(machine.home)
    first.once()
    daemon = first.daemon()
    first.ctl_run("forget", sid, "--yes")
    assert daemon.stop() == 0
    second.once(code=5)
    assert not histories(server)


def test_another_machine_that_goes_on_puts_the_whole_file(machines, server):  # noqa: F811
    sid, path = claude()
    first, second = machines[:2]
    data = b"".join(said(number) for number in range(20))
    for machine, lines in [(first, data), (second, data + said(20))]:
        server.write_key(machine)
        machine.configure(f'[[destination]]\nname = "disk"\ntype = "directory"\npath = "{first.base / "disk"}"\n'
                          + server.destination("team", type="history"))
        machine.write(path, lines)
        backdate(machine.home)
        machine.once()
        assert one(server, sid) == lines
    first.once()
    assert one(server, sid) == data + said(20)


def test_secrets_do_not_go_there_and_newer_rules_take_them_back(world, server):
    configure(world, server)
    sid, path = claude()
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    world.write(path, said(1, f"it is {secret} and acme_0123456789abcdef"))
    backdate(world.home)
    world.once()
    data = one(server, sid)
    assert secret.encode() not in data and b"acme_0123456789abcdef" in data
    rule = '[[redaction.rule]]\nname = "acme"\npattern = "acme_[0-9a-f]{16}"\ntype = "acme"\nkeywords = ["acme_"]\n'
    world.configure(disk(world) + server.destination("team", type="history") + rule)
    daemon = world.daemon()
    world.ctl_run("resend", sid, "--redact", "--yes")
    data = one(server, sid)
    assert b"acme_0123456789abcdef" not in data and b"[REDACTED:" in data
    assert daemon.stop() == 0


def test_codetether_would_not_read_an_encrypted_one(world, rclone):
    configure(world, rclone, encryption="age")
    told = world.ctl_run("config", "check", check=False)
    assert told.returncode == 2 and b"codetether reads what is there" in told.stdout + told.stderr, told


def test_alone_it_is_refused(world, rclone):
    rclone.write_key(world)
    world.configure(rclone.destination("team", type="history"))
    told = world.ctl_run("config", "check", check=False)
    assert told.returncode == 2 and b"whole files" in told.stdout + told.stderr, told


def test_memory_does_not_grow_with_the_session(world, rclone):
    """Neither putting it together nor sending it, comparing it and reading it back holds it."""
    configure(world, rclone)
    sid, path = claude()
    data = long_lines(192, 1 << 20)
    daemon = world.daemon()
    before = anonymous(daemon)
    world.write(path, data)
    settle(world)
    assert rclone.client().head_object(Bucket=rclone.bucket, Key=name(sid))["ContentLength"] == len(data)
    world.ctl_run("verify", "--deep", sid)
    peak = int(next(line for line in open(f"/proc/{daemon.pid}/status") if line.startswith("VmHWM")).split()[1]) << 10
    print(f"{len(data) >> 20} MiB: {before >> 20} MiB before, {anonymous(daemon) >> 20} MiB after, {peak >> 20} MiB at most")
    assert peak - before < len(data) / 2
    assert daemon.stop() == 0
