"""What `systemctl status` shows in one line: STATUS= of sd_notify(3)."""

import calendar
import re
import time

UNSAFE = re.compile(r"oldest unsafe line of (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
LINE = b'{"type":"user","message":"%d"}\n'


def test_systemd_is_told_since_when_a_line_is_not_safe_and_what_was_odd(world):
    archive = world.base / "archive"
    world.configure(f'''
[[watch]]
agent = "generic"
root = "{world.home}/odd"
[segments]
quiet = "20ms"
[[destination]]
name = "archive"
path = "{archive}"
''')
    path = world.write("odd/s.jsonl", LINE % 0)
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    # No folder can be made there.
    archive.rename(world.base / "away")
    archive.touch()
    before = time.time()
    with path.open("ab") as file:
        file.write(LINE % 1 + b"no json\n")
    daemon.wait_notice(STATUS=UNSAFE.search)
    said = next(found for _, message in daemon.notices.messages if (found := UNSAFE.search(message.get("STATUS", ""))))
    assert int(before) - 1 <= calendar.timegm(time.strptime(said[1], "%Y-%m-%dT%H:%M:%SZ")) <= time.time()
    daemon.wait_notice(STATUS=lambda text: text.startswith("unhealthy: ") and "1 odd line" in text)
    archive.unlink()
    (world.base / "away").rename(archive)
    world.ctl_run("flush", "--wait")
    count = len(daemon.notices.messages)
    daemon.wait_notice(since=count, STATUS=lambda text: text.startswith("healthy, ") and not UNSAFE.search(text))
