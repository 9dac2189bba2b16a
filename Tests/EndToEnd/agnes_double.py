"""An agnes server for tests: the documented upload, its limits and its refusals.

    with AgnesDouble(folder) as double:
        double.url, double.token                        what a destination is configured with
        double.fault("POST", "/sessions", Fault(503))   the next request that fits is answered so instead
        double.file("ses_1.jsonl")                      what it has of a file
        double.accepts = None                           an old server, which unpacks nothing

Files are on disk as the server keeps them: `user_sessions/<user>/<name>`, each put over the one before. What the server itself
would not notice is noted here: `broken`, the files that did not begin with what was there before. Standard library only.
"""

import collections
import email.parser
import email.policy
import json
import pathlib
import re
import secrets
import time
import zlib

from http_double import Handler, HTTPDouble, Refusal, need

LIMIT = 50 * 1024 * 1024
NAME = re.compile(r"[A-Za-z0-9._-]{1,200}\Z")

Asked = collections.namedtuple("Asked", "method path status headers name at")


class AgnesDouble(HTTPDouble):
    def __init__(self, folder):
        super().__init__(AgnesHandler)
        self.root = pathlib.Path(folder) / "user_sessions"
        self.token = "pat." + secrets.token_hex(20)
        self.users = {self.token: "u1"}
        self.accepts = "session-gzip"
        # What it cannot unpack though it says so.
        self.breaks_gzip = False
        self.limit = LIMIT
        self.broken, self.audit = [], []

    # What a test says and asks.

    def uploads(self, name=None):
        with self.lock:
            return [each for each in self.asked if each.method == "POST" and name in (None, each.name)]

    def names(self):
        return {path.name for path in self.root.rglob("*") if path.is_file()}

    def file(self, name, user="u1"):
        return (self.root / user / name).read_bytes()

    # What the server does.

    def noted(self, request, status):
        return Asked(request.method, request.path, status, dict(request.headers), request.name, time.monotonic())

    def answer(self, request):
        """(status, headers, body)"""
        with self.lock:
            headers = {"Content-Type": "application/json"}
            try:
                if (request.method, request.path) == ("GET", "/api/health"):
                    if self.accepts:
                        headers["X-Agnes-Accepts"] = self.accepts
                    return 200, headers, b'{"status":"healthy"}'
                word, _, token = request.headers.get("Authorization", "").partition(" ")
                need(word == "Bearer" and token in self.users, 401, "Invalid token")
                need((request.method, request.path) == ("POST", "/api/upload/sessions"), 404, "Not Found")
                return 200, headers, json.dumps(self.upload(self.users[token], request)).encode()
            except Refusal as refusal:
                return refusal.status, headers, json.dumps({"detail": str(refusal)}).encode()

    def upload(self, user, request):
        head = f"Content-Type: {request.headers.get('Content-Type', '')}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
        need(form.is_multipart() and not form.defects, 400, "not a form")
        parts = [part for part in form.iter_parts() if part.get_param("name", header="content-disposition") == "file"]
        need(len(parts) == 1, 422, "field file is required")
        name, data = parts[0].get_filename() or "", parts[0].get_payload(decode=True)
        # A mail parser ends lines as it likes: the bytes are those of the body.
        start = request.body.index(b"\r\n\r\n") + 4
        data = request.body[start:request.body.rindex(b"\r\n--")]
        need(NAME.match(name) and name not in (".", ".."), 400, "invalid filename")
        if name.endswith(".gz"):
            need(self.accepts, 400, "unsupported file type")
            name, data = name.removesuffix(".gz"), self.unpacked(data)
        need(name.endswith(".jsonl"), 400, "unsupported file type")
        need(len(data) <= self.limit, 413, "file too large")
        request.name = name
        path = self.root / user / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not data.startswith(path.read_bytes()):
            self.broken.append(name)
        path.write_bytes(data)
        self.audit.append((user, name, len(data)))
        return {"status": "ok", "filename": name, "size": len(data)}

    def unpacked(self, data):
        unpacker = zlib.decompressobj(31)
        try:
            need(not self.breaks_gzip, 400, "invalid_gzip")
            found = unpacker.decompress(data, self.limit + 1)
        except zlib.error:
            raise Refusal(400, "invalid_gzip") from None
        need(len(found) <= self.limit, 413, "file too large")
        need(unpacker.eof and not unpacker.unused_data, 400, "invalid_gzip")
        return found


class AgnesRequest:
    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, handler.headers, body
        # The name that it is kept under, once that was read.
        self.name = None


class AgnesHandler(Handler):
    def serve(self):
        body, is_broken = self.received()
        if is_broken:
            return self.reset()
        self.respond(AgnesRequest(self, body))
