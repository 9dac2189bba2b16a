/// The values of a sensitive field, in the raw bytes: strings, numbers, and what lists and objects below it hold.
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
        /// It stands below another name, which does not say that it is the field's value.
        var isOfOtherName = false
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
        guard raw[at] == UInt8(ascii: "[") || raw[at] == UInt8(ascii: "{") else {
            if let value = value(&at, level) { found.append(value) }
            return
        }
        nested(&at, level, into: &found)
        for index in found.indices { found[index].reach = at < raw.count ? at : .max }
    }

    /// In bytes: how far what has lists or objects in it is looked through. Less than `LineWindows` keeps in front.
    private static let longestNested = 32 << 10

    private static let deepest = 32

    /// A list or an object that is open.
    private struct Open {
        var isObject: Bool
        var meaning: Meaning
    }

    /// What a name below the field says of what stands behind it.
    private enum Meaning {
        /// It is the field's value.
        case value
        case other
        /// It tells what such a value is like, as schemas and forms do.
        case description
    }

    @inline(never)
    private func nested(_ at: inout Int, _ level: Int, into found: inout [Value]) {
        let begin = at
        var open: [Open] = []
        var meaning = Meaning.value
        while at < raw.count {
            // A flat list is followed wherever it ends.
            if open.count > 1 || open.last?.isObject == true, at - begin > Self.longestNested { return }
            switch raw[at] {
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                guard open.count < Self.deepest else { return }
                open.append(Open(isObject: raw[at] == UInt8(ascii: "{"), meaning: meaning))
                at += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                open.removeLast()
                guard let last = open.last else { return }
                meaning = last.meaning
                at += 1
            case UInt8(ascii: ","):
                meaning = open.last?.meaning ?? .value
                at += 1
            case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
                while at < raw.count, ASCII.isLetter(raw[at]) { at += 1 }
            default:
                let before = at
                skipSpace(&at)
                if at > before { continue }
                guard var next = value(&at, level) else { return }
                skipSpace(&at)
                if open.last?.isObject == true, at < raw.count, raw[at] == UInt8(ascii: ":") {
                    if open.last?.meaning != .description { meaning = Self.meaning(of: raw[next.range]) }
                    at += 1
                } else if meaning != .description {
                    next.isOfOtherName = meaning == .other
                    found.append(next)
                }
            }
        }
    }

    private static func meaning(of name: Slice<UnsafeRawBufferPointer>) -> Meaning {
        let text = String(decoding: name.prefix(16), as: UTF8.self).lowercased()
        if values.contains(text) { return .value }
        return descriptions.contains(text) ? .description : .other
    }

    private static let values: Set<String> = [
        "value", "values", "current", "new", "old", "previous", "next", "confirm", "confirmation", "repeat", "raw",
        "plain", "plaintext", "cleartext", "secret", "password", "string", "literal",
    ]

    private static let descriptions: Set<String> = [
        "type", "description", "title", "$ref", "format", "label", "placeholder", "message", "messages", "pattern",
        "kind", "help", "hint", "error", "errors", "required", "in", "example", "examples", "enum", "autocomplete",
        "rules", "status", "items", "properties", "valuefrom", "options", "validation", "widget", "i18n",
    ]

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

    /// Also that of JSON in a string, where a line break is an escape.
    private func skipSpace(_ at: inout Int) {
        while at < raw.count {
            var next = at
            while next < raw.count, raw[next] == 0x5C { next += 1 }
            guard next < raw.count else { return }
            let isEscape = next > at && "nrt".utf8.contains(raw[next])
            guard isEscape || next == at && ASCII.isSpace(raw[at]) else { return }
            at = next + 1
        }
    }
}
