"""What a session costs a bucket in requests: each is paid for, and at a distance each is waited for."""

import pytest

from conservation import require_all, sessions_of
from far_end import FarEnd, Trouble
from object_servers import Rclone, Swift

SERVERS = [pytest.param(Rclone, id="rclone"), pytest.param(Swift, id="swift", marks=pytest.mark.root)]
# No merge comes between, and no second manifest of one segment.
QUICK = '[segments]\nquiet = "30ms"\n[merge]\nenabled = false\n'


class Requests:
    """Those that came since the last look, each by its method and what it is about."""

    def __init__(self, end):
        self.end = end
        self.mark = 0

    def new(self):
        with self.end.changed:
            seen, self.mark = self.end.seen[self.mark:], len(self.end.seen)
        assert all(trouble == Trouble.PASS for _, _, trouble in seen)
        return [(method, self.kind(path)) for method, path, _ in seen]

    @staticmethod
    def kind(path):
        if "list-type" in path:
            return "listing"
        name = path.rsplit("/", 1)[1]
        return "segment" if name.startswith("session-") else name


@pytest.fixture(params=SERVERS)
def server(request):
    server = request.param()
    yield server
    server.close()


def test_a_session_costs_no_request_that_nothing_needs(world, server):
    end = FarEnd(server.port)
    world.configure(QUICK + server.destination(endpoint=end.endpoint))
    server.write_key(world)
    requests = Requests(end)
    daemon = world.daemon()
    # The store's own id, and what is learnt of the server.
    sessions = sessions_of(world, "first", 1)
    world.ctl_run("flush", "--wait")
    requests.new()

    sessions += sessions_of(world, "new", 1)
    world.ctl_run("flush", "--wait")
    # Is anybody's there? Was it forgotten? Then our claim, looked for and read back; the segment; and the manifest of it.
    new = [("GET", "listing"), ("HEAD", "forgotten.json"), ("HEAD", "manifest.json"), ("PUT", "manifest.json"),
           ("GET", "manifest.json"), ("HEAD", "segment"), ("PUT", "segment"), ("HEAD", "manifest.json"),
           ("PUT", "manifest.json")]
    assert requests.new() == new

    (path,) = [path for path, stream in sessions[-1].streams.items() if stream == "main"]

    def grow():
        with (world.home / path).open("ab") as file:
            file.write(b'{"type":"user"}\n')
        world.ctl_run("flush", "--wait")
    grow()
    growing = [("HEAD", "segment"), ("PUT", "segment"), ("HEAD", "manifest.json"), ("PUT", "manifest.json")]
    assert requests.new() == growing

    assert daemon.stop() == 0
    daemon = world.daemon()
    grow()
    # In a new life the store is asked again what it has, and whether the server heeds conditions.
    again = [("GET", ".uploaderd.json"), ("HEAD", "forgotten.json"), ("HEAD", "manifest.json"), ("GET", "listing"),
             ("GET", "manifest.json"), ("HEAD", "segment"), ("PUT", "segment"), ("PUT", "segment"),
             ("HEAD", "manifest.json"), ("PUT", "manifest.json")]
    assert requests.new() == again
    # What does not change costs nothing.
    world.ctl_run("flush", "--wait")
    assert requests.new() == []
    assert daemon.stop() == 0
    require_all(server.mirror(world.base / "mirror"), world, sessions)
    end.close()
