"""A daemon that puts whole sessions into a bucket of a real server, and what is to be there in the end."""

import pytest

from confab_scene import said
from conservation import sources
from object_servers import Rclone, Swift

SERVERS = [pytest.param(Rclone, id="rclone"), pytest.param(Swift, id="swift", marks=pytest.mark.root)]


@pytest.fixture(scope="module", params=SERVERS)
def shared(request):
    server = request.param()
    yield server
    server.close()


@pytest.fixture
def server(shared):
    """One whose bucket is empty."""
    for name in shared.objects():
        shared.client().delete_object(Bucket=shared.bucket, Key=name)
    return shared


@pytest.fixture
def rclone():
    server = Rclone()
    yield server
    server.close()


def disk(world, more=""):
    return f'[[destination]]\nname = "disk"\ntype = "directory"\npath = "{world.base / "disk"}"\n{more}'


def configure(world, server, **keys):
    server.write_key(world)
    world.configure(disk(world) + server.destination("team", type="history", **keys))


def beside(world, server, history=True):
    """One destination that has segments, and whole sessions besides."""
    server.write_key(world)
    world.configure(server.destination("bucket", history=history))


def name(sid, stream="main", generation=None, prefix="sessions/"):
    below = "" if stream == "main" else f"streams/{stream}/"
    return f"{prefix}{sid}/{below}history{f'.g{generation}' if generation else ''}.jsonl"


def histories(server, prefix="sessions/"):
    return {key: data for key, data in server.objects(prefix).items() if "/history" in key}


def ended(data):
    return data if not data or data.endswith(b"\n") else data + b"\n"


def check(world, server, prefix="sessions/"):
    """Each file of the home is there, line for line, and nothing else is."""
    wanted = {name(sid, stream, prefix=prefix): ended(path.read_bytes())
              for path, (sid, stream) in sources(world.home).items() if path.stat().st_size}
    found = histories(server, prefix)
    assert set(found) == set(wanted), (set(found) ^ set(wanted))
    for key, data in wanted.items():
        assert found[key] == data, (key, len(found[key]), len(data))


def one(server, sid, **more):
    return server.client().get_object(Bucket=server.bucket, Key=name(sid, **more))["Body"].read()


def open_uploads(server):
    return server.client().list_multipart_uploads(Bucket=server.bucket).get("Uploads", [])


def long_lines(count, size, first=0):
    """So many lines of about that many bytes, without a secret in them."""
    return b"".join(said(number, f"{number:08} words and more " * (size // 24)) for number in range(first, first + count))
