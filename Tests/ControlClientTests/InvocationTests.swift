import ControlClient
import Shared
import Testing

@Suite("What was typed")
struct InvocationTests {
    private func error(_ words: String) -> ClientError? {
        do throws(ClientError) {
            _ = try Invocation(words.split(separator: " ").map(String.init))
            return nil
        } catch {
            return error
        }
    }

    @Test("takes options before and after the command, with and without =")
    func options() throws {
        let invocation = try Invocation(["--json", "replay", "--lines=1:2", "abc", "--socket", "/s", "--follow"])
        #expect(invocation.command?.name == "replay")
        #expect(invocation.operands == ["abc"])
        #expect(invocation.value("lines") == "1:2")
        #expect(invocation.value("socket") == "/s")
        #expect(invocation.has("json") && invocation.has("follow") && !invocation.has("raw"))
    }

    @Test("takes everything after -- as operands")
    func dashes() throws {
        #expect(try Invocation(["show", "--", "--json"]).operands == ["--json"])
    }

    @Test("knows commands of two words")
    func twoWords() throws {
        let invocation = try Invocation(["config", "check", "a.toml"])
        #expect(invocation.command?.name == "config check")
        #expect(invocation.operands == ["a.toml"])
        #expect(error("config")?.hint == "one of: config check, config show")
    }

    @Test(
        "is refused with the nearest word that there is",
        arguments: [
            ("statsu", "did you mean status?"), ("replya x", "did you mean replay?"),
            ("sess", "did you mean sessions?"),
            ("status --jsno", "did you mean --json?; behind -- nothing is an option"),
            ("show -x", "uploaderctl help lists what there is; behind -- nothing is an option"),
            ("frobnicate", "uploaderctl help lists what there is"),
        ])
    func suggestions(_ words: String, _ hint: String) throws {
        let refusal = try #require(error(words))
        #expect(refusal.code == .usage)
        #expect(refusal.hint == hint)
    }

    @Test(
        "is refused when it does not fit the command",
        arguments: [
            "show", "show a b", "status x", "status --lines 1:2", "replay", "sessions --agent", "status --watch=1",
            "status --json --json", "-x", "---json status", "completions",
        ])
    func misfit(_ words: String) { #expect(error(words)?.code == .usage) }

    @Test("offers nothing that this version cannot do")
    func offered() {
        for later in ["pull", "resolve", "search", "quarantine", "private", "forget", "archive", "ui", "doctor"] {
            #expect(error(later)?.code == .usage)
        }
    }

    @Test("has a summary, and no option twice, in every command")
    func table() {
        #expect(Set(Command.all.map(\.name)).count == Command.all.count)
        for command in Command.all {
            let names = (command.options + Command.common).map(\.name)
            #expect(Set(names).count == names.count, "\(command.name)")
            #expect(!command.summary.isEmpty && command.usage.hasPrefix("uploaderctl \(command.name)"))
        }
    }

    @Test(
        "reads points in time", arguments: [("90s", 910), ("2m", 880), ("10min", 400), ("2026-11-20", 1_795_132_800)])
    func times(_ text: String, _ seconds: Int64) {
        #expect(Amounts.time(text, now: WallTime(seconds: 1_000)) == WallTime(seconds: seconds))
    }

    @Test("refuses what is no time", arguments: ["", "2", "x", "-2h", "2y", "99999999999d"])
    func noTime(_ text: String) { #expect(Amounts.time(text, now: WallTime(seconds: 1_000)) == nil) }
}
