"""Destinations of type s3, against servers that check what they are sent, and a far end with bad days between."""

import json
import os
import subprocess
import threading
import time

import pytest

from conservation import printed_seed, require_all, sessions_of
from daemon import PATIENCE
from far_end import FarEnd, Trouble, certificate
from object_servers import Rclone, Swift
from test_memory import anonymous

SERVERS = [pytest.param(Rclone, id="rclone"), pytest.param(Swift, id="swift", marks=pytest.mark.root)]


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    server = request.param()
    yield server
    server.close()


@pytest.fixture(scope="module")
def swift():
    server = Swift()
    yield server
    server.close()


@pytest.fixture
def rclone():
    server = Rclone()
    yield server
    server.close()


@pytest.fixture
def far_end(request):
    ends = []

    def make(*arguments, **options):
        ends.append(FarEnd(*arguments, **options))
        return ends[-1]
    yield make
    for end in ends:
        end.close()


def fails_with(world, *words):
    """Waits until the destination says why it does not take anything, with these words in its message and hint."""
    entry = world.wait_health("destination_failing")
    text = f"{entry['message']} — {entry['hint']}"
    assert all(word in text for word in words), text
    return entry


def test_a_home_goes_to_a_bucket_and_comes_back_equal(world, server):
    prefix = f"host=a/b c+é/{os.urandom(4).hex()}/"
    world.configure(server.destination(prefix=prefix))
    server.write_key(world)
    sessions = sessions_of(world, "bucket", 12, 30_000)
    world.once()
    require_all(server.mirror(world.base / "mirror", prefix), world, sessions)
    # And by our own reader, when nothing of it is in the spool any more.
    daemon = world.daemon()
    for session in sessions:
        (path,) = [path for path, stream in session.streams.items() if stream == "main"]
        assert world.ctl_run("replay", session.sid).stdout == (world.home / path).read_bytes()
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0


def test_what_is_lost_here_is_known_from_the_bucket(world, server):
    prefix = f"lost/{os.urandom(4).hex()}/"
    world.configure(server.destination(prefix=prefix))
    server.write_key(world)
    sessions = sessions_of(world, "lost", 3)
    world.once()
    before = server.objects(prefix)
    subprocess.run(["rm", "-rf", world.state], check=True)
    world.once()
    assert {name for name in server.objects(prefix) if "segments/" in name} == {
        name for name in before if "segments/" in name}
    require_all(server.mirror(world.base / "mirror", prefix), world, sessions)


def test_a_wrong_secret_holds_the_destination_until_the_file_is_right(world, server):
    prefix = f"secret/{os.urandom(4).hex()}/"
    world.configure(server.destination(prefix=prefix))
    server.write_key(world, secret="wrong-secret-of-mine")
    sessions = sessions_of(world, "secret", 2)
    daemon = world.daemon()
    fails_with(world, "SignatureDoesNotMatch", "secret is not the one of this key's id")
    (bucket,) = world.ctl("status", check=False)["destinations"]
    assert bucket["state"] == "held"
    # Nobody says anything to the daemon: it looks.
    server.write_key(world)
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    require_all(server.mirror(world.base / "mirror", prefix), world, sessions)
    assert daemon.stop() == 0
    assert "wrong-secret-of-mine" not in world.logs() and server.secret not in world.logs()


@pytest.mark.root
def test_a_wrong_region_is_named_with_the_right_one(world, swift):
    world.configure(swift.destination(region="eu-west-9"))
    swift.write_key(world)
    sessions_of(world, "region", 1)
    world.daemon()
    fails_with(world, "AuthorizationHeaderMalformed", 'region = "us-east-1"')


def test_a_bucket_that_is_not_there_is_waited_for(world, server):
    bucket = f"later-{os.urandom(4).hex()}"
    world.configure(server.destination(bucket=bucket))
    server.write_key(world)
    sessions = sessions_of(world, "later", 1)
    daemon = world.daemon()
    fails_with(world, "NoSuchBucket", f"make the bucket {bucket}")
    server.client().create_bucket(Bucket=bucket)
    world.ctl_run("flush", "--wait")
    for session in sessions:
        assert world.ctl_run("replay", session.sid).returncode == 0
    assert daemon.stop() == 0


@pytest.mark.root
@pytest.mark.parametrize("shift", ["-1h", "+1h"])
def test_clocks_that_are_an_hour_apart_are_corrected_for_signatures(world, swift, shift):
    prefix = f"clock/{os.urandom(4).hex()}/"
    world.configure(swift.destination(prefix=prefix))
    swift.write_key(world)
    sessions = sessions_of(world, "clock", 2)
    swift.halt()
    swift.start(shift)
    try:
        world.once()
    finally:
        swift.halt()
        swift.start()
    require_all(swift.mirror(world.base / "mirror", prefix), world, sessions)


@pytest.mark.root
def test_a_body_that_is_changed_on_the_way_is_not_taken_for_ours(world, swift, far_end):
    prefix = f"tamper/{os.urandom(4).hex()}/"
    healed = threading.Event()
    end = far_end(swift.port, lambda method, path, number:
                  Trouble.TAMPER if method == "PUT" and "segments" in path and not healed.is_set() else Trouble.PASS)
    world.configure(swift.destination(endpoint=end.endpoint, prefix=prefix))
    swift.write_key(world)
    sessions = sessions_of(world, "tamper", 1)
    daemon = world.daemon()
    fails_with(world, "changes")
    assert not [name for name in swift.objects(prefix) if "segments/" in name]
    healed.set()
    # One attempt may have been under way.
    world.wait_healthy()
    world.ctl_run("flush", "--wait")
    require_all(swift.mirror(world.base / "mirror", prefix), world, sessions)
    assert daemon.stop() == 0


def test_tls_is_verified_and_a_certificate_of_ones_own_can_be_given(world, rclone, far_end):
    crt, key = certificate(world.base)
    end = far_end(rclone.port, tls=(crt, key))
    world.configure(rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    sessions = sessions_of(world, "tls", 2)
    daemon = world.daemon()
    fails_with(world, "certificate", "ca_file")
    assert not end.seen
    world.configure(rclone.destination(endpoint=end.endpoint, ca_file=str(crt)))
    world.ctl_run("reload")
    world.ctl_run("flush", "--wait")
    require_all(rclone.mirror(world.base / "mirror"), world, sessions)
    assert daemon.stop() == 0


def test_a_name_that_cannot_be_looked_up_is_waited_for(world):
    world.configure(
        '[[destination]]\nname = "bucket"\ntype = "s3"\nendpoint = "https://s3.no-such-host.invalid"\nbucket = "b"\n'
        'credentials = "~/key"\n')
    world.write("key", "id\nsecret\n", "w").chmod(0o600)
    sessions_of(world, "dns", 1)
    world.daemon()
    fails_with(world, "no-such-host.invalid", "address right")
    (bucket,) = world.ctl("status", check=False)["destinations"]
    assert bucket["state"] == "retrying"


@pytest.mark.parametrize("trouble", Trouble.ALL)
def test_one_bad_answer_to_each_request_loses_nothing(world, rclone, far_end, trouble):
    """Every request meets the trouble the first time that it is made, and goes well the second time."""
    met = set()

    def script(method, path, number):
        first = (method, path) not in met
        met.add((method, path))
        # What was tampered with is not noticed by a server that does not check digests.
        return trouble if first and trouble != Trouble.TAMPER else Trouble.PASS
    end = far_end(rclone.port, script)
    world.configure(rclone.destination(endpoint=end.endpoint, timeout="1s"))
    rclone.write_key(world)
    sessions = sessions_of(world, f"trouble {trouble}", 1)
    daemon = world.daemon()

    def settled():
        # A flush that meets a trouble is told of it: whoever waits asks again, which is also when it is tried again.
        return world.ctl_run("flush", "--wait", "--json", check=False, timeout=PATIENCE).returncode == 0
    for attempt in range(200):
        if settled():
            break
    else:
        raise AssertionError("it was not delivered")
    require_all(rclone.mirror(world.base / "mirror"), world, sessions)
    assert daemon.stop() == 0


def test_a_far_end_that_flaps_loses_nothing_and_doubles_nothing(world, rclone, far_end, scale):
    rng, seed = printed_seed("flapping far end")
    troubles = [trouble for trouble in Trouble.ALL if trouble not in (Trouble.TAMPER, Trouble.REDIRECT)]
    healed = threading.Event()

    def script(method, path, number):
        return Trouble.PASS if healed.is_set() or rng.random() < 0.75 else rng.choice(troubles)
    end = far_end(rclone.port, script)
    world.configure(rclone.destination(endpoint=end.endpoint, timeout="1s"))
    rclone.write_key(world)
    sessions = sessions_of(world, f"flapping {seed}", scale(10, 300))
    daemon = world.daemon(env={"WATCHDOG_USEC": "4000000"})
    begun, taken = time.monotonic(), anonymous(daemon)
    while time.monotonic() - begun < scale(0, 600) or len(end.seen) < scale(60, 1500):
        # Something to deliver as long as it lasts; its end is all that there is to wait for.
        sessions += sessions_of(world, f"flapping {seed} {len(end.seen)}", 1)
        count = len(end.seen)
        world.wait_status(lambda status: len(end.seen) > count, timeout=PATIENCE * 3)
    assert {trouble for _, _, trouble in end.seen} - {Trouble.PASS}
    # One attempt, then a pause that doubles: no more than some two a second, whatever goes wrong.
    failed = sum(trouble not in (Trouble.PASS, Trouble.DELAY, Trouble.DRIBBLE) for _, _, trouble in end.seen)
    lasted = time.monotonic() - begun
    assert failed < 20 + 8 * lasted, (failed, lasted)
    requests, end.most_open = len(end.seen), 0
    queued = world.ctl("status", check=False)["destinations"][0]["queued"]
    healed.set()
    drained = time.monotonic()
    world.ctl_run("flush", "--wait", check=False, timeout=scale(PATIENCE, 900))
    world.ctl_run("flush", "--wait", timeout=scale(PATIENCE, 900))
    drained = time.monotonic() - drained
    print(f"{len(sessions)} sessions, {requests} requests, {failed} failed, in {lasted:.0f} s; {queued} segments waited, gone "
          f"in {drained:.0f} s by {len(end.seen) - requests} requests, up to {end.most_open} at once; "
          f"{(anonymous(daemon) - taken) >> 20} MiB more memory")
    assert anonymous(daemon) - taken < 32 << 20
    assert daemon.running
    # What waited for long went side by side; little is gone before the limit has grown again.
    assert end.most_open > 3 or queued < 100
    # Half of what a manager waits for, whatever happened meanwhile, and a busy machine's delays.
    with daemon.notices.changed:
        assert daemon.notices.changed.wait_for(lambda: len(daemon.notices.seen(WATCHDOG="1")) > 1, timeout=PATIENCE)
    fed = daemon.notices.seen(WATCHDOG="1")
    assert max(later - sooner for sooner, later in zip(fed, fed[1:])) < 4
    require_all(rclone.mirror(world.base / "mirror"), world, sessions)
    assert daemon.stop() == 0


def test_a_far_end_that_fails_for_a_quarter_of_what_it_is_asked_gets_everything(world, rclone, far_end, scale):
    rng, seed = printed_seed("failing in part")
    fails = threading.Event()
    end = far_end(rclone.port, lambda method, path, number: (
        Trouble.ERROR if fails.is_set() and rng.random() < 0.25 else Trouble.PASS))
    world.configure(rclone.destination(endpoint=end.endpoint))
    rclone.write_key(world)
    sessions = sessions_of(world, f"before {seed}", 1)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait", timeout=PATIENCE)
    fails.set()
    begun, before = time.monotonic(), len(end.seen)
    sessions += sessions_of(world, f"in part {seed}", scale(40, 1000))
    while world.ctl_run("flush", "--wait", check=False, timeout=scale(PATIENCE * 3, 1800)).returncode != 0:
        assert time.monotonic() - begun < scale(PATIENCE * 3, 1800)
    lasted = time.monotonic() - begun
    requests = len(end.seen) - before
    print(f"{len(sessions)} sessions in {lasted:.1f} s, {requests} requests, "
          f"{sum(trouble != Trouble.PASS for _, _, trouble in end.seen)} failed")
    # Nothing is begun anew for one request that has failed: some ten a session, and a third more.
    assert requests < 20 * len(sessions)
    require_all(rclone.mirror(world.base / "mirror"), world, sessions)
    assert daemon.stop() == 0


def test_no_secret_is_shown(world, rclone):
    world.configure(rclone.destination())
    rclone.write_key(world)
    daemon = world.daemon()
    shown = world.ctl_run("config", "show", check=False).stdout.decode()
    status = json.dumps(world.ctl("status", check=False))
    words = (f"/proc/{daemon.pid}/cmdline", f"/proc/{daemon.pid}/environ")
    process = "".join(open(path, errors="replace").read() for path in words)
    assert daemon.stop() == 0
    assert rclone.secret not in shown + status + process + world.logs()
