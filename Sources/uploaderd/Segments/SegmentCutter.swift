package import Shared

/// What to do with a line, or when a deadline comes; performed in order.
package enum CutAction: Hashable, Sendable {
    case append
    case seal(CutReason)
}

/// At most a seal, the line, and another seal: a sequence that costs no allocation, since there is one for every line.
package struct CutActions: Sequence, Hashable, Sendable {
    /// What was open is sealed before the line.
    package var before: CutReason?
    /// The segment that the line went into is sealed behind it.
    package var after: CutReason?

    package struct Iterator: IteratorProtocol {
        fileprivate let actions: CutActions
        fileprivate var step = 0

        package mutating func next() -> CutAction? {
            while step < 3 {
                step += 1
                switch step {
                case 1: if let reason = actions.before { return .seal(reason) }
                case 2: return .append
                default: if let reason = actions.after { return .seal(reason) }
                }
            }
            return nil
        }
    }

    package func makeIterator() -> Iterator { Iterator(actions: self) }
}

/// Decides when a segment is sealed. Pure: it is told of lines and of the time, and returns what to do.
///
///     sealed before a line   that would make it longer than `maxBytes`, or that comes at or after its deadline
///     sealed behind a line   that fills `maxBytes` or `maxLines`, that is a checkpoint, or that ends the session
///     sealed at its deadline `maxAge` after its first line or `quiet` after its last, whichever is earlier
///     sealed on request      truncation, flush, shutdown, the end; and before a line that is streamed on its own
///
/// So a segment is longer than `maxBytes` only if it is one line.
package struct SegmentCutter: Sendable {
    private let limits: SegmentLimits
    private var bytes = 0
    private var lines = 0
    private var first = Instant(nanoseconds: 0)
    private var last = Instant(nanoseconds: 0)

    package init(limits: SegmentLimits) { self.limits = limits }

    /// Something was appended and not sealed.
    package var isOpen: Bool { lines > 0 }

    /// When `tick` will seal; `nil` when nothing is open.
    package var deadline: Instant? { isOpen ? min(first + limits.maxAge, last + limits.quiet) : nil }

    /// - Parameter bytes: of the line as it is stored, with its end.
    package mutating func line(bytes length: Int, kind: LineKind, at now: Instant) -> CutActions {
        var actions = CutActions()
        if case .seal(let reason)? = tick(at: now) {
            actions.before = reason
        } else if isOpen, bytes + length > limits.maxBytes {
            actions.before = close(.bytes)
        }
        if !isOpen { first = now }
        last = now
        bytes += length
        lines += 1
        switch kind {
        case .checkpoint: actions.after = close(.checkpoint)
        case .end: actions.after = close(.end)
        case .plain:
            if lines >= limits.maxLines {
                actions.after = close(.lines)
            } else if bytes >= limits.maxBytes {
                actions.after = close(.bytes)
            }
        }
        return actions
    }

    /// - Returns: `nil` before the deadline, and when nothing is open.
    package mutating func tick(at now: Instant) -> CutAction? {
        guard let deadline, now >= deadline else { return nil }
        return .seal(close(first + limits.maxAge <= last + limits.quiet ? .age : .quiet))
    }

    /// Something outside decides: seal what is open, for this reason.
    package mutating func end(_ reason: CutReason) -> CutAction? {
        isOpen ? .seal(close(reason)) : nil
    }

    private mutating func close(_ reason: CutReason) -> CutReason {
        bytes = 0
        lines = 0
        return reason
    }
}
