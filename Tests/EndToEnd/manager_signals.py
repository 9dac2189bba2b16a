"""Subscribes at a systemd manager's own socket, where systemctl asks, too, and writes a byte for whatever it tells.

Runs inside of the manager's namespace, for systemd_manager.py. Speaks as much D-Bus as that takes: the specification's
"Authentication Protocol" and "Message Format".
"""

import os
import socket
import struct
import sys

MANAGER = "org.freedesktop.systemd1"


def call(member):
    """A method call without arguments."""
    fields = b""
    for code, kind, text in [(1, b"o", "/org/freedesktop/systemd1"), (2, b"s", f"{MANAGER}.Manager"), (3, b"s", member),
                             (6, b"s", MANAGER)]:
        fields += b"\0" * (-len(fields) % 8)
        fields += bytes([code, 1]) + kind + b"\0" + struct.pack("<I", len(text)) + text.encode() + b"\0"
    message = struct.pack("<cBBBIII", b"l", 1, 0, 1, 0, 1, len(fields)) + fields
    return message + b"\0" * (-len(message) % 8)


def listen(path):
    with socket.socket(socket.AF_UNIX) as manager:
        manager.connect(path)
        manager.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        said = manager.recv(256)
        if not said.startswith(b"OK "):
            sys.exit(f"the manager said {said}")
        manager.sendall(b"BEGIN\r\n" + call("Subscribe"))
        while manager.recv(1 << 20):
            os.write(1, b".")


listen(sys.argv[1])
