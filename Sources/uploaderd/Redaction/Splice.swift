/// Copies a line and puts a marker in the place of each secret; nothing else changes.
///
///     "key":"sk-…"      "key":"[REDACTED:openai_key]"
///     "pin":123456      "pin":"[REDACTED:sensitive_field]"
///
/// Of JSON no quote, bracket or comma is ever removed, whatever a rule found: a span that goes over the end of a string is
/// replaced piece by piece, and a number with the quotes that a marker needs. From where a line is no JSON no quote means
/// anything: a span is replaced as it is.
struct Splice {
    /// Has passed all that was copied, as it was.
    private(set) var syntax = JSONSyntax()

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
        for span in spans {
            // A number that an earlier one is in may have taken some of it, or all.
            let end = span.range.upperBound
            pass(raw, &at, to: span.range.lowerBound)
            while at < end {
                let isContent = syntax.pass(raw[at])
                if syntax.isBroken {
                    replace(at..<end, marker(span))
                    at = end
                } else if syntax.isInNumber {
                    let number = number(around: at, of: copied..<range.upperBound, in: raw)
                    replace(number, quoted(marker(span), level: 1))
                    at += 1
                    pass(raw, &at, to: number.upperBound)
                } else if isContent {
                    let content = content(from: at, to: end, in: raw)
                    replace(content.range, quoted(marker(span), level: span.missingQuotes))
                    at = content.next
                } else {
                    at += 1
                }
            }
        }
        pass(raw, &at, to: range.upperBound)
        out.append(contentsOf: raw[copied..<range.upperBound])
    }

    private mutating func pass(_ raw: UnsafeRawBufferPointer, _ at: inout Int, to end: Int) {
        guard at < end else { return }
        syntax.pass(UnsafeRawBufferPointer(rebasing: raw[at..<end]))
        at = end
    }

    /// Passes on from a byte of a string that was passed, to the string's end or to `end`.
    ///
    /// - Returns: the content, and where it goes on: behind the quote, if that was met.
    private mutating func content(
        from begin: Int, to end: Int, in raw: UnsafeRawBufferPointer
    ) -> (range: Range<Int>, next: Int) {
        var at = begin + 1
        // What breaks the string is as much of the secret as what is before it.
        while at < end {
            guard syntax.pass(raw[at]) || syntax.isBroken else { return (begin..<at, at + 1) }
            at += 1
        }
        return (begin..<end, end)
    }

    /// - Parameter level: of the quotes to put around the marker; `nil`: the quotes are there.
    private func quoted(_ marker: [UInt8], level: Int?) -> [UInt8] {
        guard let level else { return marker }
        let backslashes = JSONQuote.backslashes(ofLevel: level)
        let quote = [UInt8](repeating: 0x5C, count: backslashes) + [UInt8(ascii: "\"")]
        return quote + marker + quote
    }

    /// The bytes of the number that `at` is in, as far as they are in `range`.
    private func number(around at: Int, of range: Range<Int>, in raw: UnsafeRawBufferPointer) -> Range<Int> {
        var begin = at
        while begin > range.lowerBound, ASCII.isOfNumber(raw[begin - 1]) { begin -= 1 }
        var end = at + 1
        while end < range.upperBound, ASCII.isOfNumber(raw[end]) { end += 1 }
        return begin..<end
    }
}
