"""Stores at the moment in which they are opened: nothing is said to be there before it is, and one answer that fails is not the end."""

import itertools
import re
import time

import pytest

from conservation import require_all, sessions_of
from far_end import FarEnd, Trouble
from object_servers import Rclone


@pytest.fixture
def rclone():
    server = Rclone()
    yield server
    server.close()


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_flush_waits_for_a_store_that_is_just_being_opened(world, rclone, how):
    """It opens while somebody waits; and that Store is to fill it is known a moment later than that it is there."""
    listings = itertools.count()

    def slow(method, path, number):
        if "list-type" in path:
            return Trouble.HANG if next(listings) == 0 else Trouble.PASS
        # What a slow network is: the flush is waiting by the time the store is open.
        time.sleep(0.7 if ".uploaderd.json" in path else 0)
        return Trouble.PASS
    end = FarEnd(rclone.port, slow)
    first = f'[[destination]]\nname = "first"\npath = "{world.base}/first"\n'
    try:
        world.configure(first)
        daemon = world.daemon()
        sessions = sessions_of(world, "opening", 3)
        world.ctl_run("flush", "--wait")
        world.configure(first + rclone.destination(endpoint=end.endpoint, timeout="5s"))
        rclone.write_key(world)
        if how == "reload":
            world.ctl_run("reload")
        else:
            assert daemon.stop() == 0
            daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        require_all(rclone.mirror(world.base / "mirror"), world, sessions)
        assert any(trouble == Trouble.HANG for _, _, trouble in end.seen)
        assert daemon.stop() == 0
    finally:
        end.close()


def test_a_first_run_asks_again_what_a_store_has_of_a_session(world, rclone):
    asked = set()

    def busy_at_first(method, path, number):
        """Every session's own listing fails once."""
        prefix = re.search(r"prefix=([^&]*)", path)
        if method != "GET" or prefix is None or prefix[1] in asked:
            return Trouble.PASS
        asked.add(prefix[1])
        return Trouble.BUSY
    end = FarEnd(rclone.port, busy_at_first)
    try:
        world.configure(rclone.destination(endpoint=end.endpoint))
        rclone.write_key(world)
        sessions = sessions_of(world, "asked again", 5)
        world.once()
        assert len(asked) > len(sessions)
        require_all(rclone.mirror(world.base / "mirror"), world, sessions)
    finally:
        end.close()
