"""Destinations below a presigned URL: everything is put there, nothing can be asked."""

import http.server
import threading
import urllib.parse

import pytest

import manifest_reader
from conservation import backdate, require_all, sessions_of


class PutServer:
    """Keeps what is put below /base, and refuses everything else; `status` instead of success when it is set."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = []
        self.status = None
        far_end = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                target = urllib.parse.urlsplit(self.path)
                far_end.seen.append((self.path, dict(self.headers)))
                if far_end.status is None:
                    path = far_end.folder / urllib.parse.unquote(target.path).removeprefix("/base/")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(body)
                self.send_response(far_end.status or 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/base"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server(world):
    server = PutServer(world.base / "bucket")
    yield server
    server.close()


def test_a_home_is_put_below_the_url_and_goes_on_in_the_next_life(world, server):
    sessions = sessions_of(world, "presigned", 5, 5_000)
    world.once("--upload-url", server.url)
    require_all(server.folder, world, sessions)
    assert all("Authorization" not in headers for _, headers in server.seen)
    for session in sessions[:2]:
        path = world.home / next(path for path, stream in session.streams.items() if stream == "main")
        with path.open("ab") as file:
            file.write(b'{"type":"user","message":"more"}\n')
    backdate(world.home)
    identity = (server.folder / "sessions/.uploaderd.json").read_bytes()
    world.once("--upload-url", server.url)
    require_all(server.folder, world, sessions)
    assert (server.folder / "sessions/.uploaderd.json").read_bytes() == identity


def test_a_signature_in_the_url_goes_with_each_put_and_is_shown_nowhere(world, server):
    world.configure(f'[[destination]]\ntype = "presigned"\nurl = "{server.url}?sig=s3cr3t%2F"\nprefix = "a b+é"\n')
    sessions = sessions_of(world, "presigned", 2, 5_000)
    server.status = 403
    daemon = world.daemon()
    entry = world.wait_health("destination_failing")
    assert "expired" in entry["hint"] and world.ctl("status", check=False)["destinations"][0]["state"] == "held"
    server.status = None
    world.ctl_run("flush", "--wait")
    stored = [manifest_reader.read(server.folder, session.sid, "a b+é") for session in sessions]
    assert [len(session.streams) > 0 for session in stored] == [True, True]
    assert all(path.startswith("/base/a%20b%2B%C3%A9/") and path.endswith("?sig=s3cr3t%2F") for path, _ in server.seen)
    status = world.ctl_run("status", "--json", check=False).stdout.decode()
    assert daemon.stop() == 0
    assert "s3cr3t" not in status + world.logs()


def test_what_is_there_alone_is_not_said_to_be_lost(world, server):
    (session,) = sessions_of(world, "presigned", 1, 5_000)
    world.configure(f'[[destination]]\ntype = "presigned"\nurl = "{server.url}"\n')
    world.once()
    daemon = world.daemon()
    verified = world.ctl_run("verify", "--json", check=False)
    assert b"cannot be read back" in verified.stdout and b'"missing":0' in verified.stdout
    replayed = world.ctl_run("replay", session.sid, check=False)
    assert replayed.returncode != 0 and b"can be read now" in replayed.stderr
    assert world.ctl("status", check=False)["health"] == []
    assert daemon.stop() == 0
