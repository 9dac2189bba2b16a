"""A part of all objects is read back: always the same part, and all parts together are everything."""

PARTS = 4
WATCH = '[[watch]]\nagent = "generic"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\nmax_lines = 2\n[merge]\nenabled = false\n'


def lines(count):
    return b"".join(b'{"type":"user","n":%d}\n' % number for number in range(count))


def verified(world, *words, code=0):
    done = world.ctl_run("verify", *words, "--json", check=False)
    assert done.returncode == code, done
    found = [line for line in done.stdout.decode().splitlines()]
    return set(found[:-1]), found[-1]


def test_all_parts_are_everything_and_each_object_is_in_one(world):
    world.configure(WATCH)
    for sid in "abc":
        world.write(f"logs/{sid}.jsonl", lines(14))
    daemon = world.daemon()
    world.ctl_run("flush", "--wait")
    everything, _ = verified(world, "--deep")
    parts = [verified(world, "--sample", f"{part}/{PARTS}")[0] for part in range(1, PARTS + 1)]
    assert len(everything) == 21 and set.union(*parts) == everything and sum(map(len, parts)) == len(everything)
    assert max(map(len, parts)) < len(everything)
    daemon.kill()
    world.daemon()
    assert [verified(world, "--sample", f"{part}/{PARTS}")[0] for part in range(1, PARTS + 1)] == parts
    # Bytes that are as many as before: only who reads them sees it, and only with the part that they are in.
    target = sorted((world.store / "sessions/b/segments").iterdir())[3]
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    codes = [world.ctl_run("verify", "--sample", f"{part}/{PARTS}", check=False).returncode
             for part in range(1, PARTS + 1)]
    assert sorted(codes) == [0] * (PARTS - 1) + [1]
