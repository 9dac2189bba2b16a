"""Makes sessions that look real, as schedules of appends, from a seed.

    session = generator.session(seed, "claude", size=300_000)
    for step in session.steps: step.apply(home)

A session is a list of `Step`s: at a time, to a file below the home, these bytes. Between two steps a line can be
half-written: agents' writes are torn anywhere, inside UTF-8 and inside JSON, and `torn` tears them further. The shapes
and figures (sizes, mixtures, gaps, compressibility) are those measured on real sessions of Claude Code, Codex, Copilot
CLI and pi. The same seed gives the same bytes, with any Python.

    python3 generator.py SEED HOME [AGENT [SIZE]]         writes one home full of sessions
"""

import base64
import dataclasses
import datetime
import json
import math
import pathlib
import random
import sys

AGENTS = ["claude", "codex", "copilot", "pi"]

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


def session(seed, agent=None, size=None, faults=(), children=None):
    """One session. `size`: bytes of the main file, about; by default as sizes are: median 1 MB, at most 200 MB."""
    rng = random.Random(f"session {seed} {agent} {size} {sorted(faults)} {children}")
    agent = agent or rng.choices(AGENTS, [5, 3, 1, 1])[0]
    size = size or int(min(max(lognormal(rng, 1_000_000, 1.3), 2_000), 200_000_000))
    return WRITERS[agent](rng, seed, faults).written(size, children)


def home(seed, sessions=8, size=None, faults=()):
    """Several sessions of all agents, for one home."""
    rng = random.Random(f"home {seed} {sessions}")
    made = []
    for number in range(sessions):
        agent = AGENTS[number] if number < len(AGENTS) else None
        each = size and max(2_000, int(size * rng.uniform(0.3, 1.7)))
        made.append(session(f"{seed}.{number}", agent, each, faults))
    return made


def interleaved(sessions):
    """The steps of all sessions in the order of their times."""
    return sorted((step for each in sessions for step in each.steps), key=lambda step: (step.at, step.path))


def torn(steps, rng, pieces=4):
    """The same bytes in more appends, torn anywhere."""
    for step in steps:
        if step.operation != "append" or len(step.data) < 2:
            yield step
            continue
        cuts = sorted({rng.randrange(1, len(step.data)) for _ in range(rng.randrange(pieces))})
        for begin, end in zip([0, *cuts], [*cuts, len(step.data)]):
            yield dataclasses.replace(step, data=step.data[begin:end])


def lognormal(rng, median, sigma):
    return median * math.exp(rng.gauss(0, sigma))


# Text.

WORDS = ("the a session file reader writes each line once and waits for its receipt before segment cursor moves on "
         "error returned from store while opening catalog is full so that nothing was lost when process died after "
         "rename but first fsync of parent folder queue retry limit buffer offset length checksum manifest").split()
CODE = [
    "    guard let segment = try store.next(after: cursor) else { return nil }", "        let count = bytes.count",
    "    for (index, line) in lines.enumerated() where !line.isEmpty {", "}", "", "        return .failure(error)",
    "import os", "def main(arguments):", "    with open(path, 'rb') as source:", "        return source.read()",
    "func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {", "\tif err != nil {", "\t\treturn err",
    "\t}", "  const response = await fetch(url, { method: 'POST', body });", "  // the first error is the one that matters",
    "├── Sources", "│   ├── Store", "│   └── Capture", "└── Tests", "→ 12 passed, 0 failed", "#include <stdint.h>",
]
SPICE = ["—", "…", "→", "✓", "naïve", "Größe", "日本語", "🙂", "🚀", "\u001b[32mok\u001b[0m", "C:\\Users\\me\\src", "<b>", "\u0000"]


class Text:
    def __init__(self, rng):
        self.rng = rng
        self.pool = [self.fresh_line() for _ in range(400)]

    def fresh_line(self):
        rng = self.rng
        line = rng.choice(CODE)
        if rng.random() < 0.45:
            line += " " + " ".join(rng.choices(WORDS, k=rng.randrange(2, 9)))
        return line

    def prose(self, length):
        words = []
        left = length
        while left > 0:
            word = self.rng.choice(SPICE) if self.rng.random() < 0.02 else self.rng.choice(WORDS)
            words.append(word)
            left -= len(word) + 1
        return " ".join(words)

    def output(self, length):
        """A tool's output: numbered source code, much of it seen before."""
        lines = []
        number = self.rng.randrange(1, 900)
        left = length
        while left > 0:
            if self.rng.random() < 0.25:
                self.pool[self.rng.randrange(len(self.pool))] = self.fresh_line() + f" {self.rng.randrange(1 << 30):x}"
            line = f"{number:>6}→{self.rng.choice(self.pool)}"
            lines.append(line)
            left -= len(line) + 1
            number += 1
        return "\n".join(lines)

    def noise(self, length):
        """What does not compress: signatures, images, encrypted reasoning."""
        return base64.b64encode(self.rng.randbytes(max(1, int(length * 3 / 4)))).decode()

    def uuid(self):
        text = self.rng.randbytes(16).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


# Agents.

class Writer:
    """Collects lines with their times, and at the end cuts them into steps."""

    def __init__(self, rng, seed, faults):
        self.rng = rng
        self.seed = seed
        self.text = Text(rng)
        self.wanted = {name: FAULTS[name] for name in faults} if not isinstance(faults, dict) else dict(faults)
        self.had = set()
        self.now = 0.0
        self.began = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
            seconds=rng.randrange(10_000_000))
        self.sid = self.text.uuid()
        self.project = rng.choice(["uploader", "my-app", "weather", "Größe"])
        self.cwd = f"/home/user/{self.project}"
        self.branch = rng.choice(["main", "fix/the-tail", "feature/é"])
        self.steps = []
        self.streams = {}

    # Time.

    def stamp(self, backwards=0.0):
        at = self.began + datetime.timedelta(seconds=self.now)
        if self.rng.random() < backwards:
            at -= datetime.timedelta(milliseconds=self.rng.randrange(1, 900))
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"

    def wait(self, median=1.0, burst=0.15):
        if self.rng.random() < burst:
            self.now += self.rng.uniform(0, 0.02)
        elif self.rng.random() < 0.001:
            self.now += self.rng.uniform(3_600, 259_200)
        else:
            self.now += lognormal(self.rng, median, 1.8)

    # Bytes.

    def faulty(self, name):
        if self.rng.random() < self.wanted.get(name, 0):
            self.had.add(name)
            return True
        return False

    def encode(self, value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

    def put(self, path, value):
        line = value if isinstance(value, bytes) else self.encode(value)
        if self.faulty("surrogate"):
            line = line.replace(b'":"', b'":"\\ud800', 1)
        if self.faulty("invalid_utf8"):
            line = line.replace(b'":"', b'":"\xff\xfe\xc3', 1)
        if self.faulty("nul"):
            line += b"\0" * self.rng.randrange(1, 4000)
        end = b"" if self.faulty("glued") else b"\r\n" if path in self.crlf else b"\n"
        self.append(path, line + end)
        if self.faulty("blank"):
            self.append(path, b"\n" * self.rng.randrange(1, 4))

    crlf = frozenset()

    def append(self, path, data):
        if path not in self.streams:
            raise KeyError(path)
        if not any(step.path == path for step in self.steps[-1:]) or len(self.steps[-1].data) > 65_536 \
                or self.steps[-1].at != self.now:
            # One in three writes is torn: a reader sees the first part for a moment.
            if self.rng.random() < 0.33 and len(data) > 1:
                cut = self.rng.randrange(1, len(data))
                self.steps.append(Step(self.now, path, data[:cut]))
                data = data[cut:]
            self.steps.append(Step(self.now, path, data))
        else:
            last = self.steps[-1]
            self.steps[-1] = dataclasses.replace(last, data=last.data + data)

    def open(self, path, stream):
        self.streams[path] = stream
        if self.faulty("crlf"):
            self.crlf = self.crlf | {path}
        if self.faulty("bom"):
            self.append(path, b"\xef\xbb\xbf")

    def written(self, size, children):
        path = self.main_path()
        self.open(path, "main")
        grown = 0
        begun = len(self.steps)
        for value in self.lines(path, children):
            self.put(path, value)
            self.wait()
            while begun < len(self.steps):
                grown += len(self.steps[begun].data) if self.steps[begun].path == path else 0
                begun += 1
            if grown >= size:
                break
        self.closed(path)
        for stream_path in self.streams:
            self.file_faults(stream_path)
        steps = sorted(self.steps, key=lambda step: step.at)
        return Session(self.name, self.sid, self.seed, steps, self.streams, sorted(self.had))

    def closed(self, path):
        """What an agent writes when it ends; most write nothing."""

    def file_faults(self, path):
        last = max(index for index, step in enumerate(self.steps) if step.path == path)
        if self.faulty("no_newline"):
            data = self.steps[last].data
            keep = data[:self.rng.randrange(1, len(data))] if len(data) > 1 else data
            self.steps[last] = dataclasses.replace(self.steps[last], data=keep.rstrip(b"\r\n") or b"{")
        if self.faulty("nul_tail"):
            self.steps.append(Step(self.now, path, b"\0" * self.rng.randrange(1, 8192)))
        if self.faulty("rewritten"):
            self.now += 1
            again = self.encode({"type": "summary", "summary": self.text.prose(40), "leafUuid": self.text.uuid()})
            operation = self.rng.choice(["rewrite", "replace"])
            self.steps.append(Step(self.now, path, again + b"\n", operation))


class Claude(Writer):
    name = "claude"

    def main_path(self):
        self.version = self.rng.choice(["2.1.34", "2.1.71", "2.1.119", "2.1.217"])
        # Up to 2.1.7x: progress lines; later: attachments. Agent ids grew from 7 to 17 characters.
        self.early = self.version in ("2.1.34", "2.1.71")
        slug = "".join(character if character.isascii() and character.isalnum() else "-" for character in self.cwd)
        self.folder = f".claude/projects/{slug}"
        return f"{self.folder}/{self.sid}.jsonl"

    def envelope(self, kind, **more):
        uuid = self.text.uuid()
        line = {"parentUuid": getattr(self, "parent", None), "isSidechain": False, "userType": "external",
                "cwd": self.cwd, "sessionId": self.sid, "version": self.version, "gitBranch": self.branch,
                "type": kind, **more, "uuid": uuid, "timestamp": self.stamp(0.07)}
        self.parent = uuid
        return line

    def lines(self, path, children):
        rng, text = self.rng, self.text
        left = children if children is not None else (
            0 if rng.random() < 0.67 else min(25, max(1, int(lognormal(rng, 2, 0.9)))))
        model = rng.choice(["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5"])
        links = []
        if left > 0 and self.faulty("child_first"):
            left -= 1
            links = list(self.child(model))
        if rng.random() < 0.06:
            yield {"type": "summary", "summary": text.prose(30), "leafUuid": text.uuid()}
        for _ in range(rng.choice([0, 0, 1, 2])):
            yield {"type": "file-history-snapshot", "messageId": text.uuid(), "isSnapshotUpdate": False,
                   "snapshot": {"messageId": text.uuid(), "trackedFileBackups": {}, "timestamp": self.stamp()}}
        yield {"type": "permission-mode", "permissionMode": "default", "sessionId": self.sid}
        yield self.envelope("user", message={"role": "user", "content": text.prose(200)})
        yield from links
        while True:
            if rng.random() < 0.002:
                self.branch = rng.choice(["main", "dev", "fix/again"])
            if rng.random() < 0.001:
                self.cwd = f"/home/user/{self.project}/sub"
            kind = rng.choices(
                ["tool", "thinking", "text", "noise", "user", "title", "compact"], [21, 9, 9, 20, 2, 3, 0.1])[0]
            message = {"model": model, "id": "msg_" + text.uuid(), "type": "message", "role": "assistant",
                       "usage": {"input_tokens": rng.randrange(9), "output_tokens": rng.randrange(4000)}}
            if kind == "tool":
                call = "toolu_" + text.uuid().replace("-", "")[:24]
                yield self.envelope("assistant", message={**message, "content": [
                    {"type": "tool_use", "id": call, "name": "Bash", "input": {"command": text.prose(60)}}]})
                self.wait()
                yield from self.result(call)
            elif kind == "thinking":
                yield self.envelope("assistant", message={**message, "content": [
                    {"type": "thinking", "thinking": text.prose(int(lognormal(rng, 700, 0.8))),
                     "signature": text.noise(min(71_000, lognormal(rng, 880, 0.9)))}]})
            elif kind == "text":
                yield self.envelope("assistant", message={**message, "content": [
                    {"type": "text", "text": text.prose(int(lognormal(rng, 350, 1.0)))}]})
            elif kind == "noise" and self.early:
                yield self.envelope("progress", data={
                    "type": "bash_progress", "output": text.output(300), "elapsedTimeSeconds": rng.randrange(99)})
            elif kind == "noise":
                yield self.envelope("attachment", attachment={
                    "type": rng.choice(["hook_success", "task_reminder", "skill_listing"]), "content": text.prose(600)})
            elif kind == "user":
                yield self.envelope("user", message={"role": "user", "content": text.prose(160)})
                if left > 0:
                    left -= 1
                    yield from self.child(model)
            elif kind == "title":
                yield {"type": "ai-title", "aiTitle": text.prose(40), "sessionId": self.sid}
                yield {"type": "last-prompt", "leafUuid": text.uuid(), "sessionId": self.sid}
            else:
                yield from self.compaction()
            if left > 0 and children is not None:
                left -= 1
                yield from self.child(model)

    def result(self, call):
        rng, text = self.rng, self.text
        if rng.random() < 3e-4:
            image = text.noise(min(1_000_000, lognormal(rng, 27_000, 1.6)))
            yield self.envelope(
                "user", message={"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": image}}]}]},
                toolUseResult={"type": "image", "file": {"base64": image, "type": "image/png"}})
            return
        # Large outputs hold most of the bytes; a few lines are very long.
        output = text.output(int(min(100_000, lognormal(rng, 1_300, 1.5))))
        shape = rng.random()
        twice = {"stdout": output, "stderr": "", "interrupted": False} if shape < 0.95 else (
            output if shape < 0.987 else [{"type": "text", "text": output}])
        yield self.envelope("user", message={"role": "user", "content": [
            {"tool_use_id": call, "type": "tool_result", "content": output, "is_error": False}]}, toolUseResult=twice)

    def compaction(self):
        yield self.envelope("system", subtype="compact_boundary", content="Conversation compacted", level="info",
                            logicalParentUuid=getattr(self, "parent", None),
                            compactMetadata={"trigger": "auto", "preTokens": 155_000})
        yield self.envelope("user", isCompactSummary=True, isVisibleInTranscriptOnly=True,
                            message={"role": "user", "content": self.text.prose(3_000)})

    def child(self, model):
        rng, text = self.rng, self.text
        compact = rng.random() < 0.1
        agent = ("acompact-" + text.uuid()[:6]) if compact else (
            text.uuid()[:7] if self.early else "a" + text.uuid().replace("-", "")[:16])
        path = f"{self.folder}/{self.sid}/subagents/agent-{agent}.jsonl"
        self.open(path, f"agents/{agent}")
        parent, self.parent = getattr(self, "parent", None), None
        size = min(300_000, max(2_000, lognormal(rng, 30_000 if compact else 60_000, 0.7)))
        grown = 0
        turn = 0
        while grown < size:
            content = text.prose(200) if turn % 2 == 0 else [{"type": "text", "text": text.output(int(lognormal(rng, 1_500, 1)))}]
            line = self.envelope("user" if turn % 2 == 0 else "assistant", agentId=agent,
                                 message={"role": "user" if turn % 2 == 0 else "assistant", "content": content})
            line["isSidechain"] = True
            self.put(path, line)
            grown += len(self.encode(line))
            self.wait(0.3)
            turn += 1
        self.parent = parent
        # Compaction's own agents are linked from nowhere, and an orphan's parent never got as far.
        if not compact and not self.faulty("orphan"):
            yield self.envelope("user", message={"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_" + agent, "content": text.prose(100)}]},
                toolUseResult={"status": "completed", "agentId": agent, "totalTokens": rng.randrange(90_000)})


class Codex(Writer):
    name = "codex"

    def main_path(self):
        at = self.began.strftime("%Y-%m-%dT%H-%M-%S")
        return f".codex/sessions/{self.began:%Y/%m/%d}/rollout-{at}-{self.sid}.jsonl"

    def line(self, kind, payload):
        return {"timestamp": self.stamp(), "type": kind, "payload": payload}

    def meta(self, sid):
        return self.line("session_meta", {
            "id": sid, "timestamp": self.stamp(), "cwd": self.cwd, "originator": "codex_cli_rs", "cli_version": "0.145.0",
            "source": "cli", "model_provider": "openai", "base_instructions": {"text": self.text.prose(17_000)},
            "git": {"commit_hash": self.rng.randbytes(20).hex(), "branch": self.branch,
                    "repository_url": "https://example.org/me/app.git"}})

    def lines(self, path, children):
        rng, text = self.rng, self.text
        yield self.meta(self.sid)
        for _ in range(rng.choices([0, 1, 4], [80, 16, 4])[0]):
            yield self.meta(text.uuid())
        yield self.line("event_msg", {"type": "user_message", "message": text.prose(300)})
        while True:
            kind = rng.choices(["call", "tokens", "message", "reasoning", "turn", "compacted", "patch"],
                               [18, 15, 18, 9, 1.4, 0.06, 2])[0]
            if kind == "call":
                call = "call_" + text.uuid()[:13]
                yield self.line("response_item", {"type": "function_call", "name": "shell", "call_id": call,
                                                  "arguments": json.dumps({"command": ["bash", "-lc", text.prose(80)]})})
                output = text.output(int(min(100_000, lognormal(rng, 1_600, 1.2))))
                self.wait(0.5, 0.55)
                yield self.line("event_msg", {"type": "exec_command_end", "call_id": call, "exit_code": 0,
                                              "aggregated_output": output})
                yield self.line("response_item", {"type": "function_call_output", "call_id": call, "output": output})
            elif kind == "tokens":
                yield self.line("event_msg", {"type": "token_count", "info": {"total_token_usage": {
                    "input_tokens": rng.randrange(10**6), "cached_input_tokens": rng.randrange(10**6),
                    "output_tokens": rng.randrange(10**5), "reasoning_output_tokens": rng.randrange(10**5)}}})
            elif kind == "message":
                said = text.prose(int(lognormal(rng, 300, 0.9)))
                yield self.line("event_msg", {"type": "agent_message", "message": said})
                yield self.line("response_item", {"type": "message", "role": "assistant",
                                                  "content": [{"type": "output_text", "text": said}]})
            elif kind == "reasoning":
                yield self.line("response_item", {"type": "reasoning", "summary": [],
                                                  "encrypted_content": text.noise(lognormal(rng, 1_000, 0.8))})
            elif kind == "turn":
                yield self.line("turn_context", {"cwd": self.cwd, "approval_policy": "on-request", "model": "gpt-5.5",
                                                 "effort": "high", "user_instructions": text.prose(1_500)})
            elif kind == "patch":
                yield self.line("event_msg", {"type": "patch_apply_end", "success": True, "stdout": text.output(900)})
            else:
                history = [{"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": text.prose(2_000)}]} for _ in range(rng.randrange(4, 40))]
                yield self.line("compacted", {"message": "", "replacement_history": history})
                yield self.line("event_msg", {"type": "context_compacted"})


class Copilot(Writer):
    name = "copilot"

    def main_path(self):
        return f".copilot/session-state/{self.sid}/events.jsonl"

    def line(self, kind, data):
        identifier = self.text.uuid()
        line = {"type": kind, "data": data, "id": identifier, "timestamp": self.stamp(),
                "parentId": getattr(self, "parent", None)}
        self.parent = identifier
        return line

    def lines(self, path, children):
        rng, text = self.rng, self.text
        yield self.line("session.start", {
            "sessionId": self.sid, "copilotVersion": "0.0.420", "startTime": self.stamp(), "context": {
                "cwd": self.cwd, "gitRoot": self.cwd, "branch": self.branch, "headCommit": rng.randbytes(20).hex(),
                "repository": "me/app"}})
        while True:
            yield self.line("user.message", {"content": text.prose(200)})
            yield self.line("assistant.turn_start", {"turnId": str(rng.randrange(99))})
            for _ in range(rng.randrange(1, 6)):
                call = text.uuid()
                yield self.line("tool.execution_start", {"toolCallId": call, "toolName": "bash",
                                                         "arguments": {"command": text.prose(60)}})
                self.wait(0.4)
                yield self.line("tool.execution_complete", {"toolCallId": call, "success": True, "result": {
                    "content": text.output(int(lognormal(rng, 1_200, 1.0)))}})
            yield self.line("assistant.message", {"messageId": text.uuid(), "content": text.prose(400)})
            yield self.line("assistant.turn_end", {"turnId": str(rng.randrange(99))})

    def closed(self, path):
        if self.rng.random() < 0.75:
            self.put(path, self.line("session.shutdown", {"shutdownType": "routine", "totalPremiumRequests": 3}))


class Pi(Writer):
    name = "pi"

    def main_path(self):
        folder = "--" + self.cwd.strip("/").replace("/", "-") + "--"
        at = self.began.strftime("%Y-%m-%dT%H-%M-%S-000Z")
        return f".pi/agent/sessions/{folder}/{at}_{self.sid}.jsonl"

    def line(self, kind, **more):
        identifier = self.rng.randbytes(4).hex()
        line = {"type": kind, "id": identifier, "parentId": getattr(self, "parent", None), "timestamp": self.stamp(), **more}
        self.parent = identifier
        return line

    def lines(self, path, children):
        rng, text = self.rng, self.text
        yield {"type": "session", "version": 3, "id": self.sid, "timestamp": self.stamp(), "cwd": self.cwd}
        yield self.line("model_change", provider="anthropic", modelId="claude-sonnet-4-6")
        while True:
            yield self.line("message", message={"role": "user", "content": [{"type": "text", "text": text.prose(150)}]})
            yield self.line("message", message={"role": "assistant", "content": [
                {"type": "thinking", "thinking": text.prose(300), "thinkingSignature": text.noise(700)},
                {"type": "toolCall", "id": text.uuid(), "name": "read", "arguments": {"path": "a.swift"}}]})
            yield self.line("message", message={"role": "toolResult", "content": [
                {"type": "text", "text": text.output(int(lognormal(rng, 2_000, 1.1)))}]})
            if rng.random() < 0.01:
                yield self.line("compaction", summary=text.prose(1_000), tokensBefore=150_000)


WRITERS = {each.name: each for each in (Claude, Codex, Copilot, Pi)}


def hostile(seed=1, long_line=80 * 1024 * 1024):
    """Name → a file's bytes: everything that a parser must survive, each in a file of its own."""
    rng = random.Random(f"hostile {seed}")
    plain = b'{"type":"user","timestamp":"2026-03-01T00:00:00.000Z","message":"x"}\n'
    lone = b'{"type":"user","text":"\\ud800 and \\udfff"}\n'
    return {
        "crlf": plain.replace(b"\n", b"\r\n") * 3,
        "bom": b"\xef\xbb\xbf" + plain * 2,
        "nul-runs": plain + b"\0" * 5_000 + plain + b"\0\n\0\0\n" + plain + b"\0" * 70_000,
        "invalid-utf8": plain + b'{"a":"\xff\xfe\xc3(\xe2\x82"}\n' + bytes(range(256)).replace(b"\n", b"") + b"\n" + plain,
        "blank-lines": b"\n\n" + plain + b"\n \n\t\n\r\n" + plain + b"\n\n\n",
        "lone-surrogates": lone + plain + lone,
        "nested": b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n" + b"[" * 5_000 + b"\n" + plain,
        "long-line": plain + b'{"data":"' + rng.randbytes(4096).hex().encode() * (long_line // 8192) + b'"}\n' + plain,
        "empty": b"",
        "one-partial-line": b'{"type":"user","message":"no end',
        "partial-after-lines": plain * 3 + '{"type":"user","message":"é'.encode()[:-1],
        "not-objects": b'1\n"text"\nnull\n[1,2]\ntrue\n{}\n[]\nnot json at all\n',
        "duplicate-keys": b'{"type":"user","type":"compacted","type":"user","a":1,"a":2}\n' + plain,
        "glued": plain.strip() + plain.strip() + plain,
        "escaped-type": b'{"\\u0074ype":"user","x":"\\"type\\":\\"compacted\\""}\n' + plain,
        "only-newlines": b"\n" * 10_001,
        "only-nuls": b"\0" * 100_000,
        "one-byte": b"x",
        "one-newline": b"\n",
    }


def main(arguments):
    seed, where = arguments[0], pathlib.Path(arguments[1])
    agent = arguments[2] if len(arguments) > 2 else None
    size = int(arguments[3]) if len(arguments) > 3 else None
    made = [session(seed, agent, size)] if agent else home(seed, size=size)
    for each in made:
        each.apply(where)
        print(each.agent, each.sid, sum(len(step.data) for step in each.steps), "bytes")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: generator.py SEED HOME [AGENT [SIZE]]")
    main(sys.argv[1:])
