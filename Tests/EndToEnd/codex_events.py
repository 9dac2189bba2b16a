"""What Codex does to its cold sessions: the file is another one, packed, the session is the same."""

import subprocess
import uuid

from file_scene import CODEX, append, zstd


def compress(scene):
    """Codex's cold sessions: the file is another one, the session is the same."""
    zstd(scene.rollout)
    return {}


def write_and_compress(scene):
    """What came before the compression may be nowhere else."""
    more = scene.more()
    append(scene.rollout, more)
    zstd(scene.rollout)
    return {scene.codex: [scene.rolled + more]}


def compress_and_go_on(scene):
    """A resumed session is uncompressed first; while both are there the plain one counts."""
    packed = zstd(scene.rollout)
    subprocess.run(["zstd", "-dq", packed, "-o", scene.rollout], check=True)
    more = scene.more()
    append(scene.rollout, more)
    packed.unlink()
    return {scene.codex: [scene.rolled + more]}


def come_compressed(scene):
    """A cold session that was there before us; more than one window of it."""
    cold = str(uuid.UUID(bytes=scene.rng.randbytes(16)))
    path = scene.world.home / (CODEX % cold)
    data = scene.more(12_000)
    path.write_bytes(data)
    zstd(path)
    return {cold: [data]}


EVENTS = [compress, write_and_compress, compress_and_go_on, come_compressed]
