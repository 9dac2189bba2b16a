"""How long a line waits: from its write to its object in the store, and to the manifest that names it; and how long
`status` takes while the daemon is busy."""

import gzip
import json
import subprocess
import threading
import time

from measuring import Control, Place, Watch, binary, disk_place, fast_place, many_sessions, note, spread

QUIET = 0.1
# A session's manifest is put at most every two seconds: each session rests for longer between two lines.
SESSIONS = 24
REST = 2.6


class Store:
    """Watches a directory store as it grows, and says when an object and the manifest that names it were there."""

    def __init__(self, folder):
        self.folder = folder
        self.watch = Watch()
        self.watched = set()
        self.objects = {}
        self.named = {}
        self.lines = {}
        self.stopped = False
        self.changed = threading.Condition()
        self.look(self.folder)
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def look(self, folder, at=None):
        if folder in self.watched:
            return
        self.watched.add(folder)
        self.watch.add(folder)
        for path in folder.iterdir():
            self.seen(time.monotonic() if at is None else at, path)

    def seen(self, at, path):
        if path.name.startswith(".tmp-"):
            return
        if path.is_dir():
            self.look(path, at)
        elif path.name == "manifest.json":
            for segment in json.loads(path.read_bytes())["segments"]:
                self.named.setdefault(path.parent / segment["path"], at)
        elif path.suffix == ".gz" and path not in self.objects:
            self.objects[path] = at
            for line in gzip.decompress(path.read_bytes()).splitlines():
                self.lines[json.loads(line)["number"]] = path

    def _follow(self):
        while not self.stopped:
            for at, path in self.watch.wait(0.2):
                with self.changed:
                    self.seen(at, path)
                    self.changed.notify_all()

    def close(self):
        self.stopped = True
        self.thread.join()
        self.watch.close()


def append_to_store(where, samples):
    with Place(where) as world:
        world.configure(f'[segments]\nquiet = "{int(QUIET * 1000)}ms"\n[merge]\nenabled = false\n')
        projects = world.home / ".claude/projects/-home-user-bench"
        projects.mkdir(parents=True)
        daemon = world.daemon()
        (world.store / "sessions").mkdir(parents=True, exist_ok=True)
        store = Store(world.store / "sessions")
        sent = []
        # The first line of each session is another case, and not counted: folders are made for it.
        for number in range(samples + SESSIONS):
            began = time.monotonic()
            line = json.dumps({"type": "user", "number": number, "message": "m" * 300}).encode() + b"\n"
            with open(projects / f"{number % SESSIONS:08}-0000-4000-a000-000000000000.jsonl", "ab", buffering=0) as file:
                sent.append(time.monotonic())
                file.write(line)
            # The pace of the appends is part of what is measured: nobody is waited for.
            time.sleep(max(0, REST / SESSIONS - (time.monotonic() - began)))
        world.ctl_run("flush", "--wait")
        with store.changed:
            store.changed.wait_for(lambda: len(store.named) >= len(store.objects), 30)
        store.close()
        counted = range(SESSIONS, samples + SESSIONS)
        to_object = [store.objects[store.lines[number]] - sent[number] for number in counted]
        to_manifest = [store.named[store.lines[number]] - sent[number] for number in counted]
        daemon.stop()
        return {"object": spread(to_object), "manifest": spread(to_manifest)}


def appends(samples):
    result = {}
    for label, place in [("tmpfs", fast_place()), ("disk", disk_place())]:
        note(f"append to store, {label}")
        result[label] = append_to_store(place, samples)
    return result


def append_lines(result):
    yield f"Append to store, quiet = {QUIET * 1000:.0f} ms: milliseconds from write() of a line"
    yield "                                       p50       p99     worst   (samples)"
    for label, each in result.items():
        for what, words in [("object", "the object is there"), ("manifest", "a manifest names it")]:
            figures = each[what]
            yield (f"  {label:5}  {words:22} {figures['p50']:10.1f}{figures['p99']:10.1f}{figures['worst']:10.1f}   "
                   f"({figures['samples']})")


def status(size):
    """While the daemon takes a backlog: a call on an open connection, and the whole command."""
    note("status during a backfill")
    with Place(disk_place(), many_sessions(size)) as world:
        daemon = world.daemon()
        control = Control(world.socket)
        calls, commands = [], []
        has_begun = False
        while daemon.running:
            began = time.monotonic()
            answer = control.call("GetStatus")
            calls.append(time.monotonic() - began)
            backfill = answer.get("backfill")
            has_begun = has_begun or backfill is not None and backfill["bytes_total"] > 0
            if has_begun and (backfill is None or backfill["bytes_done"] >= backfill["bytes_total"]):
                break
            if len(calls) % 10 == 0:
                began = time.monotonic()
                subprocess.run([binary("uploaderctl"), "--socket", world.socket, "status"], capture_output=True,
                               env=world.environment(), check=False)
                commands.append(time.monotonic() - began)
            # How often it is asked is part of what is measured: nobody is waited for.
            time.sleep(0.005)
        control.close()
        daemon.kill()
        return {"call": spread(calls), "command": spread(commands)}


def status_lines(result):
    yield "Status during a backfill: milliseconds"
    yield "                                       p50       p99     worst   (samples)"
    for what, words in [("call", "one call"), ("command", "uploaderctl status")]:
        figures = result[what]
        yield (f"         {words:22} {figures['p50']:10.1f}{figures['p99']:10.1f}{figures['worst']:10.1f}   "
               f"({figures['samples']})")
