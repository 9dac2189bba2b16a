import TestSupport

/// A line of JSON drawn from a seed, with secrets of known places in it: strings in strings, escapes of every kind, odd
/// numbers, and what looks like a secret and is none.
struct GeneratedLine {
    private(set) var bytes: [UInt8] = []
    /// Where each planted text is, with what a rule must see of it.
    private(set) var planted: [Range<Int>] = []
    private var random: Seeded
    private var sample: SampleText
    private var waiting: [String]

    /// - Parameter secrets: planted in this order, all of them.
    init(seed: UInt64, planting secrets: [String]) {
        random = Seeded(seed)
        sample = SampleText(seed: ~seed)
        waiting = secrets.reversed()
        bytes.append(UInt8(ascii: "{"))
        repeat { member(level: 0) } while !waiting.isEmpty || chance(3)
        bytes += Array("\"end\":0}".utf8)
    }

    private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }

    private mutating func pick(_ texts: [String]) -> String { texts.randomElement(using: &random) ?? "" }

    /// Of the text of a string that is so many strings deep; 0: outside of any.
    private mutating func write(_ text: String, level: Int) {
        bytes += Array((0..<level).reduce(text) { text, _ in text.escaped }.utf8)
    }

    private mutating func member(level: Int) {
        write("\"", level: level)
        string(level: level)
        write(pick(["\":", "\" : ", "\":\t"]), level: level)
        value(level: level, depth: 0)
        write(",", level: level)
    }

    private mutating func value(level: Int, depth: Int) {
        switch Int.random(in: 0..<(depth < 4 ? 9 : 5), using: &random) {
        case 0: write(pick(["true", "false", "null", "{}", "[]", "[ ]"]), level: level)
        case 1: write(pick(["0", "-0.0", "12345678901234567890", "1e300", "1.50E-3", "7"]), level: level)
        case 2...4:
            write("\"", level: level)
            string(level: level)
            write("\"", level: level)
        case 5:
            write("[", level: level)
            for _ in 0..<Int.random(in: 0..<3, using: &random) {
                value(level: level, depth: depth + 1)
                write(", ", level: level)
            }
            write("null]", level: level)
        case 6:
            write("{", level: level)
            member(level: level)
            write("\"z\":[]}", level: level)
        default:
            guard level < 3 else { return write("[[1]]", level: level) }
            write("\"", level: level)
            write("{", level: level + 1)
            for _ in 0..<Int.random(in: 1..<3, using: &random) { member(level: level + 1) }
            write("\"y\":1}", level: level + 1)
            write("\"", level: level)
        }
    }

    /// The content of a string whose quotes are so many strings deep.
    private mutating func string(level: Int) {
        for _ in 0..<Int.random(in: 0..<4, using: &random) { noise(level: level) }
        guard !waiting.isEmpty, chance(3) else { return }
        // What stands around a secret ends words.
        write(pick(["", " ", "\n", "\t", "\"", "(", "é ", "\\ ", "'"]), level: level + 1)
        if chance(6) { write("\\u001b[0;31m", level: level) }
        let begin = bytes.count
        let secret = waiting.removeLast()
        if chance(4) { writeInEscapes(secret, level: level) } else { write(secret, level: level + 1) }
        planted.append(begin..<bytes.count)
        write(pick(["", " ", "\n", "\r\n", "\"", ")", " é", "'"]), level: level + 1)
    }

    /// Every third character or so as `\u0041`.
    private mutating func writeInEscapes(_ text: String, level: Int) {
        for byte in text.utf8 {
            let digits = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            if chance(3) {
                write("\\u00\(digits)", level: level)
            } else {
                write(String(decoding: [byte], as: UTF8.self), level: level + 1)
            }
        }
    }

    private mutating func noise(level: Int) {
        switch Int.random(in: 0..<9, using: &random) {
        case 0: write(sample.text("{lower:7} {lower:3}, {uuid} "), level: level + 1)
        case 1: write(sample.text("sha256:{hex:64} {hex:40} "), level: level + 1)
        case 2: write("C:\\Users\\me\\new \"quoted\" a/b 'c' \u{1F600}\u{2028} ", level: level + 1)
        case 3: write(pick(["\\u00e9 ", "\\ud83d\\ude00 ", "\\u0000 ", "\\/ ", "\\b\\f "]), level: level)
        case 4: write(sample.text("data:image/png;base64,{base64:600} "), level: level + 1)
        case 5: write("\n\t- [ ] a list\r\n", level: level + 1)
        case 6:
            write(
                pick(["password", "token: string", "api_key=None", "Bearer", "-----BEGIN", "sk-", "key="]) + " ",
                level: level + 1)
        case 7:
            write(
                String(repeating: pick(["\\", "\"", "x", "é"]), count: Int.random(in: 1..<9, using: &random)) + " ",
                level: level + 1)
        default: write("\"a\": {\"b\": [1, 2]} ", level: level + 1)
        }
    }
}
