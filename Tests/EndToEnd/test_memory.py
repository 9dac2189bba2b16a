"""Memory: what a reader of objects needs it gives back."""


def anonymous(daemon):
    """The daemon's own memory now, in bytes: what it allocated and touched."""
    with open(f"/proc/{daemon.pid}/status") as status:
        (line,) = [line for line in status if line.startswith("RssAnon")]
    return int(line.split()[1]) << 10


def test_reading_objects_again_and_again_takes_no_more_memory(world):
    world.configure('[[watch]]\nagent = "generic"\nroot = "~/logs"\n')
    for number in range(200):
        world.write(f"logs/{number}.jsonl", b'{"type":"user","text":"%s"}\n' % (b"x" * 100_000))
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")

    def read_all():
        checked = [line for line in world.ctl_lines("verify", "--deep") if "state" in line]
        assert [line["state"] for line in checked] == ["FOUND"] * 200
        return anonymous(daemon)

    # The first rounds fill what is kept: freed blocks, caches, prepared statements.
    before = min(read_all() for _ in range(3))
    after = min(read_all() for _ in range(3))
    # The buffers of one object are 320 KiB, of which a small one touches a third: some 60 MiB in three rounds.
    assert after - before < 8 << 20
    assert daemon.stop() == 0
