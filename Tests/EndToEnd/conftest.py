"""Fixtures of the end-to-end tests, and the rule about skipping.

A test that cannot run here (no root, a package missing) says so and is skipped. With UPLOADER_SKIPS_ARE_FAILURES=1, as
.ci/run sets it, a skip fails the run: there everything has to be there. With UPLOADER_SOAK=1 what is shortened for
every day runs at its full length.
"""

import os
import pathlib
import signal

import pytest

from daemon import ROOT, World

SKIPS_FAIL = bool(os.environ.get("UPLOADER_SKIPS_ARE_FAILURES"))
SOAK = bool(os.environ.get("UPLOADER_SOAK"))
skips = []

# Whoever was started in the background of a script ignores SIGINT, and so would all that is started here.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def world(request):
    """A world for one test. Its daemons are killed at the end; their logs are shown if the test failed."""
    world = World()
    request.node.world = world
    yield world
    world.close()


@pytest.fixture
def daemon(world):
    """A daemon that has started and says it is ready."""
    return world.daemon()


@pytest.fixture(scope="session")
def scale():
    """`scale(short, whole)`: the second with `make soak`."""
    return lambda short, whole: whole if SOAK else short


@pytest.fixture(scope="session")
def corpus():
    """A home of real sessions, if somebody put one beside this checkout or names it in $UPLOADER_CORPUS; else None.

    None is no reason to skip: every test that takes it runs on generated homes, too.
    """
    named = os.environ.get("UPLOADER_CORPUS")
    path = pathlib.Path(named) if named else ROOT.parent / "shared/corpus/home"
    return path if path.is_dir() else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "world", None)
    if report.when == "call" and report.failed and world is not None:
        report.sections.append(("uploaderd", world.logs()))


def pytest_runtest_setup(item):
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")


def pytest_runtest_logreport(report):
    # An expected failure is reported as skipped, too; it ran.
    if report.skipped and not hasattr(report, "wasxfail"):
        skips.append((report.nodeid, report.longrepr[2] if isinstance(report.longrepr, tuple) else ""))


def pytest_collectreport(report):
    if report.skipped:
        skips.append((report.nodeid, report.longrepr[2] if isinstance(report.longrepr, tuple) else ""))


def pytest_sessionfinish(session, exitstatus):
    if SKIPS_FAIL and skips and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if not skips:
        return
    terminalreporter.section("skipped" + (", which counts as failed here" if SKIPS_FAIL else ""))
    for name, reason in skips:
        terminalreporter.line(f"{name}: {reason.removeprefix('Skipped: ')}", red=SKIPS_FAIL, yellow=not SKIPS_FAIL)
