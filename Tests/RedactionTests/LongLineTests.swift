import Digests
import Redaction
import Shared
import TestSupport
import Testing

/// Lines over 8 MiB, which come in pieces: the same as if they were looked at whole.
@Suite("A long line")
struct LongLineTests {
    /// 5 MiB with a secret, an escape or a field about every 20 KiB, so that many lie at each border of a window.
    private func line(seed: UInt64) -> [UInt8] {
        var sample = SampleText(seed: seed)
        var random = Seeded(seed)
        var text = "{\"type\":\"user\",\"items\":["
        while text.utf8.count < 5 << 20 {
            let filler = sample.text("{base64:1500} {lower:30} \\u00e9 \\\\ \\n ")
            text += "\"" + String(repeating: filler, count: Int.random(in: 1...14, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: text += sample.text("\\nghp_{alnum:36}\\n\",")
            case 1: text += sample.text("\",{\"password\":\"a\\\"b{alnum:9}\"},")
            case 2:
                text += sample.text("-----BEGIN RSA PRIVATE KEY-----\\n{base64:900}\\n-----END RSA PRIVATE KEY-----\",")
            case 3: text += "\(sample.text("{\"api_key\":\"sk-proj-{word:80}\"}").escaped)\","
            case 4:
                let rule = RuleSet.standard.rules.randomElement(using: &random)
                text += " \(sample.text(rule?.examples.randomElement(using: &random) ?? "").escaped) \","
            default: text += "\\\\\\\\\\\\\","
            }
        }
        return Array((text + "null]}\n").utf8)
    }

    @Test(
        "becomes what it would become whole, in pieces of any size", arguments: [1...2, 7...8] as [ClosedRange<UInt64>])
    func same(seeds: ClosedRange<UInt64>) throws {
        let redactor = try Standard.redactor()
        for seed in seeds {
            let line = line(seed: seed)
            let whole = line.withUnsafeBytes { bytes in
                redactor.redact(RawLine(bytes: bytes, offset: 3, terminated: true)) { (Array($0.bytes), $0.redactions) }
            }
            #expect(whole.1.count >= 3)
            for pieces in [1 << 20, 300_007] {
                let (bytes, source, isFailed) = redactor.passed(line, pieces: pieces)
                #expect(!isFailed)
                #expect(bytes == whole.0, "seed \(seed), pieces of \(pieces)")
                #expect(source.redactions == whole.1)
                #expect(source.digest == RunningDigest.digest(of: line))
                #expect(source.bytes == Int64(line.count))
            }
        }
    }

    @Test("with a secret at every place of a window's border loses it", arguments: [-60, -41, -20, -1, 0, 1])
    func borders(shift: Int) throws {
        let redactor = try Standard.redactor()
        var sample = SampleText(seed: 11)
        for border in [1 << 20, (1 << 20) - (128 << 10)] {
            let secret = sample.text("ghp_{alnum:36}")
            let head = "{\"a\":\""
            let line =
                head + String(repeating: "x ", count: (border + shift - head.utf8.count) / 2) + secret
                + String(repeating: " y", count: 1 << 20) + "\"}\n"
            let (bytes, source, _) = redactor.passed(Array(line.utf8), pieces: 65_536)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(!text.contains(secret))
            #expect(text.contains("[REDACTED:github_token]"))
            #expect(source.redactions == ["github_token": 1])
        }
    }

    @Test("with a password that is longer than any window can be is withheld")
    func endless() throws {
        let redactor = try Standard.redactor()
        let line = "{\"password\":\"" + String(repeating: "ab1 ", count: 5 << 20) + "\"}\n"
        let (_, _, isFailed) = redactor.passed(Array(line.utf8), pieces: 1 << 20)
        #expect(isFailed)
    }

    @Test("with a list of passwords over several windows loses each", arguments: [false, true])
    func list(isNested: Bool) throws {
        let redactor = try Standard.redactor()
        var sample = SampleText(seed: 12)
        let list = (0..<30_000).map { _ in "\"" + sample.text("a b {alnum:4}") + "\"" }.joined(separator: ",")
        let text =
            "{\"x\":\"" + String(repeating: "y ", count: 300_000) + "\",\"password\":[\(list)],\"end\":\""
            + String(repeating: "z ", count: 500_000) + "\"}"
        let line = Array((isNested ? "{\"a\":\"\(text.escaped)\"}" : text).utf8)
        let (bytes, source, isFailed) = redactor.passed(line, pieces: 65_536)
        #expect(!isFailed)
        #expect(source.redactions == ["sensitive_field": 30_000])
        #expect(bytes == redactor.redacted(bytes: line).bytes)
    }

    @Test("with a password of some megabytes is redacted")
    func wide() throws {
        let redactor = try Standard.redactor()
        let line = "{\"password\":\"" + String(repeating: "ab1 ", count: 1 << 20) + "\",\"b\":\"c\"}\n"
        let (bytes, _, isFailed) = redactor.passed(Array(line.utf8), pieces: 1 << 20)
        #expect(!isFailed)
        #expect(String(decoding: bytes, as: UTF8.self) == "{\"password\":\"[REDACTED:sensitive_field]\",\"b\":\"c\"}\n")
    }
}

@Suite("A line that a rule cannot be applied to")
struct LimitTests {
    /// Not checked, as a configured one would be.
    private let wild = RuleSet(
        rules: [
            RedactionRule(
                "wild", "(?:a{1,40}){1,40}b", trigger: "aaaa", source: "", examples: [], nearMisses: [])
        ], fields: [])

    @Test("is withheld")
    func withheld() throws {
        let redactor = Redactor(rules: try RedactionRules(wild))
        let line = "{\"a\":\"" + String(repeating: "a", count: 3000) + "\",\"c\":\"b\"}\n"
        let outcome = redactor.redacted(line)
        #expect(outcome.withheld == .redactionFailed)
        #expect(
            outcome.text
                == "{\"type\":\"uploaderd.withheld\",\"bytes\":\(line.utf8.count),\"reason\":\"redaction_failed\"}\n")
        #expect(redactor.findings(of: line) == nil)
        #expect(redactor.redacted("{\"a\":\"bcd aab\"}\n").isVerbatim)
    }
}

@Suite("Compiled rules")
struct CompiledRulesTests {
    @Test("are the same when they come from their bytes")
    func same() throws {
        let set = RuleSet(rules: [RuleSet.standard.rules[0]], fields: ["password"])
        let bytes = try #require(try RedactionRules(set).compiled())
        let again = try RedactionRules(set, compiled: bytes)
        #expect(try again.compiled() == nil, "nothing new to keep")
        var sample = SampleText(seed: 2)
        #expect(
            Redactor(rules: again).redacted(sample.text("x AKIA{upperdigit:16}")).redactions == ["aws_access_key": 1])
    }

    @Test("that are damaged are compiled anew", arguments: [0, 3, 7, 40])
    func damaged(length: Int) throws {
        let set = RuleSet(rules: [RuleSet.standard.rules[0]], fields: [])
        let bytes = try #require(try RedactionRules(set).compiled())
        let rules = try RedactionRules(set, compiled: Array(bytes.prefix(length)))
        #expect(try rules.compiled() != nil)
    }
}
