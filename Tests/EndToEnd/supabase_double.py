"""A Supabase Storage for tests: the documented contract, with the oddities of the real server in it.

    with SupabaseDouble() as double:
        double.url, double.key                              what a destination is configured with
        double.fault("POST", "segments/", Fault(544))       the next request that fits is answered so instead
        double.objects("sessions")                          {key: Stored}

It is no fake of our own reading: test_supabase_double.py has the official Python client work against it. Standard library
only. Run as a program it serves one bucket, `sessions`, and prints a line of JSON: its address and key.
"""

import collections
import datetime
import json
import re
import secrets
import sys
import time
import uuid

from http_double import HTTPDouble
from supabase_errors import StorageError
from supabase_http import StorageHandler
from supabase_routes import Routes
from supabase_uploads import Uploads

KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+\Z", re.ASCII)
BUCKET = re.compile(r"[A-Za-z0-9_!.*'() &$=@;:+,?-]{1,100}\Z", re.ASCII)
ALL = frozenset(("select", "insert", "update", "delete"))

Stored = collections.namedtuple("Stored", "data mime version id updated metadata")
Asked = collections.namedtuple("Asked", "method path status")


class Bucket:
    def __init__(self, limit=None, mimes=None):
        self.objects, self.limit, self.mimes = {}, limit, mimes


class SupabaseDouble(HTTPDouble):
    def __init__(self, buckets=("sessions",)):
        super().__init__(StorageHandler)
        self.buckets = {name: Bucket() for name in buckets}
        self.key = "service." + secrets.token_hex(16)
        # What a key may do; row-level security hides what it may not see.
        self.keys = {self.key: ALL}
        # How a key that nobody knows is refused: servers differ.
        self.stranger = lambda: StorageError("InvalidJWT")
        self.has_list_v2 = True
        self.is_legacy = False
        self.ignores_ranges = False
        self.page = 1000
        self.uploads = Uploads(self)
        self.tokens = {}

    # What a test says and asks.

    def objects(self, bucket="sessions"):
        with self.lock:
            return dict(self.buckets[bucket].objects)

    def write_to(self, folder, bucket="sessions"):
        """The bucket as a directory store."""
        for key, stored in self.objects(bucket).items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored.data)

    # What the server does.

    def rights(self, request):
        word, _, key = request.headers.get("Authorization", "").partition(" ")
        if word != "Bearer" or key not in self.keys:
            raise self.stranger()
        return self.keys[key]

    def may(self, request, bucket, key, right):
        rights = self.rights(request)
        # An upsert needs both, and a row that cannot be seen cannot be replaced.
        wanted = {"insert", "update", "select"} if right == "update" else {right}
        if not wanted <= rights:
            raise StorageError("NoSuchKey" if right in ("select", "delete") else "AccessDenied")

    def add_bucket(self, name, limit=None, mimes=None):
        if name in self.buckets:
            raise StorageError("ResourceAlreadyExists")
        self.buckets[name] = Bucket(limit, mimes)

    def bucket(self, name):
        if name not in self.buckets:
            raise StorageError("NoSuchBucket")
        return self.buckets[name]

    def found(self, bucket, key):
        objects = self.bucket(bucket).objects
        if key not in objects:
            raise StorageError("NoSuchKey")
        return objects[key]

    def check_new(self, bucket, key, size, mime, upsert):
        if not BUCKET.match(bucket):
            raise StorageError("InvalidBucketName")
        if not KEY.match(key) or len(key.encode()) > 1024:
            raise StorageError("InvalidKey", f"Invalid key: {key}")
        place = self.bucket(bucket)
        if place.limit is not None and size > place.limit:
            raise StorageError("EntityTooLarge")
        if place.mimes is not None and mime not in place.mimes:
            raise StorageError("InvalidMimeType", f"mime type {mime} is not supported")
        if not upsert and key in place.objects:
            raise StorageError("KeyAlreadyExists")

    def store(self, bucket, key, data, mime, upsert, metadata=None):
        with self.lock:
            self.check_new(bucket, key, len(data), mime, upsert)
            objects = self.buckets[bucket].objects
            identity = objects[key].id if key in objects else str(uuid.uuid4())
            now = datetime.datetime.now(datetime.timezone.utc)
            objects[key] = Stored(data, mime, str(uuid.uuid4()), identity, now, metadata)
            return identity

    def signed(self, token, bucket, key):
        """Whether an upload with this token may replace what is there: that was decided when it was signed."""
        if token not in self.tokens:
            raise StorageError("InvalidJWT", "jwt malformed")
        place, upsert, expires = self.tokens[token]
        if place != (bucket, key):
            raise StorageError("InvalidSignature")
        if expires < time.time():
            raise StorageError("ExpiredToken")
        return upsert

    def noted(self, request, status):
        return Asked(request.method, request.path, status)

    def answer(self, request):
        """(status, headers, body)"""
        with self.lock:
            if request.path.startswith("/upload/resumable"):
                if request.method != "HEAD" and not request.path.startswith("/upload/resumable/sign"):
                    try:
                        self.rights(request)
                    except StorageError as error:
                        return error.http, {}, error.body(self.is_legacy)
                return self.uploads.answer(request)
            try:
                return Routes(self, request).answer()
            except StorageError as error:
                return error.http, {"Content-Type": "application/json", **error.headers}, error.body(self.is_legacy)


if __name__ == "__main__":
    with SupabaseDouble() as served:
        if "--list-v1" in sys.argv:
            served.has_list_v2 = False
        if "--small-pages" in sys.argv:
            served.page = 7
        if "--whole" in sys.argv:
            served.ignores_ranges = True
        print(json.dumps({"url": served.url, "key": served.key}), flush=True)
        # Whoever started it has closed the pipe when it is to end.
        sys.stdin.read()
