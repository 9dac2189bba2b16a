/// Whether bytes that come in pieces are one JSON text (RFC 8259), or several behind each other.
///
/// Only what redaction could break is looked at: brackets, strings, words, and what stands between them. Numbers are not taken
/// apart, and UTF-8 is not looked at. A byte order mark may come first.
struct JSONSyntax {
    private enum Expected {
        /// A value; behind `[` its end, too.
        case value, firstValue
        /// A name; behind `{` its end, too.
        case name, firstName
        case colon
        /// A comma, or the end of what is open.
        case more
    }

    private enum Inside {
        case nothing, string(isName: Bool), escape(isName: Bool), hex(left: Int, isName: Bool), number
        /// The rest of `true`, `false` or `null`, its next byte in the lowest bits.
        case word(UInt32)
    }

    /// Deeper is no JSON: an implementation may set limits (RFC 8259, section 9), and each level takes a byte.
    private static let deepest = 1 << 20

    /// Of each bracket that is open whether it is `{`.
    private var open: [Bool] = []
    private var expected = Expected.value
    private var inside = Inside.nothing
    private var hasValue = false
    /// What came is not JSON, nor the beginning of any. It stays so.
    private(set) var isBroken = false

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var syntax = JSONSyntax()
        syntax.pass(bytes)
        return syntax.isWhole
    }

    /// All that came is valid, and nothing is open.
    var isWhole: Bool {
        if isBroken || !open.isEmpty { return false }
        switch inside {
        case .nothing: return hasValue
        case .number: return true
        case .word, .string, .escape, .hex: return false
        }
    }

    /// The last byte was one of a number.
    var isInNumber: Bool {
        if case .number = inside { !isBroken } else { false }
    }

    mutating func pass(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while at < bytes.count, !isBroken {
            if case .string(let isName) = inside {
                // The bulk of a line.
                while at < bytes.count, bytes[at] != 0x22, bytes[at] != 0x5C, bytes[at] >= 0x20 { at += 1 }
                guard at < bytes.count else { return }
                passInString(bytes[at], isName)
            } else {
                pass(bytes[at])
            }
            at += 1
        }
    }

    /// Passes one byte.
    ///
    /// - Returns: whether it is content of a string: not its quotes, nor outside.
    @discardableResult
    mutating func pass(_ byte: UInt8) -> Bool {
        if isBroken { return false }
        switch inside {
        case .string(let isName):
            passInString(byte, isName)
            return !isBroken && byte != UInt8(ascii: "\"")
        case .escape(let isName): passEscaped(byte, isName)
        case .hex(let left, let isName):
            isBroken = ASCII.hexValue(byte) == nil
            inside = left == 1 ? .string(isName: isName) : .hex(left: left - 1, isName: isName)
        case .number:
            if !ASCII.isOfNumber(byte) {
                endValue()
                passOutside(byte)
            }
            return false
        case .word(let rest):
            isBroken = byte != UInt8(truncatingIfNeeded: rest)
            if rest >> 8 != 0 { inside = .word(rest >> 8) } else { endValue() }
            return false
        case .nothing:
            passOutside(byte)
            return false
        }
        return !isBroken
    }

    private mutating func passInString(_ byte: UInt8, _ isName: Bool) {
        switch byte {
        case UInt8(ascii: "\""):
            if isName {
                inside = .nothing
                expected = .colon
            } else {
                endValue()
            }
        case 0x5C: inside = .escape(isName: isName)
        default: isBroken = byte < 0x20
        }
    }

    private mutating func passEscaped(_ byte: UInt8, _ isName: Bool) {
        switch byte {
        case UInt8(ascii: "u"): inside = .hex(left: 4, isName: isName)
        case UInt8(ascii: "\""), 0x5C, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            inside = .string(isName: isName)
        default: isBroken = true
        }
    }

    private mutating func passOutside(_ byte: UInt8) {
        if ASCII.isSpace(byte) { return }
        switch (expected, byte) {
        case (.value, _): beginValue(byte)
        case (.firstValue, let byte) where byte != UInt8(ascii: "]"): beginValue(byte)
        case (.name, UInt8(ascii: "\"")), (.firstName, UInt8(ascii: "\"")): inside = .string(isName: true)
        case (.firstValue, _), (.firstName, UInt8(ascii: "}")): close()
        case (.more, UInt8(ascii: "]")) where open.last == false: close()
        case (.more, UInt8(ascii: "}")) where open.last == true: close()
        case (.more, UInt8(ascii: ",")): expected = open.last == true ? .name : .value
        case (.colon, UInt8(ascii: ":")): expected = .value
        default: isBroken = true
        }
    }

    private mutating func beginValue(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            isBroken = open.count == Self.deepest
            open.append(byte == UInt8(ascii: "{"))
            expected = byte == UInt8(ascii: "{") ? .firstName : .firstValue
        case UInt8(ascii: "\""): inside = .string(isName: false)
        case UInt8(ascii: "t"): inside = .word(0x65_7572)  // rue
        case UInt8(ascii: "f"): inside = .word(0x6573_6C61)  // alse
        case UInt8(ascii: "n"): inside = .word(0x6C_6C75)  // ull
        case UInt8(ascii: "-"): inside = .number
        case 0xEF, 0xBB, 0xBF: isBroken = hasValue || !open.isEmpty
        default: if ASCII.isDigit(byte) { inside = .number } else { isBroken = true }
        }
    }

    private mutating func close() {
        open.removeLast()
        endValue()
    }

    private mutating func endValue() {
        inside = .nothing
        hasValue = true
        expected = open.isEmpty ? .value : .more
    }
}
