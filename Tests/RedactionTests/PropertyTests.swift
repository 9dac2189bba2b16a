import Foundation
import Glibc
import Redaction
import Shared
import TestSupport
import Testing

/// Lines drawn from a seed, a fresh one for each run; `UPLOADER_SOAK` draws twenty times as many.
@Suite("Any line")
struct PropertyTests {
    private static let rounds = getenv("UPLOADER_SOAK") == nil ? 150 : 3000

    /// Texts that are found alone, each with the secrets in them.
    private struct Plants {
        var texts: [String] = []
        var secrets: [[String]] = []

        init(_ count: Int, seed: UInt64, _ redactor: Redactor) throws {
            var random = Seeded(seed)
            var sample = SampleText(seed: seed)
            while texts.count < count {
                let rule = try #require(RuleSet.standard.rules.randomElement(using: &random))
                let text = sample.text(try #require(rule.examples.randomElement(using: &random)))
                // Drawn letters may be a word by chance.
                guard let found = redactor.findings(of: text), !found.isEmpty else { continue }
                texts.append(text)
                secrets.append(found.map { String(decoding: Array(text.utf8)[$0.range], as: UTF8.self) })
            }
        }
    }

    @Test("of JSON loses its secrets, nothing else, and stays JSON")
    func json() throws {
        let redactor = try Standard.redactor()
        try eachSeed { seed in
            let plants = try Plants(Int(seed % 4), seed: seed, redactor)
            let line = GeneratedLine(seed: seed, planting: plants.texts)
            let (out, isVerbatim) = redactor.redacted(bytes: line.bytes)
            let what: Comment = "seed \(seed): \(text(line.bytes)) became \(text(out))"
            #expect(throws: Never.self, "\(what)") { try JSONSerialization.jsonObject(with: Data(line.bytes)) }
            #expect(throws: Never.self, what) { try JSONSerialization.jsonObject(with: Data(out)) }
            #expect(isVerbatim == plants.texts.isEmpty, what)
            let found = try #require(redactor.findings(of: line.bytes), what)
            #expect(isSpliced(out, of: line.bytes, found), what)
            let bare = bare(out)
            for secret in plants.secrets.joined() { #expect(!bare.contains(secret), "\(secret) in \(what)") }
            #expect(redactor.redacted(bytes: out).isVerbatim, "again: \(what)")
        }
    }

    @Test("that was damaged or cut off around its secrets loses them, and nothing else")
    func damaged() throws {
        let redactor = try Standard.redactor()
        try eachSeed { seed in
            var random = Seeded(seed &+ 1)
            let plants = try Plants(1, seed: seed, redactor)
            let line = GeneratedLine(seed: seed, planting: plants.texts)
            let kept = try #require(line.planted.first)
            // What a rule must see around a secret, and the escape that stands there, are left alone.
            let (front, back) = (max(0, kept.lowerBound - 40), min(line.bytes.count, kept.upperBound + 10))
            let bytes =
                damaged(line.bytes[..<front], &random) + line.bytes[front..<back]
                + damaged(line.bytes[back...], &random)
            let (out, _) = redactor.redacted(bytes: bytes)
            let what: Comment = "seed \(seed): \(text(bytes)) became \(text(out))"
            let found = try #require(redactor.findings(of: bytes), what)
            #expect(isSpliced(out, of: bytes, found), what)
            let bare = bare(out)
            for secret in plants.secrets.joined() { #expect(!bare.contains(secret), "\(secret) in \(what)") }
        }
    }

    private func eachSeed(_ body: (UInt64) throws -> Void) throws {
        let seed = UInt64.random(in: 0..<1 << 40)
        print("PropertyTests seed \(seed)")
        for round in 0..<UInt64(Self.rounds) { try body(seed + round) }
    }

    private func damaged(_ bytes: ArraySlice<UInt8>, _ random: inout Seeded) -> [UInt8] {
        var bytes = Array(bytes)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let at = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeSubrange(at...)
            case 1: bytes.removeSubrange(..<at)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
            case 3: if at < bytes.count { bytes[at] = UInt8.random(in: 0...255, using: &random) }
            case 4: bytes.insert(contentsOf: [UInt8](repeating: 0, count: 9), at: at)
            default: bytes.insert(contentsOf: Array("\"}{\"a\":[\\ud800\u{1b}[1m".utf8), at: at)
            }
        }
        return bytes.filter { $0 != 0x0A }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// What a person could read in it: as it is, and without the escapes of each level.
    private func bare(_ bytes: [UInt8]) -> String {
        var texts = [text(bytes).replacingOccurrences(of: "\\u001b[0;31m", with: "")]
        for _ in 0..<4 {
            var next = withoutUnicodeEscapes(texts[texts.count - 1])
            for (escape, meant) in [("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\\"", "\""), ("\\\\", "\\")] {
                next = next.replacingOccurrences(of: escape, with: meant)
            }
            texts.append(next)
        }
        return texts.joined(separator: "\u{0}")
    }

    private func withoutUnicodeEscapes(_ text: String) -> String {
        let parts = text.components(separatedBy: "\\u00")
        return parts.dropFirst().reduce(parts[0]) { text, part in
            guard let byte = UInt8(part.prefix(2), radix: 16) else { return text + "\\u00" + part }
            return text + String(UnicodeScalar(byte)) + part.dropFirst(2)
        }
    }

    /// Whether `out` is `line` with a marker, quoted or not, in the place of each finding; what is over the end of a string may
    /// have several.
    private func isSpliced(_ out: [UInt8], of line: [UInt8], _ found: [Redactor.Finding]) -> Bool {
        var (kept, at) = (0, 0)
        for (number, finding) in found.enumerated() {
            let before = line[kept..<finding.range.lowerBound]
            guard out[at...].starts(with: before) else { return false }
            at += before.count
            kept = finding.range.upperBound
            let next = number + 1 < found.count ? found[number + 1].range.lowerBound : line.count
            let behind = line[kept..<next]
            var end = at
            let marker = Array("[REDACTED:\(finding.type)]".utf8)
            while end <= out.count, !(out[at..<end].contains(marker) && out[end...].starts(with: behind)) { end += 1 }
            guard end <= out.count else { return false }
            at = end
        }
        return Array(out[at...]) == Array(line[kept...])
    }
}
