"""The `age` tool (Debian's package age), which nobody here wrote: makes keys, reads what was encrypted, and encrypts itself."""

import pathlib
import shutil
import subprocess

SUFFIX = ".age"
HEADER = b"age-encryption.org/v1\n-> X25519 "


class Key:
    """An identity in a file of mode 0600, and its recipient."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        subprocess.run(["age-keygen", "-o", self.path], check=True, capture_output=True)
        self.path.chmod(0o600)
        self.recipient = subprocess.run(
            ["age-keygen", "-y", self.path], check=True, capture_output=True, text=True).stdout.strip()
        self.secret = self.path.read_text().splitlines()[-1]

    def decrypt(self, data):
        return subprocess.run(
            ["age", "--decrypt", "--identity", self.path], input=data, check=True, capture_output=True).stdout

    def encrypt(self, data):
        return subprocess.run(
            ["age", "--encrypt", "--recipient", self.recipient], input=data, check=True, capture_output=True).stdout

    def open(self, store, into):
        """Decrypts every object of a directory into another one, which is then as if nothing had been encrypted."""
        shutil.rmtree(into, ignore_errors=True)
        for path in files(store):
            assert path.name.endswith(SUFFIX), f"{path} is not encrypted"
            target = into / path.relative_to(store).with_name(path.name.removesuffix(SUFFIX))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.decrypt(path.read_bytes()))
        return into


def files(store):
    return sorted(path for path in pathlib.Path(store).rglob("*") if path.is_file())


def table(*keys, identity="~/identity"):
    """The lines of a destination that say for whom it is encrypted."""
    recipients = ", ".join(f'"{key.recipient}"' for key in keys)
    return f'encryption = "age"\nrecipients = [{recipients}]\n' + (f'identity = "{identity}"\n' if identity else "")
