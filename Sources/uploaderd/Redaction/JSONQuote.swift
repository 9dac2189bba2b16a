/// Quotes of JSON that is in strings of JSON.
///
/// A quote behind `r` backslashes ends or begins a string of the level 1 + (trailing ones of r in binary): each level of JSON in
/// a string escapes the quote once more and doubles the backslashes. 0 and 2 are level 1 (`"`, `\\"`), 1 and 5 level 2 (`\"`,
/// `\\\\\"`), 3 is level 3.
enum JSONQuote {
    static func level(behind backslashes: Int) -> Int { 1 + (~backslashes).trailingZeroBitCount }

    /// How many backslashes a quote of the level has of its own.
    static func backslashes(ofLevel level: Int) -> Int { 1 << (level - 1) - 1 }

    /// How many backslashes are directly before `at`.
    static func backslashes(before at: Int, in raw: UnsafeRawBufferPointer) -> Int {
        var count = 0
        while count < at, raw[at - count - 1] == 0x5C { count += 1 }
        return count
    }
}
