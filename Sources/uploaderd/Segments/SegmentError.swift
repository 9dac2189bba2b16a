import Shared

/// What can go wrong with a segment's bytes.
package struct SegmentError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The bytes are not what was stored; reading them again from the same place does not help.
        case damaged
        /// The bytes could not be had; `cause` says whether to try again.
        case unreadable
        /// A format or a codec that this version does not know.
        case unsupported
        /// The compressor refused: memory.
        case compression
        /// The place that a long line is streamed to refused; `cause` is its error.
        case sink
        /// Segments that do not follow each other cannot be joined.
        case notNeighbours
        /// A spool header does not fit the room that was kept for it.
        case headerTooLarge
    }

    package var code: Code
    package var message: String
    package var hint: String?
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    package var description: String { cause.map { "\(message): \($0)" } ?? message }

    /// `name` is not what it should be from `offset` on.
    static func damaged(_ name: String, at offset: Int64, _ why: String) -> SegmentError {
        SegmentError(.damaged, "\(name) is damaged at byte \(offset): \(why)")
    }

    /// - Parameter cause: what reading it has thrown.
    static func notRead(_ name: String, at offset: Int64, _ cause: any Error) -> SegmentError {
        if let damage = cause as? DamagedBytes { return damaged(name, at: offset, damage.description) }
        return SegmentError(.unreadable, "could not read \(name) at byte \(offset)", cause: cause)
    }
}
