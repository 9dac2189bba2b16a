private import Glibc

/// One search at a time: where the secrets of a line are. Holds the memory that this takes.
final class LineSearch {
    private let set: RuleSet
    private let database: RuleDatabase
    private let finders: RuleFinders
    private let scratch: RuleDatabase.Scratch
    private let workspace: SpanFinder.Workspace
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Of each rule, during a look; as at the beginning between two.
    private var progress: [Progress]

    /// How far a rule is in a text.
    private struct Progress {
        /// No match that begins before it is looked for any more.
        var passed = 0
        /// `nil`: nobody has asked for its keywords.
        var hasKeyword: Bool?
    }

    init(_ set: RuleSet, _ database: RuleDatabase, _ finders: RuleFinders) throws(RedactionError) {
        self.set = set
        self.database = database
        self.finders = finders
        scratch = try database.makeScratch()
        workspace = try SpanFinder.Workspace()
        progress = [Progress](repeating: Progress(), count: set.rules.count)
    }

    deinit { memory.deallocate() }

    enum Outcome {
        case clean
        /// In order, without overlaps, outside of escapes.
        case secrets([RawSpan])
        /// A limit was met: nobody knows what is in it.
        case failed
    }

    /// What is kept between lines; a longer line's memory is given back.
    private static let keptMemory = 1 << 20

    /// - Parameter raw: a line without its end, or a part of one.
    func look(at raw: UnsafeRawBufferPointer) -> Outcome {
        guard let base = raw.baseAddress, !raw.isEmpty else { return .clean }
        guard memchr(base, 0x5C, raw.count) != nil else {
            return look(
                at: UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: raw.count), of: raw,
                escapes: nil)
        }
        if memory.count < raw.count + 8 {
            memory.deallocate()
            memory = .allocate(byteCount: max(raw.count + 8, 64 << 10), alignment: 64)
        }
        defer {
            if memory.count > Self.keptMemory {
                memory.deallocate()
                memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            }
        }
        guard let text = memory.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return .failed }
        let (count, escapes) = EscapedText.write(raw, into: text)
        return look(at: UnsafeBufferPointer(start: text, count: count), of: raw, escapes: escapes)
    }

    /// - Parameter escapes: how many the raw bytes have; `nil`: they are the text.
    private func look(
        at text: UnsafeBufferPointer<UInt8>, of raw: UnsafeRawBufferPointer, escapes: Int?
    ) -> Outcome {
        guard let base = text.baseAddress, text.count > 0 else { return .clean }
        guard database.scan(base, text.count, scratch) else { return .failed }
        let hits = scratch.hits
        if hits.isEmpty { return .clean }
        // Only now: where each byte of the text came from.
        var map =
            escapes.map { EscapedText(of: raw, into: UnsafeMutablePointer(mutating: base), escapes: $0) }
            ?? EscapedText()
        defer { forgetProgress(hits) }
        var spans: [RawSpan] = []
        var values: [FieldValues.Value] = []
        for hit in hits {
            if hit.number >= RuleDatabase.fieldNumber || finders.rules[Int(hit.number)].isOfField {
                addFields(hit, text, raw, &map, &values, &spans)
            } else if !addSecrets(hit, text, &map, &spans) {
                return .failed
            }
        }
        spans.removeAll { $0.range.isEmpty }
        return spans.isEmpty ? .clean : .secrets(RawSpan.joined(spans))
    }

    private func forgetProgress(_ hits: [RuleHits.Hit]) {
        for hit in hits where hit.number < RuleDatabase.fieldNumber { progress[Int(hit.number)] = Progress() }
    }

    /// - Returns: `false` when a limit was met.
    private func addSecrets(
        _ hit: RuleHits.Hit, _ text: UnsafeBufferPointer<UInt8>, _ map: inout EscapedText, _ spans: inout [RawSpan]
    ) -> Bool {
        let number = Int(hit.number)
        guard let base = text.baseAddress, hasKeyword(number, text) else { return true }
        let rule = finders.rules[number]
        let plausibility = Plausibility(text: text)
        // Matches of a rule go forward: what an earlier hit's search has passed need not be passed again.
        var at = max(progress[number].passed, hit.firstEnd - database.widths[number])
        while at <= hit.lastEnd {
            switch rule.finder.match(in: base, text.count, beginningIn: at...hit.lastEnd, workspace) {
            case .none: at = hit.lastEnd + 1
            case .failed: return false
            case .match(let match):
                if plausibility.isSecret(match.secret, by: rule), !isAllowed(match.secret, base) {
                    spans.append(RawSpan(range: map.raw(of: match.secret), rule: number))
                    // What ended one may begin the next.
                    at = max(match.secret.upperBound, match.whole.lowerBound + 1)
                } else {
                    // What is none may have one in it.
                    at = match.whole.lowerBound + 1
                }
            }
        }
        progress[number].passed = at
        return true
    }

    /// Whether the text has a keyword of the rule, or it needs none.
    private func hasKeyword(_ number: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let keywords = finders.rules[number].keywords
        if keywords.isEmpty { return true }
        if let known = progress[number].hasKeyword { return known }
        let isThere = Plausibility(text: text).hasOne(of: keywords)
        progress[number].hasKeyword = isThere
        return isThere
    }

    private func isAllowed(_ secret: Range<Int>, _ base: UnsafePointer<UInt8>) -> Bool {
        for finder in finders.allowed {
            let outcome = finder.match(in: base + secret.lowerBound, secret.count, beginningIn: 0...0, workspace)
            if case .match(let match) = outcome, match.whole == 0..<secret.count { return true }
        }
        return false
    }

    // MARK: Fields

    /// What is secret in the values of a field; `hit` ends with its name's quote. `values` is for its own use.
    private func addFields(
        _ hit: RuleHits.Hit, _ text: UnsafeBufferPointer<UInt8>, _ raw: UnsafeRawBufferPointer,
        _ map: inout EscapedText, _ values: inout [FieldValues.Value], _ spans: inout [RawSpan]
    ) {
        let end = hit.firstEnd
        var at = end
        while at < text.count, at - end < 8, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
        guard at < text.count, text[at] == UInt8(ascii: ":") else { return }
        at += 1
        while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
        guard at < text.count else { return }
        let quote = map.raw(of: end - 1..<end)
        let begin = map.raw(of: at..<at + 1).lowerBound
        let fields = FieldValues(raw: raw)
        if raw[quote.upperBound - 1] == UInt8(ascii: "\"") {
            fields.values(from: begin, level: JSONQuote.level(behind: quote.count - 1), into: &values)
        } else {
            values = [fields.value(from: begin, quotedBy: quote)].compactMap { $0 }
        }
        for value in values where !value.range.isEmpty {
            if hit.number < RuleDatabase.fieldNumber {
                if hasKeyword(Int(hit.number), text) { spans += secrets(of: Int(hit.number), in: value, raw) }
            } else if isSecret(value, isPassword: hit.number == RuleDatabase.passwordNumber, raw) {
                spans.append(span(value, set.rules.count))
            }
        }
    }

    private func span(_ value: FieldValues.Value, _ rule: Int) -> RawSpan {
        RawSpan(range: value.range, rule: rule, missingQuotes: value.missingQuotes, reach: value.reach)
    }

    private func isSecret(_ value: FieldValues.Value, isPassword: Bool, _ raw: UnsafeRawBufferPointer) -> Bool {
        let isLikely =
            raw[value.range].withContiguousStorageIfAvailable { bytes in
                if Plausibility.isPlaceholder(bytes) { return false }
                if isPassword { return true }
                // Places in a list, counts and ids of tokens are short numbers.
                if value.missingQuotes != nil { return bytes.count >= 8 }
                return bytes.count >= 4
            } ?? true
        if !isLikely || finders.allowed.isEmpty { return isLikely }
        return withText(of: value, raw) { base, count, _ in !isAllowed(0..<count, base) }
    }

    /// What a rule finds in the value of its field.
    private func secrets(of number: Int, in value: FieldValues.Value, _ raw: UnsafeRawBufferPointer) -> [RawSpan] {
        withText(of: value, raw) { base, count, map in
            if finders.rules[number].isOfWholeField {
                return isAllowed(0..<count, base) ? [] : [span(value, number)]
            }
            var found: [RawSpan] = []
            var at = 0
            while at <= count {
                switch finders.rules[number].finder.match(in: base, count, beginningIn: at...count, workspace) {
                case .none: return found
                // Not known: the whole value.
                case .failed: return [span(value, number)]
                case .match(let match):
                    at = max(match.secret.upperBound, match.whole.lowerBound + 1)
                    if isAllowed(match.secret, base) { continue }
                    // The marker needs quotes around all of a number.
                    if value.missingQuotes != nil { return [span(value, number)] }
                    let part = map.raw(of: match.secret)
                    let begin = value.range.lowerBound
                    found.append(
                        RawSpan(
                            range: begin + part.lowerBound..<begin + part.upperBound, rule: number, reach: value.reach))
                }
            }
            return found
        }
    }

    /// Gives `body` the text of a value, its length, and where it came from in the value.
    private func withText<Result>(
        of value: FieldValues.Value, _ raw: UnsafeRawBufferPointer,
        _ body: (UnsafePointer<UInt8>, Int, inout EscapedText) -> Result
    ) -> Result {
        let bytes = UnsafeRawBufferPointer(rebasing: raw[value.range])
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 8)
        defer { text.deallocate() }
        var map = EscapedText(of: bytes, into: text)
        return body(text, EscapedText.write(bytes, into: text).count, &map)
    }
}
