"""The resumable uploads of Supabase Storage: TUS 1.0 at /upload/resumable, in pieces of 6 MiB.

Its errors are plain text under their own status. An upload's place is a name in base64url; the Location that the server
gives may name another host than the one that was asked, as behind a proxy.
"""

import base64
import time
import uuid

from supabase_errors import StorageError

PIECE = 6 << 20
VERSION = {"Tus-Resumable": "1.0.0"}


class Refusal(Exception):
    def __init__(self, status, text, headers=None):
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers or {}


class Upload:
    def __init__(self, bucket, key, size, upsert, mime, expires):
        self.bucket, self.key, self.size, self.upsert, self.mime = bucket, key, size, upsert, mime
        self.expires = expires
        self.data = bytearray()


class Uploads:
    """All uploads of a double. `locked` counts the requests that are still to meet a lock, answered with `lock_status`."""

    def __init__(self, double):
        self.double = double
        self.all = {}
        self.locked = 0
        self.lock_status = 423
        self.location = None
        # Seconds; an hour is what a server of one's own allows.
        self.lifetime = 3600
        self.is_there = True

    def expire(self):
        """Every upload that is under way has had its time."""
        for upload in self.all.values():
            upload.expires = 0

    def answer(self, request):
        """(status, headers, body) for a request below /upload/resumable."""
        try:
            return self._answer(request)
        except StorageError as error:
            # A hook's refusal becomes its message, and its logical status.
            return error.logical, {"Content-Type": "text/plain"}, error.message.encode()
        except Refusal as refusal:
            return refusal.status, {**VERSION, "Content-Type": "text/plain", **refusal.headers}, refusal.text.encode()

    def _answer(self, request):
        if not self.is_there:
            raise Refusal(404, "Not Found")
        name = request.path.removeprefix("/upload/resumable").strip("/")
        signed = name == "sign" or name.startswith("sign/")
        name = name.removeprefix("sign").strip("/") if signed else name
        if request.headers.get("Tus-Resumable") != "1.0.0":
            raise Refusal(412, "Tus-Resumable Required\n")
        if request.method == "POST":
            return self._begin(request, signed)
        upload = self.all.get(name)
        if upload is None:
            raise Refusal(404, "The file for this url was not found\n")
        if upload.expires < time.time():
            raise Refusal(410, "The file for this url no longer exists\n")
        if request.method == "HEAD":
            return 200, {**VERSION, "Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.size),
                         "Cache-Control": "no-store"}, b""
        if request.method == "DELETE":
            del self.all[name]
            return 204, VERSION, b""
        return self._append(request, upload, signed)

    def _metadata(self, request):
        found = {}
        for pair in request.headers.get("Upload-Metadata", "").split(","):
            name, _, value = pair.strip().partition(" ")
            if name:
                found[name] = base64.b64decode(value, validate=True).decode()
        return found

    def _begin(self, request, signed):
        metadata = self._metadata(request)
        if not metadata:
            raise StorageError("InvalidRequest")
        bucket, key = metadata.get("bucketName", ""), metadata.get("objectName", "")
        size = request.headers.get("Upload-Length", "")
        if not size.isdigit():
            raise Refusal(400, "Upload-Length or Upload-Defer-Length header required\n")
        if signed:
            upsert = self.double.signed(request.headers.get("x-signature", ""), bucket, key)
        else:
            upsert = request.headers.get("x-upsert") == "true"
            self.double.may(request, bucket, key, "update" if upsert else "insert")
        self.double.check_new(bucket, key, int(size), metadata.get("contentType"), upsert)
        name = base64.urlsafe_b64encode(f"{bucket}/{key}/{uuid.uuid4()}".encode()).rstrip(b"=").decode()
        self.all[name] = Upload(bucket, key, int(size), upsert, metadata.get("contentType"),
                                time.time() + self.lifetime)
        base = self.location or f"http://{request.headers['Host']}/storage/v1"
        return 201, {**VERSION, "Location": f"{base}/upload/resumable{'/sign' if signed else ''}/{name}"}, b""

    def _append(self, request, upload, signed):
        if not signed:
            self.double.may(request, upload.bucket, upload.key, "update" if upload.upsert else "insert")
        if self.locked > 0:
            self.locked -= 1
            raise Refusal(self.lock_status, "acquiring lock timeout")
        if request.headers.get("Content-Type") != "application/offset+octet-stream":
            raise Refusal(415, "Content-Type must be application/offset+octet-stream\n")
        if request.headers.get("Upload-Offset") != str(len(upload.data)):
            raise Refusal(409, "Upload-Offset from header does not match the current offset\n")
        left = upload.size - len(upload.data)
        if len(request.body) != min(PIECE, left):
            # A piece that broke off is kept as far as it came.
            if not request.is_broken:
                raise Refusal(400, "pieces have to be of 6 MiB but for the last one")
        upload.data += request.body
        if len(upload.data) == upload.size:
            self.double.store(upload.bucket, upload.key, bytes(upload.data), upload.mime, upload.upsert)
        return 204, {**VERSION, "Upload-Offset": str(len(upload.data))}, b""
