/// Copies a line and puts a marker in the place of each secret; nothing else changes.
///
///     "key":"sk-…"      "key":"[REDACTED:openai_key]"
///     "pin":123456      "pin":"[REDACTED:sensitive_field]"
///
/// Of JSON no quote, bracket or comma is ever removed, whatever a rule found: a span that goes over the end of a string is
/// replaced piece by piece, and a number with the quotes that a marker needs.
struct Splice {
    private let isJSON: Bool
    private(set) var structure = JSONStructure()

    /// - Parameter isJSON: see `JSONStructure.isMeant`.
    init(isJSON: Bool) { self.isJSON = isJSON }

    /// Appends `raw[range]` to `out`, without the secrets in it.
    ///
    /// - Parameters:
    ///   - range: begins where the last call's ended, and ends in no span.
    ///   - spans: in order, without overlaps.
    ///   - marker: of a span.
    mutating func copy(
        _ raw: UnsafeRawBufferPointer, _ range: Range<Int>, without spans: [RawSpan], marker: (RawSpan) -> [UInt8],
        into out: inout [UInt8]
    ) {
        var copied = range.lowerBound
        var at = range.lowerBound
        func replace(_ range: Range<Int>, _ bytes: [UInt8]) {
            out.append(contentsOf: raw[copied..<range.lowerBound])
            out += bytes
            copied = range.upperBound
        }
        for span in spans where !span.range.isEmpty {
            guard isJSON else {
                replace(span.range, marker(span))
                continue
            }
            while at < span.range.lowerBound {
                _ = structure.pass(raw[at])
                at += 1
            }
            while at < span.range.upperBound {
                if let token = token(at, in: raw, from: copied) {
                    replace(token, quoted(marker(span), level: 1))
                    at = token.upperBound
                } else if structure.pass(raw[at]) {
                    let content = self.content(from: at, to: span.range.upperBound, in: raw)
                    replace(content.range, quoted(marker(span), level: span.missingQuotes))
                    at = content.next
                } else {
                    at += 1
                }
            }
        }
        while isJSON, at < range.upperBound {
            _ = structure.pass(raw[at])
            at += 1
        }
        out.append(contentsOf: raw[copied..<range.upperBound])
    }

    /// Passes on from a byte of a string that was passed, to the string's end or to `end`.
    ///
    /// - Returns: the content, and where it goes on: behind the quote, if that was met.
    private mutating func content(
        from begin: Int, to end: Int, in raw: UnsafeRawBufferPointer
    ) -> (range: Range<Int>, next: Int) {
        var at = begin + 1
        while at < end {
            guard structure.pass(raw[at]) else { return (begin..<at, at + 1) }
            at += 1
        }
        return (begin..<end, end)
    }

    private func quoted(_ marker: [UInt8], level: Int?) -> [UInt8] {
        guard let level else { return marker }
        let quote = [UInt8](repeating: 0x5C, count: 1 << (level - 1) - 1) + [UInt8(ascii: "\"")]
        return quote + marker + quote
    }

    /// The number around `at`, outside of strings; `nil`: what is there is no number.
    private func token(_ at: Int, in raw: UnsafeRawBufferPointer, from first: Int) -> Range<Int>? {
        guard !structure.isInString, Self.isOfToken(raw[at]) else { return nil }
        var begin = at
        while begin > first, Self.isOfToken(raw[begin - 1]) { begin -= 1 }
        var end = at
        while end < raw.count, Self.isOfToken(raw[end]) { end += 1 }
        // true, false and null are no secrets.
        return ASCII.isLetter(raw[begin]) ? nil : begin..<end
    }

    private static func isOfToken(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || ASCII.isLetter(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            || byte == UInt8(ascii: ".")
    }
}
