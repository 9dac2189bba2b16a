package import Digests
package import Shared

/// Why a line is kept back, in the line that stands for it.
package enum WithheldReason: String, Sendable, CaseIterable {
    /// Longer than `segments.max_line`.
    case tooLong = "too_long"
    /// The rules could not be applied to it.
    case redactionFailed = "redaction_failed"
}

/// The only way from a raw line to one that may leave the machine.
///
/// Below this line of the picture no code takes a `RawLine`, and nobody else can make a `RedactedLine` or a
/// `RedactedPiece`: their initialisers are `fileprivate` to this file. What the rules cannot be applied to is replaced by
///
///     {"type":"uploaderd.withheld","bytes":1048577,"reason":"too_long"}
///
/// and `"\n"` where the line has its end, with the size of the source line, terminator included: line numbers hold,
/// nothing leaks.
package final class Redactor: Sendable {
    private let applied: RedactionRules

    package init(rules: RedactionRules) { applied = rules }

    /// The digest of the rules, or `none`.
    package var rules: String { applied.digest }

    /// Gives `body` the line as it may be stored; valid only during the call.
    ///
    /// - Parameter longest: in bytes, with the line's end; a longer line is withheld.
    package func redact<Result: ~Copyable, Failure: Error>(
        _ raw: RawLine, longest: Int64 = .max, _ body: (borrowing RedactedLine) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard Int64(raw.bytes.count) <= longest else { return try withhold(raw, .tooLong, body) }
        guard !applied.isNone else { return try body(RedactedLine(verbatim: raw)) }
        let content = LineRedaction.content(of: raw.bytes)
        switch LineRedaction.of(content, by: applied) {
        case .same: return try body(RedactedLine(verbatim: raw))
        case .failed: return try withhold(raw, .redactionFailed, body)
        case .changed(var bytes, let redactions):
            bytes.append(contentsOf: raw.bytes[content.count...])
            return try withBytes(of: bytes) { bytes throws(Failure) in
                try body(RedactedLine(replacing: raw, with: bytes, redactions: redactions))
            }
        }
    }

    /// What would be removed from a line, in order: for somebody who asks before anything is sent.
    ///
    /// - Returns: `nil` when the rules could not be applied to it.
    package func findings(in raw: RawLine) -> [Finding]? {
        guard !applied.isNone else { return [] }
        switch applied.withSearch({ $0.look(at: LineRedaction.content(of: raw.bytes)) }) ?? .failed {
        case .clean: return []
        case .failed: return nil
        case .secrets(let spans):
            return spans.map { Finding(range: $0.range, rule: applied.id(of: $0), type: applied.type(of: $0)) }
        }
    }

    /// A secret in a line.
    package struct Finding: Hashable, Sendable {
        /// Of the line's bytes.
        package let range: Range<Int>
        /// The id of the rule that names it.
        package let rule: String
        /// As it stands in the marker.
        package let type: String
    }

    /// Gives `body` the line that stands for `raw`.
    package func withhold<Result: ~Copyable, Failure: Error>(
        _ raw: RawLine, _ reason: WithheldReason, _ body: (borrowing RedactedLine) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let notice = Redactor.notice(bytes: Int64(raw.bytes.count), reason, terminated: raw.terminated)
        return try withBytes(of: notice) { bytes throws(Failure) in
            try body(RedactedLine(standingFor: raw, bytes: bytes, reason: reason))
        }
    }

    /// Begins a line that is too long to be held in memory.
    package func beginLong(offset: Int64) -> LongLineRedactor { LongLineRedactor(offset: offset, rules: applied) }

    fileprivate static func notice(bytes: Int64, _ reason: WithheldReason, terminated: Bool) -> [UInt8] {
        let end = terminated ? "\n" : ""
        let text = "{\"type\":\"uploaderd.withheld\",\"bytes\":\(bytes),\"reason\":\"\(reason.rawValue)\"}"
        return Array((text + end).utf8)
    }
}

/// A line that may leave the machine. Only `Redactor` makes one; it cannot be copied, so it cannot outlive its bytes.
package struct RedactedLine: ~Copyable {
    private enum Source {
        case same
        case bytes(UnsafeRawBufferPointer)
        case digested(RunningDigest)
    }

    /// What is stored, with its `"\n"` if it has one.
    package let bytes: UnsafeRawBufferPointer
    package let sourceOffset: Int64
    package let sourceBytes: Int64
    /// What was replaced in it, by type; empty for most lines.
    package let redactions: [String: Int]
    /// Not `nil`: the line stands for one that was kept back.
    package let withheld: WithheldReason?
    private let source: Source

    fileprivate init(verbatim raw: RawLine) {
        bytes = raw.bytes
        sourceOffset = raw.offset
        sourceBytes = Int64(raw.bytes.count)
        redactions = [:]
        withheld = nil
        source = .same
    }

    fileprivate init(replacing raw: RawLine, with bytes: UnsafeRawBufferPointer, redactions: [String: Int]) {
        self.bytes = bytes
        sourceOffset = raw.offset
        sourceBytes = Int64(raw.bytes.count)
        self.redactions = redactions
        withheld = nil
        source = .bytes(raw.bytes)
    }

    fileprivate init(standingFor raw: RawLine, bytes: UnsafeRawBufferPointer, reason: WithheldReason) {
        self.bytes = bytes
        sourceOffset = raw.offset
        sourceBytes = Int64(raw.bytes.count)
        redactions = [:]
        withheld = reason
        source = .bytes(raw.bytes)
    }

    fileprivate init(
        standingFor digest: RunningDigest, offset: Int64, length: Int64, bytes: UnsafeRawBufferPointer,
        reason: WithheldReason
    ) {
        self.bytes = bytes
        sourceOffset = offset
        sourceBytes = length
        redactions = [:]
        withheld = reason
        source = .digested(digest)
    }

    /// The stored bytes are the source's.
    package var isVerbatim: Bool {
        if case .same = source { true } else { false }
    }

    /// The source is gone from memory and known by its digest only: the line must be a segment of its own.
    package var standsAlone: Bool {
        if case .digested = source { true } else { false }
    }

    /// Adds the line's source bytes to `digest`, without showing them.
    ///
    /// A line that stands alone replaces `digest`, which must be a fresh one.
    package borrowing func digestSource(into digest: inout RunningDigest) {
        switch source {
        case .same: digest.update(bytes)
        case .bytes(let raw): digest.update(raw)
        case .digested(let whole):
            precondition(digest.count == 0, "a line known by its digest begins a segment")
            digest = whole
        }
    }
}

/// Some bytes of a long line, as they may be stored; valid only during the call that they are given to.
package struct RedactedPiece: ~Copyable {
    package let bytes: UnsafeRawBufferPointer

    fileprivate init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}

/// What is known of a long line's source when all its pieces have passed.
package struct LongLineSource: Sendable {
    package let offset: Int64
    package let bytes: Int64
    /// SHA-256 of the source bytes.
    package let digest: Digest256
    /// What was replaced in it, by type.
    package let redactions: [String: Int]

    fileprivate init(offset: Int64, bytes: Int64, digest: Digest256, redactions: [String: Int]) {
        self.offset = offset
        self.bytes = bytes
        self.digest = digest
        self.redactions = redactions
    }
}

/// Redacts one line that is too long to be held: raw pieces in, redacted pieces out, in order.
///
/// A piece may come out later than it went in, split or joined, because a match may span pieces; `finish` gives the rest.
package struct LongLineRedactor: ~Copyable {
    private let offset: Int64
    private var source = RunningDigest()
    /// `nil`: there are no rules, and every piece passes as it is.
    private var windows: LineWindows?

    fileprivate init(offset: Int64, rules: RedactionRules) {
        self.offset = offset
        windows = rules.isNone ? nil : LineWindows(rules: rules)
    }

    /// Source bytes that went in so far.
    package var bytes: Int64 { Int64(source.count) }

    /// The rules cannot be applied to it: what came out is not to be used, and when all has gone in the line is to be
    /// withheld.
    package var isFailed: Bool { windows?.isFailed ?? false }

    /// Gives `body` what can be stored by now: once, or not at all; the bytes are valid only during the call.
    package mutating func pass<Failure: Error>(
        _ piece: UnsafeRawBufferPointer, _ body: (borrowing RedactedPiece) throws(Failure) -> Void
    ) throws(Failure) {
        source.update(piece)
        guard let out = windows?.pass(piece) else { return try body(RedactedPiece(piece)) }
        if !out.isEmpty { try withBytes(of: out) { bytes throws(Failure) in try body(RedactedPiece(bytes)) } }
    }

    /// Only counts and digests: the line is going to be withheld.
    package mutating func skip(_ piece: UnsafeRawBufferPointer) { source.update(piece) }

    /// Gives `body` what is still held back. May fail: see `isFailed`.
    package mutating func finish<Failure: Error>(
        _ body: (borrowing RedactedPiece) throws(Failure) -> Void
    ) throws(Failure) -> LongLineSource {
        if let rest = windows?.finish(), !rest.isEmpty {
            try withBytes(of: rest) { bytes throws(Failure) in try body(RedactedPiece(bytes)) }
        }
        return LongLineSource(
            offset: offset, bytes: bytes, digest: source.digest(), redactions: windows?.redactions ?? [:])
    }

    /// Gives `body` the line that stands for all that went in. It stands alone in its segment.
    ///
    /// - Parameter terminated: whether the source line has its end.
    package consuming func withhold<Result: ~Copyable, Failure: Error>(
        _ reason: WithheldReason, terminated: Bool = true,
        _ body: (borrowing RedactedLine) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let notice = Redactor.notice(bytes: bytes, reason, terminated: terminated)
        let source = source
        let offset = offset
        let length = bytes
        return try withBytes(of: notice) { bytes throws(Failure) in
            try body(RedactedLine(standingFor: source, offset: offset, length: length, bytes: bytes, reason: reason))
        }
    }
}

/// `withUnsafeBytes` with a typed error and a result that need not be copyable.
private func withBytes<Result: ~Copyable, Failure: Error>(
    of array: [UInt8], _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
    try array.span.withUnsafeBytes(body)
}
