"""A confab server for tests: the documented contract, its limits and its refusals.

    with ConfabDouble(folder) as double:
        double.url, double.key                              what a destination is configured with
        double.fault("POST", "/sync/chunk", Fault(429))     the next request that fits is answered so instead
        double.lines(sid, "ses_1.jsonl")                    what it has of a file, merged from its chunks
        double.restart()                                    another process on the same disk and database

Chunks are objects on disk as the server keeps them: `{user}/{provider}/{sid}/chunks/{file}/chunk_{first}_{last}.jsonl`; what a
file holds is merged from them, the later one wins. Standard library and the zstd program only.
"""

import collections
import datetime
import json
import pathlib
import secrets
import subprocess
import time
import urllib.parse
import uuid

from http_double import Handler, HTTPDouble, Refusal, need

LINE_LIMIT = 14 * 1024 * 1024
BODY_LIMIT = 16 * 1000 * 1000
CHUNKS = 30_000
PROVIDERS = {"claude-code", "codex", "opencode", "cursor"}
TYPES = {"transcript", "agent", "workflow_journal"}
CAPS = {"external_id": 512, "summary": 2048, "first_user_message": 8192, "cwd": 8192, "transcript_path": 8192,
        "file_name": 512, "hostname": 255, "username": 255}

Asked = collections.namedtuple("Asked", "method path status headers body at")


class Bucket:
    """A rate limit: so many a second, and a burst."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.left, self.at = rate, burst, burst, time.monotonic()

    def take(self):
        now = time.monotonic()
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class File:
    def __init__(self, kind):
        self.kind, self.last, self.chunks = kind, 0, 0


class Session:
    def __init__(self, user, provider, sid):
        self.id, self.user, self.provider, self.sid = str(uuid.uuid4()), user, provider, sid
        self.files, self.metadata, self.learnt, self.links, self.events = {}, {}, [], {}, []
        self.path = self.summary = None

    def folder(self, root, name):
        return root / self.user / self.provider / self.sid / "chunks" / name


class ConfabDouble(HTTPDouble):
    def __init__(self, folder):
        super().__init__(ConfabHandler)
        self.root = pathlib.Path(folder)
        self.key = "cfb_" + secrets.token_hex(20)
        self.users = {self.key: "u1"}
        self.sessions = {}
        self.capabilities = {"workflow_files": True, "workflow_journal": True, "opencode_subagent_files": True}
        self.body_limit = BODY_LIMIT
        # (rate a second, burst) of uploads of one user; the global one is 100 and 200.
        self.upload_rate = (2.78, 2000)
        self.buckets = {}

    def restart(self):
        self.stop()
        self.start()

    # What a test says and asks.

    def session(self, sid):
        with self.lock:
            return next(each for each in self.sessions.values() if each.sid == sid)

    def files(self, sid):
        return {name: file.last for name, file in self.session(sid).files.items()}

    def lines(self, sid, name):
        """What the file holds, as the server would give it."""
        with self.lock:
            return self.merged(self.session(sid), name)

    def chunk_bodies(self, name=None):
        """The bodies of the chunks that were taken."""
        with self.lock:
            bodies = [each.body for each in self.asked if each.path.endswith("/sync/chunk") and each.status == 200]
        return [body for body in bodies if name in (None, body["file_name"])]

    def drop(self, sid, name, keep):
        """The server was put back from a backup in which the file had `keep` lines."""
        with self.lock:
            session = self.session(sid)
            for path in session.folder(self.root, name).glob("chunk_*"):
                first, last = (int(word) for word in path.stem.split("_")[1:])
                if last > keep:
                    assert first > keep, "keep whole chunks"
                    path.unlink()
            session.files[name].last = keep

    def delete(self, sid):
        with self.lock:
            del self.sessions[self.session(sid).id]

    # What the server does.

    def noted(self, request, status):
        return Asked(request.method, request.path, status, dict(request.headers), request.said, time.monotonic())

    def answer(self, request):
        """(status, headers, body)"""
        with self.lock:
            try:
                self.limit("global", 100, 200)
                said = self.route(request)
                if isinstance(said, bytes):
                    return 200, {"Content-Type": "text/plain"}, said
                return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()
            except Refusal as refusal:
                return (refusal.status, {"Content-Type": "application/json", **refusal.headers},
                        json.dumps({"error": refusal.message}).encode())

    def limit(self, name, rate, burst):
        if not self.buckets.setdefault(name, Bucket(rate, burst)).take():
            raise Refusal(429, "rate limit exceeded", {"Retry-After": "1"})

    def user(self, request):
        word, _, key = request.headers.get("Authorization", "").partition(" ")
        need(word == "Bearer" and key in self.users, 401, "Invalid or missing API key")
        return self.users[key]

    def route(self, request):
        parts = request.raw.removeprefix("/api/v1/").split("/")
        need(request.path.startswith("/api/v1/"), 404, "not found")
        what = (request.method, *parts)
        if what == ("GET", "capabilities"):
            need(self.capabilities is not None, 404, "not found")
            return self.capabilities
        user = self.user(request)
        if what == ("GET", "auth", "validate"):
            return {"valid": True}
        if what[:2] == ("POST", "sync"):
            self.limit(user, *self.upload_rate)
            body = self.body(request)
            return {"init": self.begin, "chunk": self.chunk, "event": self.event}[parts[1]](user, body)
        if what[:2] == ("PATCH", "sessions") and parts[2:] == ["summary"]:
            return self.summarise(user, urllib.parse.unquote(parts[1]), self.body(request))
        need(what[1] == "sessions" and len(parts) > 2, 404, "not found")
        session = self.known(user, urllib.parse.unquote(parts[1]))
        if what[0] == "POST" and parts[2:] == ["github-links"]:
            return self.link(session, self.body(request))
        if what[0] == "GET" and parts[2:] == ["files"]:
            return {"files": [{"file_name": name, "file_type": file.kind, "last_synced_line": file.last}
                              for name, file in sorted(session.files.items())]}
        if what[0] == "GET" and parts[2:] == ["files", "download"]:
            name = request.query.get("file_name", [""])[0]
            need(name in session.files, 404, "file not found")
            return self.merged(session, name)
        raise Refusal(404, "not found")

    def body(self, request):
        need(len(request.body) <= self.body_limit, 413, "request body too large")
        data = request.body
        if request.headers.get("Content-Encoding") == "zstd":
            data = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True).stdout
        else:
            # Its own client compresses what is worth it.
            need(len(data) < 1024, 400, "a body of 1,024 bytes has to be compressed")
        need(len(data) <= BODY_LIMIT, 413, "request body too large")
        need(request.headers.get("Content-Type") == "application/json", 400, "not JSON")
        try:
            request.said = json.loads(data.decode("utf-8"))
        except ValueError as error:
            raise Refusal(400, f"invalid JSON: {error}") from None
        for name, value in walk(request.said):
            need(not isinstance(value, str) or len(value.encode()) <= CAPS.get(name, 1 << 62), 400, f"{name} is too long")
        return request.said

    def known(self, user, identity):
        need(identity in self.sessions, 404, "session not found")
        need(self.sessions[identity].user == user, 403, "access denied")
        return self.sessions[identity]

    def begin(self, user, body):
        provider, sid = body.get("provider", "claude-code"), body.get("external_id")
        need(provider in PROVIDERS, 400, f"unknown provider {provider}")
        need(sid and body.get("transcript_path") is not None, 400, "external_id and transcript_path are required")
        found = [each for each in self.sessions.values() if (each.user, each.provider, each.sid) == (user, provider, sid)]
        session = found[0] if found else Session(user, provider, sid)
        self.sessions[session.id] = session
        session.path = body["transcript_path"]
        session.metadata.update(body.get("metadata") or {})
        return {"session_id": session.id, "provider": provider,
                "files": {name: {"last_synced_line": file.last} for name, file in session.files.items()}}

    def chunk(self, user, body):
        session = self.known(user, body.get("session_id"))
        name, kind, lines = body.get("file_name"), body.get("file_type"), body.get("lines")
        need(name and not name.startswith("/") and ".." not in name.split("/"), 400, "invalid file_name")
        need(kind in TYPES, 400, f"invalid file_type {kind}")
        need(isinstance(lines, list) and lines and all(isinstance(line, str) for line in lines), 400, "lines are required")
        need(not any("\n" in line for line in lines), 400, "a line has an end in it")
        if name.startswith("workflows/"):
            wanted = "workflow_journal" if kind == "workflow_journal" else "workflow_files"
            need((self.capabilities or {}).get(wanted), 400, "workflow files are not supported")
        file = session.files.get(name) or File(kind)
        need(file.kind == kind, 400, "file_type has changed")
        wanted, first = file.last + 1, body.get("first_line")
        need(first == wanted, 400, f"first_line must be {wanted} (got {first}) - chunks must be contiguous")
        need(file.chunks < CHUNKS, 400, "too many chunks")
        need(sum(len(line.encode()) + 4 for line in lines) <= LINE_LIMIT, 413, "chunk too large")
        folder = session.folder(self.root, name)
        folder.mkdir(parents=True, exist_ok=True)
        last = first + len(lines) - 1
        (folder / f"chunk_{first:08d}_{last:08d}.jsonl").write_bytes("".join(line + "\n" for line in lines).encode())
        file.last, file.chunks = last, file.chunks + 1
        session.files[name] = file
        if kind == "transcript" and body.get("metadata"):
            session.learnt.append(body["metadata"])
        else:
            need(not body.get("metadata"), 400, "metadata is for transcripts")
        return {"last_synced_line": last}

    def merged(self, session, name):
        lines = {}
        for path in sorted(session.folder(self.root, name).glob("chunk_*")):
            first = int(path.stem.split("_")[1])
            lines.update(enumerate(path.read_bytes().split(b"\n")[:-1], first))
        need(sorted(lines) == list(range(1, len(lines) + 1)), 500, "lines are missing")
        return b"".join(lines[number] + b"\n" for number in sorted(lines))

    def event(self, user, body):
        session = self.known(user, body.get("session_id"))
        need(body.get("event_type") == "session_end", 400, "unknown event_type")
        datetime.datetime.fromisoformat(body["timestamp"].replace("Z", "+00:00"))
        need(isinstance(body.get("payload"), dict), 400, "payload is required")
        session.events.append(body)
        return {"success": True}

    def summarise(self, user, sid, body):
        found = [each for each in self.sessions.values() if (each.user, each.sid) == (user, sid)]
        need(found, 404, "session not found")
        found[0].summary = body["summary"]
        return {"status": "ok"}

    def link(self, session, body):
        url = body.get("url", "")
        parts = url.split("/")
        need(url.startswith("https://github.com/") and len(parts) == 7 and parts[5] in ("pull", "commit"), 400,
             "not a link to a commit or a pull request")
        need(body.get("source") in ("cli_hook", "manual"), 400, "invalid source")
        need(url not in session.links, 409, "link already exists")
        session.links[url] = body
        return {"id": len(session.links), "link_type": "commit" if parts[5] == "commit" else "pull_request", "url": url,
                "owner": parts[3], "repo": parts[4], "ref": parts[6]}


def walk(value, name=None):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from walk(each, key)
    elif isinstance(value, list):
        # Lines may be long.
        for each in value if name != "lines" else []:
            yield from walk(each, name)
    else:
        yield name, value


class ConfabHandler(Handler):
    def serve(self):
        body, is_broken = self.received()
        if is_broken:
            return self.reset()
        split = urllib.parse.urlsplit(self.path)
        self.respond(ConfabRequest(self.command, split, self.headers, body))


class ConfabRequest:
    def __init__(self, method, split, headers, body):
        self.method, self.raw, self.headers, self.body = method, split.path, headers, body
        self.path, self.query = urllib.parse.unquote(split.path), urllib.parse.parse_qs(split.query)
        # Its JSON, once that was read.
        self.said = None
