"""A daemon that delivers to the double of an agnes server beside a directory, and what is to be there in the end."""

import pytest
from agnes_double import AgnesDouble
from confab_scene import write_key
from conservation import sources


@pytest.fixture
def double(world):
    with AgnesDouble(world.base / "agnes") as double:
        yield double


def destination(world, double, more="", token=None, name="team"):
    path = write_key(world, token or double.token)
    return f'[[destination]]\nname = "{name}"\ntype = "agnes"\nurl = "{double.url}"\ncredentials = "{path}"\n{more}'


def disk(path):
    return f'[[destination]]\nname = "disk"\ntype = "directory"\npath = "{path}"\n'


def configure(world, double, more="", token=None):
    world.configure(disk(world.base / "disk") + destination(world, double, more, token))


def file_name(sid, stream, generation=1):
    """What the server calls the file of a stream."""
    name = sid if stream == "main" else ".".join([sid, *stream.split("/")])
    return f"{name}.jsonl" if generation == 1 else f"{name}.g{generation}.jsonl"


def check(world, double, but=()):
    """Each file of the home is there byte for byte, nothing else is, and none ever took the place of another one."""
    wanted = {file_name(sid, stream): path.read_bytes()
              for path, (sid, stream) in sources(world.home).items() if path.stat().st_size and sid not in but}
    assert double.names() == set(wanted), (double.names() - set(wanted), set(wanted) - double.names())
    for name, data in wanted.items():
        assert double.file(name) == data, (name, len(double.file(name)), len(data))
    assert not double.broken
