/// Fields that are sensitive by their names, and those that a rule is about.
extension LineSearch {
    /// What is secret in the values of a field; `hit` ends with its name's quote. `values` is for its own use.
    func addFields(
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
        let kind = RuleDatabase.fieldKind(hit.number, endingAt: end, in: text)
        guard hit.number < RuleDatabase.fieldNumber || kind != nil else { return }
        let quote = map.raw(of: end - 1..<end)
        let begin = map.raw(of: at..<at + 1).lowerBound
        let fields = FieldValues(raw: raw)
        if raw[quote.upperBound - 1] == UInt8(ascii: "\"") {
            fields.values(from: begin, level: JSONQuote.level(behind: quote.count - 1), into: &values)
        } else {
            values = [fields.value(from: begin, quotedBy: quote)].compactMap { $0 }
        }
        if let kind {
            for value in values where !value.range.isEmpty && isSecret(value, kind, nameEnd: end, text, raw) {
                spans.append(span(value, set.rules.count))
            }
        } else if hasKeyword(Int(hit.number), text) {
            for value in values where !value.range.isEmpty && !value.isOfOtherName {
                spans += secrets(of: Int(hit.number), in: value, raw)
            }
        }
    }

    private func span(_ value: FieldValues.Value, _ rule: Int) -> RawSpan {
        RawSpan(range: value.range, rule: rule, missingQuotes: value.missingQuotes, reach: value.reach)
    }

    private func isSecret(
        _ value: FieldValues.Value, _ kind: FieldKind, nameEnd: Int, _ text: UnsafeBufferPointer<UInt8>,
        _ raw: UnsafeRawBufferPointer
    ) -> Bool {
        let kind = value.isOfOtherName ? .common : kind
        let isNumber = value.missingQuotes != nil
        let isLikely =
            raw[value.range].withContiguousStorageIfAvailable { bytes in
                // By its looks only what is meant can be judged.
                guard kind.isOfLooks, bytes.contains(0x5C) else {
                    return kind.isSecret(bytes, isNumber: isNumber) { isOfUser(nameEnd, text) }
                }
                return withText(of: value, raw) { base, count, _ in
                    kind.isSecret(UnsafeBufferPointer(start: base, count: count), isNumber: isNumber) {
                        isOfUser(nameEnd, text)
                    }
                }
            } ?? true
        if !isLikely || finders.allowed.isEmpty { return isLikely }
        return withText(of: value, raw) { base, count, _ in !isAllowed(0..<count, base) }
    }

    /// Whether a field that names a user stands shortly before the one whose name ends before `end`.
    private func isOfUser(_ end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let before = UnsafeBufferPointer(rebasing: text[max(0, end - 96)..<end])
        return ["user\"", "username\"", "login\"", "email\"", "account\""].contains {
            Plausibility.contains(before, $0)
        }
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
