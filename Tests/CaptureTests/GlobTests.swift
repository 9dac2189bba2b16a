import Capture
import Testing

@Suite("A glob")
struct GlobTests {
    @Test(
        "matches whole paths, component by component",
        arguments: [
            ("*.jsonl", "a.jsonl", true), ("*.jsonl", "d/a.jsonl", false), ("**/*.jsonl", "a.jsonl", true),
            ("**/*.jsonl", "d/e/a.jsonl", true), ("**/*.jsonl", "d/a.json", false), ("**", "any/thing", true),
            ("d/**", "d/x/y", true), ("d/**", "e/x", false), ("d/**", "d", false), ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/xb", false), ("a**b", "a/b", false), ("a**b", "axxb", true),
            ("a?c", "abc", true), ("a?c", "a/c", false), ("a?c", "aéc", true), ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true), ("[^a-c]x", "ax", false), ("[!a]b", "/b", false),
            ("[]a]", "]", true), ("a[b", "a[b", true), ("\\*", "*", true), ("\\*", "x", false), ("/d/a", "d/a", true),
            ("**/x/**/*.jsonl", "x/a.jsonl", true), ("**/x/**/*.jsonl", "p/x/q/a.jsonl", true),
            ("**/x/**/*.jsonl", "p/xq/a.jsonl", false), ("D/*", "d/a", false), (".*", ".x", true), ("*", ".x", true),
        ])
    func whole(_ pattern: String, _ path: String, _ matches: Bool) throws {
        #expect(try Glob(pattern).matches(path) == matches)
    }

    @Test(
        "knows whether anything below a directory can match",
        arguments: [
            ("*/events.jsonl", "a", true), ("*/events.jsonl", "a/b", false), ("*.jsonl", "a", false),
            ("**/*.jsonl", "a/b", true), ("sessions/**/*.jsonl", "sessions/2026", true),
            ("sessions/**/*.jsonl", "log", false), ("sessions/**/*.jsonl", "", true),
        ])
    func pruned(_ pattern: String, _ directory: String, _ canMatch: Bool) throws {
        #expect(try Glob(pattern).canMatch(below: directory) == canMatch)
    }

    @Test("knows whether everything below a directory matches")
    func all() throws {
        #expect(try Glob("secret/**").matchesAll(below: "secret"))
        #expect(try Glob("secret/**").matchesAll(below: "secret/deeper"))
        #expect(try !Glob("secret/**").matchesAll(below: "other"))
        #expect(try !Glob("secret/*").matchesAll(below: "secret"))
        #expect(try Glob("**").matchesAll(below: ""))
    }

    @Test("refuses the empty one and one over its limit")
    func refused() {
        #expect(throws: CaptureError.self) { try Glob("") }
        #expect(throws: CaptureError.self) { try Glob("/") }
        #expect(throws: CaptureError.self) { try Glob(String(repeating: "a", count: 1025)) }
    }

    // Counted from when all tests start: on a busy machine of two cores that is minutes before this one runs.
    @Test("takes a hostile pattern without going back", .timeLimit(.minutes(10)))
    func hostile() throws {
        let glob = try Glob(String(repeating: "**/*a", count: 50) + String(repeating: "*a", count: 100) + "b")
        #expect(!glob.matches(String(repeating: "a/a", count: 1300)))
        let stars = try Glob(String(repeating: "a*", count: 500) + "b")
        #expect(!stars.matches(String(repeating: "a", count: 4000)))
    }
}
