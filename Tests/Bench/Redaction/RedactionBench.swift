import CPCRE2
import CVectorscan
import Foundation
import Redaction
import Shared

/// Measures redaction over the lines of files, in CPU time, and prints one JSON object:
///
///     redaction-bench FILE…
///
/// `redactor` is the product, from a line to what may be stored. Beside it, over the same lines and with the same rules: Vectorscan
/// alone, which only says that something matches; each expression by PCRE2, one after the other; and PCRE2 for those rules alone of
/// which a word is in the line, as other programs do it.
@main struct RedactionBench {
    static func main() throws {
        let lines = try CommandLine.arguments.dropFirst().flatMap { try Self.lines(of: $0) }
        let bytes = lines.reduce(0) { $0 + $1.count }
        let cold = cpu { _ = try? RedactionRules(.standard) }
        let compiled = try RedactionRules(.standard).compiled() ?? []
        let warm = cpu { _ = try? RedactionRules(.standard, compiled: compiled) }
        let redactor = Redactor(rules: try RedactionRules(.standard, compiled: compiled))
        let scanner = Scanner(serialised: compiled)
        var alone: [Double] = []
        var ours: [Double] = []
        var findings = 0
        for _ in 0..<7 {
            alone.append(cpu { for line in lines { scanner.scan(line) } })
            ours.append(cpu { findings = lines.reduce(0) { $0 + redact($1, redactor) } })
        }
        // Some hundred times slower: a part of the lines is enough.
        let few = Array(lines.prefix(max(1, lines.count / 20)))
        let fewBytes = few.reduce(0) { $0 + $1.count }
        let plain = PlainRules()
        let each = cpu { for line in few { plain.matchEach(line) } }
        let keyed = cpu { for line in few { plain.matchKeyed(line) } }
        let dense = Self.dense(lines)
        let figures: [String: Double] = [
            "bytes": Double(bytes), "lines": Double(lines.count), "rules": Double(RuleSet.standard.rules.count),
            "found": Double(findings), "vectorscan": rate(bytes, median(alone)), "redactor": rate(bytes, median(ours)),
            // Of each round by itself, so that what slows the machine for a while slows both.
            "of_vectorscan": median(zip(alone, ours).map { $0 / $1 }), "each_pcre2": rate(fewBytes, each),
            "keyword_pcre2": rate(fewBytes, keyed), "compile_ms": cold * 1000, "load_ms": warm * 1000,
            "longest_line_ms": (longest(of: Self.long(lines, 8 << 20), redactor)) * 1000,
            "longest_dense_line_ms": longest(of: dense, redactor) * 1000,
        ]
        let text = try JSONSerialization.data(withJSONObject: figures, options: [.sortedKeys])
        print(String(decoding: text, as: UTF8.self))
    }

    private static func lines(of path: String) throws -> [[UInt8]] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))).split(separator: 0x0A).map(Array.init)
    }

    /// One line of so many bytes, made of these.
    private static func long(_ lines: [[UInt8]], _ size: Int) -> [UInt8] {
        var line = Array("[".utf8)
        for part in lines.joined(separator: [UInt8(ascii: ",")]) where line.count < size { line.append(part) }
        return line
    }

    /// One line of 8 MiB that is full of what rules look for.
    private static func dense(_ lines: [[UInt8]]) -> [UInt8] {
        let words = #"\"api_key\": \"none\", token=abc, password: string, Bearer x, AKIA, ghp_ sk- -----BEGIN "#
        return Array(("{\"a\":\"" + String(repeating: words, count: (8 << 20) / words.utf8.count) + "\"}").utf8)
    }

    private static func longest(of line: [UInt8], _ redactor: Redactor) -> Double {
        median((0..<5).map { _ in cpu { _ = redact(line, redactor) } })
    }

    private static func redact(_ line: [UInt8], _ redactor: Redactor) -> Int {
        line.withUnsafeBytes { bytes in
            redactor.redact(RawLine(bytes: bytes, offset: 0, terminated: false)) { $0.redactions.values.reduce(0, +) }
        }
    }

    private static func rate(_ bytes: Int, _ seconds: Double) -> Double { Double(bytes) / 1e6 / seconds }

    private static func median(_ all: [Double]) -> Double { all.sorted()[all.count / 2] }

    private static func cpu(_ body: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let begun = now()
        body()
        return now() - begun
    }
}

/// Vectorscan, and nothing else.
private struct Scanner {
    private var database: OpaquePointer?
    private var scratch: OpaquePointer?

    /// - Parameter serialised: as `RedactionRules.compiled` gives it: the widths of the rules come first.
    init(serialised: [UInt8]) {
        serialised.withUnsafeBytes { all in
            let head = (Int(all.loadUnaligned(as: UInt32.self)) + 1) * 4
            let rest = UnsafeRawBufferPointer(rebasing: all[head...])
            hs_deserialize_database(rest.baseAddress?.assumingMemoryBound(to: CChar.self), rest.count, &database)
        }
        hs_alloc_scratch(database, &scratch)
    }

    func scan(_ line: [UInt8]) {
        line.withUnsafeBytes { bytes in
            let text = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            _ = hs_scan(database, text, UInt32(bytes.count), 0, scratch, { _, _, _, _, _ in 0 }, nil)
        }
    }
}

/// The same expressions by PCRE2 with JIT.
private struct PlainRules {
    private struct Rule {
        var code: OpaquePointer
        /// The longest word that every match has, in lower case; empty: none is known.
        var word: [UInt8]
    }

    private let rules: [Rule]
    private let data = pcre2_match_data_create_8(16, nil)

    init() {
        rules = RuleSet.standard.rules.compactMap { rule in
            var (error, offset): (Int32, Int) = (0, 0)
            let text = Array(rule.expression.utf8)
            guard let code = cpcre2_compile(text, text.count, 0, &error, &offset) else { return nil }
            _ = pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
            return Rule(code: code, word: Self.word(of: rule.expression))
        }
    }

    /// Letters that stand alone at the beginning: `ghp_` of `\bghp_[a-z]{36}`.
    private static func word(of expression: String) -> [UInt8] {
        var rest = expression[...]
        for prefix in ["(?i)", "\\b"] where rest.hasPrefix(prefix) { rest = rest.dropFirst(prefix.count) }
        return Array(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }.lowercased().utf8)
    }

    func matchEach(_ line: [UInt8]) { for rule in rules { match(rule, line) } }

    func matchKeyed(_ line: [UInt8]) {
        let lowered = line.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        for rule in rules where rule.word.isEmpty || memmem(lowered, lowered.count, rule.word, rule.word.count) != nil {
            match(rule, line)
        }
    }

    private func match(_ rule: Rule, _ line: [UInt8]) {
        var at = 0
        while at < line.count, cpcre2_match(rule.code, line, line.count, at, 0, data, nil) > 0 {
            guard let places = pcre2_get_ovector_pointer_8(data) else { return }
            at = max(places[1], at + 1)
        }
    }
}
