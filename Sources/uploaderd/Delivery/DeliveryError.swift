import Shared

/// Why something could not be put into or read from a destination, and above all: will it help to try again?
package struct DeliveryError: HintedError, Sendable {
    package enum Code: String, Sendable {
        /// The far end, the network or the disk may be well again later.
        case transient
        /// The credentials are refused: hold the destination and probe.
        case authentication
        /// This object will never be taken: quarantine it.
        case permanent
        /// Another object, or another writer, is where ours should be.
        case conflict
        case notFound
        /// The destination as a whole cannot be used as it is configured: hold it and say so.
        case unusable
    }

    package var code: Code
    package var message: String
    package var hint: String?
    /// What the far end asked for (Retry-After), or how often it does no harm to look.
    package var retryAfter: Duration?
    /// The far end has too much to do, or did not answer in time: fewer requests at once may do better.
    package var isPushback: Bool

    package init(
        _ code: Code, _ message: String, hint: String? = nil, retryAfter: Duration? = nil, isPushback: Bool = false
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.retryAfter = retryAfter
        self.isPushback = isPushback
    }

    package var isTransient: Bool { code == .transient }
    /// It waits for other credentials.
    package var isOfCredentials: Bool { code == .authentication }
    /// Only this object, or this session, cannot go there as it is: everything else goes on.
    package var isOfOneSession: Bool { code == .conflict || code == .permanent }
    package var description: String { message }
}
