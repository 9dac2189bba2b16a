"""How the double of Supabase Storage is spoken to."""

import urllib.parse

from http_double import Handler


class Request:
    def __init__(self, method, path, query, headers, body, is_broken):
        self.method, self.path, self.query, self.headers = method, path, query, headers
        self.body, self.is_broken = body, is_broken


class StorageHandler(Handler):
    def serve(self):
        body, is_broken = self.received()
        split = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(split.path)
        if not path.startswith("/storage/v1/"):
            # The gateway's words, not Storage's.
            return self.send(404, {"Content-Type": "application/json"},
                             b'{"message":"no Route matched with those values"}')
        request = Request(self.command, path.removeprefix("/storage/v1"), urllib.parse.parse_qs(split.query),
                          self.headers, body, is_broken)
        if is_broken and self.command != "PATCH":
            # Whoever sent it is gone. Only a piece is kept as far as it came.
            return self.reset()
        self.respond(request)
