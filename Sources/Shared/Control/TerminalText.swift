/// Foreign text made harmless for a terminal: nothing in it can move the cursor, change a colour, ring, or turn the
/// direction of what stands around it.
///
///     ESC [ 2 J   →  \x1b[2J        (C0, DEL)
///     U+009B      →  \u{9b}         (C1)
///     U+202E      →  \u{202e}       (bidi controls, and the two Unicode line ends)
///     0xFF alone  →  \xff           (what is no UTF-8)
package enum TerminalText {
    /// Line ends too: a text in a table or a sentence is one line.
    package static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isDangerous($0) }) else { return text }
        var out = ""
        for scalar in text.unicodeScalars { append(scalar, to: &out) }
        return out
    }

    /// JSON stays JSON: what the encoder leaves as it is, and a terminal would obey, becomes `\u….`.
    package static func escapedJSON(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isDangerous($0) }) else { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            if isDangerous(scalar) {
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// C0, DEL, C1; ALM, LRM, RLM, the embeddings, overrides and isolates of UAX #9; LINE and PARAGRAPH SEPARATOR.
    static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    static func append(_ scalar: Unicode.Scalar, to out: inout String) {
        guard isDangerous(scalar) else {
            out.unicodeScalars.append(scalar)
            return
        }
        switch scalar.value {
        case 0x09: out += "\\t"
        case 0x0A: out += "\\n"
        case 0x0D: out += "\\r"
        case 0..<0x80: out += hex(UInt8(scalar.value))
        default: out += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    static func hex(_ byte: UInt8) -> String { "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}

/// The same for a stream of bytes that comes in pieces, cut anywhere: lines stay lines, all else is escaped.
package struct TerminalEscaper {
    /// The beginning of a character whose end has not come.
    private var held: [UInt8] = []

    package init() {}

    package mutating func escaped(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        held.append(contentsOf: bytes)
        let whole = held.count - Self.unfinished(held)
        defer { held.removeFirst(whole) }
        return Self.escaped(held[..<whole])
    }

    /// What is left at the end.
    package mutating func end() -> [UInt8] {
        defer { held = [] }
        return Self.escaped(held[...])
    }

    private static func escaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out = ""
        var decoder = UTF8()
        var rest = bytes[...]
        while !rest.isEmpty {
            var iterator = rest.makeIterator()
            switch decoder.decode(&iterator) {
            case .scalarValue("\n"):
                out += "\n"
                rest = rest.dropFirst()
            case .scalarValue(let scalar):
                TerminalText.append(scalar, to: &out)
                rest = rest.dropFirst(UTF8.width(scalar))
            case .error, .emptyInput:
                out += TerminalText.hex(rest[rest.startIndex])
                rest = rest.dropFirst()
            }
            decoder = UTF8()
        }
        return Array(out.utf8)
    }

    /// How many bytes at the end may be the beginning of a longer character.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return wanted > back ? back : 0
        }
        return 0
    }
}
