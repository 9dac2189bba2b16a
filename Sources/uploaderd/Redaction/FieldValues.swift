/// The values of a sensitive field, in the raw bytes: strings, numbers, and what an array of them holds.
///
/// The value ends at the next quote of its own level or of one around it (`JSONQuote.level`), whatever else it holds: a
/// password may have quotes, backslashes and line breaks in it.
struct FieldValues {
    struct Value {
        /// Without quotes.
        var range: Range<Int>
        /// The level of the quotes that a replacement needs: a number had none. `nil`: it is a string.
        var missingQuotes: Int?
        /// Its end is not there.
        var isOpen = false
    }

    let raw: UnsafeRawBufferPointer

    /// - Parameters:
    ///   - colon: behind the field's name.
    ///   - level: of the quotes of the name.
    func values(behind colon: Int, level: Int) -> [Value] {
        var at = colon + 1
        skipSpace(&at)
        guard at < raw.count else { return [] }
        guard raw[at] == UInt8(ascii: "[") else { return [value(&at, level)].compactMap { $0 } }
        at += 1
        var found: [Value] = []
        while true {
            skipSpace(&at)
            guard let next = value(&at, level) else { return found }
            found.append(next)
            skipSpace(&at)
            guard at < raw.count, raw[at] == UInt8(ascii: ",") else { return found }
            at += 1
        }
    }

    private func value(_ at: inout Int, _ level: Int) -> Value? {
        let begin = at
        while at < raw.count, raw[at] == 0x5C { at += 1 }
        guard at < raw.count else { return nil }
        if raw[at] == UInt8(ascii: "\""), JSONQuote.level(behind: at - begin) == level {
            return string(&at, level)
        }
        guard at == begin else { return nil }
        while at < raw.count, ASCII.isOfNumber(raw[at]) { at += 1 }
        return begin < at ? Value(range: begin..<at, missingQuotes: level) : nil
    }

    /// - Parameter at: at its first quote.
    private func string(_ at: inout Int, _ level: Int) -> Value {
        let begin = at + 1
        at = begin
        while at < raw.count {
            guard raw[at] == UInt8(ascii: "\"") else {
                at += 1
                continue
            }
            let backslashes = min(JSONQuote.backslashes(before: at, in: raw), at - begin)
            let found = JSONQuote.level(behind: backslashes)
            if found <= level {
                // What escapes the quote itself.
                let end = max(begin, at - JSONQuote.backslashes(ofLevel: found))
                at += 1
                return Value(range: begin..<end)
            }
            at += 1
        }
        return Value(range: begin..<raw.count, isOpen: true)
    }

    private func skipSpace(_ at: inout Int) {
        while at < raw.count, ASCII.isSpace(raw[at]) { at += 1 }
    }
}
