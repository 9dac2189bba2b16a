"""What the doubles of servers have in common: requests, answers, and the faults that take the place of one.

A double is an `HTTPDouble` with `answer(request)`, served by a `Handler` with `serve()`, which makes the request of what came
and gives it to `respond`.
"""

import http.server
import socket
import struct
import sys
import threading


class Fault:
    """What is done instead of an answer.

    `status`, `body`, `headers`: this answer. `error`: a StorageError. `before`, `after`: the connection is reset before or
    after the request is done. `half`: the answer breaks off in the middle. `hang`: there is none.
    """

    def __init__(self, status=None, body=b"", headers=None, error=None, before=False, after=False, half=False, hang=False):
        self.status, self.body, self.headers, self.error = status, body, headers or {}, error
        self.before, self.after, self.half, self.hang = before, after, half, hang


class Refusal(Exception):
    def __init__(self, status, message, headers=None):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


def need(claim, status, message):
    if not claim:
        raise Refusal(status, message)


class HTTPDouble:
    """`asked` are the requests that were answered: tuples that begin with method, path and status."""

    def __init__(self, handler):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.asked, self.faults = [], []
        self.handler = type("Handler", (handler,), {"double": self})
        self.port = 0

    def start(self):
        self.released = threading.Event()
        self.server = Server(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # What a test says and asks.

    def fault(self, method, part, fault, times=1):
        """The next `times` requests of that method whose path has `part` in it; None: until `heal`."""
        with self.lock:
            self.faults.append([method, part, fault, times])

    def heal(self):
        with self.lock:
            self.faults.clear()

    def requests(self, method, part=""):
        with self.lock:
            return [each for each in self.asked if each.method == method and part in each.path]

    def wait_for(self, claim, timeout=120):
        """Until `claim()` holds; looks after each request."""
        with self.changed:
            if not self.changed.wait_for(claim, timeout):
                last = [each[:3] for each in self.asked[-20:]]
                raise AssertionError(f"it did not come to that in {timeout} s; the last requests: {last}")

    # What the server does.

    def fault_for(self, request):
        with self.lock:
            for fault in self.faults:
                if fault[0] == request.method and fault[1] in request.path:
                    if fault[3] is not None:
                        fault[3] -= 1
                        if fault[3] == 0:
                            self.faults.remove(fault)
                    return fault[2]
        return None

    def note(self, request, status):
        with self.changed:
            self.asked.append(self.noted(request, status))
            self.changed.notify_all()


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

    def do_GET(self):
        self.serve()

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET

    def received(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        return body, len(body) < length

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
        if fault is not None and fault.after:
            return self.reset()
        self.send(*answer, half=fault is not None and fault.half)

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
