"""The agents, each of which writes its lines as it really does."""

import dataclasses
import datetime
import json

from agent_text import Text
from generated_session import FAULTS, Session, Step, lognormal


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
