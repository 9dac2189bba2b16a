"""What encryption costs, by Tests/Bench/Encryption, beside the age tool on the same file."""

import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from measuring import MB, ROOT

SIZE = 64 * MB


def measure():
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        folder = pathlib.Path(folder)
        text, key, sealed = folder / "text", folder / "key", folder / "text.age"
        # As objects are: compressed, so that nothing in it repeats.
        text.write_bytes(os.urandom(SIZE))
        subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
        recipient = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
        ours = subprocess.run(
            [ROOT / ".build/release/encryption-bench", text], check=True, capture_output=True, text=True)
        return {
            **json.loads(ours.stdout),
            "age_encrypt": rate(["age", "--encrypt", "--recipient", recipient, "--output", sealed, text]),
            "age_decrypt": rate(["age", "--decrypt", "--identity", key, "--output", folder / "again", sealed]),
        }


def rate(command):
    """MB/s of the tool: it has no other way to say what it needs than to be run."""
    seconds = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(command, check=True)
        seconds.append(time.monotonic() - start)
    return SIZE / MB / statistics.median(seconds)


def lines(result):
    yield f"Encryption, one object of {SIZE / MB:.0f} MB, one recipient, MB/s"
    yield f"  encrypt                  {result['encrypt']:8.0f}, by age {result['age_encrypt']:.0f}"
    yield f"  decrypt                  {result['decrypt']:8.0f}, by age {result['age_decrypt']:.0f}"
    yield f"  encrypt, digest, encrypt {result['delivered']:8.0f}, as an object with a final name is put"
