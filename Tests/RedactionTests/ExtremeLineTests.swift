import Redaction
import TestSupport
import Testing

@Suite("The longest and deepest line")
struct ExtremeLineTests {
    private static let extremes: [(String, @Sendable () -> String)] = [
        ("nesting", { String(repeating: "{\"a\":", count: 10_000) + "T" + String(repeating: "}", count: 10_000) }),
        ("lists", { String(repeating: "[", count: 1 << 20) + "T" }),
        ("backslashes", { "{\"a\":\"" + String(repeating: "\\", count: 1 << 20) + "\",\"b\":T}" }),
        ("quotes", { String(repeating: "\"", count: 1 << 20) + "T" }),
        ("escaped quotes", { "{\"a\":\"" + String(repeating: "\\\"", count: 1 << 19) + "\",\"b\":T}" }),
        ("keywords", { "{\"a\":\"" + String(repeating: "password ", count: 100_000) + "\",\"b\":T}" }),
        ("fields", { "{" + String(repeating: "\"password\":[", count: 100_000) + "T" }),
        (
            "fields of every level",
            { "{" + String(repeating: "\"token\":\\\"token\\\":\\\\\\\"token\\\\\\\":", count: 30_000) + "T" }
        ),
        ("assignments", { "{\"a\":\"" + String(repeating: "api_key=\\\"none\\\", ", count: 50_000) + "\",\"b\":T}" }),
        ("no UTF-8", { "{\"a\":\"\u{0}\u{1}\",\"b\":T}" }),
        ("surrogates", { "{\"a\":\"" + String(repeating: "\\ud800", count: 100_000) + "\",\"b\":T}" }),
        ("half an escape", { "{\"b\":T,\"a\":\"\\u00" }),
    ]

    @Test("is looked through, and loses its secret", .timeLimit(.minutes(30)), arguments: extremes.indices)
    func extreme(_ place: Int) throws {
        var sample = SampleText(seed: 31)
        let redactor = try Standard.redactor()
        let secret = sample.text("\"ghp_{alnum:36}\"")
        let parts = Self.extremes[place].1().split(separator: "T", omittingEmptySubsequences: false)
        let wanted = parts.joined(separator: "\"[REDACTED:github_token]\"")
        let out = redactor.redacted(bytes: Array(parts.joined(separator: secret).utf8)).bytes
        #expect(out == Array(wanted.utf8), "\(Self.extremes[place].0)")
    }

    @Test("of beginnings of keys alone passes as it is, and the key that comes at last is found")
    func beginnings() throws {
        var sample = SampleText(seed: 3)
        let line = "{\"a\":\"" + String(repeating: "-----BEGIN PRIVATE KEY-----", count: 20_000)
        let redactor = try Standard.redactor()
        #expect(redactor.redacted(line + "\"}").isVerbatim)
        let found = redactor.redacted(line + "\\n" + sample.text("{base64:64}\\n{base64:64}") + "\"}")
        #expect(found.redactions == ["private_key": 1] && found.text.hasSuffix("-[REDACTED:private_key]\"}"))
    }
}
