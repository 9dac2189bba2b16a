import Redaction
import Testing

@Suite("A private key with something before each of its lines")
struct PrefixedKeyTests {
    /// The lines of one, with its labels.
    private static let lines: [String] = {
        var sample = SampleText(seed: 31)
        let body = (0..<25).map { _ in sample.text("{base64:62}a0") } + [sample.text("{base64:9}=")]
        return ["-----BEGIN RSA PRIVATE KEY-----"] + body + ["-----END RSA PRIVATE KEY-----"]
    }()

    /// `N` stands for the line's number.
    private func left(_ before: String, _ after: String) throws -> [String] {
        let numbered = Self.lines.enumerated().map { number, line in
            before.replacing("N", with: "\(number + 1)") + line + after
        }
        let text = numbered.joined(separator: "\n")
        let patch = numbered.map { "\"+\($0.escaped)\"" }.joined(separator: ",")
        return try [text, "{\"a\":\"\(text.escaped)\",\"n\":1}", "{\"lines\":[\(patch)]}"].flatMap { line in
            let out = try Standard.redactor().redacted(line).text
            return Self.lines.dropFirst().dropLast().filter { out.contains($0) }
        }
    }

    @Test(
        "goes as a whole",
        arguments: [
            ("", ""), ("    ", ""), ("N\t", ""), ("keys/id_rsa:N:", ""), ("keys/id_rsa-", ""), ("app-1  | ", ""),
            ("app-1  | 2026-01-01T00:00:N.000Z ", ""), ("Jan 01 00:00:00 host app[123]: ", ""), ("// ", ""),
            ("[pod/x/app] ", ""), ("abcdef12 (Joe 2026-01-01 00:00:00 +0000 N) ", ""), ("+    ", ""), ("-      ", ""),
            ("2026-01-01 INFO ", ""), ("  \"", "\\n\" +"), ("  \"", "\","), ("| ", " |"), ("│ ", " │"),
            ("echo \"", "\" >> k"),
            ("> > ", ""), ("", "$"), ("", "\\"),
        ])
    func whole(before: String, after: String) throws { #expect(try left(before, after) == []) }

    @Test("ends where what is before a line is another")
    func other() throws {
        let (key, more) = (Self.lines.dropLast().prefix(6), Self.lines.dropFirst(7).prefix(3))
        let text = (key.map { "a:" + $0 } + ["a:and so on"] + more.map { "b:" + $0 }).joined(separator: "\n")
        let out = try Standard.redactor().redacted(text).text
        #expect(out == "a:[REDACTED:private_key]\na:and so on\n" + more.map { "b:" + $0 }.joined(separator: "\n"))
    }

    @Test("goes with its last label, however much comes behind that in the line")
    func muchBehind() throws {
        let key = Self.lines.map { "+    " + $0 }.joined(separator: "\n")
        let rest = String(repeating: " x", count: 1_000)
        #expect(try Standard.redactor().redacted(key + rest).text == "+    [REDACTED:private_key]" + rest)
    }

    @Test(
        "goes where its beginning is elsewhere",
        arguments: [
            ("", ""), ("    ", ""), ("N\t", ""), ("keys/id_rsa:N:", ""), ("app-1  | ", ""), ("+    ", ""), ("// ", ""),
            ("  \"", "\\n\" +"), ("  \"", "\","), ("| ", " |"),
        ], [0, 7])
    func tail(marks: (before: String, after: String), cut: Int) throws {
        let lines = [String(Self.lines[20].dropFirst(cut))] + Self.lines.dropFirst(21)
        let text = lines.enumerated().map { number, line in
            marks.before.replacing("N", with: "\(number + 20)") + line + marks.after
        }.joined(separator: "\n")
        for line in [text, "{\"a\":\"\(text.escaped)\",\"n\":1}"] {
            let out = try Standard.redactor().redacted(line).text
            // Of a first line that was cut off only what has nothing before it is known.
            let wanted = lines.dropFirst(cut == 0 || marks.before.isEmpty ? 0 : 1)
            #expect(wanted.filter { $0.count > 16 && out.contains($0) } == [], "\(out)")
            #expect(out.contains("[REDACTED:private_key]"))
        }
    }

    @Test("is one where a label only begins before it, and stays where it is allowed as a whole")
    func aroundTail() throws {
        let tail = Self.lines.dropFirst(20).joined(separator: "\n")
        let out = try Standard.redactor().redacted("x -----BEGIN\n\(tail)").text
        #expect(out == "x -----BEGIN\n[REDACTED:private_key]")
        let set = RuleSet(rules: RuleSet.standard.rules, fields: [], allowed: ["-----BEGIN[\\s\\S]{0,4000}"])
        let whole = Self.lines.joined(separator: "\n")
        #expect(Redactor(rules: try RedactionRules(set)).redacted(whole).isVerbatim)
    }

    @Test(
        "is none where it ends so, and what is before has other lines",
        arguments: ["CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "PRIVATE"])
    func otherTail(label: String) throws {
        let lines = Self.lines.dropFirst(20).dropLast() + ["-----END \(label)-----"]
        for end in ["", "\n-----END PRIVATE KEY-----"] where label == "CERTIFICATE" || end.isEmpty {
            let line = "{\"a\":\"\((lines.joined(separator: "\n") + end).escaped)\"}"
            #expect(try Standard.redactor().redacted(line).isVerbatim)
        }
    }

    @Test("that is none takes no time", .timeLimit(.minutes(5)))
    func hostile() throws {
        let redactor = try Standard.redactor()
        for lines in [
            "k:-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n \n \n",
            "\"-----BEGIN PRIVATE KEY-----\"a", "-----END PRIVATE KEY-----\n", "a\n-----END PRIVATE KEY-----\n\n",
        ] {
            let line = "{\"a\":\"\(String(repeating: lines, count: 50_000).escaped)\"}"
            #expect(redactor.redacted(line).isVerbatim)
        }
        let key = Self.lines.map { "k:\($0)\n" }.joined()
        #expect(redactor.redacted("{\"a\":\"\(String(repeating: key, count: 2_000).escaped)\"}").withheld == nil)
    }
}
