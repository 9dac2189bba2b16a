"""Uploads to Supabase Storage that carry a token for one object instead of the key."""

import pytest

from http_double import Fault
from supabase_errors import StorageError
from test_supabase import FAULTS, check, check_replays, configure, double, homes, settle  # noqa: F401: a fixture

SIGNED = "signed_uploads = true\n"
UPLOAD = "/object/upload/sign/"


@pytest.fixture
def authorised(double):  # noqa: F811
    """What each upload of bytes said in its Authorization header."""
    found, judge = [], double.fault_for

    def note(request):
        if request.method == "PUT" and UPLOAD in request.path:
            found.append((request.headers.get("Authorization"), request.headers.get("apikey")))
        return judge(request)
    double.fault_for = note
    return found


def test_no_upload_carries_the_key(world, double, authorised):  # noqa: F811
    configure(world, double, SIGNED)
    homes(world, 5, 20_000)
    world.once()
    check(world, double)
    assert authorised and set(authorised) == {(None, None)}
    assert not double.requests("POST", "/object/sessions/")
    daemon = world.daemon()
    check_replays(world)
    assert world.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("fault", [*FAULTS, "an expired token", "a token for something else"])
def test_what_passes_is_waited_for(world, double, fault, method):  # noqa: F811
    configure(world, double, SIGNED)
    homes(world, 2)
    expired = {"an expired token": "ExpiredToken", "a token for something else": "InvalidSignature"}
    told = FAULTS.get(fault) or Fault(error=StorageError(expired[fault]))
    double.fault(method if fault in FAULTS else "PUT", UPLOAD, told, times=2)
    world.daemon()
    settle(world)
    check(world, double)
    assert not double.faults, "the fault was not met"
    assert not world.ctl("status")["health"]
