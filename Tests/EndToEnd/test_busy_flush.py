"""A flush while sessions are written to without a pause: it means what was there when it was asked."""

import threading

import manifest_reader


def test_it_is_answered_while_sessions_never_rest(world):
    world.configure(f'[[watch]]\nroot="{world.home}/logs"\n[segments]\nquiet="51ms"\nmax_lines=4\n')
    paths = [world.write(f"logs/{number}.jsonl", b"") for number in range(5)]
    over, begun, written = threading.Event(), threading.Event(), dict.fromkeys(paths, 0)

    def write():
        # The pace of five agents; more would be a measure of the disk.
        while not over.wait(0.015):
            for path in paths:
                with path.open("ab") as file:
                    file.write(b'{"n":%d,"text":"%s"}\n' % (written[path], b"x" * 500))
                written[path] += 1
            begun.set()

    world.daemon()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        # A flush of nothing is over before the first line.
        assert begun.wait(60)
        for _ in range(3):
            asked = dict(written)
            assert world.ctl_run("flush", "--wait").returncode == 0
            assert writer.is_alive()
            for path, count in asked.items():
                stored = manifest_reader.read(world.store, path.stem).latest()
                assert stored.count(b"\n") >= count and path.read_bytes().startswith(stored)
    finally:
        over.set()
        writer.join()
    world.ctl_run("flush", "--wait")
    for path in paths:
        assert manifest_reader.read(world.store, path.stem).latest() == path.read_bytes()
