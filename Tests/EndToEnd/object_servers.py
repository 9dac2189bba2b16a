"""Real object stores on loopback, each in a folder of its own, ended with the test: rclone, and OpenStack Swift with s3api."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

from daemon import PATIENCE


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def faketime():
    """The library that gives a program another clock. It moves the deadlines of timerfd(2), too: not for the daemon."""
    files = subprocess.run(["dpkg", "-L", "libfaketime"], capture_output=True, text=True, check=True).stdout.split()
    (library,) = [name for name in files if name.endswith("libfaketimeMT.so.1")]
    return library


class Server:
    """One server: `endpoint`, `key`, `secret`, `region`, and a bucket of the name `bucket`."""

    region = "us-east-1"
    bucket = "sessions"

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"ud-{name}-"))
        self.port = free_port()
        self.log = self.folder / "server.log"
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self, command, answers):
        """Starts it, and returns when `answers()` does not throw any more."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answers()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the server did not start\n{self.log.read_text(errors='replace')}") from None
                # A port that somebody else opens gives no sign.
                time.sleep(0.05)

    def halt(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, **more):
        """boto3's, which nobody here wrote."""
        return boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=self.key, aws_secret_access_key=self.secret,
            region_name=self.region, config=Config(
                s3={"addressing_style": "path"}, retries={"max_attempts": 2}, proxies={},
                request_checksum_calculation="when_required", response_checksum_validation="when_required"), **more)

    def objects(self, prefix=""):
        """All below a prefix: {name: bytes}."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {entry["Key"]: client.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()
                for page in pages for entry in page.get("Contents", [])}

    def mirror(self, folder, prefix="sessions/"):
        """Copies what is below the prefix to `folder/sessions`, for whoever reads directories."""
        shutil.rmtree(folder, ignore_errors=True)
        for name, data in self.objects(prefix).items():
            path = folder / "sessions" / name.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder

    def destination(self, name="bucket", type="s3", **keys):
        """The table of the configuration; the credentials are in a file `key` of the home."""
        keys = {"endpoint": self.endpoint, "bucket": self.bucket, "region": self.region, "credentials": "~/key", **keys}
        lines = [f'{key} = {str(value).lower() if isinstance(value, (bool, int)) else chr(34) + value + chr(34)}'
                 for key, value in keys.items()]
        return "\n".join(["[[destination]]", f'name = "{name}"', f'type = "{type}"', *lines, ""])

    def write_key(self, world, key=None, secret=None):
        path = world.write("key", f"{key or self.key}\n{secret or self.secret}\n", "w")
        path.chmod(0o600)
        return path


class Rclone(Server):
    """`rclone serve s3`: checks signatures, not digests; answers a range with the status of the whole."""

    key, secret = "AKIDRCLONE", "rclone-secret"

    def __init__(self):
        super().__init__("rclone")
        (self.folder / "data" / self.bucket).mkdir(parents=True)
        self.start()

    def start(self):
        program = pathlib.Path(sys.executable).parent / "rclone"
        self.run([program, "serve", "s3", "--config", self.folder / "none.conf", "--auth-key",
                  f"{self.key},{self.secret}", "--vfs-cache-mode", "off", "--addr", f"127.0.0.1:{self.port}",
                  self.folder / "data"],
                 lambda: socket.create_connection(("127.0.0.1", self.port)).close())


class Swift(Server):
    """OpenStack Swift with s3api and tempauth, on one node: checks signatures, digests, regions and clocks.

    Its servers read /etc/swift, which is this one's own folder in a mount namespace of its own. Needs root.
    """

    key, secret = "test:tester", "testing"

    def __init__(self):
        super().__init__("swift")
        self.ports = {name: free_port() for name in ("account", "container", "object", "memcached")}
        self.etc = self.folder / "etc"
        self.etc.mkdir()
        (self.folder / "devices" / "d1").mkdir(parents=True)
        self.write("swift.conf", """
            [swift-hash]
            swift_hash_path_suffix = tests
            [storage-policy:0]
            name = only
            default = yes
            """)
        for name in ("account", "container", "object"):
            self.write(f"{name}-server.conf", f"""
                [DEFAULT]
                bind_ip = 127.0.0.1
                bind_port = {self.ports[name]}
                devices = {self.folder}/devices
                mount_check = false
                disable_fallocate = true
                user = root
                workers = 0
                log_level = ERROR
                [pipeline:main]
                pipeline = {name}-server
                [app:{name}-server]
                use = egg:swift#{name}
                """)
        filters = "catch_errors gatekeeper healthcheck listing_formats bulk copy slo dlo versioned_writes"
        self.write("proxy-server.conf", f"""
            [DEFAULT]
            bind_ip = 127.0.0.1
            bind_port = {self.port}
            user = root
            workers = 0
            log_level = ERROR
            [pipeline:main]
            pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes proxy-server
            [app:proxy-server]
            use = egg:swift#proxy
            account_autocreate = true
            [filter:cache]
            use = egg:swift#memcache
            memcache_servers = 127.0.0.1:{self.ports["memcached"]}
            [filter:s3api]
            use = egg:swift#s3api
            location = {self.region}
            [filter:tempauth]
            use = egg:swift#tempauth
            user_test_tester = testing .admin
            """ + "".join(f"""
            [filter:{name}]
            use = egg:swift#{name}
            """ for name in filters.split()))
        self.build_rings()
        self.start()
        self.client().create_bucket(Bucket=self.bucket)

    def start(self, shift=None):
        """With `shift`, as "-1h", its clock is wrong by so much."""
        script = "\n".join([
            f"export LD_PRELOAD={faketime()} FAKETIME={shift} FAKETIME_DONT_FAKE_MONOTONIC=1" if shift else "true",
            f"mount --bind {self.etc} /etc/swift",
            f"memcached -u root -l 127.0.0.1 -p {self.ports['memcached']} -U 0 &",
            *(f"swift-{name}-server /etc/swift/{name}-server.conf &" for name in ("account", "container", "object")),
            "exec swift-proxy-server /etc/swift/proxy-server.conf"])
        self.run(["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-ec",
                  script], self.answers)

    def write(self, name, text):
        (self.etc / name).write_text(textwrap.dedent(text))

    def build_rings(self):
        """With Debian's own Python, which has Swift's modules."""
        script = "from swift.common.ring import RingBuilder\n" + "".join(f"""
ring = RingBuilder(2, 1, 1)
ring.add_dev({{"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": {self.ports[name]}, "device": "d1", "weight": 1}})
ring.rebalance()
ring.get_ring().save("{self.etc}/{name}.ring.gz")
""" for name in ("account", "container", "object"))
        subprocess.run(["/usr/bin/python3", "-c", script], check=True, capture_output=True)

    def answers(self):
        for name in ("account", "container", "object"):
            socket.create_connection(("127.0.0.1", self.ports[name])).close()
        try:
            urllib.request.urlopen(f"{self.endpoint}/healthcheck", timeout=PATIENCE).close()
        except urllib.error.HTTPError as error:
            raise OSError(error) from None
