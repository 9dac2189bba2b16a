/// What a line without its end becomes.
enum LineRedaction {
    case same
    case changed([UInt8], redactions: [String: Int])
    case failed

    /// - Parameter raw: without its end.
    static func of(_ raw: UnsafeRawBufferPointer, by rules: RedactionRules) -> LineRedaction {
        let outcome = rules.withSearch { $0.look(at: raw) } ?? .failed
        switch outcome {
        case .clean: return .same
        case .failed: return .failed
        case .secrets(let spans):
            var splice = Splice()
            var out: [UInt8] = []
            out.reserveCapacity(raw.count + 64)
            splice.copy(raw, 0..<raw.count, without: spans, marker: rules.marker(of:), into: &out)
            // By the way that secrets are cut out this cannot happen; a reader of the store need not believe that.
            if splice.syntax.isWhole, !out.withUnsafeBytes({ JSONSyntax.isValid($0) }) { return .failed }
            var redactions: [String: Int] = [:]
            for span in spans { redactions[rules.type(of: span), default: 0] += 1 }
            return .changed(out, redactions: redactions)
        }
    }

    /// `raw` without `\n` or `\r\n` at its end.
    static func content(of raw: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = raw.count
        if end > 0, raw[end - 1] == 0x0A { end -= 1 }
        if end > 0, end < raw.count, raw[end - 1] == 0x0D { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: raw[..<end])
    }
}
