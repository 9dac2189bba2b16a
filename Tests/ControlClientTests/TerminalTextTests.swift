import ControlClient
import Shared
import TestSupport
import Testing

@Suite("Foreign text on a terminal")
struct TerminalTextTests {
    @Test(
        "cannot steer it",
        arguments: [
            ("plain é 漢 😀", "plain é 漢 😀"), ("\u{1B}[2J", "\\x1b[2J"), ("a\u{0}b", "a\\x00b"), ("\u{7F}", "\\x7f"),
            ("\u{9B}31m", "\\u{9b}31m"), ("a\u{202E}b", "a\\u{202e}b"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("\u{61C}\u{200E}\u{200F}", "\\u{61c}\\u{200e}\\u{200f}"), ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{2028}", "\\u{2028}"), ("\u{85}", "\\u{85}"),
        ])
    func escaped(_ text: String, _ shown: String) { #expect(TerminalText.escaped(text) == shown) }

    @Test("leaves no control character whatever comes")
    func exhaustive() {
        for value in UInt32(0)...0x20FF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let shown = TerminalText.escaped(String(Character(scalar)))
            for scalar in shown.unicodeScalars {
                #expect(scalar.properties.generalCategory != .control, "U+\(String(value, radix: 16))")
                let isBidi = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
                #expect(!isBidi && ![0x61C, 0x200E, 0x200F].contains(scalar.value))
            }
        }
    }

    @Test("stays JSON when it is JSON")
    func json() throws {
        let value = JSONValue.string("a\u{9B}\u{202E}\u{7F}\n")
        let text = TerminalText.escapedJSON(String(decoding: try JSONText.encode(value), as: UTF8.self))
        #expect(text == #""a\u009b\u202e\u007f\n""#)
        #expect(try JSONReader.value(of: Array(text.utf8)) == value)
    }

    private func escaped(_ pieces: [[UInt8]]) -> String {
        var escaper = TerminalEscaper()
        var out: [UInt8] = []
        for piece in pieces { out += piece.withUnsafeBytes { escaper.escaped($0) } }
        return String(decoding: out + escaper.end(), as: UTF8.self)
    }

    @Test("keeps lines when it is a stream of bytes, and shows what is no UTF-8")
    func stream() {
        #expect(
            escaped([Array("é\n\u{1B}x".utf8), [0xFF, 0xC3], [0x41, 0xE2, 0x82]]) == "é\n\\x1bx\\xff\\xc3A\\xe2\\x82")
    }

    @Test("is the same however the bytes are cut")
    func split() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let parts: [[UInt8]] = [
            Array("漢".utf8), Array("😀".utf8), Array("é".utf8), [0xFF], [0xE2, 0x80], Array("\u{202E}".utf8), [0x1B],
            [0x0A],
            [0xF0, 0x9F], [0x80], Array("abc".utf8), Array("\u{9B}".utf8), [0xC0, 0xAF], [0xED, 0xA0, 0x80],
        ]
        for _ in 0..<1_000 {
            let bytes = (0..<8).flatMap { _ in parts.randomElement(using: &random) ?? [] }
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...3, using: &random))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(escaped(pieces) == escaped([bytes]), "seed \(seed): \(bytes)")
        }
    }

    @Test(
        "takes as many columns as it takes",
        arguments: [
            ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("😀", 2), ("👨‍👩‍👧", 2), ("", 0), ("ｶ", 1), ("ア", 2), ("❤️", 2),
        ])
    func width(_ text: String, _ columns: Int) { #expect(TextWidth.columns(text) == columns) }

    @Test("is cut to a width, at either end")
    func fitted() {
        #expect(TextWidth.fitted("abcdef", to: 6) == "abcdef")
        #expect(TextWidth.fitted("abcdefg", to: 6) == "abcde…")
        #expect(TextWidth.fitted("漢字漢字", to: 6) == "漢字…")
        #expect(TextWidth.fittedEnd("/home/user/project", to: 8) == "…project")
    }
}
