"""Measures. Nothing is asserted: figures depend on the machine, so what counts are the ratios of one run.

    make bench                            everything, about half an hour
    make bench ARGS='backfill status'     some of it
    make bench ARGS='--rounds 5 --size 300 --json result.json'

    backfill    MB/s of --once, one core and two, tmpfs and disk, against the bare compressor on the same bytes
    appends     from write() to the object, and to the manifest that names it
    status      of a daemon that is busy with a backfill
    idle        CPU, wakeups and memory with many sessions at rest
    redaction   MB/s per CPU second, beside Vectorscan alone, plain PCRE2 and keywords before PCRE2, on $UPLOADER_CORPUS
                or generated sessions; start-up; the longest line
    segments    what manifests cost for a session of many small segments
    encryption  MB/s of a destination's encryption, beside the age tool on the same file
    uploads     500 files of 200 KB, and a home (--home 700 for 700 MB), to an S3 server, beside rclone, s5cmd and awscli with the
                same tree: wall, CPU, memory, bytes on the network (as root) and in the bucket
    distance    many small sessions (--distant 10000) to a server 50 ms away: requests in flight over time

Corpora are made once, below .build/bench; $UPLOADER_BENCH_DIR chooses another place, on whose file system "disk" is
measured, too. $UPLOADERD and $UPLOADERCTL choose other programs.
"""

import argparse
import json
import os
import pathlib
import platform
import sys

import backfill
import encryption
import latency
import redaction
import rest
import uploads
from measuring import MB, note

PARTS = ["backfill", "appends", "status", "idle", "redaction", "segments", "encryption", "uploads", "distance"]


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{model}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5, help="of the backfill and of uploads; medians are shown (default 5)")
    parser.add_argument("--size", type=int, default=300, help="MB of each corpus (default 300)")
    parser.add_argument("--samples", type=int, default=240, help="of appends (default 240)")
    parser.add_argument("--sessions", type=int, default=2000, help="at rest (default 2000)")
    parser.add_argument("--seconds", type=int, default=30, help="of rest (default 30)")
    parser.add_argument("--segments", type=int, default=5000, help="of one session (default 5000)")
    parser.add_argument("--home", type=int, default=150, help="MB of the home of uploads (default 150)")
    parser.add_argument("--distant", type=int, default=1000, help="sessions of distance (default 1000)")
    parser.add_argument("--json", type=pathlib.Path, help="writes all figures there, too")
    asked = parser.parse_args()
    measurements = {
        "backfill": (lambda: backfill.measure(asked.rounds, asked.size * MB), backfill.lines),
        "appends": (lambda: latency.appends(asked.samples), latency.append_lines),
        "status": (lambda: latency.status(asked.size * MB), latency.status_lines),
        "idle": (lambda: rest.idle(asked.sessions, asked.seconds), rest.idle_lines),
        "redaction": (redaction.measure, redaction.lines),
        "segments": (lambda: rest.segments(asked.segments, 100), rest.segment_lines),
        "encryption": (encryption.measure, encryption.lines),
        "uploads": (lambda: uploads.measure(asked.rounds, asked.home * MB), uploads.lines),
        "distance": (lambda: uploads.distance(asked.distant), uploads.distance_lines),
    }
    figures = {"machine": machine(), "load_before": os.getloadavg()}
    print(f"{figures['machine']}; load {figures['load_before'][0]:.1f} before")
    for part in asked.parts or PARTS:
        measure, lines = measurements[part]
        figures[part] = measure()
        print()
        for line in lines(figures[part]):
            print(line)
        sys.stdout.flush()
        if asked.json:
            asked.json.write_text(json.dumps(figures, indent=1))
    note(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
