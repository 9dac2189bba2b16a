import Redaction
import Shared
import TestSupport
import Testing

/// Lines that are not what they say, or are made to be slow.
@Suite("A hostile line")
struct HostileLineTests {
    /// `T` stands for the secret.
    @Test(
        "that only begins like JSON, or is broken before the secret, loses it",
        arguments: [
            "[12:00:01] INFO key T\n", "[INFO] T", "{key: T}", "{\"a\":\"spliced{\"b\":\"T\"}",
            "{\"a\":\"b\u{0}\",\"c\":\"T\"}",
            "[T]", "{\"a\":T}", "{\"a\":true T}", "\"a\" T", "{\"a\":\"\\x\",\"b\":\"T\"}", "{\"a\":\"b\"}} T",
            "[1,2,]T",
            "\u{FEFF}{\"a\":\"T\"}", "{\"a\":nT}", "{\"a\":1 T}", "{\"a\":tru\"T\"}", "{\"a\":trueT\"}",
        ])
    func broken(line: String) throws {
        let redactor = try Standard.redactor()
        var sample = SampleText(seed: 21)
        for template in ["ghp_{alnum:36}", "aws_secret_access_key={base64:39}7", "postgres://u:{alnum:12}!+@db"] {
            let secret = sample.text(template)
            let core = String(
                secret.split { $0 == "=" || $0 == "@" }.first { $0.count > 30 } ?? secret.dropFirst(13).dropLast(3))
            let line = line.split(separator: "T", omittingEmptySubsequences: false).joined(separator: secret)
            let text = redactor.redacted(line).text
            #expect(text.contains("[REDACTED:") && !text.contains(core), "\(line) became \(text)")
        }
    }

    @Test("with a number that goes on behind a window, of which a rule found a part, is no crash")
    func number() throws {
        let set = RuleSet(
            rules: [RedactionRule("pin", "[0-9]{4}", source: "", examples: [], nearMisses: [])], fields: [])
        let redactor = Redactor(rules: try RedactionRules(set))
        // Wherever a window ends, it ends in a number, between two matches or in one.
        for digits in [40, 120] {
            let number = String(repeating: "1234", count: digits / 4)
            let border = (1 << 20) - (128 << 10)
            let numbers = Array(repeating: number, count: 20_000 / digits).joined(separator: ",")
            let line = Array(
                ("[\"" + String(repeating: "x ", count: (border - 10_000) / 2) + "\"," + numbers + ",\""
                    + String(repeating: " y", count: 200_000) + "\"]\n").utf8)
            let whole = redactor.redacted(String(decoding: line, as: UTF8.self)).text
            #expect(whole.utf8.count < line.count)
            for pieces in (0..<3).map({ (1 << 20) + $0 * 13 }) {
                let (bytes, _, isFailed) = redactor.passed(line, pieces: pieces)
                #expect(isFailed && digits > 64 || String(decoding: bytes, as: UTF8.self) == whole)
            }
        }
    }

    @Test("of many matches beside a keyword that is not there is looked through for it once", .timeLimit(.minutes(30)))
    func keywords() throws {
        let set = RuleSet(
            rules: [
                RedactionRule("pin", "id=[0-9]{4}", keywords: ["acme"], source: "", examples: [], nearMisses: [])
            ], fields: [])
        let redactor = Redactor(rules: try RedactionRules(set))
        let line =
            "{\"a\":\"" + String(repeating: "id=1234" + String(repeating: " a", count: 40), count: 20_000) + "\"}"
        #expect(redactor.redacted(line).isVerbatim)
    }

    @Test(
        "with a secret behind an escape that is no part of a word loses it",
        arguments: [
            "\\f", "\\b", "\\u001b[32m", "\\u001b[01;31m\\u001b[K", "\\u001B[1m", "\\u001b(B\\u001b[m", "\\u0007",
        ])
    func escapes(escape: String) throws {
        var sample = SampleText(seed: 22)
        let redactor = try Standard.redactor()
        let key = sample.text("AKIA{upperdigit:16}")
        for depth in 0..<3 {
            let text = (0..<depth).reduce("x \(escape)\(key) y") { text, _ in text.escaped }
            let outcome = redactor.redacted("{\"a\":\"\(text)\"}").text
            #expect(!outcome.contains(key), "\(outcome)")
        }
        let coloured = "x ghp_\\u001b[m\\u001b[K" + sample.text("{alnum:36} y")
        #expect(redactor.redacted("{\"a\":\"\(coloured)\"}").text == "{\"a\":\"x [REDACTED:github_token] y\"}")
    }

    @Test("that ends in half of a colour keeps the name of the next field")
    func halfAColour() throws {
        for half in ["\\u001b[", "\\u001b[3", "\\u001b(", "\\u001b", "\\u00"] {
            let line = "{\"a\":\"x\(half)\",\"password\":\"me and you\"}"
            #expect(try !Standard.redactor().redacted(line).text.contains("me and you"), "\(line)")
        }
    }

    @Test("has a key with an address of example.com in it: it is no placeholder")
    func placeholder() throws {
        var sample = SampleText(seed: 23)
        let key = sample.text(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: me@example.com\n\n{base64:64}\n-----END PGP PRIVATE KEY BLOCK-----"
        )
        #expect(
            try Standard.redactor().redacted("{\"a\":\"\(key.escaped)\"}").text == "{\"a\":\"[REDACTED:private_key]\"}")
    }

    @Test("of over 8 MiB has a secret that its rule knows by what is far before it")
    func farContext() throws {
        let set = RuleSet(
            rules: [
                RedactionRule(
                    "far", "BEGIN[a ]{0,30000}(k[0-9]{8})", source: "", examples: [], nearMisses: [])
            ], fields: [])
        let redactor = Redactor(rules: try RedactionRules(set))
        let border = (1 << 20) - (128 << 10)
        for shift in [-20_000, -5_000, 0, 5_000, 15_000, 28_000, 30_000] {
            let head = "{\"a\":\"" + String(repeating: "x ", count: (border + shift) / 2 - 14_000)
            let line =
                head + "BEGIN" + String(repeating: "a ", count: 14_000) + "k12345678\",\"b\":\""
                + String(repeating: " y", count: 1 << 20) + "\"}\n"
            let (bytes, _, isFailed) = redactor.passed(Array(line.utf8), pieces: 65_536)
            #expect(!isFailed)
            #expect(bytes == Array(line.replacing("k12345678", with: "[REDACTED:far]").utf8), "shift \(shift)")
        }
    }
}
