package import Shared

/// What a file is at one moment, seen through its open descriptor and through its path.
package struct SourceObservation: Hashable, Sendable {
    /// What the path leads to now.
    package enum Place: Hashable, Sendable {
        /// The open file.
        case same
        /// Another file; this one was renamed, unlinked or swapped.
        case replaced
        case gone
    }

    /// In bytes.
    package var size: Int64
    /// Nanoseconds since 1970.
    package var modified: Int64
    /// Names that the open file has; 0 when it is unlinked.
    package var links: Int
    package var identity: FileIdentity
    package var place: Place

    package init(size: Int64, modified: Int64, links: Int, identity: FileIdentity, place: Place) {
        self.size = size
        self.modified = modified
        self.links = links
        self.identity = identity
        self.place = place
    }
}

/// Whether a file's bytes are those that a mark was made of.
package enum MarkMatch: Hashable, Sendable {
    case matches
    case differs
    /// No mark was made.
    case unknown
}

/// Decides how a source goes on. Pure: no file, no clock.
package enum TailPolicy {
    package enum NewGeneration: String, Hashable, Sendable {
        /// The file is shorter than what was taken of it.
        case truncated
        /// It begins with other bytes.
        case replaced
        /// It begins the same, but the bytes before the cursor, or of the unterminated line that was taken behind it, are others.
        case rewritten
    }

    package enum Start: Hashable, Sendable {
        /// Nothing of this stream was ever taken: generation 1, from 0.
        case start
        /// The same generation goes on at the cursor; there are bytes to read.
        case resume
        /// The same generation, and nothing to read.
        case idle
        /// The bytes are not those that were taken: the next generation, from 0. Nothing that was taken changes.
        case newGeneration(NewGeneration)
        /// The cursor has no marks (it was rebuilt from a manifest): the caller compares the bytes that the segments
        /// name by their digests, and makes the marks anew.
        case verify
    }

    /// How to go on with a source that is opened, or whose bytes at the cursor have to be looked at again.
    package static func start(
        _ cursor: StreamCursor?, size: Int64, head: MarkMatch, tail: MarkMatch
    ) -> Start {
        guard let cursor else { return .start }
        let taken = cursor.partialEnd ?? cursor.offset
        if size < taken { return .newGeneration(.truncated) }
        if head == .differs { return .newGeneration(.replaced) }
        if tail == .differs { return .newGeneration(.rewritten) }
        if cursor.offset > 0, head == .unknown || tail == .unknown { return .verify }
        return size > taken ? .resume : .idle
    }

    /// How the life of an open source goes on when all of it that there is was read.
    package enum AtEnd: Hashable, Sendable {
        /// It is where it was: wait for the next change.
        case wait
        /// It has no path any more, but a process may still write to it: look again at this time.
        case linger(until: Instant)
        /// It has another path, or none that is ours, and its last line may go on there: whoever finds it has the line.
        case search
        /// Nothing will come: seal what is open, and close it.
        case finish
    }

    /// How long a file that lost its path is kept open for a process that still has it open: a file that is never
    /// closed must not keep a disk full for ever.
    package static let lingering: Duration = .seconds(60)

    /// The same where another file has its path, of which nothing is read meanwhile. Fluent Bit's tail waits as long for a
    /// rotated file: Rotate_Wait.
    package static let lingeringBesideAnother: Duration = .seconds(5)

    /// - Parameters:
    ///   - hasWriter: `nil` when it cannot be known; then the deadline decides.
    ///   - lostSince: when its path was first seen to lead elsewhere.
    ///   - hasUntaken: it ends in a line without its end that is not taken, and was not looked for elsewhere yet.
    ///   - isFlushed: somebody waits for what is at its path now.
    package static func atEnd(
        _ place: SourceObservation.Place, links: Int, hasWriter: Bool?, lostSince: Instant?, now: Instant,
        hasUntaken: Bool = false, isFlushed: Bool = false
    ) -> AtEnd {
        if place == .same, links > 0 { return .wait }
        if links > 0, hasUntaken { return .search }
        if hasWriter == false || place == .replaced && isFlushed { return .finish }
        let deadline = (lostSince ?? now) + (place == .replaced ? lingeringBesideAnother : lingering)
        return now < deadline ? .linger(until: deadline) : .finish
    }

    /// `--once` takes the unterminated last line of a file that was quiet this long.
    package static let quietForOnce: Duration = .seconds(60)

    /// Whether the unterminated last line may be taken as it is.
    ///
    /// - Parameters:
    ///   - hasWriter: `nil` when it cannot be known: then only the other reasons count.
    ///   - quiet: how long the file was not written to.
    package static func mayTakePartialLine(
        isEnded: Bool, hasWriter: Bool?, isGone: Bool, isOnce: Bool, quiet: Duration
    ) -> Bool {
        isGone || isEnded && hasWriter == false || isOnce && quiet >= quietForOnce
    }
}
