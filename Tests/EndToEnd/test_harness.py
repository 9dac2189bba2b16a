"""The fixtures themselves, on a stand-in for the daemon: what they report must be what happened."""

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

from daemon import DaemonFailed

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def stand_in(world, monkeypatch):
    """Makes $UPLOADERD a script with this body; `tell` is its sd_notify."""
    def make(body):
        path = world.base / "stand-in"
        path.write_text(f"#!{sys.executable}\n" + textwrap.dedent('''
            import os, signal, socket, sys, time
            def tell(text):
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                    out.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
        ''') + textwrap.dedent(body))
        path.chmod(0o755)
        monkeypatch.setenv("UPLOADERD", str(path))
    return make


def test_a_daemon_is_ready_when_it_says_so(world, stand_in):
    stand_in('''
        # A handler and pause() lose a signal that comes between READY and the pause: this one waits, blocked, until asked for.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("arguments", *sys.argv[1:], flush=True)
        for number in range(100):
            tell(f"STATUS={number}")
        tell("READY=1\\nSTATUS=watching")
        signal.sigwait([signal.SIGTERM])
        tell("STOPPING=1")
    ''')
    daemon = world.daemon("--check")
    assert daemon.running and daemon.notices.seen(STATUS="99") and daemon.notices.seen(READY="1", STATUS="watching")
    assert f"arguments --state-dir {world.state} --runtime-dir {world.runtime} --check" in daemon.text()
    assert daemon.stop() == 0
    daemon.wait_notice(STOPPING="1")


def test_a_daemon_that_ends_early_is_reported_at_once(world, stand_in):
    stand_in('print("no such luck"); sys.exit(6)')
    with pytest.raises(DaemonFailed, match="ended with 6.*\n.*no such luck"):
        world.daemon()


def test_a_killed_daemon_has_its_signal_as_exit_code(world, stand_in):
    stand_in('tell("READY=1"); signal.pause()')
    assert world.daemon().kill() == -9


def test_the_environment_is_nobody_elses(world, stand_in, monkeypatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/nowhere")
    monkeypatch.setenv("XDG_STATE_HOME", "/nowhere")
    stand_in('print(sorted(os.environ)); tell("READY=1")')
    text = world.daemon().text()
    # All worlds share one cache, which is theirs.
    assert "CLAUDE" not in text and "XDG" not in text.replace("XDG_CACHE_HOME", "")


@pytest.mark.parametrize("strict, code", [("", 0), ("1", 1)])
def test_a_skip_is_a_failure_where_it_counts_as_one(tmp_path, strict, code):
    (tmp_path / "test_x.py").write_text("import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('no such thing')\n")
    environment = {**os.environ, "UPLOADER_SKIPS_ARE_FAILURES": strict, "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-c", str(HERE / "pytest.ini"), "--rootdir", str(tmp_path),
         str(tmp_path)], env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stdout
    assert "test_b: no such thing" in done.stdout
