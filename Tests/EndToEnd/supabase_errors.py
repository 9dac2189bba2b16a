"""How Supabase Storage says no: what a body calls an error, and the status that goes with it, which is another.

The status of an answer is 500 for what the server calls 500, else 400, whatever the body says; but 429 and 544 are sent as
they are. `statusCode` in the body is a string. Servers before 2024 have no `code`; there `error` is the nearest thing.
"""

import json

# code → (statusCode, error, message). From the server's own table (src/internal/errors/codes.ts).
ERRORS = {
    "NoSuchBucket": (404, "Bucket not found", "Bucket not found"),
    "NoSuchKey": (404, "not_found", "Object not found"),
    "KeyAlreadyExists": (409, "Duplicate", "The resource already exists"),
    "ResourceAlreadyExists": (409, "Duplicate", "The resource already exists"),
    "InvalidJWT": (400, "InvalidJWT", "Invalid Compact JWS"),
    "AccessDenied": (403, "Unauthorized", "new row violates row-level security policy"),
    "InvalidSignature": (400, "InvalidSignature", "Invalid signature"),
    "ExpiredToken": (400, "ExpiredToken", "The provided token has expired."),
    "InvalidKey": (400, "InvalidKey", "Invalid key"),
    "InvalidBucketName": (400, "Invalid Input", "Bucket name invalid"),
    "InvalidMimeType": (415, "invalid_mime_type", "mime type is not supported"),
    "EntityTooLarge": (413, "Payload too large", "The object exceeded the maximum allowed size"),
    "InvalidRequest": (400, "InvalidRequest", "Metadata header is required"),
    "InternalError": (500, "InternalError", "Internal server error"),
    "DatabaseError": (500, "DatabaseError", "deadlock detected"),
    "SlowDown": (429, "SlowDown", "Too many connections issued to the database"),
    "DatabaseTimeout": (544, "DatabaseTimeout", "The connection to the database timed out"),
    "DatabaseConnectionLimit": (503, "DatabaseConnectionLimit", "The database has reached its maximum number of connections."),
    "LockTimeout": (503, "acquiring_lock_timeout", "acquiring lock timeout"),
    "ResourceLocked": (423, "ResourceLocked", "The resource is locked"),
    "TransactionError": (409, "TransactionError", "could not serialize access"),
    "TenantNotFound": (400, "TenantNotFound", "Missing tenant config for tenant"),
    # What the store behind the server says: its name is the message.
    "S3Error": (416, "The requested range is not satisfiable", "InvalidRange"),
}

# Sent as they are.
REAL = {"SlowDown", "DatabaseTimeout"}


class StorageError(Exception):
    """One of the server's refusals."""

    def __init__(self, code, message=None, status=None, headers=None):
        super().__init__(code)
        self.code = code
        self.logical, self.error, usual = ERRORS[code]
        self.logical = status or self.logical
        self.message = message or usual
        self.headers = headers or {}

    @property
    def http(self):
        if self.code in REAL:
            return self.logical
        return 500 if self.logical == 500 else 400

    def body(self, legacy=False):
        """`legacy`: of a server that has no codes, and says 0 of what its schema refuses."""
        body = {"statusCode": str(self.logical), "error": self.error, "message": self.message}
        if legacy:
            if self.code == "InvalidRequest":
                body["statusCode"] = "0"
        else:
            body["code"] = self.code
        return json.dumps(body).encode()
