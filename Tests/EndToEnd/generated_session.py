"""What `generator` makes: sessions as schedules of appends, and the faults that they can have."""

import dataclasses
import math
import pathlib

# Rates of the faults, for each line or, from `no_newline` on, for each file. Off unless asked for.
LINE_FAULTS = {"glued": 0.01, "blank": 0.005, "invalid_utf8": 0.001, "surrogate": 0.002, "nul": 0.001}
FILE_FAULTS = {"no_newline": 0.02, "nul_tail": 0.001, "crlf": 0.005, "bom": 0.001, "rewritten": 0.005,
               "child_first": 0.2, "orphan": 0.01}
FAULTS = {**LINE_FAULTS, **FILE_FAULTS}


@dataclasses.dataclass(frozen=True)
class Step:
    at: float
    """Seconds since the session began."""
    path: str
    """Relative to the home."""
    data: bytes
    operation: str = "append"
    """append · rewrite (cut to nothing, then write) · replace (a new file is renamed over the old one)"""

    def apply(self, home):
        path = pathlib.Path(home) / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.operation == "replace":
            beside = path.with_name(f".{path.name}.new")
            beside.write_bytes(self.data)
            beside.rename(path)
            return
        with open(path, "wb" if self.operation == "rewrite" else "ab", buffering=0) as file:
            view = memoryview(self.data)
            while view:
                view = view[file.write(view):]


@dataclasses.dataclass
class Session:
    agent: str
    sid: str
    seed: int
    steps: list
    streams: dict
    """Relative path → stream name (as the store calls it)."""
    faults: list
    """The faults that it really has."""

    def generations(self, path):
        """What the file holds, generation by generation, when all steps were seen."""
        found = []
        for step in self.steps:
            if step.path != path:
                continue
            if step.operation != "append" or not found:
                found.append(bytearray())
            found[-1] += step.data
        return [bytes(each) for each in found]

    def apply(self, home):
        for step in self.steps:
            step.apply(home)


def lognormal(rng, median, sigma):
    return median * math.exp(rng.gauss(0, sigma))
