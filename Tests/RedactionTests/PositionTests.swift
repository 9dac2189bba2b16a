import Foundation
import Redaction
import Shared
import TestSupport
import Testing

/// Secrets of every rule, wherever a line can have them.
@Suite("A secret")
struct PositionTests {
    /// Where a text is put into a line: `T` is the text, escaped as often as the place is deep.
    private struct Place: Sendable, CustomTestStringConvertible {
        var name: String
        var line: @Sendable (String) -> String
        var testDescription: String { name }
    }

    private static let places: [Place] = [
        Place(name: "at the start of a string") {
            "{\"type\":\"user\",\"text\":\"\($0.escaped) is it\",\"n\":12345678901234567890}\n"
        },
        Place(name: "at the end of a string") { "{\"text\":\"it is \($0.escaped)\",\"e\":1.50e3}\n" },
        Place(name: "before an escaped quote") { "{\"text\":\"say \\\"\($0.escaped)\\\" now\"}\n" },
        Place(name: "behind a line break") { "{\"text\":\"first\\n\($0.escaped)\\nlast\",\"z\":null}\n" },
        Place(name: "behind a tab and before a return") { "{\"text\":\"\\t\($0.escaped)\\r\\n\"}\r\n" },
        Place(name: "in a key") { "{\"a\":{\"\($0.escaped)\":true}}\n" },
        Place(name: "in an array") { "{\"a\":[\"x\",\"\($0.escaped)\",\"y\"]}\n" },
        Place(name: "in JSON in a string") { "{\"a\":\"\("{\"b\":\"c \($0.escaped) d\"}".escaped)\"}\n" },
        Place(name: "in JSON in a string in a string") {
            "{\"a\":\"\("{\"b\":\"\("{\"c\":\"\($0.escaped)\"}".escaped)\"}".escaped)\",\"t\":\"\u{e9}\u{1F600}\"}\n"
        },
        Place(name: "behind a line break, three levels deep") {
            "{\"a\":\"\("{\"b\":\"\("{\"c\":\"x\\n\($0.escaped)\\n\"}".escaped)\"}".escaped)\"}\n"
        },
        Place(name: "among unicode escapes") { "{\"text\":\"\\u00e9\\ud83d\\ude00 \($0.escaped) \\u2028\"}\n" },
    ]

    @Test("of any rule is removed from any place, and the line stays what it was around it", arguments: 1...3)
    func anywhere(seed: UInt64) throws {
        let redactor = try Standard.redactor()
        var sample = SampleText(seed: seed)
        for rule in RuleSet.standard.rules {
            for template in rule.examples {
                for place in Self.places {
                    let text = sample.text(template)
                    let line = place.line(text)
                    let outcome = redactor.redacted(line)
                    let what: Comment = "\(rule.id) \(place.name), seed \(seed): \(line) became \(outcome.text)"
                    #expect(outcome.withheld == nil, what)
                    #expect(!outcome.isVerbatim, what)
                    #expect(!outcome.redactions.isEmpty, what)
                    try requireValid(outcome.text, what)
                    requireKept(line, outcome.text, what)
                    #expect(redactor.redacted(outcome.text).isVerbatim, "again: \(what)")
                }
            }
        }
    }

    @Test("written in unicode escapes is removed with them")
    func unicode() throws {
        var sample = SampleText(seed: 4)
        let redactor = try Standard.redactor()
        let token = sample.text("ghp_{alnum:36}")
        let all = token.unicodeScalars.map { "\\u00" + hex($0.value) }.joined()
        #expect(redactor.redacted("{\"a\":\"x \(all) y\"}").text == "{\"a\":\"x [REDACTED:github_token] y\"}")
        let first = "\\u0067" + token.dropFirst()
        #expect(redactor.redacted("{\"a\":\"\(first)\"}").text == "{\"a\":\"[REDACTED:github_token]\"}")
        // Backslashes may be written so, too, and what is behind them.
        let line = "{\"a\":\"x\\u005c\\u006e\(all)\\u005c\\u0022\"}"
        #expect(redactor.redacted(line).text == "{\"a\":\"x\\u005c\\u006e[REDACTED:github_token]\\u005c\\u0022\"}")
        let nested = "\\\\u0067" + token.dropFirst()
        #expect(redactor.redacted("{\"a\":\"\(nested)\"}").text == "{\"a\":\"[REDACTED:github_token]\"}")
    }

    @Test("keeps everything around it byte for byte, whatever that is")
    func bytes() throws {
        var sample = SampleText(seed: 5)
        let redactor = try Standard.redactor()
        let token = sample.text("glpat-{word:20}")
        let before = "  {\"n\":123456789012345678901234567890.10,\"k\" : \"\\/ \\u003c<>&\u{7f}\",\"a\":\""
        let after = "\",\"b\":-0.0,\"a\":1e400,\"a\":2}  \r\n"
        #expect(
            redactor.redacted(before + token + after).text == before + "[REDACTED:gitlab_token]" + after)
    }

    @Test("in a line that is no JSON is removed, too")
    func text() throws {
        var sample = SampleText(seed: 6)
        let redactor = try Standard.redactor()
        let token = sample.text("npm_{alnum:36}")
        #expect(redactor.redacted("export T=\(token)\n").text == "export T=[REDACTED:npm_token]\n")
        #expect(redactor.redacted("\"\(token)").text == "\"[REDACTED:npm_token]")
        #expect(
            redactor.redacted("{\"half\":\"of a line \(token)").text == "{\"half\":\"of a line [REDACTED:npm_token]")
    }

    private func hex(_ value: UInt32) -> String { (value < 16 ? "0" : "") + String(value, radix: 16) }

    private func requireValid(_ text: String, _ what: Comment) throws {
        #expect(throws: Never.self, what) {
            _ = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        }
    }

    /// Beginning and end are the line's, and between markers nothing is that was not there.
    private func requireKept(_ line: String, _ redacted: String, _ what: Comment) {
        var rest = line[...]
        var pieces: [String] = []
        for part in redacted.components(separatedBy: "[REDACTED:") {
            pieces.append(pieces.isEmpty ? part : String(part.drop { $0 != "]" }.dropFirst()))
        }
        #expect(line.hasPrefix(pieces.first ?? ""), what)
        #expect(line.hasSuffix(pieces.last ?? ""), what)
        for piece in pieces {
            guard let found = rest.range(of: piece) ?? (piece.isEmpty ? rest.startIndex..<rest.startIndex : nil) else {
                Issue.record("'\(piece)' was not in the line: \(what)")
                return
            }
            rest = rest[found.upperBound...]
        }
    }
}
