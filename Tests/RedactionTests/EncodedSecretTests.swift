import Redaction
import Testing

/// Secrets behind what encoders write, and literal backslashes.
@Suite("A secret behind a backslash")
struct EncodedSecretTests {
    private func redacted(_ line: String) throws -> String { try Standard.redactor().redacted(line).text }

    @Test("keeps none of itself where its first letter could be an escape's")
    func literalBackslash() throws {
        var sample = SampleText(seed: 22)
        let templates = RuleSet.standard.rules.flatMap(\.examples).filter { template in
            template.first.map("nrtbfu".contains) == true && template.contains("{") && !template.contains("://")
        }
        #expect(templates.count > 25)
        for template in templates {
            let token = sample.text(template)
            let text = #"C:\Users\me\"# + token
            for line in [text, "{\"a\":\"\(text.escaped)\"}", "{\"a\":\"\("{\"b\":\"\(text.escaped)\"}".escaped)\"}"] {
                let out = try redacted(line)
                #expect(out.contains("[REDACTED:") && !out.contains(token.suffix(16)), "\(line): \(out)")
                if template.hasPrefix("npm_") { #expect(out.contains("\\me[REDACTED:npm_token]"), "\(out)") }
            }
        }
    }

    @Test("is found as it was behind a line break, whatever its rule")
    func lineBreak() throws {
        var sample = SampleText(seed: 24)
        for template in RuleSet.standard.rules.flatMap(\.examples) where template.first?.isLetter == true {
            for escape in ["\\n", "\\t", "\\r", "\\\\n", "\\\\\\\\t"] {
                let line = "{\"a\":\"x\(escape)\(sample.text(template).escaped)\"}"
                #expect(try redacted(line).hasPrefix("{\"a\":\"x\(escape)") && redacted(line) != line, "\(line)")
            }
        }
    }

    @Test(
        "is found where backslashes, or the u of an escape, are written as escapes themselves",
        arguments: [
            #"\u005cu005cu0067"#, #"\u005c\u00750067"#, #"\u005cu005cu005cu0067"#, #"\u005cu005c\u00750067"#,
            #"\\u005cu005cu0067"#, #"\u005C\\u0067"#,
        ])
    func spelledTwice(letter: String) throws {
        var sample = SampleText(seed: 23)
        let rest = sample.text("hp_{alnum:36}")
        #expect(try redacted("{\"a\":\"x \(letter)\(rest) y\"}") == "{\"a\":\"x [REDACTED:github_token] y\"}")
    }

    @Test(
        "is found where each of its letters is written so, also n, r, t, b and f",
        arguments: ["\\u005cu", "\\\\u005cu", "\\u005cu005cu", "\\\\u", "\\u005c\\u005cu"])
    func spelledWhole(escape: String) throws {
        var sample = SampleText(seed: 25)
        for template in ["npm_{alnum:36}", "rubygems_{hex:48}", "tvly-{alnum:32}", "bkua_{hex:40}", "fc-{hex:32}"] {
            let token = sample.text(template).unicodeScalars.map { "\(escape)00\(String($0.value, radix: 16))" }
                .joined()
            let out = try redacted("{\"a\":\"x \(token) y\"}")
            #expect(out.hasPrefix("{\"a\":\"x [REDACTED:") && out.hasSuffix("] y\"}"), "\(out)")
        }
        let behind = try redacted("{\"a\":\"x\\u005C\\u0041\(sample.text("KIA{upperdigit:16}")) y\"}")
        #expect(behind == "{\"a\":\"x[REDACTED:aws_access_key] y\"}")
        let line = try redacted("{\"a\":\"x\\u005c\\u006e\(sample.text("npm_{alnum:36}"))\"}")
        #expect(line == "{\"a\":\"x\\u005c\\u006e[REDACTED:npm_token]\"}")
    }
}
