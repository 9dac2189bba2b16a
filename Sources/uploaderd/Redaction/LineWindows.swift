/// A line that comes in pieces and is too long to be looked at whole: looked at in windows that overlap.
///
/// A window is at most what came since the last one, and before it what was held back: 128 KiB, twice what the longest match
/// takes, so that no secret lies in no window whole. What was given out last, as much as the longest match takes, stays in front of
/// it for what a rule must see before a secret.
///
///     …given out…│ context │ held back │ new          the secrets of this
///                          │ given out now │ held back
struct LineWindows {
    // In bytes.
    static let fresh = 1 << 20
    static let held = 128 << 10
    static let context = RuleCheck.mostWidth
    /// So much is held for the end of one value; a line with a longer one is withheld.
    static let most = 16 << 20

    private let rules: RedactionRules
    private var bytes: [UInt8] = []
    /// So much of `bytes` was given out.
    private var given = 0
    private var awaited = LineWindows.fresh
    private var splice = Splice()
    /// Has passed all that was given out.
    private var after = JSONSyntax()
    private(set) var isFailed = false
    private(set) var redactions: [String: Int] = [:]

    init(rules: RedactionRules) { self.rules = rules }

    /// - Returns: what can be given out by now.
    mutating func pass(_ piece: UnsafeRawBufferPointer) -> [UInt8] {
        guard !isFailed else { return [] }
        bytes.append(contentsOf: piece)
        return bytes.count - given >= awaited ? look(isEnd: false) : []
    }

    /// - Returns: the rest.
    mutating func finish() -> [UInt8] {
        guard !isFailed else { return [] }
        let rest = look(isEnd: true)
        if splice.syntax.isWhole, !after.isWhole { isFailed = true }
        return isFailed ? [] : rest
    }

    private mutating func look(isEnd: Bool) -> [UInt8] {
        var out: [UInt8] = []
        let cut = bytes.withUnsafeBytes { all -> Int? in
            let content = isEnd ? LineRedaction.content(of: all) : all
            guard let spans = spans(in: content) else { return nil }
            let cut = isEnd ? all.count : Self.cut(in: all, outside: spans)
            guard cut > given else { return given }
            let done = spans.filter { $0.range.upperBound <= cut }
            splice.copy(all, given..<cut, without: done, marker: rules.marker(of:), into: &out)
            for span in done { redactions[rules.type(of: span), default: 0] += 1 }
            return cut
        }
        guard let cut else {
            isFailed = true
            return []
        }
        out.withUnsafeBytes { after.pass($0) }
        keep(from: cut)
        return out
    }

    /// - Returns: those behind what was given out; `nil` when a limit was met.
    private func spans(in content: UnsafeRawBufferPointer) -> [RawSpan]? {
        switch rules.withSearch({ $0.look(at: content) }) ?? .failed {
        case .clean: return []
        case .failed: return nil
        case .secrets(let found):
            return found.compactMap { span in
                guard span.range.upperBound > given else { return nil }
                var behind = span
                behind.range = max(given, span.range.lowerBound)..<span.range.upperBound
                return behind
            }
        }
    }

    /// Where what can be given out ends: before what is held back, in no secret and in no escape.
    private static func cut(in all: UnsafeRawBufferPointer, outside spans: [RawSpan]) -> Int {
        var cut = all.count - held
        while true {
            let before = cut
            for span in spans where span.range.lowerBound < cut && cut < max(span.range.upperBound, span.reach) {
                cut = span.range.lowerBound
            }
            cut = beginOfNumber(before: beginOfEscape(before: cut, in: all), in: all)
            if cut == before { return cut }
        }
    }

    private static func beginOfEscape(before cut: Int, in all: UnsafeRawBufferPointer) -> Int {
        // It has at most five bytes behind its backslashes.
        var at = cut
        while at > 0, at > cut - 5, all[at - 1] != 0x5C { at -= 1 }
        guard at > 0, all[at - 1] == 0x5C else { return cut }
        while at > 0, all[at - 1] == 0x5C { at -= 1 }
        return at
    }

    /// Numbers are replaced whole. What is longer than any is digits in a string, or makes the line withheld.
    private static func beginOfNumber(before cut: Int, in all: UnsafeRawBufferPointer) -> Int {
        var at = cut
        while at > 0, cut - at <= 64, ASCII.isOfNumber(all[at - 1]) { at -= 1 }
        return cut - at <= 64 ? at : cut
    }

    private mutating func keep(from cut: Int) {
        var first = max(0, cut - Self.context)
        // In no escape either: its backslashes say of which level a quote is.
        while first > 0, first < cut, bytes[first - 1] == 0x5C { first += 1 }
        let moved = cut > given
        bytes.removeFirst(first)
        given = cut - first
        // Something long is open: the next look comes when there is twice as much.
        awaited = moved ? Self.fresh : (bytes.count - given) * 2
        if awaited > Self.most { isFailed = true }
    }
}
