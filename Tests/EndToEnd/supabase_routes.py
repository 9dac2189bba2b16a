"""The paths of Supabase Storage below /object and /bucket, as its double answers them."""

import base64
import hashlib
import json
import re
import secrets
import time

from supabase_errors import StorageError


class Routes:
    """The paths below /object and /bucket."""

    def __init__(self, double, request):
        self.double, self.request = double, request

    @staticmethod
    def json(value, status=200, headers=None):
        return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode()

    def answer(self):
        request = self.request
        parts = request.path.strip("/").split("/")
        if parts[0] == "bucket":
            return self.buckets(parts[1:])
        if parts[0] != "object" or len(parts) < 2:
            return self.json({"message": f"Route {request.method}:{request.path} not found", "error": "Not Found",
                              "statusCode": 404}, 404)
        kind, rest = parts[1], parts[2:]
        if request.method == "POST" and kind == "list" and len(rest) == 1:
            return self.list(rest[0])
        if request.method == "POST" and kind == "list-v2" and len(rest) == 1 and self.double.has_list_v2:
            return self.list_v2(rest[0])
        if kind == "upload" and rest[:1] == ["sign"]:
            return self.sign(rest[1]) if request.method == "POST" else self.put_signed(rest[1])
        if request.method == "GET" and kind in ("info", "authenticated"):
            rest = rest[1:] if kind == "info" and rest[0] == "authenticated" else rest
            return self.info(rest[0]) if kind == "info" else self.read(rest[0])
        # What is left is a bucket and a key: an old server takes object/list-v2/b for the object b of a bucket list-v2.
        if request.method in ("POST", "PUT") and rest:
            return self.put(kind, request.method == "PUT")
        if request.method == "GET" and rest:
            return self.read(kind)
        if request.method == "DELETE":
            return self.delete(kind) if rest else self.delete_many(kind)
        return self.json({"message": "Not Found", "error": "Not Found", "statusCode": 404}, 404)

    def key_after(self, bucket):
        return self.request.path.split(f"/{bucket}/", 1)[1]

    def buckets(self, rest):
        self.double.rights(self.request)
        if self.request.method == "POST":
            name = json.loads(self.request.body)["name"]
            self.double.add_bucket(name)
            return self.json({"name": name})
        return self.json([{"id": name, "name": name, "public": False} for name in self.double.buckets])

    def content(self):
        """(bytes, type, metadata) of an upload: the body, or the file of a form."""
        request = self.request
        mime = request.headers.get("Content-Type", "application/octet-stream")
        metadata = request.headers.get("x-metadata")
        metadata = json.loads(base64.b64decode(metadata)) if metadata else None
        if not mime.startswith("multipart/form-data"):
            return request.body, mime, metadata
        boundary = b"--" + mime.split("boundary=")[1].strip('"').encode()
        for part in request.body.split(boundary)[1:-1]:
            head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            data = data.removesuffix(b"\r\n")
            if b"filename=" in head:
                found = re.search(rb"(?i)content-type: ([^\r\n]+)", head)
                return data, found[1].decode() if found else "application/octet-stream", metadata
            if b'name="metadata"' in head:
                metadata = json.loads(data)
        raise StorageError("InvalidRequest", "No content provided")

    def put(self, bucket, is_update):
        key = self.key_after(bucket)
        upsert = is_update or self.request.headers.get("x-upsert") == "true"
        self.double.bucket(bucket)
        self.double.may(self.request, bucket, key, "update" if upsert else "insert")
        if is_update:
            self.double.found(bucket, key)
        data, mime, metadata = self.content()
        identity = self.double.store(bucket, key, data, mime, upsert, metadata)
        return self.json({"Id": identity, "Key": f"{bucket}/{key}"})

    def sign(self, bucket):
        key = self.key_after(bucket)
        upsert = self.request.headers.get("x-upsert") == "true"
        self.double.may(self.request, bucket, key, "update" if upsert else "insert")
        self.double.check_new(bucket, key, 0, None, upsert)
        token = secrets.token_urlsafe(16)
        # A minute is what a server of one's own allows.
        self.double.tokens[token] = ((bucket, key), upsert, time.time() + 60)
        return self.json({"url": f"/object/upload/sign/{bucket}/{key}?token={token}", "token": token})

    def put_signed(self, bucket):
        key = self.key_after(bucket)
        # x-upsert is not looked at: it is in the token.
        upsert = self.double.signed(self.request.query.get("token", [""])[0], bucket, key)
        data, mime, metadata = self.content()
        self.double.store(bucket, key, data, mime, upsert, metadata)
        return self.json({"Key": f"{bucket}/{key}"})

    def info(self, bucket):
        key = self.key_after(bucket)
        self.double.bucket(bucket)
        self.double.may(self.request, bucket, key, "select")
        stored = self.double.found(bucket, key)
        tag = f'"{hashlib.md5(stored.data).hexdigest()}"'
        updated = stored.updated.isoformat()
        return self.json({"id": stored.id, "name": key, "version": stored.version, "bucket_id": bucket,
                          "size": len(stored.data), "content_type": stored.mime, "cache_control": "no-cache",
                          "etag": tag, "metadata": stored.metadata, "last_modified": updated,
                          "created_at": updated}, headers={"ETag": tag})

    def read(self, bucket):
        key = self.key_after(bucket)
        self.double.bucket(bucket)
        self.double.may(self.request, bucket, key, "select")
        stored = self.double.found(bucket, key)
        headers = {"Content-Type": stored.mime, "ETag": f'"{hashlib.md5(stored.data).hexdigest()}"'}
        wanted = re.match(r"bytes=(\d+)-(\d*)\Z", self.request.headers.get("Range", ""))
        if not wanted or self.double.ignores_ranges:
            return 200, headers, stored.data
        first, size = int(wanted[1]), len(stored.data)
        if first >= size:
            raise StorageError("S3Error")
        last = min(int(wanted[2] or size - 1), size - 1)
        return 206, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}, stored.data[first:last + 1]

    def delete(self, bucket):
        key = self.key_after(bucket)
        self.double.bucket(bucket)
        self.double.may(self.request, bucket, key, "delete")
        self.double.found(bucket, key)
        del self.double.buckets[bucket].objects[key]
        return self.json({"message": "Successfully deleted"})

    def delete_many(self, bucket):
        self.double.may(self.request, bucket, "", "delete")
        objects = self.double.bucket(bucket).objects
        gone = [key for key in json.loads(self.request.body)["prefixes"] if key in objects]
        for key in gone:
            del objects[key]
        return self.json([{"name": key, "bucket_id": bucket} for key in gone])

    def visible(self, bucket):
        objects = self.double.bucket(bucket).objects
        return sorted(objects) if "select" in self.double.rights(self.request) else []

    def described(self, bucket, key, name):
        stored = self.double.buckets[bucket].objects[key]
        updated = stored.updated.isoformat()
        return {"id": stored.id, "name": name, "updated_at": updated, "created_at": updated,
                "last_accessed_at": updated, "metadata": {"size": len(stored.data), "mimetype": stored.mime}}

    def list(self, bucket):
        """One level; folders first, without an id."""
        asked = json.loads(self.request.body)
        if "prefix" not in asked:
            raise StorageError("InvalidRequest", "body must have required property 'prefix'")
        prefix = asked["prefix"]
        prefix += "/" if prefix and not prefix.endswith("/") else ""
        keys = [key for key in self.visible(bucket) if key.startswith(prefix)]
        below = [key.removeprefix(prefix) for key in keys]
        folders = sorted({name.split("/")[0] for name in below if "/" in name})
        found = [{"id": None, "name": name, "updated_at": None, "created_at": None, "last_accessed_at": None,
                  "metadata": None} for name in folders]
        found += [self.described(bucket, prefix + name, name) for name in below if "/" not in name]
        first = asked.get("offset", 0)
        return self.json(found[first:first + min(asked.get("limit", 100), self.double.page)])

    def list_v2(self, bucket):
        """Whole names, a page at a time; with a delimiter the folders apart."""
        asked = json.loads(self.request.body)
        prefix, limit = asked.get("prefix", ""), min(asked.get("limit", 1000), self.double.page)
        after = base64.b64decode(asked["cursor"]).decode() if asked.get("cursor") else ""
        entries = []
        for key in self.visible(bucket):
            if not key.startswith(prefix):
                continue
            rest = key.removeprefix(prefix)
            folder = prefix + rest.split("/")[0] + "/" if asked.get("with_delimiter") and "/" in rest else None
            if (folder or key) > after and (not entries or entries[-1][0] != folder):
                entries.append((folder or key, folder is None))
        page = entries[:limit]
        has_next = len(entries) > limit
        return self.json({
            "hasNext": has_next, "nextCursor": base64.b64encode(page[-1][0].encode()).decode() if has_next else None,
            "folders": [{"name": name} for name, is_object in page if not is_object],
            "objects": [self.described(bucket, name, name) for name, is_object in page if is_object]})
