/// Bytes of a raw line that are a secret.
struct RawSpan {
    var range: Range<Int>
    /// The place of the rule in its set; behind all of them for a field that is sensitive by its name.
    var rule: Int
    /// What the marker needs around it, because the value had none: the level of the quotes.
    var missingQuotes: Int?
    /// To be found it must be looked at up to here: the end of the list that it is in; `.max`: that end was not there.
    var reach = 0

    /// In order, without overlaps: where several found the same bytes, the first rule names them.
    static func joined(_ spans: [RawSpan]) -> [RawSpan] {
        var all: [RawSpan] = []
        for span in spans.sorted(by: { ($0.range.lowerBound, $0.rule) < ($1.range.lowerBound, $1.rule) }) {
            guard let last = all.last, span.range.lowerBound < last.range.upperBound else {
                all.append(span)
                continue
            }
            let end = max(last.range.upperBound, span.range.upperBound)
            let range = last.range.lowerBound..<end
            // Only of a number that is removed as a whole and no further.
            let quotes = [last, span].lazy.filter { $0.range == range }.compactMap(\.missingQuotes).first
            all[all.count - 1] = RawSpan(
                range: range, rule: min(last.rule, span.rule), missingQuotes: quotes,
                reach: max(last.reach, span.reach))
        }
        return all
    }
}
