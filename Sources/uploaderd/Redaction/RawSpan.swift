/// Bytes of a raw line that are a secret.
struct RawSpan {
    var range: Range<Int>
    /// The place of the rule in its set; behind all of them for a field that is sensitive by its name.
    var rule: Int
    /// What the marker needs around it, because the value had none: the level of the quotes.
    var missingQuotes: Int?
    /// A string that does not end in what was looked at.
    var isOpen = false

    /// In order, without overlaps: where several found the same bytes, the first rule names them.
    static func joined(_ spans: [RawSpan]) -> [RawSpan] {
        var all: [RawSpan] = []
        for span in spans.sorted(by: { ($0.range.lowerBound, $0.rule) < ($1.range.lowerBound, $1.rule) }) {
            guard let last = all.last, span.range.lowerBound < last.range.upperBound else {
                all.append(span)
                continue
            }
            let end = max(last.range.upperBound, span.range.upperBound)
            all[all.count - 1] = RawSpan(
                range: last.range.lowerBound..<end, rule: min(last.rule, span.rule),
                missingQuotes: last.range == span.range ? last.missingQuotes ?? span.missingQuotes : last.missingQuotes,
                isOpen: last.isOpen || span.isOpen)
        }
        return all
    }
}
