import ControlClient
import ControlPlane
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@Suite("uploaderctl's replay and restore, against a real server")
struct UploaderctlReplayTests {
    @Test("replay leaves piped bytes untouched, and escapes them on a terminal unless --raw")
    func replay() throws {
        try serving { (server) throws in
            let text = "{\"a\":\"\u{1B}[2J\u{202E}\"}\n"
            let whole = String(repeating: text, count: 20_000)
            server.handler.state.withLock { $0.pieces = Samples.pieces(Array(repeating: text, count: 20_000)) }
            #expect(run(["replay", "s1"], on: server.path).console.output == Array(whole.utf8))
            let shown = run(["replay", "s1"], on: server.path, console: KeptConsole(isTerminal: true))
            #expect(shown.text == String(repeating: "{\"a\":\"\\x1b[2J\\u{202e}\"}\n", count: 20_000))
            let raw = run(["replay", "s1", "--raw"], on: server.path, console: KeptConsole(isTerminal: true))
            #expect(raw.text == whole)
        }
    }

    @Test("replay asks for what it was told to ask for")
    func replayOptions() throws {
        try serving { (server) throws in
            let words = [
                "replay", "s1", "--lines", "2:5", "--stream", "agents/a", "--generation", "2", "--from", "archive",
                "--max-lines", "3",
            ]
            #expect(run(words + ["--to-checkpoint", "latest"], on: server.path).exit == .done)
            #expect(run(words + ["--follow"], on: server.path).exit == .done)
            var wanted = ReplayRequest(
                sid: try #require(SessionID("s1")), toCheckpoint: .latest, lines: LineRange(first: 2, last: 5),
                stream: try #require(StreamName("agents/a")), generation: 2, from: "archive", maxLines: 3)
            #expect(server.handler.state.withLock { $0.replays.first } == wanted)
            wanted.toCheckpoint = nil
            wanted.follow = true
            #expect(server.handler.state.withLock { $0.replays.last } == wanted)
        }
    }

    @Test("replay that fails half way fails, with what came before the failure")
    func replayFails() throws {
        try serving { (server) throws in
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.replayError = ControlError(.damaged, "segment 2 is damaged")
            }
            let run = run(["replay", "s1"], on: server.path)
            #expect(run.exit == .failed && run.text == "one\n" && run.errors == "uploaderctl: segment 2 is damaged\n")
        }
    }

    @Test("replay and restore that had to leave something out say what, and end with 5")
    func replayLeavesOut() throws {
        try serving { (server) throws in
            let scratch = try Scratch("left-out")
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.unread = ["in destination archive: object \u{1B}x is not a manifest that can be read"]
            }
            let restore = ["restore", "s1", "--to", scratch("s1.jsonl")]
            for words in [["replay", "s1"], ["replay", "s1", "--json"], restore, restore + ["--force", "--json"]] {
                let run = run(words, on: server.path)
                #expect(run.exit == .partlyDone, "\(words)")
                #expect(
                    run.errors == """
                        uploaderctl: lines may be missing: in destination archive: object \\x1bx is not a manifest that can be read
                          repair or remove that object; --from DESTINATION reads one store alone

                        """, "\(words)")
            }
            #expect(run(["replay", "s1"], on: server.path).text == "one\n")
            #expect(try Files.readAll(scratch("s1.jsonl")) == Array("one\n".utf8))
        }
    }

    @Test("replay ends quietly when its reader has had enough")
    func closedOutput() throws {
        try serving { (server) throws in
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(Array(repeating: String(repeating: "x", count: 9_999) + "\n", count: 100))
            }
            let run = run(["replay", "s1"], on: server.path, console: KeptConsole(patience: 50_000))
            #expect(run.exit == .done && run.errors.isEmpty)
        }
    }

    @Test("restore makes the file whole, never over another one without --force, and leaves nothing else behind")
    func restore() throws {
        try serving { (server) throws in
            let path = "\(server.directory)/run/restored.jsonl"
            defer { try? Files.unlink(path) }
            server.handler.state.withLock { $0.pieces = Samples.pieces(["one\n", "two\n"]) }
            let first = run(["restore", "s1", "--to", path], on: server.path)
            #expect(first.exit == .done)
            #expect(first.text == "\(path): 2 lines, 8B\n")
            #expect(try Files.readAll(path) == Array("one\ntwo\n".utf8))
            #expect(try Files.status(path)?.mode ?? 0 & 0o777 == 0o600)

            server.handler.state.withLock { $0.pieces = Samples.pieces(["three\n"]) }
            let second = run(["restore", "s1", "--to", path], on: server.path)
            #expect(second.exit == .refused)
            #expect(second.errors.contains("exists already"))
            #expect(try Files.readAll(path) == Array("one\ntwo\n".utf8))
            #expect(run(["restore", "s1", "--to", path, "--force", "--json"], on: server.path).exit == .done)
            #expect(try Files.readAll(path) == Array("three\n".utf8))

            server.handler.state.withLock { $0.replayError = ControlError(.backendError, "the disk is gone") }
            #expect(run(["restore", "s1", "--to", path, "--force"], on: server.path).exit == .failed)
            #expect(try Files.readAll(path) == Array("three\n".utf8))
            #expect(run(["restore", "s1", "--to", "\(server.directory)/none/x"], on: server.path).exit == .failed)
            #expect(run(["restore", "s1", "--to", server.directory], on: server.path).exit == .refused)
            #expect(
                try Files.list("\(server.directory)/run").map(\.name).sorted() == ["control.sock", "restored.jsonl"])
        }
    }

    @Test("restore does not replace a file that appears while the lines come")
    func restoreRace() throws {
        try serving { (server) throws in
            let path = "\(server.directory)/run/restored.jsonl"
            defer { try? Files.unlink(path) }
            server.handler.state.withLock {
                $0.pieces = Samples.pieces(["one\n"])
                $0.whenReplaying = { try? Files.writeDurably([1], to: path) }
            }
            #expect(run(["restore", "s1", "--to", path], on: server.path).exit == .refused)
            #expect(try Files.readAll(path) == [1])
            #expect(
                try Files.list("\(server.directory)/run").map(\.name).sorted() == ["control.sock", "restored.jsonl"])
        }
    }
}
