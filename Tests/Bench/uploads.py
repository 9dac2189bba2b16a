"""A home to an S3 server, beside rclone, s5cmd and awscli with the same tree; and many small sessions to one that is far away."""

import os
import pathlib
import shutil
import subprocess
import sys

from measuring import MB, Place, binary, corpora, corpus, disk_place, fast_place, files, many_sessions, median, \
    note, run, small_sessions
from object_servers import Rclone

TOOLS = pathlib.Path(sys.executable).parent
HERE = pathlib.Path(__file__).resolve().parent


def equal_sessions(count, size):
    """So many files of that size."""
    return corpus(f"equal-{count}-{size // 1000}", [(f"bench equal {index}", "claude", size) for index in range(count)])


class Server(Rclone):
    """rclone's, in a network of its own where we may make one: so that all bytes that go through it are of one run, and that
    network may be slow."""

    def __init__(self, rate=None):
        self.is_apart = os.geteuid() == 0
        #: Of the network, as tc(8) writes it; `None`: what the machine can.
        self.rate = rate
        super().__init__()

    def run(self, command, answers):
        if not self.is_apart:
            return super().run(command, answers)
        # Nothing else has that network, so its port is free; from here nobody reaches it.
        slow = f" mtu 1500 && tc qdisc add dev lo root tbf rate {self.rate} burst 64kb latency 50ms" if self.rate else ""
        apart = ["unshare", "--net", "sh", "-c", f'ip link set lo up{slow} && exec "$@"', "sh", *command]
        return super().run(apart, self.require_listening)

    def require_listening(self):
        found = subprocess.run([*self.inside(), "ss", "-Hltn", f"sport = :{self.port}"], capture_output=True, check=False)
        if not found.stdout:
            raise OSError("it does not listen yet")

    def inside(self):
        """What comes before a command that is to reach it."""
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"] if self.is_apart else []

    def carried(self):
        """Bytes that its network has carried, both ways; `None` where others use it, too."""
        if not self.is_apart:
            return None
        lines = pathlib.Path(f"/proc/{self.process.pid}/net/dev").read_text().splitlines()
        (loopback,) = [line.split(":", 1)[1].split() for line in lines if line.strip().startswith("lo:")]
        return int(loopback[8])

    def taken(self, folder):
        """What lies there: (objects, their bytes). It is removed; the server believes for a while that it is there."""
        path = self.folder / "data" / self.bucket / folder
        found = [each.stat().st_size for each in path.rglob("*") if each.is_file()]
        shutil.rmtree(path)
        return len(found), sum(found)


def uploaderd(server, home, before=(), where=None, **keys):
    """What one `--once` costs, of an empty state directory, to that server."""
    with Place(where or disk_place(), home) as world:
        # Not in the home: that is the corpus.
        own = world.base / "own"
        own.mkdir()
        (own / "key").write_text(f"{server.key}\n{server.secret}\n")
        (own / "key").chmod(0o600)
        (own / "uploaderd.toml").write_text(server.destination(credentials=str(own / "key"), **keys))
        log = world.base / "log"
        # Rules are compiled at the very first start on a machine, not at each.
        environment = {**world.environment(), "XDG_CACHE_HOME": str(corpora() / "cache")}
        code, cost = run(
            [*before, binary("uploaderd"), "--once", "--config", own / "uploaderd.toml", "--state-dir", world.state,
             "--runtime-dir", world.runtime], environment=environment, directory=world.base, log=log)
        if code != 0:
            raise RuntimeError(f"uploaderd --once ended with {code}:\n{log.read_text()[-2000:]}")
        return cost


def tool(name, server, home, folder):
    """Each with its own defaults, but rclone, whose four transfers at once are few."""
    target, endpoint = f"{server.bucket}/{folder}", server.endpoint
    command = {
        "rclone": [TOOLS / "rclone", "copy", "--config", "/dev/null", "--transfers", "16", "--checkers", "16", home,
                   f":s3,provider=Other,env_auth,region={server.region},endpoint='{endpoint}':{target}"],
        "s5cmd": [TOOLS / "s5cmd", "--endpoint-url", endpoint, "--log", "error", "cp", f"{home}/", f"s3://{target}/"],
        "awscli": [TOOLS / "aws", "--endpoint-url", endpoint, "s3", "cp", "--recursive", "--only-show-errors", home,
                   f"s3://{target}/"],
    }[name]
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(corpora() / "no home"), "AWS_ACCESS_KEY_ID": server.key,
        "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_DEFAULT_REGION": server.region, "AWS_REGION": server.region,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_EC2_METADATA_DISABLED": "true"}
    log = corpora() / f"{name}.log"
    code, cost = run([*server.inside(), *command], environment=environment, log=log)
    if code != 0:
        raise RuntimeError(f"{name} ended with {code}:\n{log.read_text()[-2000:]}")
    return cost


def measure(rounds, size):
    """Interleaved: each round runs every program once, each into an empty folder of the same server's."""
    result = {}
    homes = [("500 files of 200 KB", equal_sessions(500, 200_000)), (f"a home of {size // MB} MB", many_sessions(size))]
    # Nobody is root everywhere; and a slow network is what most homes are at the end of.
    rates = [None, "100mbit"] if os.geteuid() == 0 else [None]
    for name, home, rate in [(f"{name}, {rate or 'loopback'}", home, rate) for name, home in homes for rate in rates]:
        paths = files(home)
        rows = {each: [] for each in ("uploaderd", "in memory", "rclone", "s5cmd", "awscli")}
        server = Server(rate)
        try:
            for number in range(rounds):
                for each, costs in rows.items():
                    note(f"{name}, round {number + 1} of {rounds}: {each}")
                    before = server.carried()
                    # With the state directory on tmpfs: the difference is what the disk takes to make it durable.
                    place = {"uploaderd": disk_place(), "in memory": fast_place()}.get(each)
                    folder = f"{each.replace(' ', '-')}-{number}"
                    cost = (uploaderd(server, home, server.inside(), place, prefix=f"{folder}/") if place
                            else tool(each, server, home, folder))
                    carried = None if before is None else server.carried() - before
                    costs.append((cost, carried, *server.taken(folder)))
        finally:
            server.close()
        result[name] = {"bytes": sum(path.stat().st_size for path in paths), "files": len(paths), "rows": [
            {"program": each, "wall_s": median(cost.wall for cost, *_ in costs), "cpu_s": median(cost.cpu for cost, *_ in costs),
             "peak_mb": max(cost.peak for cost, *_ in costs) / MB, "carried_mb": median(carried or 0 for _, carried, *_ in costs) / MB,
             "objects": costs[-1][2], "stored_mb": costs[-1][3] / MB,
             # Of each round by itself, so that what slows the machine for a while slows both.
             "of_wall": median(cost.wall / ours.wall for (cost, *_), (ours, *_) in zip(costs, rows["uploaderd"]))}
            for each, costs in rows.items()]}
    return result


def lines(result):
    for name, each in result.items():
        yield f"To an S3 server on this machine, {name}: {each['bytes'] / MB:.0f} MB in {each['files']} files"
        yield "  program     wall s  times ours    CPU s   peak MB   carried MB   objects   stored MB"
        for row in each["rows"]:
            yield (f"  {row['program']:10} {row['wall_s']:7.2f}  {row['of_wall']:10.2f}  {row['cpu_s']:7.2f}   {row['peak_mb']:7.0f}"
                   f"   {row['carried_mb']:10.1f}   {row['objects']:7}   {row['stored_mb']:9.1f}")


# Far away.

def far(sessions, places, concurrency, delay=0.05):
    """`--once` of that many sessions of 20 KB to a server that is `delay` seconds away and works at `places` requests at a time."""
    home = small_sessions(sessions)
    server = Rclone()
    network = subprocess.Popen(
        [sys.executable, HERE / "slow_network.py", str(server.port), str(delay), str(places)], stdout=subprocess.PIPE, text=True)
    try:
        port = int(network.stdout.readline())
        cost = uploaderd(server, home, endpoint=f"http://127.0.0.1:{port}", concurrency=concurrency)
    finally:
        network.terminate()
        samples = [tuple(map(float, line.split())) for line in network.stdout.read().splitlines()]
        network.wait()
        server.close()
    samples = [each for each in samples if each[2] > 0]
    return {"sessions": sessions, "places": places, "concurrency": concurrency, "delay_s": delay, "wall_s": cost.wall,
            "cpu_s": cost.cpu, "peak_mb": cost.peak / MB, "requests": sum(each[2] for each in samples),
            "in_flight": [each[1] for each in samples], "per_s": [each[2] for each in samples]}


def distance(sessions):
    result = []
    for places, concurrency in [(32, 128), (1000, 16)]:
        note(f"{sessions} small sessions, 50 ms away, {places} places, concurrency {concurrency}")
        result.append(far(sessions, places, concurrency))
    return result


def distance_lines(result):
    for each in result:
        yield (f"{each['sessions']} sessions of 20 KB to a server {each['delay_s'] * 1000:.0f} ms away that works at "
               f"{each['places']} requests at once, concurrency = {each['concurrency']}: {each['wall_s']:.1f} s, "
               f"{each['cpu_s']:.1f} CPU s, {each['peak_mb']:.0f} MB, {each['requests'] / each['sessions']:.1f} requests a session")
        step = max(1, len(each["in_flight"]) // 16)
        yield "  in flight:  " + " ".join(f"{value:5.0f}" for value in each["in_flight"][::step])
        yield "  requests/s: " + " ".join(f"{value:5.0f}" for value in each["per_s"][::step])
