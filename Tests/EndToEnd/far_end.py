"""A server between the daemon and a real one that does what a script says: passes requests on, or answers as networks and
servers do on bad days."""

import http.client
import http.server
import socket
import ssl
import struct
import subprocess
import threading
import time

from daemon import PATIENCE


class Trouble:
    """What is done with a request: `PASS`, or one of the others."""

    PASS = "pass"
    #: The connection is reset before anything is passed on; after it was, and the answer is lost.
    RESET_BEFORE, RESET_AFTER = "reset before", "reset after"
    #: Half of the body of the answer; the answer byte by byte; another body than was sent is passed on.
    HALF, DRIBBLE, TAMPER = "half", "dribble", "tamper"
    #: No answer until the client goes.
    HANG = "hang"
    #: The answer comes late.
    DELAY = "delay"
    #: A verdict: this object is never taken.
    TOO_LARGE = "413"
    BUSY, BUSY_FOR, ERROR, HTML, REDIRECT = "429", "429 with Retry-After", "500", "HTML 502", "redirect"

    ALL = [RESET_BEFORE, RESET_AFTER, HALF, DRIBBLE, TAMPER, HANG, DELAY, BUSY, BUSY_FOR, ERROR, HTML, REDIRECT]


CANNED = {
    Trouble.BUSY: (429, {}, b""),
    Trouble.BUSY_FOR: (429, {"Retry-After": "1"}, b""),
    Trouble.ERROR: (500, {"Content-Type": "application/xml"},
                    b"<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>We failed</Message></Error>"),
    Trouble.HTML: (502, {"Content-Type": "text/html"}, b"<html><body><h1>502 Bad Gateway<br></h1></body></html>"),
    Trouble.TOO_LARGE: (413, {"Content-Type": "application/xml"},
                        b"<?xml version=\"1.0\"?><Error><Code>EntityTooLarge</Code><Message>No</Message></Error>"),
    Trouble.REDIRECT: (307, {"Location": "http://127.0.0.1:1/elsewhere"}, b""),
}


class FarEnd:
    """Listens on loopback; `script(method, path, number)` says what happens to each request, with numbers from 0."""

    def __init__(self, port, script=lambda method, path, number: Trouble.PASS, tls=None):
        self.upstream = port
        self.script = script
        self.seen = []
        #: The bytes of all bodies that came.
        self.received = 0
        #: Requests that are being answered, and the most there were.
        self.open = self.most_open = 0
        self.changed = threading.Condition()
        far_end = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                far_end.handle(self)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

            def log_message(self, *arguments):
                pass

        class Threads(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            # A handler that hangs goes with the process.
            daemon_threads = True

            def handle_error(self, request, address):
                pass

        self.server = Threads(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https" if tls else "http"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def wait(self, accepts, timeout=PATIENCE):
        """Until a request has made it true."""
        with self.changed:
            assert self.changed.wait_for(accepts, timeout), f"{len(self.seen)} requests, {self.open} open"

    def handle(self, request):
        with self.changed:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            self.serve(request)
        finally:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()

    def serve(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self.changed:
            trouble = self.script(request.command, request.path, len(self.seen))
            self.seen.append((request.command, request.path, trouble))
            self.received += len(body)
            self.changed.notify_all()
        if trouble == Trouble.DELAY:
            # What a slow network is: nothing happens here meanwhile.
            time.sleep(0.2)
        if trouble == Trouble.RESET_BEFORE:
            return self.reset(request)
        if trouble == Trouble.HANG:
            request.connection.recv(1)  # comes when the client goes
            request.close_connection = True
            return None
        if trouble in CANNED:
            status, headers, data = CANNED[trouble]
        else:
            if trouble == Trouble.TAMPER and body:
                body = body[:-1] + bytes([body[-1] ^ 1])
            status, headers, data = self.passed(request, body)
        if trouble == Trouble.RESET_AFTER:
            return self.reset(request)
        return self.answer(request, trouble, status, headers, data)

    def passed(self, request, body):
        onward = http.client.HTTPConnection("127.0.0.1", self.upstream)
        try:
            onward.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in ("connection",):
                    onward.putheader(name, value)
            onward.endheaders(body)
            answer = onward.getresponse()
            kept = {name: value for name, value in answer.getheaders()
                    if name.lower() not in ("connection", "transfer-encoding", "date", "server")}
            return answer.status, kept, answer.read()
        finally:
            onward.close()

    def answer(self, request, trouble, status, headers, data):
        request.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                request.send_header(name, value)
        length = headers.get("Content-Length") or headers.get("content-length") or len(data)
        request.send_header("Content-Length", str(length if request.command == "HEAD" else len(data)))
        request.end_headers()
        if request.command == "HEAD":
            return
        if trouble == Trouble.HALF:
            request.wfile.write(data[:len(data) // 2])
            request.wfile.flush()
            self.reset(request)
        elif trouble == Trouble.DRIBBLE:
            for index in range(min(len(data), 500)):
                request.wfile.write(data[index:index + 1])
                request.wfile.flush()
            request.wfile.write(data[500:])
        else:
            request.wfile.write(data)

    @staticmethod
    def reset(request):
        """Ends the connection with RST, not with FIN."""
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.close_connection = True
        request.connection.close()
        # The handler's own files would write to it.
        request.wfile = request.rfile = open("/dev/null", "r+b", 0)


def certificate(folder, name="127.0.0.1"):
    """A self-signed one: (certificate, key)."""
    paths = folder / "server.crt", folder / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}", "-keyout", paths[1], "-out", paths[0]],
        check=True, capture_output=True)
    return paths
