"""A daemon whose store is encrypted with age, wherever that store is, and what is to be there in the end."""

import shutil
import zlib

import pytest

import age_tool
from age_tool import Key
from confab_scene import write_key
from object_servers import Rclone
from supabase_double import SupabaseDouble


@pytest.fixture
def key(world):
    return Key(world.home / "identity")


class Folder:
    """A directory store."""

    def __init__(self, world):
        self.folder = world.base / "archive"
        self.world = world

    def configure(self, *keys, identity="~/identity", more=""):
        self.world.configure(
            f'{more}[[destination]]\nname = "archive"\npath = "{self.folder}"\n'
            + age_tool.table(*keys, identity=identity))

    def mirror(self):
        return self.folder

    def close(self):
        pass


class Bucket(Folder):
    """A bucket of `rclone serve s3`."""

    def __init__(self, world):
        super().__init__(world)
        self.server = Rclone()
        self.server.write_key(world)

    def configure(self, *keys, identity="~/identity", more=""):
        self.world.configure(
            more + self.server.destination("archive", prefix="sessions/") + age_tool.table(*keys, identity=identity))

    def mirror(self):
        return self.server.mirror(self.folder)

    def close(self):
        self.server.close()


class Project(Folder):
    """A bucket of Supabase Storage, as its double has it."""

    def __init__(self, world):
        super().__init__(world)
        self.double = SupabaseDouble().__enter__()
        self.key = write_key(world, self.double.key)

    def configure(self, *keys, identity="~/identity", more=""):
        self.world.configure(
            f'{more}[[destination]]\nname = "archive"\ntype = "supabase"\nurl = "{self.double.url}"\n'
            f'credentials = "{self.key}"\n' + age_tool.table(*keys, identity=identity))

    def mirror(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.double.write_to(self.folder)
        return self.folder

    def close(self):
        self.double.__exit__(None, None, None)


@pytest.fixture(params=[Folder, Bucket, Project], ids=["directory", "rclone", "supabase"])
def place(request, world):
    place = request.param(world)
    yield place
    place.close()


@pytest.fixture
def folder(world):
    return Folder(world)


def main_of(world, session):
    (path,) = [path for path, stream in session.streams.items() if stream == "main"]
    return (world.home / path).read_bytes()


def pieces_of(data, size=12):
    return {data[at:at + size] for at in range(len(data) - size)}


def require_no_text(store, world, sessions):
    """No piece of a line is in any object, nor in what one gives that is unpacked as what it is not; a store without
    encryption shows that it would be found."""
    words = set()
    for session in sessions:
        for path in session.streams:
            for line in (world.home / path).read_bytes().splitlines()[:40]:
                words |= {line[at:at + 12] for at in range(0, max(0, len(line) - 12), 12)}
    words |= {b'"segments":', b'"layout":', session.sid.encode()}
    for path in age_tool.files(store):
        data = path.read_bytes()
        assert data.startswith(age_tool.HEADER), path
        assert not words & pieces_of(data), path
        # No member of gzip begins anywhere in it.
        at = data.find(b"\x1f\x8b\x08")
        while at >= 0:
            with pytest.raises(zlib.error):
                zlib.decompress(data[at:], wbits=31)
            at = data.find(b"\x1f\x8b\x08", at + 1)
