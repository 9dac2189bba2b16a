private import Glibc

/// One search at a time: where the secrets of a line are. Holds the memory that this takes.
final class LineSearch {
    let set: RuleSet
    private let database: RuleDatabase
    let finders: RuleFinders
    private let scratch: RuleDatabase.Scratch
    let workspace: SpanFinder.Workspace
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Of each rule, during a look; as at the beginning between two.
    private let progress: UnsafeMutableBufferPointer<Progress>

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
        progress = .allocate(capacity: set.rules.count)
        progress.initialize(repeating: Progress())
    }

    deinit {
        memory.deallocate()
        progress.deallocate()
    }

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
            } else if !addSecrets(hit, text, raw, &map, &spans) {
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
        _ hit: RuleHits.Hit, _ text: UnsafeBufferPointer<UInt8>, _ raw: UnsafeRawBufferPointer,
        _ map: inout EscapedText, _ spans: inout [RawSpan]
    ) -> Bool {
        let number = Int(hit.number)
        let rule = finders.rules[number]
        guard let base = text.baseAddress, rule.keywords.isEmpty || hasKeyword(number, text) else { return true }
        let plausibility = Plausibility(text: text)
        // Matches of a rule go forward: what an earlier hit's search has passed need not be passed again.
        var at = max(progress[number].passed, hit.firstEnd - database.widths[number])
        while at <= hit.lastEnd {
            switch rule.finder.match(in: base, text.count, beginningIn: at...hit.lastEnd, workspace) {
            case .none: at = hit.lastEnd + 1
            case .failed: return false
            case .match(let match):
                let secret = range(of: match.secret, rule.extent, text, raw, &map)
                if let secret, let next = AssignedValue.changed(behind: secret, in: text, of: raw, &map),
                    plausibility.isSecret(next, by: rule), !isAllowed(next, base)
                {
                    spans.append(RawSpan(range: map.raw(of: next), rule: number))
                }
                if let secret, plausibility.isSecret(secret, by: rule), !isAllowed(secret, base),
                    !plausibility.isInMarker(match.whole.lowerBound)
                {
                    spans.append(RawSpan(range: map.raw(of: secret), rule: number))
                    // What ended one may begin the next.
                    at = max(secret.upperBound, match.whole.lowerBound + 1)
                } else {
                    // What is none may have one in it.
                    at = match.whole.lowerBound + 1
                }
            }
        }
        progress[number].passed = at
        return true
    }

    /// How far the secret goes that begins with `found`.
    private func range(
        of found: Range<Int>, _ extent: RedactionRule.Extent, _ text: UnsafeBufferPointer<UInt8>,
        _ raw: UnsafeRawBufferPointer, _ map: inout EscapedText
    ) -> Range<Int>? {
        switch extent {
        case .matched: found
        case .assigned, .behindUser:
            AssignedValue(from: found.lowerBound, in: text, of: raw).range(extent, &map)
        case .lines: PrefixedKey(label: found, in: text).range
        case .linesBefore: PrefixedKey(label: found, in: text).rangeBefore
        }
    }

    /// Whether the text has a keyword of the rule, or it needs none.
    func hasKeyword(_ number: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let keywords = finders.rules[number].keywords
        if keywords.isEmpty { return true }
        if let known = progress[number].hasKeyword { return known }
        let isThere = Plausibility(text: text).hasOne(of: keywords)
        progress[number].hasKeyword = isThere
        return isThere
    }

    func isAllowed(_ secret: Range<Int>, _ base: UnsafePointer<UInt8>) -> Bool {
        for finder in finders.allowed {
            let outcome = finder.match(in: base + secret.lowerBound, secret.count, beginningIn: 0...0, workspace)
            if case .match(let match) = outcome, match.whole == 0..<secret.count { return true }
        }
        return false
    }
}
