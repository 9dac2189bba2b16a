private import Glibc

/// One search at a time: where the secrets of a line are. Holds the memory that this takes.
final class LineSearch {
    private let set: RuleSet
    private let database: RuleDatabase
    private let finders: RuleFinders
    private let scratch: RuleDatabase.Scratch
    private let workspace: SpanFinder.Workspace
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    init(_ set: RuleSet, _ database: RuleDatabase, _ finders: RuleFinders) throws(RedactionError) {
        self.set = set
        self.database = database
        self.finders = finders
        scratch = try database.makeScratch()
        workspace = try SpanFinder.Workspace()
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
                isEscaped: false)
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
        let count = EscapedText.write(raw, into: text)
        return look(at: UnsafeBufferPointer(start: text, count: count), of: raw, isEscaped: true)
    }

    private func look(
        at text: UnsafeBufferPointer<UInt8>, of raw: UnsafeRawBufferPointer, isEscaped: Bool
    ) -> Outcome {
        guard let base = text.baseAddress, text.count > 0 else { return .clean }
        guard database.scan(base, text.count, scratch) else { return .failed }
        if scratch.hits.isEmpty { return .clean }
        // Only now: where each byte of the text came from.
        let map = isEscaped ? EscapedText(of: raw, into: UnsafeMutablePointer(mutating: base)) : EscapedText()
        var spans: [RawSpan] = []
        // Matches of a rule go forward; the same one is not found again from its next end.
        var passed = [Int](repeating: 0, count: set.rules.count)
        for hit in scratch.hits {
            if hit.number == RuleDatabase.fieldNumber {
                spans += fieldValues(before: hit.firstEnd, text, raw, map)
                continue
            }
            let rule = Int(hit.number)
            guard let found = secrets(of: rule, hit, text, &passed[rule]) else { return .failed }
            spans += found.map { RawSpan(range: map.raw(of: $0), rule: rule) }
        }
        spans.removeAll { $0.range.isEmpty }
        return spans.isEmpty ? .clean : .secrets(RawSpan.joined(spans))
    }

    /// - Returns: `nil` when a limit was met.
    private func secrets(
        of number: Int, _ hit: RuleDatabase.Hit, _ text: UnsafeBufferPointer<UInt8>, _ passed: inout Int
    ) -> [Range<Int>]? {
        guard let base = text.baseAddress else { return [] }
        let rule = finders.rules[number]
        let plausibility = Plausibility(text: text)
        guard rule.keywords.isEmpty || plausibility.hasOne(of: rule.keywords) else { return [] }
        var found: [Range<Int>] = []
        var at = max(passed, hit.firstEnd - database.widths[number])
        while at <= hit.lastEnd {
            switch rule.finder.match(in: base, text.count, beginningIn: at...hit.lastEnd, workspace) {
            case .none: at = hit.lastEnd + 1
            case .failed: return nil
            case .match(let match):
                if plausibility.isSecret(match.secret, by: rule), !isAllowed(match.secret, base) {
                    found.append(match.secret)
                    // What ended one may begin the next.
                    at = max(match.secret.upperBound, match.whole.lowerBound + 1)
                } else {
                    // What is none may have one in it.
                    at = match.whole.lowerBound + 1
                }
                passed = at
            }
        }
        return found
    }

    private func isAllowed(_ secret: Range<Int>, _ base: UnsafePointer<UInt8>) -> Bool {
        for finder in finders.allowed {
            let outcome = finder.match(in: base + secret.lowerBound, secret.count, beginningIn: 0...0, workspace)
            if case .match(let match) = outcome, match.whole == 0..<secret.count { return true }
        }
        return false
    }

    // MARK: Fields

    private func fieldValues(
        before end: Int, _ text: UnsafeBufferPointer<UInt8>, _ raw: UnsafeRawBufferPointer, _ map: EscapedText
    ) -> [RawSpan] {
        // The text is `"name" :`.
        guard let close = text[..<(end - 1)].lastIndex(of: UInt8(ascii: "\"")),
            let open = text[..<close].lastIndex(of: UInt8(ascii: "\""))
        else { return [] }
        let name = text[(open + 1)..<close]
        let quote = map.raw(of: close..<close + 1)
        // One that is written \u0022 says nothing of its level.
        guard raw[quote.upperBound - 1] == UInt8(ascii: "\"") else { return [] }
        let level = JSONStructure.level(ofQuoteBehind: quote.count - 1)
        let colon = map.raw(of: (end - 1)..<end).lowerBound
        let values = FieldValues(raw: raw).values(behind: colon, level: level)
        let folded = SensitiveFields.folded(name)
        return values.flatMap { value in
            guard !value.range.isEmpty else { return [RawSpan]() }
            if finders.fields.contains(folded), isSecret(value, ofField: folded, raw) {
                return [span(value, set.rules.count)]
            }
            for number in finders.ofFields
            where set.rules[number].field.utf8.map(ASCII.lowered) == name.map(ASCII.lowered) {
                if set.rules[number].expression.isEmpty { return [span(value, number)] }
                let found = matches(of: number, in: value.range, raw)
                if !found.isEmpty { return found }
            }
            return []
        }
    }

    private func span(_ value: FieldValues.Value, _ rule: Int) -> RawSpan {
        RawSpan(range: value.range, rule: rule, missingQuotes: value.missingQuotes, isOpen: value.isOpen)
    }

    private func isSecret(_ value: FieldValues.Value, ofField name: String, _ raw: UnsafeRawBufferPointer) -> Bool {
        raw[value.range].withContiguousStorageIfAvailable { bytes in
            if Plausibility.isPlaceholder(bytes) { return false }
            if SensitiveFields.isPassword(name) { return true }
            // Places in a list, counts and ids of tokens are short numbers.
            if value.missingQuotes != nil { return bytes.count >= 8 }
            return bytes.count >= 4
        } ?? true
    }

    /// What a rule's expression finds in the value of its field.
    private func matches(of number: Int, in value: Range<Int>, _ raw: UnsafeRawBufferPointer) -> [RawSpan] {
        let bytes = UnsafeRawBufferPointer(rebasing: raw[value])
        var text = [UInt8](repeating: 0, count: bytes.count + 8)
        let (map, count) = text.withUnsafeMutableBufferPointer { room in
            guard let base = room.baseAddress else { return (EscapedText(), 0) }
            return (EscapedText(of: bytes, into: base), EscapedText.write(bytes, into: base))
        }
        return text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return [] }
            var found: [RawSpan] = []
            var at = 0
            while at <= count {
                switch finders.rules[number].finder.match(in: base, count, beginningIn: at...count, workspace) {
                case .none: return found
                // Not known: the whole value.
                case .failed: return [RawSpan(range: value, rule: number)]
                case .match(let match):
                    let part = map.raw(of: match.secret)
                    found.append(
                        RawSpan(
                            range: part.lowerBound + value.lowerBound..<part.upperBound + value.lowerBound, rule: number
                        ))
                    at = max(match.secret.upperBound, at + 1)
                }
            }
            return found
        }
    }
}
