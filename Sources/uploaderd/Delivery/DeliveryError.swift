import Shared

/// Why something could not be put into or read from a destination, and above all: will it help to try again?
package struct DeliveryError: HintedError, Sendable {
    package enum Code: String, Sendable {
        /// The far end, the network or the disk may be well again later.
        case transient
        /// The credentials are refused: hold the destination and probe.
        case authentication
        /// It says no, to this object or to whoever asks: tried again after a while, everything else goes on.
        case permanent
        /// It names this object as one that it cannot take, for its size or its name: put aside, and tried again when somebody says so.
        case unacceptable
        /// Another object, or another writer, is where ours should be.
        case conflict
        case notFound
        /// What is there is not what was put, whoever reads it.
        case damaged
        /// The destination as a whole cannot be used as it is configured: hold it and say so.
        case unusable
    }

    package var code: Code
    package var message: String
    package var hint: String?
    /// What the far end asked for (Retry-After), or how often it does no harm to look.
    package var retryAfter: Duration?
    /// Of a `LineSink`: what it was given comes behind these, and it has not got them.
    package var missingLines: ClosedRange<Int>?
    /// The far end has too much to do, or did not answer in time: fewer requests at once may do better.
    package var isPushback: Bool
    /// Nothing of it was there to be asked: no address, nobody who listens, no way.
    package var isOutOfReach: Bool

    package init(
        _ code: Code, _ message: String, hint: String? = nil, retryAfter: Duration? = nil,
        missingLines: ClosedRange<Int>? = nil, isPushback: Bool = false, isOutOfReach: Bool = false
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.retryAfter = retryAfter
        self.missingLines = missingLines
        self.isPushback = isPushback
        self.isOutOfReach = isOutOfReach
    }

    package var isTransient: Bool { code == .transient }
    /// It waits for other credentials.
    package var isOfCredentials: Bool { code == .authentication }
    /// Only this object, or this session, cannot go there as it is: everything else goes on.
    package var isOfOneSession: Bool { [.conflict, .permanent, .unacceptable, .damaged].contains(code) }
    package var description: String { message }
}
