"""Claude Code: a main file, and one for each sub-agent."""

from agent_writers import Writer
from generated_session import lognormal


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
