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
        /// Where that ends of which it is the value, or one of them; `.max`: the end is not there.
        var reach: Int
    }

    let raw: UnsafeRawBufferPointer

    /// Leaves in `found` what the field holds.
    ///
    /// - Parameters:
    ///   - begin: of what is behind the colon and white space.
    ///   - level: of the quotes of the name.
    func values(from begin: Int, level: Int, into found: inout [Value]) {
        found.removeAll(keepingCapacity: true)
        var at = begin
        guard raw[at] == UInt8(ascii: "[") else {
            if let value = value(&at, level) { found.append(value) }
            return
        }
        at += 1
        while true {
            skipSpace(&at)
            guard let next = value(&at, level) else { break }
            found.append(next)
            skipSpace(&at)
            guard at < raw.count, raw[at] == UInt8(ascii: ",") else { break }
            at += 1
        }
        for index in found.indices { found[index].reach = at < raw.count ? at : .max }
    }

    /// The string behind a name whose quotes are written otherwise: `\u0022name\u0022:\u0022value\u0022`, as some encoders do.
    ///
    /// - Parameters:
    ///   - begin: of what is behind the colon and white space.
    ///   - quote: as it is written around the name.
    /// - Returns: `nil` when there is no such string. It ends at the next such quote, or where the string ends that it is in.
    func value(from begin: Int, quotedBy quote: Range<Int>) -> Value? {
        guard isQuote(begin, like: quote) else { return nil }
        let begin = begin + quote.count
        var at = begin
        while at < raw.count, raw[at] != UInt8(ascii: "\"") {
            guard raw[at] == 0x5C else {
                at += 1
                continue
            }
            if isQuote(at, like: quote) { return Value(range: begin..<at, reach: at) }
            while at < raw.count, raw[at] == 0x5C { at += 1 }
            at += 1
        }
        let end = min(at, raw.count)
        return Value(
            range: begin..<end - JSONQuote.backslashes(before: end, in: raw), reach: at < raw.count ? at : .max)
    }

    private func isQuote(_ at: Int, like quote: Range<Int>) -> Bool {
        at + quote.count <= raw.count && raw[at..<at + quote.count].elementsEqual(raw[quote])
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
        return begin < at ? Value(range: begin..<at, missingQuotes: level, reach: at) : nil
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
                return Value(range: begin..<end, reach: end)
            }
            at += 1
        }
        return Value(range: begin..<raw.count, reach: .max)
    }

    private func skipSpace(_ at: inout Int) {
        while at < raw.count, ASCII.isSpace(raw[at]) { at += 1 }
    }
}
