"""Long objects go to Supabase Storage in pieces, and go on where they broke off."""

import json
import os

import pytest

from conservation import backdate
from http_double import Fault
from supabase_uploads import PIECE
from test_supabase import check, check_replays, configure, double, homes, settle  # noqa: F401, a fixture among them


def long_home(world, count=14):
    """A session whose segment is more than a piece: 2 MiB lines that do not compress."""
    lines = [json.dumps({"type": "user", "n": number, "data": os.urandom(512 << 10).hex()}).encode() + b"\n"
             for number in range(count)]
    world.write(".claude/projects/p/0f5ab3e2-0000-4000-8000-000000000001.jsonl", b"".join(lines))
    backdate(world.home)


LONG = '[segments]\ncodec = "none"\nmax_bytes = "14MiB"\n'


def test_a_long_segment_goes_in_pieces(world, double):
    configure(world, double, LONG)
    long_home(world)
    world.once()
    check(world, double)
    assert len(double.requests("PATCH", "/upload/resumable/")) >= 3
    assert max(len(each.data) for each in double.objects().values()) > 2 * PIECE


@pytest.mark.parametrize("fault", [
    "reset before", "reset after", "broken off at the end", "locked", "locked, said as a conflict",
    "locked, said as overload", "expired", "unknown", "no uploads in pieces", "500",
    "elsewhere"])
def test_an_upload_in_pieces_goes_on_where_it_broke_off(world, double, fault):
    configure(world, double, LONG)
    long_home(world)
    offset_asked = True
    if fault == "reset before":
        double.fault("PATCH", "/upload/resumable/", Fault(before=True))
    elif fault == "reset after":
        double.fault("PATCH", "/upload/resumable/", Fault(after=True), times=2)
    elif fault == "broken off at the end":
        # The object is there, and its last answer is lost.
        double.fault("PATCH", "/upload/resumable/", Fault(after=True), times=3)
    elif fault.startswith("locked"):
        double.uploads.locked = 1
        double.uploads.lock_status = 409 if "conflict" in fault else 503 if "overload" in fault else 423
    elif fault == "expired":
        double.fault("PATCH", "/upload/resumable/", Fault(410, b"The file for this url no longer exists\n"))
        double.fault("HEAD", "/upload/resumable/", Fault(410))
    elif fault == "unknown":
        double.fault("PATCH", "/upload/resumable/", Fault(404, b"The file for this url was not found\n"))
        double.fault("HEAD", "/upload/resumable/", Fault(404))
    elif fault == "500":
        double.fault("PATCH", "/upload/resumable/", Fault(500, b"Something went wrong with that request"))
    elif fault == "elsewhere":
        double.uploads.location = "http://192.0.2.1:9/storage/v1"
        offset_asked = False
    else:
        double.uploads.is_there = False
        offset_asked = False
    world.daemon()
    settle(world)
    check(world, double)
    assert not double.faults and double.uploads.locked == 0
    # libcurl sends by itself again what the end of a kept connection swallowed.
    assert fault.startswith("reset") or bool(double.requests("HEAD", "/upload/resumable/")) == offset_asked
    begun = len(double.requests("POST", "/upload/resumable"))
    assert begun == (2 if fault in ("expired", "unknown") else 1), double.asked


def test_an_old_server_will_do(world, double):
    """No listing by cursor, no codes, no ranges, no uploads in pieces."""
    double.has_list_v2, double.is_legacy, double.ignores_ranges, double.uploads.is_there = False, True, True, False
    configure(world, double)
    homes(world, 4, 60_000)
    long_home(world)
    world.once()
    for each in world.state.glob("catalog.db*"):
        each.unlink()
    before = set(double.objects())
    world.once()
    assert set(double.objects()) == before
    check(world, double)
    world.daemon()
    check_replays(world)
