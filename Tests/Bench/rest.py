"""What the daemon costs when nothing happens, and what manifests cost when a session has many small segments."""

import json
import time

from measuring import MB, Place, Usage, Watch, disk_place, note, small_sessions


def settle(world, timeout=300):
    """Returns when the spool is empty and nothing is left to take."""
    def is_settled(status):
        backfill = status.get("backfill")
        return status["spool"]["bytes"] == 0 and (backfill is None or backfill["bytes_done"] >= backfill["bytes_total"])

    world.wait_status(is_settled, timeout)


def watch_idle(daemon, seconds):
    # What follows the last work: the merge's look after 2 s, the quiet of the last segments.
    # Nothing tells of their end, for at rest nothing happens.
    time.sleep(8)
    # Rest itself is what is measured.
    before = Usage(daemon.pid)
    time.sleep(seconds)
    after = Usage(daemon.pid)
    span = after.at - before.at
    return {"cpu_percent": (after.cpu - before.cpu) / span * 100, "wakeups_per_s": (after.switches - before.switches) / span,
            "resident_mb": after.resident / MB, "peak_mb": after.peak / MB, "threads": after.threads}


def idle(sessions, seconds):
    home = small_sessions(sessions)
    with Place(disk_place(), home) as world:
        note(f"idle with {sessions} sessions: backfill")
        daemon = world.daemon()
        world.ctl_run("flush", "--wait", timeout=600)
        settle(world)
        after_backfill = watch_idle(daemon, seconds)
        daemon.stop()
        note(f"idle with {sessions} sessions: after a restart")
        started = time.monotonic()
        daemon = world.daemon()
        ready = time.monotonic() - started
        settle(world)
        start_cpu = Usage(daemon.pid).cpu
        after_restart = watch_idle(daemon, seconds)
        daemon.stop()
        return {"sessions": sessions, "seconds": seconds, "after_backfill": after_backfill,
                "after_restart": after_restart, "ready_s": ready, "start_cpu_s": start_cpu}


def idle_lines(result):
    yield f"Idle with {result['sessions']} sessions, over {result['seconds']} s"
    yield "                          CPU %   wakeups/s   RSS MB   peak MB   threads"
    for key, words in [("after_backfill", "after the backfill"), ("after_restart", "after a restart")]:
        each = result[key]
        yield (f"  {words:20} {each['cpu_percent']:9.4f}  {each['wakeups_per_s']:9.2f}  {each['resident_mb']:7.1f}   "
               f"{each['peak_mb']:7.1f}   {each['threads']:7}")
    yield f"  restart: READY after {result['ready_s']:.2f} s; {result['start_cpu_s']:.2f} CPU seconds until all is settled"


class Manifests:
    """Counts the manifests that are put for one session."""

    def __init__(self, folder):
        self.path = folder / "manifest.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.watch = Watch()
        self.watch.add(folder, Watch.MOVED_TO)
        self.count = 0
        self.bytes = 0
        self.listed = 0

    def look(self, timeout):
        for _, path in self.watch.wait(timeout):
            if path == self.path:
                manifest = path.read_bytes()
                self.count += 1
                self.bytes += len(manifest)
                self.listed = len(json.loads(manifest)["segments"])


def small_segments(count, per_second, merge):
    """A session of which every line is a segment, at a steady pace."""
    with Place(disk_place()) as world:
        world.configure(f"[segments]\nmax_lines = 1\n[merge]\nenabled = {str(merge).lower()}\n")
        sid = "00000000-0000-4000-a000-000000000000"
        projects = world.home / ".claude/projects/-home-user-bench"
        projects.mkdir(parents=True)
        daemon = world.daemon()
        manifests = Manifests(world.store / "sessions" / sid)
        began = time.monotonic()
        with open(projects / f"{sid}.jsonl", "ab", buffering=0) as file:
            for number in range(count):
                file.write(json.dumps({"type": "user", "number": number, "message": "m" * 300}).encode() + b"\n")
                until = began + (number + 1) / per_second
                while (left := until - time.monotonic()) > 0:
                    manifests.look(left)
        appended = time.monotonic() - began
        world.ctl_run("flush", "--wait", timeout=600)
        while manifests.watch.wait(6):
            manifests.look(0)
        settle(world)
        manifests.look(0)
        manifest = json.loads(manifests.path.read_bytes())
        usage = Usage(daemon.pid)
        daemon.stop()
        folder = world.store / "sessions" / sid
        objects = sorted(folder.rglob("*.gz"))
        return {"segments": count, "seconds": appended, "merge": merge, "manifests": manifests.count,
                "manifest_bytes": manifests.bytes, "last_manifest_bytes": manifests.path.stat().st_size,
                "listed": len(manifest["segments"]), "superseded": len(manifest.get("superseded") or []),
                "objects": len(objects), "object_bytes": sum(path.stat().st_size for path in objects),
                "source_bytes": (projects / f"{sid}.jsonl").stat().st_size, "cpu_s": usage.cpu,
                "peak_mb": usage.peak / MB}


def segments(count, per_second):
    result = []
    for merge in (True, False):
        note(f"a session of {count} small segments, merge {'on' if merge else 'off'}")
        result.append(small_segments(count, per_second, merge))
    return result


def segment_lines(result):
    first = result[0]
    yield (f"A session of {first['segments']} segments of one line, appended in {first['seconds']:.0f} s "
           f"({first['source_bytes'] / MB:.2f} MB of source)")
    yield "  merge   manifests   their MB   last KB   listed   superseded   objects put   their MB   CPU s   peak MB"
    for each in result:
        yield (f"  {'on' if each['merge'] else 'off':5}   {each['manifests']:9}   {each['manifest_bytes'] / MB:8.2f}   "
               f"{each['last_manifest_bytes'] / 1000:7.1f}   {each['listed']:6}   {each['superseded']:10}   "
               f"{each['objects']:11}   {each['object_bytes'] / MB:8.2f}   {each['cpu_s']:5.1f}   {each['peak_mb']:7.1f}")
