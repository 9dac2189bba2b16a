/// Where strings are in a line of JSON that is read from its beginning: whether a byte is in one.
///
/// A quote behind `r` backslashes ends or begins a string of the level 1 + (trailing ones of r in binary): each level of JSON in
/// a string escapes the quote once more and doubles the backslashes. 0 and 2 are level 1 (`"`, `\\"`), 1 and 5 level 2 (`\"`,
/// `\\\\\"`), 3 is level 3.
struct JSONStructure {
    private(set) var isInString = false
    private var isEscaped = false

    static func level(ofQuoteBehind backslashes: Int) -> Int { 1 + (~backslashes).trailingZeroBitCount }

    /// How many backslashes are directly before `at`.
    static func backslashes(before at: Int, in raw: UnsafeRawBufferPointer) -> Int {
        var count = 0
        while count < at, raw[at - count - 1] == 0x5C { count += 1 }
        return count
    }

    /// Whether the line says that it is JSON. Others are text, in which no quote means anything.
    static func isMeant(by raw: UnsafeRawBufferPointer) -> Bool {
        for byte in raw where !ASCII.isSpace(byte) {
            // A byte order mark may come first.
            if byte == 0xEF || byte == 0xBB || byte == 0xBF { continue }
            return byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "\"")
        }
        return false
    }

    /// Passes one byte.
    ///
    /// - Returns: whether it is content of a string: not a quote of level 1, nor outside.
    @inline(__always)
    mutating func pass(_ byte: UInt8) -> Bool {
        guard isInString else {
            if byte == UInt8(ascii: "\"") { isInString = true }
            return false
        }
        if isEscaped {
            isEscaped = false
        } else if byte == 0x5C {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            return false
        }
        return true
    }
}
