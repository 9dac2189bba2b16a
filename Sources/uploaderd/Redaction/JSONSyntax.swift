/// Whether bytes that come in pieces are one JSON text (RFC 8259), or several behind each other.
///
/// Only what redaction could break is looked at: brackets, strings, and what stands between them. Numbers are not taken
/// apart, and UTF-8 is not looked at.
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
        case nothing, string(isName: Bool), escape(isName: Bool), hex(left: Int, isName: Bool), word
    }

    private var open: [Bool] = []
    private var expected = Expected.value
    private var inside = Inside.nothing
    private(set) var isBroken = false
    private var hasValue = false

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var syntax = JSONSyntax()
        syntax.pass(bytes)
        return syntax.isWhole
    }

    /// All that came is valid, and nothing is open.
    var isWhole: Bool {
        if isBroken || !open.isEmpty || !hasValue { return false }
        switch inside {
        case .nothing, .word: return true
        case .string, .escape, .hex: return false
        }
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

    private mutating func passInString(_ byte: UInt8, _ isName: Bool) {
        switch byte {
        case UInt8(ascii: "\""):
            inside = .nothing
            if isName { expected = .colon } else { endValue() }
        case 0x5C: inside = .escape(isName: isName)
        default: isBroken = true  // a control character
        }
    }

    private mutating func pass(_ byte: UInt8) {
        switch inside {
        case .string(let isName): passInString(byte, isName)
        case .escape(let isName):
            switch byte {
            case UInt8(ascii: "u"): inside = .hex(left: 4, isName: isName)
            case UInt8(ascii: "\""), 0x5C, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
                UInt8(ascii: "r"), UInt8(ascii: "t"):
                inside = .string(isName: isName)
            default: isBroken = true
            }
        case .hex(let left, let isName):
            if ASCII.hexValue(byte) == nil { isBroken = true }
            inside = left == 1 ? .string(isName: isName) : .hex(left: left - 1, isName: isName)
        case .word:
            if ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "+")
            {
                return
            }
            inside = .nothing
            endValue()
            passOutside(byte)
        case .nothing: passOutside(byte)
        }
    }

    private mutating func passOutside(_ byte: UInt8) {
        if ASCII.isSpace(byte) { return }
        switch (expected, byte) {
        case (.value, UInt8(ascii: "{")), (.firstValue, UInt8(ascii: "{")):
            open.append(true)
            expected = .firstName
        case (.value, UInt8(ascii: "[")), (.firstValue, UInt8(ascii: "[")):
            open.append(false)
            expected = .firstValue
        case (.value, UInt8(ascii: "\"")), (.firstValue, UInt8(ascii: "\"")): inside = .string(isName: false)
        case (.name, UInt8(ascii: "\"")), (.firstName, UInt8(ascii: "\"")): inside = .string(isName: true)
        case (.firstValue, UInt8(ascii: "]")), (.firstName, UInt8(ascii: "}")): close()
        case (.more, UInt8(ascii: "]")) where open.last == false: close()
        case (.more, UInt8(ascii: "}")) where open.last == true: close()
        case (.more, UInt8(ascii: ",")): expected = open.last == true ? .name : .value
        case (.colon, UInt8(ascii: ":")): expected = .value
        case (.value, let byte) where Self.beginsWord(byte), (.firstValue, let byte) where Self.beginsWord(byte):
            inside = .word
            hasValue = true
        default: isBroken = true
        }
    }

    private mutating func close() {
        open.removeLast()
        endValue()
    }

    private mutating func endValue() {
        hasValue = true
        expected = open.isEmpty ? .value : .more
    }

    private static func beginsWord(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "t") || byte == UInt8(ascii: "f")
            || byte == UInt8(ascii: "n")
    }
}
