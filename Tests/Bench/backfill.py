"""How fast a backlog is taken, beside what compressing the same bytes takes in the same run."""

import json
import subprocess

from measuring import MB, Place, ROOT, binary, corpora, cores, disk_place, fast_place, files, many_sessions, median, note, \
    one_session, run


def compressor():
    """The bare compressor, built when its source is newer."""
    source = ROOT / "Tests/Bench/compressor.c"
    program = corpora() / "compressor"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "libdeflate"], check=True, capture_output=True, text=True).stdout.split()
        subprocess.run(["cc", "-O2", "-pthread", "-o", program, source, *flags], check=True)
    return program


def compress(paths, count):
    log = corpora() / "compressor.log"
    code, _ = run([compressor(), count, *paths], cores=cores(count), log=log)
    if code != 0:
        raise RuntimeError(f"the bare compressor ended with {code}: {log.read_text()}")
    return json.loads(log.read_text())


def once(home, where, count):
    """One `--once` into an empty state directory: (cost, bytes in the store)."""
    with Place(where, home) as world:
        log = world.base / "log"
        # Rules are compiled at the very first start on a machine, not at each.
        environment = {**world.environment(), "XDG_CACHE_HOME": str(corpora() / "cache")}
        code, cost = run(
            [binary("uploaderd"), "--once", "--state-dir", world.state, "--runtime-dir", world.runtime],
            environment=environment, cores=cores(count), directory=world.base, log=log)
        if code != 0:
            raise RuntimeError(f"uploaderd --once ended with {code}:\n{log.read_text()[-2000:]}")
        stored = sum(path.stat().st_size for path in world.store.rglob("*.gz"))
        return cost, stored


VARIANTS = [("tmpfs", fast_place, 1), ("tmpfs", fast_place, 2), ("disk", disk_place, 1), ("disk", disk_place, 2)]


def measure(rounds, size):
    """Interleaved: each round runs every variant once."""
    result = {}
    for name, home in [("many sessions", many_sessions(size)), ("one session", one_session(size))]:
        paths = files(home)
        total = sum(path.stat().st_size for path in paths)
        bare = {count: [] for count in (1, 2)}
        taken = {(label, count): [] for label, _, count in VARIANTS}
        stored = 0
        for number in range(rounds):
            note(f"backfill of {name}, round {number + 1} of {rounds}")
            for count in bare:
                bare[count].append(compress(paths, count))
            for label, place, count in VARIANTS:
                cost, stored = once(home, place(), count)
                taken[label, count].append(cost)
        result[name] = summary(total, len(paths), stored, bare, taken)
    return result


def summary(total, count, stored, bare, taken):
    def speed(seconds):
        return total / MB / median(seconds)
    reference = {cores: {"wall": speed([each["wall"] for each in runs]), "cpu": speed([each["cpu"] for each in runs])}
                 for cores, runs in bare.items()}
    rows = []
    for (label, cores), costs in taken.items():
        wall, cpu = speed([cost.wall for cost in costs]), speed([cost.cpu for cost in costs])
        rows.append({
            "place": label, "cores": cores, "mb_per_s": wall, "mb_per_cpu_s": cpu,
            # Of each round by itself, so that what slows the machine for a while slows both.
            "of_bare": median(run["wall"] / cost.wall for run, cost in zip(bare[cores], costs)),
            "of_bare_cpu": median(run["cpu"] / cost.cpu for run, cost in zip(bare[cores], costs)),
            "of_one_core": median(one.wall / cost.wall for one, cost in zip(taken[label, 1], costs)),
            "peak_mb": max(cost.peak for cost in costs) / MB})
    return {"bytes": total, "files": count, "ratio": total / stored, "bare": reference, "uploaderd": rows,
            "bare_two_of_one": median(one["wall"] / two["wall"] for one, two in zip(bare[1], bare[2]))}


def lines(result):
    for name, each in result.items():
        yield f"Backfill, {name}: {each['bytes'] / MB:.0f} MB in {each['files']} files, compressed {each['ratio']:.2f}:1"
        for cores, bare in each["bare"].items():
            yield f"  bare compressor, {cores} core(s)   {bare['wall']:7.1f} MB/s   {bare['cpu']:7.1f} MB per CPU second"
        yield f"  bare compressor: two cores are {each['bare_two_of_one']:.2f} times one"
        yield "  uploaderd --once    MB/s  of bare   MB/CPU s  of bare   times one core   peak MB"
        for row in each["uploaderd"]:
            yield (f"    {row['place']:5}  {row['cores']} core(s) {row['mb_per_s']:8.1f}  {row['of_bare']:6.2f}   "
                   f"{row['mb_per_cpu_s']:9.1f}  {row['of_bare_cpu']:6.2f}   {row['of_one_core']:11.2f}   "
                   f"{row['peak_mb']:10.1f}")
