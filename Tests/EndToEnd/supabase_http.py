"""How the double of Supabase Storage is spoken to: requests, answers, and the faults that take the place of one."""

import http.server
import socket
import struct
import sys
import urllib.parse


class Request:
    def __init__(self, method, path, query, headers, body, is_broken):
        self.method, self.path, self.query, self.headers = method, path, query, headers
        self.body, self.is_broken = body, is_broken


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Where more want to connect at once than may wait, some are reset.
    request_queue_size = 256

    def handle_error(self, request, client_address):
        # Whoever is killed resets his connections.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes.
    disable_nagle_algorithm = True
    double = None

    def log_message(self, *_):
        pass

    def received(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        return body, len(body) < length

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

    def respond(self, request):
        """Answers, or does what a fault says instead."""
        fault = self.double.fault_for(request)
        if fault is None:
            answer = self.double.answer(request)
        elif fault.error is not None:
            answer = fault.error.http, {"Content-Type": "application/json", **fault.error.headers}, fault.error.body()
        elif fault.status is not None:
            answer = fault.status, fault.headers, fault.body
        elif fault.before:
            self.double.note(request, 0)
            return self.reset()
        elif fault.hang:
            self.double.note(request, 0)
            self.double.released.wait()
            return self.reset()
        else:
            answer = self.double.answer(request)
        self.double.note(request, answer[0])
        if (fault is not None and fault.after):
            return self.reset()
        if fault is not None and fault.half:
            return self.send(*answer, half=True)
        self.send(*answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = serve

    def send(self, status, headers, body, half=False):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:len(body) // 2] if half else body)
        if half:
            self.reset()

    def reset(self):
        """Ends the connection with a reset, as a server that dies does."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
