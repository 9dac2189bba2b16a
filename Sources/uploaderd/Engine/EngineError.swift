import Shared

/// What can go wrong where the rooms are joined.
package struct EngineError: HintedError, Sendable {
    package enum Code: String, Sendable {
        /// A source changed under our hands; beginning again at the cursor is right.
        case sourceChanged
        /// Rows or objects contradict each other.
        case inconsistent
        /// A destination that is needed could not be read.
        case unreachable
        /// Whether the session may be taken is not known yet: its lines may say it.
        case undecided
        /// The engine ends.
        case ending
    }

    package var code: Code
    package var message: String
    package var hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package var description: String { message }
}
